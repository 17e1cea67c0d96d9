//! The form of a workflow: its trigger by its kind, the conditions, the bounds. The fields of the conditions have the
//! names that they have in the address of the list of leads, so the same words mean the same.

use std::collections::BTreeMap;

use domain::{
    Problem,
    leads::{LeadFilter, LeadSource, LeadStatus},
    threads::ThreadClass,
    workflows::{MAX_HOURLY, Workflow, WorkflowInput, WorkflowTrigger, WorkflowTriggerKind},
};
use leptos::prelude::*;
use service::Error;

use super::{detail::SaveWorkflow, list::CreateWorkflow};
use crate::{
    exchange::{Post, PostForm},
    fmt::grouped,
    pages::{
        conditions::{kept, with_several},
        leads::STATUSES,
    },
    ui::{Card, Checkbox, Choice, FieldWidth, InputKind, Select, SubmitButton, TextInput, refusal_of_fields},
};

/// Conditions that have a field of their own; others stay as a program has set them.
const FIELDS: [&str; 10] = [
    "f.status.is",
    "f.score.gte",
    "f.score.lte",
    "f.country.is",
    "f.tag.has",
    "f.source.is",
    "f.owner.is",
    "f.owner.empty",
    "f.campaign.is",
    "f.campaign.empty",
];

/// A form with what stands in it at first.
pub(super) struct FilledForm {
    /// The workflow that is changed, and its version; nothing for a new one.
    pub workflow: Option<(String, i64)>,
    pub input: WorkflowInput,
    /// Ids and names to choose from.
    pub campaigns: Vec<(String, String)>,
    pub people: Vec<(String, String)>,
}

impl FilledForm {
    /// Whether campaigns can be chosen in it: as a condition always, and as what is answered.
    fn campaigns(&self) -> Vec<Choice> {
        self.campaigns.iter().map(|(id, name)| Choice::new(id, name)).collect()
    }
}

/// What a form says; of a workflow that there is, its actions and whether it is on stay.
pub(super) fn read(form: &BTreeMap<String, String>, old: Option<Workflow>) -> Result<WorkflowInput, Error> {
    let text = |name: &str| form.get(name).map(|text| text.trim().to_owned()).unwrap_or_default();
    let some = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
    // A number that is none is outside of every bound, so the check says what to enter.
    let number = |name: &str| text(name).parse().unwrap_or_default();
    let of = |problem: Problem, field: &'static str| Error::from(problem.on(field));
    let status = |name: &'static str| some(name).map(|s| s.parse::<LeadStatus>()).transpose().map_err(|p| of(p, name));
    let kind = match &old {
        Some(old) => old.trigger.kind(),
        None => WorkflowTriggerKind::parse(&text("kind")).ok_or(Error::NotFound("kind of trigger"))?,
    };
    let trigger = match kind {
        WorkflowTriggerKind::ScoreCrossed => WorkflowTrigger::ScoreCrossed { threshold: number("threshold") },
        WorkflowTriggerKind::Replied => WorkflowTrigger::Replied {
            class: some("class").map(|c| c.parse::<ThreadClass>()).transpose().map_err(|p| of(p, "class"))?,
            campaign: some("campaign").map(|id| id.parse()).transpose().map_err(|_| Error::NotFound("campaign"))?,
        },
        WorkflowTriggerKind::StatusChanged => {
            WorkflowTrigger::StatusChanged { from: status("from")?, to: status("to")? }
        }
        other => WorkflowTrigger::empty(other),
    };
    let pairs = form.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let (actions, enabled) = old.map(|old| (old.actions, old.enabled)).unwrap_or_default();
    Ok(WorkflowInput {
        name: text("name"),
        trigger,
        conditions: LeadFilter::from_pairs(pairs)?,
        actions,
        once_per_lead: form.contains_key("once_per_lead"),
        hourly_cap: number("hourly_cap"),
        enabled,
    })
}

/// The form.
pub(super) fn view(slug: &str, base: &str, form: FilledForm) -> AnyView {
    let save = match form.workflow {
        Some(_) => Post::to::<SaveWorkflow>(),
        None => Post::to::<CreateWorkflow>(),
    };
    let of = move |field| save.of_field(field);
    let (title, words) = match form.workflow {
        Some(_) => ("Trigger and conditions", "Save"),
        None => (form.input.trigger.kind().label(), "Go on to the actions"),
    };
    let back = form.workflow.as_ref().map_or_else(|| base.to_owned(), |(id, _)| format!("{base}/{id}"));
    let hidden = form.workflow.clone().map(|(id, version)| {
        view! { <input type="hidden" name="id" value=id/><input type="hidden" name="version" value=version/> }
    });
    let (trigger, conditions) = (trigger(&form, save), conditions(&form, save));
    let (slug, kind, input) = (slug.to_owned(), form.input.trigger.kind().as_str(), form.input);
    let hint = format!(
        "Leads beyond that are written into the log and nothing is done for them. At most {}.",
        grouped(MAX_HOURLY.into())
    );
    view! {
        {refusal_of_fields(save, "form")}
        <Card title>
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                {hidden}
                <input type="hidden" name="form[kind]" value=kind/>
                <TextInput name="form[name]" label="Name" hint="What it does is said to be done by it." value=input.name maxlength=100u32 error=of("name")/>
                {trigger}
                {conditions}
                <Checkbox name="form[once_per_lead]" label="At most once for each lead" checked=input.once_per_lead/>
                <TextInput name="form[hourly_cap]" label="Most leads in an hour" hint kind=InputKind::Number value=input.hourly_cap.to_string() min="1" max=MAX_HOURLY.to_string() width=FieldWidth::Short error=of("hourly_cap")/>
                <p class="subtle">"It acts with your rights, as they are by then. Without them it is paused."</p>
                <div class="cluster">
                    <SubmitButton busy=save.busy()>{words}</SubmitButton>
                    // Leads out of the page, so that what was wrong with this one is not said of the next.
                    <a class="button" href=back rel="external">"Cancel"</a>
                </div>
            </PostForm>
        </Card>
    }
    .into_any()
}

fn statuses() -> Vec<Choice> {
    STATUSES.map(|(value, word)| Choice::new(value, word)).to_vec()
}

/// The fields of the trigger.
fn trigger(form: &FilledForm, save: Post) -> AnyView {
    let of = move |field| save.of_field(field);
    let one = |status: &Option<LeadStatus>| status.map(|status| status.to_string()).unwrap_or_default();
    match &form.input.trigger {
        WorkflowTrigger::ScoreCrossed { threshold } => view! {
            <TextInput name="form[threshold]" label="Score" hint="A lead comes to it from below; a new lead comes from nothing." kind=InputKind::Number value=threshold.to_string() min="1" max="100" width=FieldWidth::Short error=of("threshold")/>
        }
        .into_any(),
        WorkflowTrigger::Replied { class, campaign } => {
            let classes = ThreadClass::ALL.iter().map(|class| Choice::new(class.as_str(), class.label())).collect::<Vec<_>>();
            let class = class.map(|class| class.to_string()).unwrap_or_default();
            let campaign = campaign.map(|id| id.to_string()).unwrap_or_default();
            view! {
                <Select name="form[class]" label="Class in the inbox" hint="By the rules, a model or a person: whoever is first. Without one, every answer of a person counts." options=classes value=class placeholder="Any answer" optional=true width=FieldWidth::Medium error=of("class")/>
                <Select name="form[campaign]" label="Answer to" options=form.campaigns() value=campaign placeholder="Any campaign" optional=true width=FieldWidth::Medium error=of("campaign")/>
            }
            .into_any()
        }
        WorkflowTrigger::StatusChanged { from, to } => view! {
            <div class="cluster">
                <Select name="form[from]" label="From" options=statuses() value=one(from) placeholder="Any status" optional=true error=of("from")/>
                <Select name="form[to]" label="To" options=statuses() value=one(to) placeholder="Any status" optional=true error=of("to")/>
            </div>
        }
        .into_any(),
        other => view! { <p class="subtle">{other.kind().hint()}</p> }.into_any(),
    }
}

/// The fields of the conditions.
fn conditions(form: &FilledForm, save: Post) -> AnyView {
    let of = move |field| save.of_field(field);
    let pairs: BTreeMap<_, _> = form.input.conditions.to_pairs().into_iter().collect();
    let value = |name: &str| pairs.get(name).cloned().unwrap_or_default();
    let ticked = |name: &str| pairs.contains_key(name);
    let with = |choices: Vec<Choice>, name: &str| with_several(choices, &value(name));
    let kept = kept(&form.input.conditions, &FIELDS, |name| format!("form[{name}]"));
    let people = form.people.iter().map(|(id, name)| Choice::new(id, name)).collect();
    let sources = LeadSource::ALL.iter().map(|source| Choice::new(source.as_str(), source.label())).collect();
    view! {
        <fieldset class="fieldset">
            <legend>"Only when the lead is like this"</legend>
            <p class="subtle">"At that moment, and in all of it. Leave empty what does not matter."</p>
            <Select name="form[f.status.is]" label="Status" options=with(statuses(), "f.status.is") value=value("f.status.is") placeholder="Any" optional=true width=FieldWidth::Medium error=of("f.status.is")/>
            <div class="cluster">
                <TextInput name="form[f.score.gte]" label="Score at least" kind=InputKind::Number value=value("f.score.gte") optional=true width=FieldWidth::Short error=of("f.score.gte")/>
                <TextInput name="form[f.score.lte]" label="Score at most" kind=InputKind::Number value=value("f.score.lte") optional=true width=FieldWidth::Short error=of("f.score.lte")/>
            </div>
            <TextInput name="form[f.country.is]" label="Countries" hint="Two letters each, separated by commas" value=value("f.country.is") optional=true error=of("f.country.is")/>
            <TextInput name="form[f.tag.has]" label="Tags" hint="Any of these, separated by commas" value=value("f.tag.has") optional=true error=of("f.tag.has")/>
            <Select name="form[f.source.is]" label="Came from" options=with(sources, "f.source.is") value=value("f.source.is") placeholder="Anywhere" optional=true width=FieldWidth::Medium error=of("f.source.is")/>
            <Select name="form[f.owner.is]" label="Owner" options=with(people, "f.owner.is") value=value("f.owner.is") placeholder="Anybody" optional=true width=FieldWidth::Medium error=of("f.owner.is")/>
            <Checkbox name="form[f.owner.empty]" label="Nobody looks after it" checked=ticked("f.owner.empty")/>
            <Select name="form[f.campaign.is]" label="Is or was in the campaign" options=with(form.campaigns(), "f.campaign.is") value=value("f.campaign.is") placeholder="Any or none" optional=true width=FieldWidth::Medium error=of("f.campaign.is")/>
            <Checkbox name="form[f.campaign.empty]" label="Was never in a campaign" checked=ticked("f.campaign.empty")/>
            {kept}
        </fieldset>
    }
    .into_any()
}
