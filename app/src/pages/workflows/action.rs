//! The form of one action of a workflow, by its kind.

use std::collections::BTreeMap;

use domain::{
    Problem,
    leads::LeadStatus,
    workflows::{WorkflowAction, WorkflowActionKind as Kind},
};
use leptos::prelude::*;
use service::Error;

use super::detail::SaveAction;
use crate::{
    exchange::PostForm,
    pages::leads::STATUSES,
    ui::{Card, Checkbox, Choice, FieldWidth, InputKind, Select, SubmitButton, TextArea, TextInput, refusal_of_fields},
};

/// A form with what stands in it at first.
pub(super) struct ActionForm {
    pub kind: Kind,
    /// Its place among the actions, from 0; a new one stands behind the last.
    pub place: usize,
    pub is_new: bool,
    pub workflow: String,
    pub version: i64,
    /// The action as it is; nothing of a new one.
    pub action: Option<WorkflowAction>,
    /// Ids and names to choose from, as far as its kind asks for them.
    pub campaigns: Vec<(String, String)>,
    pub people: Vec<(String, String)>,
    pub agents: Vec<String>,
    pub has_webhook: bool,
}

/// What a form says.
pub(super) fn read(kind: Kind, form: &BTreeMap<String, String>) -> Result<WorkflowAction, Error> {
    let text = |name: &str| form.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    Ok(match kind {
        Kind::Enrol => {
            let missing = || Problem::field("campaign", "campaign_missing", "Choose a campaign.");
            WorkflowAction::Enrol { campaign: text("campaign").parse().map_err(|_| Error::from(missing()))? }
        }
        Kind::AddTag => WorkflowAction::AddTag { tag: text("tag") },
        Kind::RemoveTag => WorkflowAction::RemoveTag { tag: text("tag") },
        Kind::Assign => {
            let people = form.keys().filter_map(|name| name.strip_prefix("people.")?.parse().ok()).collect();
            WorkflowAction::Assign { people }
        }
        Kind::CreateTask => WorkflowAction::CreateTask {
            title: text("title"),
            // A number that is none is outside of the bounds, so the check says what to enter.
            due_in_days: text("due_in_days").parse().unwrap_or(-1),
            assignee: text("assignee").parse().ok(),
        },
        Kind::SetStatus => {
            let missing = || Problem::field("status", "status_missing", "Choose a status.");
            WorkflowAction::SetStatus {
                status: LeadStatus::parse(&text("status")).ok_or_else(|| Error::from(missing()))?,
            }
        }
        Kind::RunAgent => WorkflowAction::RunAgent { agent: text("agent"), task: text("task").replace("\r\n", "\n") },
        Kind::CallWebhook => WorkflowAction::CallWebhook { event: text("event") },
    })
}

/// The form.
pub(super) fn view(slug: &str, own: &str, form: ActionForm) -> AnyView {
    let save = crate::exchange::Post::to::<SaveAction>();
    let title = form.kind.label();
    let words = if form.is_new { "Add action" } else { "Save action" };
    let fields = fields(&form, move |field| save.of_field(field));
    let (slug, own) = (slug.to_owned(), own.to_owned());
    view! {
        {refusal_of_fields(save, "form")}
        <Card title>
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=form.workflow/>
                <input type="hidden" name="version" value=form.version/>
                <input type="hidden" name="place" value=form.place.to_string()/>
                <input type="hidden" name="kind" value=form.kind.as_str()/>
                {fields}
                <div class="cluster">
                    <SubmitButton busy=save.busy()>{words}</SubmitButton>
                    // Leads out of the page, so that what was wrong with this one is not said of the next.
                    <a class="button" href=own rel="external">"Cancel"</a>
                </div>
            </PostForm>
        </Card>
    }
    .into_any()
}

fn fields(form: &ActionForm, of: impl Fn(&'static str) -> Signal<Option<String>> + Copy) -> AnyView {
    let named = |list: &[(String, String)]| list.iter().map(|(id, name)| Choice::new(id, name)).collect::<Vec<_>>();
    match form.kind {
        Kind::Enrol => {
            let chosen = match &form.action {
                Some(WorkflowAction::Enrol { campaign }) => campaign.to_string(),
                _ => String::new(),
            };
            view! {
                <Select name="form[campaign]" label="Campaign" hint="Only while it runs, and with its rules: whom it leaves out is told in the log. While this workflow is on, the campaign waits for more leads and does not complete." options=named(&form.campaigns) value=chosen placeholder="Choose" error=of("campaign")/>
            }
            .into_any()
        }
        Kind::AddTag | Kind::RemoveTag => {
            let tag = match &form.action {
                Some(WorkflowAction::AddTag { tag } | WorkflowAction::RemoveTag { tag }) => tag.clone(),
                _ => String::new(),
            };
            view! { <TextInput name="form[tag]" label="Tag" value=tag maxlength=40u32 width=FieldWidth::Medium error=of("tag")/> }
                .into_any()
        }
        Kind::Assign => {
            let chosen = match &form.action {
                Some(WorkflowAction::Assign { people }) => people.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            };
            let boxes: Vec<_> = form
                .people
                .iter()
                .map(|(id, name)| {
                    let checked = chosen.contains(id);
                    view! { <Checkbox name=format!("form[people.{id}]") label=name.clone() checked/> }.into_any()
                })
                .collect();
            let error = of("people");
            let error = move || error.get().map(|words| view! { <p class="error" role="alert">{words}</p> });
            view! {
                <fieldset class="fieldset">
                    <legend>"To whom"</legend>
                    <p class="subtle">"Of several, each gets one in turn. Who has the lead already and is one of them keeps it."</p>
                    {error}
                    {boxes}
                </fieldset>
            }
            .into_any()
        }
        Kind::CreateTask => {
            let (title, due, assignee) = match &form.action {
                Some(WorkflowAction::CreateTask { title, due_in_days, assignee }) => {
                    (title.clone(), due_in_days.to_string(), assignee.map(|id| id.to_string()).unwrap_or_default())
                }
                _ => (String::new(), "1".to_owned(), String::new()),
            };
            view! {
                <TextInput name="form[title]" label="What is to be done" value=title maxlength=200u32 error=of("title")/>
                <Select name="form[assignee]" label="Who" options=named(&form.people) value=assignee placeholder="The owner of the lead" width=FieldWidth::Medium error=of("assignee")/>
                <TextInput name="form[due_in_days]" label="Due in days" kind=InputKind::Number value=due min="0" width=FieldWidth::Short error=of("due_in_days")/>
            }
            .into_any()
        }
        Kind::SetStatus => {
            let chosen = match &form.action {
                Some(WorkflowAction::SetStatus { status }) => status.to_string(),
                _ => String::new(),
            };
            let options = STATUSES.map(|(value, word)| Choice::new(value, word)).to_vec();
            view! { <Select name="form[status]" label="Status" options value=chosen placeholder="Choose" width=FieldWidth::Medium error=of("status")/> }
                .into_any()
        }
        Kind::RunAgent => {
            let (agent, task) = match &form.action {
                Some(WorkflowAction::RunAgent { agent, task }) => (agent.clone(), task.clone()),
                _ => (String::new(), String::new()),
            };
            let agents = form.agents.iter().map(|name| Choice::new(name, name)).collect::<Vec<_>>();
            view! {
                <Select name="form[agent]" label="Agent" hint="It gets the lead, and works with your rights." options=agents value=agent placeholder="Choose" width=FieldWidth::Medium error=of("agent")/>
                <TextArea name="form[task]" label="What it is to do" value=task rows=4 maxlength=10_000u32 optional=true error=of("task")/>
            }
            .into_any()
        }
        Kind::CallWebhook => {
            let event = match &form.action {
                Some(WorkflowAction::CallWebhook { event }) => event.clone(),
                _ => String::new(),
            };
            let none = (!form.has_webhook).then(|| {
                view! { <p class="subtle">"No webhook is connected yet. An admin connects one under Settings, Models."</p> }
            });
            view! {
                <TextInput name="form[event]" label="Name of the event" hint="As in lead.interested. It goes to the webhook of the company, signed, with the lead." value=event maxlength=100u32 width=FieldWidth::Medium error=of("event")/>
                {none}
            }
            .into_any()
        }
    }
}
