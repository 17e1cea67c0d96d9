//! The trace of a run in words: its steps, where each stands in time, and its events.

use chrono::{DateTime, Utc};
use domain::{
    agents::tool,
    runs::{ApprovalState, Run, RunEvent, RunState, RunStep, RunStepState, StepKind},
};
use serde_json::Value;

use super::{
    super::{inputs, trace::*},
    some,
};
use crate::{
    fmt::{Moment, NO_DATA, bytes, dollars, duration, grouped},
    ui::IconName,
};

/// More of a value is shown on request.
const SHOWN: usize = 4_096;

pub(super) fn line(step: &RunStep, run: RunState, place: String, child: Option<String>) -> StepLine {
    let (icon, kind) = kind(step.kind);
    StepLine {
        number: step.number,
        icon,
        kind: kind.to_owned(),
        name: step.name.clone(),
        state: step.state.to_string(),
        look: match step.state {
            RunStepState::Waiting => run.to_string(),
            RunStepState::Done if step.was_left_undone() => "left_undone".to_owned(),
            state => state.to_string(),
        },
        word: word_of(step, run).to_owned(),
        took: step_took(step).map_or_else(|| NO_DATA.to_owned(), duration),
        tokens: some(step.tokens_in + step.tokens_out),
        cost: if step.cost_micros > 0 { dollars(step.cost_micros) } else { NO_DATA.to_owned() },
        outside: step.outside,
        child,
        place,
    }
}

const fn kind(kind: StepKind) -> (IconName, &'static str) {
    match kind {
        StepKind::ToolCall => (IconName::Gear, "Tool"),
        StepKind::ModelCall => (IconName::Spark, "Model"),
        StepKind::Text => (IconName::Note, "Text"),
        StepKind::Answer => (IconName::Flag, "Answer"),
        StepKind::Handoff => (IconName::Agent, "Handover"),
        StepKind::MemoryWrite => (IconName::Archive, "Memory"),
    }
}

/// The same, and what exactly is waited for.
fn word_of(step: &RunStep, run: RunState) -> &'static str {
    match (step.state, step.kind, step.name.as_str()) {
        (RunStepState::Done, ..) if step.was_left_undone() => "Not done, dry run",
        (RunStepState::Waiting, ..) if run == RunState::WaitingTool => "Waits for an answer",
        (RunStepState::Waiting, ..) if run.has_ended() => "Waits no more",
        (RunStepState::Waiting, StepKind::Handoff, _) => "Waits for its run",
        (RunStepState::Waiting, _, "wait") => "Sleeps",
        (state, ..) => word(state),
    }
}

const fn word(state: RunStepState) -> &'static str {
    match state {
        RunStepState::Intended => "Under way",
        RunStepState::Waiting => "Waits for a person",
        RunStepState::Done => "Done",
        RunStepState::Failed => "Did not work",
        RunStepState::Denied => "Denied",
        RunStepState::Unknown => "May have happened",
    }
}

/// How long it took; a text is there at once.
fn step_took(step: &RunStep) -> Option<i64> {
    let instant = matches!(step.kind, StepKind::Text | StepKind::Answer | StepKind::MemoryWrite);
    Some((step.finished_at.filter(|_| !instant)? - step.started_at).num_milliseconds())
}

/// Where each step stands on a shared axis, and the words of the axis.
pub(super) fn places(steps: &[RunStep], run: &Run, now: DateTime<Utc>) -> (Vec<String>, Vec<String>) {
    let end_of = |step: &RunStep| step.finished_at.or(run.finished_at).unwrap_or(now);
    let begin = steps.iter().map(|step| step.started_at).min().unwrap_or(now);
    let end = steps.iter().map(end_of).max().unwrap_or(now);
    let whole = (end - begin).num_milliseconds().max(1);
    let share = |milliseconds: i64| {
        let hundredths = milliseconds.clamp(0, whole) * 10_000 / whole;
        format!("{}.{:02}%", hundredths / 100, hundredths % 100)
    };
    let place = |step: &RunStep| {
        let (from, long) = (step.started_at - begin, end_of(step) - step.started_at);
        format!("--from:{};--long:{}", share(from.num_milliseconds()), share(long.num_milliseconds()))
    };
    (steps.iter().map(place).collect(), [0, whole / 2, whole].map(duration).to_vec())
}

pub(super) fn in_full(step: &RunStep, run: RunState, zone: &str, full: bool) -> StepInFull {
    let (_, kind) = kind(step.kind);
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let mut facts = vec![
        fact("State", word_of(step, run).to_owned()),
        fact("Begun", Moment::exact(step.started_at, zone).text),
        fact("Took", step_took(step).map_or_else(|| NO_DATA.to_owned(), duration)),
    ];
    facts.extend(step.risk.map(|risk| fact("Risk", risk.label().to_owned())));
    if let Some(model) = &step.model {
        facts.push(fact("Model", model.clone()));
        facts.push(fact("Tokens", format!("{} in, {} out", grouped(step.tokens_in), grouped(step.tokens_out))));
        facts.push(fact("Cost", dollars(step.cost_micros)));
    }
    let input = Some(&step.input).filter(|input| input.as_object().is_none_or(|object| !object.is_empty()));
    let payloads = [("Input", input), ("Output", step.output.as_ref())];
    StepInFull {
        number: step.number,
        title: format!("Step {}: {}", step.number, step.name),
        what: tool(&step.name).map(|tool| format!("{kind}: {}.", tool.what)),
        facts,
        error: step.error.clone(),
        outside: step.outside,
        payloads: payloads
            .into_iter()
            .filter_map(|(title, value)| Some((title.to_owned(), payload(value?, full))))
            .collect(),
    }
}

/// A value as text: words as they are, everything else as JSON.
pub(super) fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

fn payload(value: &Value, full: bool) -> Payload {
    let text = pretty(value);
    if full || text.len() <= SHOWN {
        return Payload { text, more: None };
    }
    let end = (0..=SHOWN).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let size = bytes(i64::try_from(text.len()).unwrap_or(i64::MAX));
    Payload { text: format!("{}…", &text[..end]), more: Some(format!("Show all {size}")) }
}

/// An event in words; one of a later version as it stands.
pub(super) fn told(event: &RunEvent) -> String {
    let data = &event.data;
    let text = |key: &str| data[key].as_str().filter(|text| !text.is_empty());
    match event.kind.as_str() {
        "state" => {
            let state = text("state").and_then(RunState::parse).map_or("Changed", RunState::label);
            text("detail").map_or_else(|| state.to_owned(), |detail| format!("{state}: {detail}"))
        }
        "step" => {
            // What it waits for is told by the state of the run, which follows.
            let state = match text("state").and_then(RunStepState::parse) {
                Some(RunStepState::Waiting) => "waits".to_owned(),
                state => state.map_or("changed", word).to_lowercase(),
            };
            let error = text("error").map(|error| format!(" ({error})")).unwrap_or_default();
            format!("Step {}, {}: {state}{error}", inputs::plain(&data["number"]), text("name").unwrap_or_default())
        }
        "approval" => {
            // What expires together is told together.
            let tools =
                data["tool"].as_array().map(|tools| tools.iter().map(inputs::plain).collect::<Vec<_>>().join(", "));
            let tool = tools.unwrap_or_else(|| inputs::plain(&data["tool"]));
            let state = match text("state").and_then(ApprovalState::parse) {
                Some(ApprovalState::Pending) => "asked a person",
                Some(ApprovalState::Approved) => "approved",
                Some(ApprovalState::Denied) => "denied",
                Some(ApprovalState::Expired) => "not answered in time",
                _ => "not needed any more",
            };
            let by = text("by").map(|name| format!(" by {name}")).unwrap_or_default();
            format!("Approval of {tool}: {state}{by}")
        }
        other => other.to_owned(),
    }
}
