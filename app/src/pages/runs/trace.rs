//! What a run did, in order: as a list, on an axis of time, or as the log of its events. One step is looked
//! into beside it. Everything a step holds is shown as text.

use leptos::prelude::*;

use super::looks::status;
use crate::{
    fmt::Moment,
    ui::{Callout, Card, Fact, Facts, Icon, IconName, StatusLook, TabLink, Tabs, Tag, Time, Tone},
};

/// The steps in one of the views, and the step that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// `tree`, `waterfall` or `log`.
    pub(super) view: String,
    pub(super) steps: Vec<StepLine>,
    /// Beginning, middle and end of the axis.
    pub(super) axis: Vec<String>,
    pub(super) log: Vec<(Moment, String)>,
    pub(super) chosen: Option<StepInFull>,
}

/// A step in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct StepLine {
    pub(super) number: i32,
    pub(super) icon: IconName,
    /// "Tool", "Text".
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) state: String,
    /// The state that it looks like: what waits looks like its run.
    pub(super) look: String,
    pub(super) word: String,
    pub(super) took: String,
    pub(super) tokens: String,
    pub(super) cost: String,
    pub(super) outside: bool,
    /// The run that it was handed over to.
    pub(super) child: Option<String>,
    /// Where its bar begins on the axis, and how long it is.
    pub(super) place: String,
}

/// The step that is looked into.
#[derive(Clone, Debug, PartialEq)]
pub struct StepInFull {
    pub(super) number: i32,
    pub(super) title: String,
    pub(super) what: Option<String>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) error: Option<String>,
    pub(super) outside: bool,
    /// Heading and content: what went in, what came out.
    pub(super) payloads: Vec<(String, Payload)>,
}

/// A value as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    pub(super) text: String,
    /// "Show all 212 kB", when this is its beginning only.
    pub(super) more: Option<String>,
}

/// The trace with its views, and the inspector.
pub(super) fn trace(own: &str, trace: Trace) -> AnyView {
    let step = trace.chosen.as_ref().map(|step| format!("&step={}", step.number)).unwrap_or_default();
    let items = [("tree", "Steps"), ("waterfall", "Time"), ("log", "Log")]
        .map(|(view, label)| TabLink::new(label, format!("{own}?view={view}{step}"), trace.view == view))
        .to_vec();
    let here = format!("{own}?view={}", trace.view);
    let chosen = trace.chosen.as_ref().map(|step| step.number);
    let axis = (trace.view == "waterfall" && !trace.steps.is_empty()).then(|| {
        let marks: Vec<_> = trace.axis.into_iter().map(|mark| view! { <span>{mark}</span> }.into_any()).collect();
        view! { <div class="trace-axis" aria-hidden="true">{marks}</div> }.into_any()
    });
    let body = if trace.view == "log" {
        log(trace.log)
    } else if trace.steps.is_empty() {
        view! { <p class="nothing subtle">"No step yet. The run waits for a free place or has just begun."</p> }
            .into_any()
    } else {
        let timed = trace.view == "waterfall";
        let lines: Vec<_> = trace.steps.into_iter().map(|line| step_line(&here, line, chosen, timed)).collect();
        view! { <ol class="trace">{lines}</ol> }.into_any()
    };
    let inspector = match trace.chosen {
        Some(step) => inspector(&here, step),
        None => view! { <Card title="Step"><p class="subtle">"Choose a step to see what went in and what came out."</p></Card> }
            .into_any(),
    };
    view! {
        <div class="wide split">
            <Card title="What it did" flush=true><Tabs label="Views of the steps" items/>{axis}{body}</Card>
            <div id="step" class="inspector">{inspector}</div>
        </div>
    }
    .into_any()
}

fn log(events: Vec<(Moment, String)>) -> AnyView {
    let lines: Vec<_> = events
        .into_iter()
        .map(|(at, words)| view! { <li><Time moment=at/><span></span><p>{words}</p></li> }.into_any())
        .collect();
    view! { <ol class="log" aria-live="off">{lines}</ol> }.into_any()
}

fn step_line(here: &str, line: StepLine, chosen: Option<i32>, timed: bool) -> AnyView {
    let current = (chosen == Some(line.number)).then_some("true");
    let href = format!("{here}&step={}#step", line.number);
    let outside = line.outside.then(|| view! { <Tag text="from outside" tone=Tone::Amber/> });
    let runs = here.rsplit_once('/').map_or(here, |(runs, _)| runs);
    let child = line.child.map(|id| {
        view! { <a class="child" href=format!("{runs}/{id}")>"Open the run that it was handed over to"</a> }
    });
    let bar = timed.then(|| {
        let class = format!("bar {}", line.state);
        view! { <span class="track" aria-hidden="true"><span class=class style=line.place></span></span> }.into_any()
    });
    view! {
        <li>
            <a href=href aria-current=current>
                <Icon name=line.icon small=true/>
                <span class="num">{line.number}</span>
                <span class="what">{line.kind}" "<span class="strong">{line.name}</span>" "{outside}</span>
                {status(&line.look, line.word, StatusLook::Plain)}
                <span class="num opt">{line.tokens}</span>
                <span class="num opt">{line.cost}</span>
                <span class="num">{line.took}</span>
                {bar}
            </a>
            {child}
        </li>
    }
    .into_any()
}

fn inspector(here: &str, step: StepInFull) -> AnyView {
    let facts: Vec<_> =
        step.facts.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }.into_any()).collect();
    let full = format!("{here}&step={}&full=1#step", step.number);
    let payloads: Vec<_> = step
        .payloads
        .into_iter()
        .map(|(title, payload)| {
            let label = title.clone();
            let more = payload.more.map(|words| view! { <p><a href=full.clone()>{words}</a></p> });
            view! {
                <h3>{title}</h3>
                <div class="payload" tabindex="0" role="region" aria-label=label>{payload.text}</div>
                {more}
            }
            .into_any()
        })
        .collect();
    let error = step
        .error
        .map(|words| view! { <Callout tone=Tone::Coral><span class="as-written">{words}</span></Callout> }.into_any());
    let outside = step.outside.then(|| {
        view! { <Callout tone=Tone::Amber>"Text from outside: data, never instructions."</Callout> }.into_any()
    });
    view! {
        <Card title=step.title>
            {step.what.map(|words| view! { <p>{words}</p> })}
            {error}
            {outside}
            <Facts>{facts}</Facts>
            {payloads}
        </Card>
    }
    .into_any()
}
