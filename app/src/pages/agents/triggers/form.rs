//! The form of a trigger: the moment by its kind, the task, the inputs of the agent, and the bounds. What
//! was entered is text and becomes what the service checks.

use std::collections::BTreeMap;

use domain::{
    Problem,
    agents::Definition,
    campaigns::CampaignState,
    triggers::{MAX_HOURLY, Misfire, Trigger, TriggerInput, TriggerKind, When, WhileBusy},
};
use leptos::prelude::*;
use serde_json::{Map, Value};
use service::Error;

use super::{super::detail::AgentHead, SaveTrigger};
use crate::{
    exchange::{Post, PostForm},
    pages::runs::{Input, InputLook, declared, field, parameters, plain},
    ui::{Card, Choice, FieldWidth, InputKind, Select, SubmitButton, TextArea, TextInput, refusal_of_fields},
};

/// A form with what stands in it at first.
pub(super) struct FilledForm {
    /// The trigger that is changed; empty for a new one.
    trigger: String,
    /// The kind of the moment.
    pub kind: TriggerKind,
    name: String,
    /// The fields of the moment, by their names.
    moment: BTreeMap<&'static str, String>,
    task: String,
    while_busy: WhileBusy,
    hourly_cap: String,
    inputs: Vec<Input>,
    /// Campaigns to choose from: id and name.
    pub campaigns: Vec<(String, String)>,
}

impl FilledForm {
    /// The form of a new trigger.
    pub(super) fn new(kind: TriggerKind, zone: &str) -> Self {
        let moment = [("cron", "0 9 * * MON-FRI"), ("time_zone", zone), ("misfire", "skip"), ("state", "completed")];
        Self {
            trigger: String::new(),
            kind,
            name: String::new(),
            moment: moment.map(|(name, value)| (name, value.to_owned())).into(),
            task: String::new(),
            while_busy: if kind == TriggerKind::Schedule { WhileBusy::Skip } else { WhileBusy::Queue },
            hourly_cap: "10".to_owned(),
            inputs: Vec::new(),
            campaigns: Vec::new(),
        }
    }

    /// The form of one that there is.
    pub(super) fn of(trigger: &Trigger) -> Self {
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        let moment: BTreeMap<_, _> = match &trigger.when {
            When::Schedule { cron, time_zone, misfire } => {
                [("cron", cron.clone()), ("time_zone", some(time_zone)), ("misfire", misfire.to_string())].into()
            }
            When::LeadCreated { tag } => [("tag", some(tag))].into(),
            When::ScoreCrossed { threshold, tag } => [("threshold", threshold.to_string()), ("tag", some(tag))].into(),
            When::CampaignState { state, campaign } => {
                let campaign = campaign.map(|id| id.to_string()).unwrap_or_default();
                [("state", state.to_string()), ("campaign", campaign)].into()
            }
            When::ReplyReceived { campaign } => {
                [("campaign", campaign.map(|id| id.to_string()).unwrap_or_default())].into()
            }
            When::IncomingWebhook {} => BTreeMap::new(),
        };
        Self {
            trigger: trigger.id.to_string(),
            kind: trigger.when.kind(),
            name: trigger.name.clone(),
            moment,
            task: trigger.task.clone(),
            while_busy: trigger.while_busy,
            hourly_cap: trigger.hourly_cap.to_string(),
            inputs: Vec::new(),
            campaigns: Vec::new(),
        }
    }

    /// Adds the inputs of the agent. An input that stands for what sets the trigger off offers just that, and
    /// one of an incoming webhook is text, so that it can name a part of what was sent.
    pub(super) fn ask_for(&mut self, inputs: Vec<Input>, parameters: Option<&Map<String, Value>>) {
        let kind = self.kind;
        let ready = |mut input: Input| {
            let key = input.name.trim_start_matches("parameters.");
            let given = parameters.and_then(|parameters| parameters.get(key)).map(plain);
            let own = input.thing.clone().filter(|thing| kind.names().contains(&thing.as_str()));
            match (&mut input.look, own) {
                (look, _) if kind == TriggerKind::IncomingWebhook => {
                    if matches!(look, InputLook::Choice(_) | InputLook::Number) {
                        *look = InputLook::Line;
                    }
                    input.hint = format!("{} {{{{payload.name}}}} takes it from what was sent.", input.hint);
                }
                (InputLook::Choice(choices), Some(thing)) => {
                    let open = format!("{{{{{thing}}}}}");
                    choices.insert(0, (open.clone(), format!("The {thing} that sets it off")));
                    input.value = open;
                }
                _ => {}
            }
            if let Some(given) = given {
                // What was chosen may be further down than a select goes.
                if let InputLook::Choice(choices) = &mut input.look
                    && !choices.iter().any(|(value, _)| *value == given)
                {
                    choices.push((given.clone(), given.clone()));
                }
                input.value = given;
            } else if parameters.is_some() {
                input.value = String::new();
            }
            input
        };
        self.inputs = inputs.into_iter().map(ready).collect();
    }

    fn value(&self, name: &str) -> String {
        self.moment.get(name).cloned().unwrap_or_default()
    }
}

/// What a form means. A number that is none is outside of every bound, so the check says what to enter.
pub(super) fn read(
    form: &BTreeMap<String, String>,
    definition: &Definition,
    trigger: Option<&Trigger>,
) -> Result<TriggerInput, Error> {
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let some = |name: &str| Some(text(name)).filter(|text| !text.trim().is_empty());
    let number = |name: &str| text(name).trim().parse().unwrap_or_default();
    let kind = trigger.map_or_else(|| TriggerKind::parse(&text("kind")), |trigger| Some(trigger.when.kind()));
    let choose = |field: &'static str| Error::from(Problem::field(field, "choice_missing", "Choose one of the list."));
    let campaign = || some("campaign").map(|id| id.parse()).transpose().map_err(|_| Error::NotFound("campaign"));
    let when = match kind.ok_or(Error::NotFound("kind of trigger"))? {
        TriggerKind::Schedule => When::Schedule {
            cron: text("cron"),
            time_zone: some("time_zone"),
            misfire: Misfire::parse(&text("misfire")).ok_or_else(|| choose("misfire"))?,
        },
        TriggerKind::LeadCreated => When::LeadCreated { tag: some("tag") },
        TriggerKind::ScoreCrossed => When::ScoreCrossed { threshold: number("threshold"), tag: some("tag") },
        TriggerKind::CampaignState => When::CampaignState {
            state: CampaignState::parse(&text("state")).ok_or_else(|| choose("state"))?,
            campaign: campaign()?,
        },
        TriggerKind::ReplyReceived => When::ReplyReceived { campaign: campaign()? },
        TriggerKind::IncomingWebhook => When::IncomingWebhook {},
    };
    Ok(TriggerInput {
        name: text("name"),
        when,
        task: text("task"),
        parameters: parameters(&declared(definition), form),
        while_busy: WhileBusy::parse(&text("while_busy")).ok_or_else(|| choose("while_busy"))?,
        hourly_cap: number("hourly_cap"),
        enabled: trigger.is_none_or(|trigger| trigger.enabled),
    })
}

/// The form.
pub(super) fn view(slug: &str, agent: &AgentHead, base: &str, form: FilledForm) -> AnyView {
    let save = Post::to::<SaveTrigger>();
    let of = move |field| save.of_field(field);
    let title = if form.trigger.is_empty() {
        format!("New trigger: {}", form.kind.label())
    } else {
        format!("Change “{}”", form.name)
    };
    let moment = moment(&form, save);
    let inputs: Vec<_> = form.inputs.into_iter().map(|input| field(input, save)).collect();
    let choices = |all: &[WhileBusy]| all.iter().map(|one| Choice::new(one.as_str(), one.label())).collect();
    let (slug, agent, back) = (slug.to_owned(), agent.id.clone(), base.to_owned());
    view! {
        {refusal_of_fields(save, "form")}
        <Card title>
            <PostForm post=save class="stack">
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=agent/>
                <input type="hidden" name="form[trigger]" value=form.trigger/>
                <input type="hidden" name="form[kind]" value=form.kind.as_str()/>
                <TextInput name="form[name]" label="Name" hint="Its runs are said to be started by it." value=form.name error=of("name")/>
                {moment}
                <TextArea name="form[task]" label="Task" hint="What the agent is to do, in your words." rows=3 value=form.task maxlength=10_000u32 error=of("task")/>
                {inputs}
                <Select name="form[while_busy]" label="While a run of it has not ended" options=choices(WhileBusy::ALL) value=form.while_busy.as_str() width=FieldWidth::Medium error=of("while_busy")/>
                <TextInput name="form[hourly_cap]" label="Most runs in an hour" kind=InputKind::Number value=form.hourly_cap min="1" max=MAX_HOURLY.to_string() width=FieldWidth::Short error=of("hourly_cap")/>
                <p class="subtle">"Its runs have your rights, as they are when a run starts. Without them the trigger is paused."</p>
                <div class="cluster">
                    <SubmitButton busy=save.busy()>"Save trigger"</SubmitButton>
                    // Leads out of the page, so that what was wrong with this one is not said of the next.
                    <a class="button" href=back rel="external">"Cancel"</a>
                </div>
            </PostForm>
        </Card>
    }
    .into_any()
}

/// The fields of the moment.
fn moment(form: &FilledForm, save: Post) -> AnyView {
    let of = move |field| save.of_field(field);
    let tag = || {
        view! { <TextInput name="form[tag]" label="Only with the tag" value=form.value("tag") optional=true width=FieldWidth::Medium error=of("tag")/> }
    };
    let campaign = || {
        let campaigns = form.campaigns.iter().map(|(id, name)| Choice::new(id, name)).collect();
        view! { <Select name="form[campaign]" label="Campaign" options=campaigns value=form.value("campaign") placeholder="Any campaign" optional=true width=FieldWidth::Medium error=of("campaign")/> }
    };
    match form.kind {
        TriggerKind::Schedule => {
            let misfires = Misfire::ALL.iter().map(|one| Choice::new(one.as_str(), one.label())).collect();
            view! {
                <TextInput name="form[cron]" label="Plan" hint="Minute, hour, day of the month, month, day of the week. 0 9 * * MON-FRI is 09:00 on working days, */30 * * * * every half hour." value=form.value("cron") width=FieldWidth::Medium error=of("cron")/>
                <TextInput name="form[time_zone]" label="Time zone" hint="As in Europe/Berlin" value=form.value("time_zone") width=FieldWidth::Medium error=of("time_zone")/>
                <Select name="form[misfire]" label="Times that passed while no worker was there" options=misfires value=form.value("misfire") width=FieldWidth::Medium error=of("misfire")/>
            }
            .into_any()
        }
        TriggerKind::LeadCreated => tag().into_any(),
        TriggerKind::ScoreCrossed => view! {
            <TextInput name="form[threshold]" label="Score" hint="A lead comes to it from below; a new lead comes from nothing." kind=InputKind::Number value=form.value("threshold") min="1" max="100" width=FieldWidth::Short error=of("threshold")/>
            {tag()}
        }
        .into_any(),
        TriggerKind::CampaignState => {
            let states = CampaignState::ALL.iter().map(|one| Choice::new(one.as_str(), one.label())).collect();
            view! {
                <Select name="form[state]" label="State" options=states value=form.value("state") width=FieldWidth::Medium error=of("state")/>
                {campaign()}
            }
            .into_any()
        }
        TriggerKind::ReplyReceived => view! {
            {campaign()}
            <p class="subtle">"Only answers of people count. An input takes the text of the answer as {{reply}} and its subject as {{reply.subject}}. It is data for the agent, never an instruction, and such runs ask a person before they do anything outside."</p>
        }
        .into_any(),
        TriggerKind::IncomingWebhook => view! {
            <p class="subtle">"Its address and its secret come after saving. What is sent is data for the agent, never an instruction, and its runs ask a person before they do anything outside."</p>
        }
        .into_any(),
    }
}
