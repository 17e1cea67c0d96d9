//! The fields of each kind of step, and what they say when they come back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::step::StepView;
#[cfg(feature = "ssr")]
use crate::{
    exchange::Post,
    ui::{Checkbox, Choice, FieldWidth, InputKind, RadioGroup, Select, TextArea, TextInput},
};
#[cfg(feature = "ssr")]
use domain::{
    Permission, Problem,
    leads::LeadFilter,
    steps::{
        Action, Delay, DelayUnit, Email, StepInput, StepKind, Test, Thread, Variant, WinBy, WinnerRule, Writing, letter,
    },
    window::{SendingWindow, WindowZone},
};
#[cfg(feature = "ssr")]
use leptos::prelude::*;

/// What the form of a step sends; each kind has some of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct StepForm {
    amount: Option<i32>,
    unit: String,
    subject: Option<String>,
    body: Option<String>,
    writing: String,
    instructions: Option<String>,
    /// Names of documents, with commas.
    sources: Option<String>,
    thread: String,
    own_window: bool,
    days: Vec<i16>,
    from: String,
    to: String,
    zone: String,
    /// Subjects, bodies and shares of variants B to D; one without a share is none.
    subjects: Vec<String>,
    bodies: Vec<String>,
    shares: Vec<String>,
    winner_by: String,
    winner_min: Option<i32>,
    winner_confidence: Option<i32>,
    asks: String,
    about: String,
    status: String,
    score: String,
    country: String,
    tag: String,
    /// Conditions on the lead that have no field, by their names in an address.
    kept: BTreeMap<String, String>,
    timeout_amount: Option<i32>,
    timeout_unit: String,
    title: Option<String>,
    details: Option<String>,
    assignee: String,
    due_in_days: Option<i32>,
    wait: String,
    agent: Option<String>,
    task: Option<String>,
    event: Option<String>,
}

#[cfg(feature = "ssr")]
impl StepForm {
    /// What it says about a step of this kind.
    pub(super) fn into_input(self, kind: StepKind) -> Result<StepInput, Problem> {
        let lines = |text: Option<String>| text.map(|text| text.replace("\r\n", "\n"));
        let delay = |amount: Option<i32>, unit: &str| {
            amount.zip(DelayUnit::parse(unit)).map(|(amount, unit)| Delay { amount, unit })
        };
        let mut input = StepInput { delay: delay(self.amount, &self.unit), ..StepInput::default() };
        match kind {
            StepKind::Email => {
                input.window = Some(self.window()?);
                input.variants = Some(self.variants()?);
                input.winner = WinBy::parse(&self.winner_by).map(|by| WinnerRule {
                    by,
                    min_sends: self.winner_min.unwrap_or(WinnerRule::default().min_sends),
                    confidence: self.winner_confidence.unwrap_or(WinnerRule::default().confidence),
                });
                input.thread = Some(if self.thread == "reply" { Thread::Reply } else { Thread::New });
                input.subject = self.subject;
                input.body = lines(self.body);
                input.writing = Writing::parse(&self.writing);
                input.instructions = lines(self.instructions);
                input.sources = self.sources.map(|names| names.split([',', '\n']).map(str::to_owned).collect());
            }
            StepKind::Condition | StepKind::WaitFor => {
                input.test = Some(self.test()?);
                if kind == StepKind::WaitFor {
                    input.timeout = delay(self.timeout_amount, &self.timeout_unit);
                }
            }
            StepKind::Task => {
                input.title = self.title;
                input.details = lines(self.details);
                input.assignee = Some(self.assignee.parse().ok());
                input.due_in_days = self.due_in_days;
                input.wait = Some(self.wait == "true");
            }
            StepKind::Agent => {
                input.agent = self.agent;
                input.task = lines(self.task);
                input.wait = Some(self.wait == "true");
            }
            StepKind::Webhook => input.event = self.event,
            StepKind::Wait | StepKind::End => {}
        }
        Ok(input)
    }

    fn window(&self) -> Result<Option<SendingWindow>, Problem> {
        if !self.own_window {
            return Ok(None);
        }
        Ok(Some(SendingWindow {
            days: self.days.clone(),
            from_minute: super::settings::minute(&self.from)?,
            to_minute: super::settings::minute(&self.to)?,
            zone: WindowZone::parse(&self.zone).unwrap_or(WindowZone::Lead),
        }))
    }

    fn variants(&self) -> Result<Vec<Variant>, Problem> {
        let of = |texts: &[String], n: usize| texts.get(n).cloned().unwrap_or_default();
        let mut variants = Vec::new();
        for n in 0..self.shares.len() {
            let share = of(&self.shares, n);
            if share.trim().is_empty() {
                continue;
            }
            let Ok(share) = share.trim().parse() else {
                return Err(Problem::field("variants", "number_invalid", "Write a share as a whole number, as in 50."));
            };
            let body = of(&self.bodies, n).replace("\r\n", "\n");
            variants.push(Variant { subject: of(&self.subjects, n), body, share });
        }
        Ok(variants)
    }

    fn test(&self) -> Result<Test, Problem> {
        let step = self.about.parse().ok();
        Ok(match self.asks.as_str() {
            "opened" => Test::Opened { step },
            "replied" => Test::Replied,
            "lead" => {
                let conditions = [&self.status, &self.score, &self.country, &self.tag].map(String::as_str);
                Test::Lead { filter: Box::new(super::conditions::read(conditions, &self.kept)?) }
            }
            _ => Test::Clicked { step },
        })
    }
}

/// The fields of a step.
#[cfg(feature = "ssr")]
pub(super) fn fields(s: &StepView, save: Post) -> AnyView {
    let delay = delay_fields("amount", "unit", "Wait before it", s.step.delay, save, "delay");
    let own = match &s.step.action {
        Action::Email(email) => email_fields(s, email, save),
        Action::Condition { test } => test_fields(s, test, save),
        Action::WaitFor { test, timeout } => {
            let asks = test_fields(s, test, save);
            let timeout =
                delay_fields("timeout_amount", "timeout_unit", "Wait at most, then go the way of No", *timeout, save, "timeout");
            view! { {asks}{timeout} }.into_any()
        }
        Action::Task { title, details, assignee, due_in_days, wait } => {
            let people = s.people.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect::<Vec<_>>();
            let assignee = assignee.map(|id| id.to_string()).unwrap_or_default();
            view! {
                <TextInput name="form[title]" label="What is to be done" value=title.clone() maxlength=200u32 error=save.of_field("title")/>
                <TextArea name="form[details]" label="Details" value=details.clone() rows=5 optional=true error=save.of_field("details")/>
                <Select name="form[assignee]" label="Who" options=people value=assignee placeholder="The owner of the lead"/>
                <TextInput name="form[due_in_days]" label="Due in days" kind=InputKind::Number value=due_in_days.to_string() min="0" width=FieldWidth::Short error=save.of_field("due_in_days")/>
                {wait_field(*wait, "Go on only when it is done")}
            }
            .into_any()
        }
        Action::Agent { agent, task, wait } => {
            let agents = s.agents.iter().map(|name| Choice::new(name.clone(), name.clone())).collect::<Vec<_>>();
            view! {
                <Select name="form[agent]" label="Agent" options=agents value=agent.clone() placeholder="Choose" hint="It gets the lead, and works with the rights of whoever starts the campaign." error=save.of_field("agent")/>
                <TextArea name="form[task]" label="What it is to do" value=task.clone() rows=5 optional=true error=save.of_field("task")/>
                {wait_field(*wait, "Go on only when its run has ended")}
            }
            .into_any()
        }
        Action::Webhook { event } => view! {
            <TextInput name="form[event]" label="Name of the event" hint="As in lead.interested. It goes to the webhook of the company, signed, with the lead." value=event.clone() maxlength=100u32 error=save.of_field("event")/>
        }
        .into_any(),
        Action::Wait => view! { <p class="subtle">"The next step begins when the wait is over."</p> }.into_any(),
        Action::End => view! { <p class="subtle">"Whoever comes here has finished the sequence."</p> }.into_any(),
    };
    view! { {delay}{own} }.into_any()
}

#[cfg(feature = "ssr")]
fn wait_field(wait: bool, label: &'static str) -> AnyView {
    view! { <Checkbox name="form[wait]" label checked=wait/> }.into_any()
}

#[cfg(feature = "ssr")]
fn units() -> Vec<Choice> {
    [("minutes", "minutes"), ("hours", "hours"), ("days", "days"), ("working_days", "working days")]
        .map(|(value, label)| Choice::new(value, label))
        .to_vec()
}

#[cfg(feature = "ssr")]
fn delay_fields(
    amount: &str,
    unit: &str,
    label: &'static str,
    delay: Delay,
    save: Post,
    field: &'static str,
) -> AnyView {
    let (amount, unit) = (format!("form[{amount}]"), format!("form[{unit}]"));
    view! {
        <div class="cluster">
            <TextInput name=amount label kind=InputKind::Number value=delay.amount.to_string() min="0" width=FieldWidth::Short error=save.of_field(field)/>
            <Select name=unit label="Unit" options=units() value=delay.unit.as_str()/>
        </div>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn test_fields(s: &StepView, test: &Test, save: Post) -> AnyView {
    let (asks, filter) = match test {
        Test::Opened { .. } => ("opened", LeadFilter::default()),
        Test::Clicked { .. } => ("clicked", LeadFilter::default()),
        Test::Replied => ("replied", LeadFilter::default()),
        Test::Lead { filter } => ("lead", (**filter).clone()),
    };
    let choices = vec![
        Choice::new("clicked", "Clicked a link").hint("Only clicks of people count."),
        Choice::new("opened", "Opened an e-mail").hint("Only opens of people count; many mail programs hide them."),
        Choice::new("replied", "Replied").hint("For campaigns that go on after a reply."),
        Choice::new("lead", "The lead is like this").hint("Fields or score, as they are then."),
    ];
    let mails = s.mails.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect::<Vec<_>>();
    let about = test.step().map(|id| id.to_string()).unwrap_or_default();
    let conditions = super::conditions::fields(&filter);
    view! {
        <RadioGroup name="form[asks]" legend="Ask whether the lead" options=choices value=asks error=save.of_field("test")/>
        <Select name="form[about]" label="Which e-mail" hint="For opens and clicks." options=mails value=about placeholder="Any before it" optional=true/>
        <fieldset class="fieldset">
            <legend>"What the lead is like"</legend>
            {conditions}
        </fieldset>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn email_fields(s: &StepView, email: &Email, save: Post) -> AnyView {
    let of = |field| save.of_field(field);
    let choices = Writing::ALL.iter().map(|writing| Choice::new(writing.as_str(), writing.label())).collect::<Vec<_>>();
    let least = Permission::ApproveDrafts.least_role().label();
    let hint = format!("A {least} or above approves. Each e-mail waits for its draft.");
    let drafted = email.writing.needs_draft();
    let template = if drafted { "What the built-in writer fills in, and an example for the model. " } else { "" };
    let variables = s.mail.as_ref().map(|mail| mail.variables.clone()).unwrap_or_default();
    let words = format!("{template}Variables: {variables} – write a fallback as in {{first_name|there}}.");
    let threads = vec![
        Choice::new("new", "As a new conversation"),
        Choice::new("reply", "As an answer to the e-mail before it").hint("Under its subject; yours is not used."),
    ];
    let variants = variant_fields(email, save);
    let window = window_fields(email, save);
    view! {
        <RadioGroup name="form[writing]" legend="Writing" options=choices value=email.writing.as_str() hint error=of("writing")/>
        <TextArea name="form[instructions]" label="Instructions for AI" hint="What the e-mail is about, its tone, what to ask. Only with AI." value=email.instructions.clone() rows=4 maxlength=5_000u32 optional=!drafted error=of("instructions")/>
        <TextInput name="form[sources]" label="Documents it may quote" hint="Collections, or single ones as collection/key, with commas: competitors, prices/2026. Only with AI." value=email.sources.join(", ") optional=true error=of("sources")/>
        <TextInput name="form[subject]" label="Subject" value=email.subject.clone() error=of("subject") maxlength=250u32/>
        <TextArea name="form[body]" label="Text" value=email.body.clone() rows=14 hint=words error=of("body")/>
        <RadioGroup name="form[thread]" legend="Conversation" options=threads value=email.thread.as_str() error=of("thread")/>
        {variants}
        {window}
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn variant_fields(email: &Email, save: Post) -> AnyView {
    let rows: Vec<_> = (0..3)
        .map(|n| {
            let variant = email.variants.get(n);
            let legend = format!("Variant {}", letter(n + 1));
            let share = variant.map(|v| v.share.to_string()).unwrap_or_default();
            let subject = variant.map(|v| v.subject.clone()).unwrap_or_default();
            let body = variant.map(|v| v.body.clone()).unwrap_or_default();
            view! {
                <fieldset class="fieldset">
                    <legend>{legend}</legend>
                    <TextInput name=format!("form[shares][{n}]") label="Share in percent" hint="Empty: there is no such variant." value=share optional=true width=FieldWidth::Short/>
                    <TextInput name=format!("form[subjects][{n}]") label="Its subject" value=subject optional=true maxlength=250u32/>
                    <TextArea name=format!("form[bodies][{n}]") label="Its text" value=body rows=6 optional=true/>
                </fieldset>
            }
            .into_any()
        })
        .collect();
    let rules = WinBy::ALL.iter().map(|by| Choice::new(by.as_str(), by.label())).collect::<Vec<_>>();
    let error =
        move || save.of_field("variants").get().map(|words| view! { <p class="error" role="alert">{words}</p> });
    let winner = email.winner;
    // What was refused is looked at whole.
    let open = !email.variants.is_empty() || save.error().is_some();
    view! {
        <details class="more" open=open>
            <summary>"Compare wordings (A/B)"</summary>
            <p class="subtle">"What is above is variant A, and gets what the others leave of a hundred."</p>
            {error}
            {rows}
            <RadioGroup name="form[winner_by]" legend="Winner" options=rules value=winner.by.as_str() error=save.of_field("winner")/>
            <div class="cluster">
                <TextInput name="form[winner_min]" label="E-mails of each first" kind=InputKind::Number value=winner.min_sends.to_string() min="100" width=FieldWidth::Short/>
                <TextInput name="form[winner_confidence]" label="Certainty in percent" kind=InputKind::Number value=winner.confidence.to_string() min="80" width=FieldWidth::Short/>
            </div>
        </details>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn window_fields(email: &Email, save: Post) -> AnyView {
    let own = email.window.is_some();
    let window = email.window.clone().unwrap_or_default();
    let fields = super::settings::window_fields(&window);
    let open = own || save.error().is_some();
    let error = move || save.of_field("window").get().map(|words| view! { <p class="error" role="alert">{words}</p> });
    view! {
        <details class="more" open=open>
            <summary>"Its own sending window"</summary>
            {error}
            <Checkbox name="form[own_window]" label="Use this instead of the window of the campaign" checked=own/>
            {fields}
        </details>
    }
    .into_any()
}
