//! What set a workflow off and what came of it, and what it has done lately.

use chrono::{DateTime, Utc};
use domain::{
    Page,
    workflows::{ActionOutcome, ActionResult, ReasonCount, WorkflowFiring, WorkflowFiringState, WorkflowLook},
};
use leptos::prelude::*;

use crate::{
    fmt::{Moment, grouped, plural},
    ui::{Card, Empty, EmptyKind, Fact, Facts, Glyph, Pager, Status, Time, Tone},
};

/// What the page shows of the log.
pub(super) struct Log {
    pub page: Page<WorkflowFiring>,
    /// Whether this is not the first page.
    pub later: bool,
    pub now: DateTime<Utc>,
    pub zone: String,
}

/// The log.
pub(super) fn view(slug: &str, own: &str, log: Log) -> AnyView {
    let empty = log.page.items.is_empty().then(|| {
        view! { <Empty kind=EmptyKind::First title="Nothing has happened yet" text="What sets the workflow off stands here for three months, with what came of it."/> }
    });
    let (now, zone) = (log.now, log.zone);
    let lines: Vec<_> = log.page.items.into_iter().map(|firing| item(slug, firing, now, &zone)).collect();
    let first = log.later.then(|| own.to_owned());
    let next = log.page.next.map(|cursor| format!("{own}?after={cursor}"));
    view! {
        <Card title="Log"><ul class="stack">{lines}</ul>{empty}</Card>
        <Pager first next/>
    }
    .into_any()
}

fn item(slug: &str, firing: WorkflowFiring, now: DateTime<Utc>, zone: &str) -> AnyView {
    let refused = firing.results.iter().any(|result| result.outcome == ActionOutcome::Refused);
    let (glyph, tone, word) = match firing.state {
        WorkflowFiringState::Pending => (Glyph::Clock, Tone::Sky, "Waits"),
        WorkflowFiringState::Running => (Glyph::Half, Tone::Accent, "Under way"),
        WorkflowFiringState::Done if refused => (Glyph::Half, Tone::Amber, "Partly done"),
        WorkflowFiringState::Done => (Glyph::Done, Tone::Jade, "Done"),
        WorkflowFiringState::NotStarted => (Glyph::Slash, Tone::Neutral, "Not started"),
    };
    let times = (firing.events > 1).then(|| format!(" ({} leads)", grouped(firing.events.into())));
    let lead = firing.lead.map(|id| {
        let name = firing.lead_name.unwrap_or_else(|| "Unnamed lead".to_owned());
        view! { <a class="strong" href=format!("/t/{slug}/leads/{id}")>{name}</a> }
    });
    let why = firing.reason.map(|reason| view! { <p class="subtle">{reason.label()}</p> });
    let results: Vec<_> = firing.results.into_iter().map(|result| line(slug, result)).collect();
    let results = (!results.is_empty()).then(|| view! { <ol>{results}</ol> });
    let at = Moment::new(firing.at, now, zone);
    view! {
        <li>
            <div class="cluster">
                <Status glyph tone word/>
                {lead}
                <span>{firing.cause}{times}</span>
                <span class="push subtle"><Time moment=at/></span>
            </div>
            {why}
            {results}
        </li>
    }
    .into_any()
}

fn line(slug: &str, result: ActionResult) -> AnyView {
    let words = match result.outcome {
        ActionOutcome::Done | ActionOutcome::Waiting => result.words,
        ActionOutcome::Unchanged => format!("Nothing to do: {}", result.words),
        ActionOutcome::Refused => format!("Refused: {}: {}", result.action.label(), result.words),
    };
    let link = match (result.run, result.campaign) {
        (Some(run), _) => Some((format!("/t/{slug}/runs/{run}"), "The run")),
        (None, Some(campaign)) => Some((format!("/t/{slug}/campaigns/{campaign}"), "The campaign")),
        (None, None) => None,
    };
    let link = link.map(|(href, words)| view! { " "<a href=href>{words}</a> });
    view! { <li class="subtle">{words}{link}</li> }.into_any()
}

/// What it has done lately, and what it would have done.
pub(super) fn look(look: WorkflowLook) -> AnyView {
    let reasons = |list: Vec<ReasonCount>| {
        let lines: Vec<_> = list
            .into_iter()
            .map(|reason| view! { <li>{grouped(reason.count)}" × "{reason.words}</li> }.into_any())
            .collect();
        view! { <ul>{lines}</ul> }
    };
    let not_started =
        (!look.not_started.is_empty()).then(|| view! { <Fact label="Not started">{reasons(look.not_started)}</Fact> });
    let refused = (!look.refused.is_empty()).then(|| view! { <Fact label="Refused">{reasons(look.refused)}</Fact> });
    let matching = look.created.zip(look.matching).map(|(created, matching)| {
        let words = format!("{} of {} that were created", grouped(matching), plural(created, "lead", "leads"));
        view! { <Fact label="Would meet the conditions now">{words}</Fact> }
    });
    view! {
        <Card title="Last 30 days">
            <Facts>
                <Fact label="Acted for">{plural(look.acted, "lead", "leads")}</Fact>
                {not_started}
                {refused}
                {matching}
            </Facts>
        </Card>
    }
    .into_any()
}
