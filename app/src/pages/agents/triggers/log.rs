//! What has set a trigger off, and what came of it.

use domain::triggers::FiringState;
use leptos::prelude::*;

use crate::{
    fmt::Moment,
    ui::{ButtonLink, ButtonSize, Card, Empty, EmptyKind, Glyph, Pager, Status, Time, Tone},
};

/// What the page shows of one trigger.
pub(super) struct Log {
    pub trigger: String,
    pub name: String,
    pub lines: Vec<Line>,
    /// Whether this is not the first page.
    pub later: bool,
    pub next: Option<String>,
}

/// Something that happened.
pub(super) struct Line {
    pub at: Moment,
    pub due: Option<Moment>,
    pub what: String,
    pub events: i32,
    pub lead: Option<String>,
    pub campaign: Option<String>,
    pub run: Option<String>,
    pub why_not: Option<String>,
    pub state: FiringState,
}

/// The log.
pub(super) fn view(slug: &str, base: &str, log: Log) -> AnyView {
    let here = format!("{base}?log={}", log.trigger);
    let empty = log.lines.is_empty().then(|| {
        view! { <Empty kind=EmptyKind::First title="Nothing has happened yet" text="What sets the trigger off stands here for three months."/> }
    });
    let lines: Vec<_> = log.lines.into_iter().map(|line| item(slug, line)).collect();
    let first = log.later.then(|| here.clone());
    let next = log.next.map(|cursor| format!("{here}&after={cursor}"));
    let back = view! { <ButtonLink href=base size=ButtonSize::Small>"All triggers"</ButtonLink> }.into_any();
    view! {
        <Card title=format!("What has set “{}” off", log.name) action=back><ul class="stack">{lines}</ul>{empty}</Card>
        <Pager first next/>
    }
    .into_any()
}

fn item(slug: &str, line: Line) -> AnyView {
    let (glyph, tone, word) = match line.state {
        FiringState::Pending => (Glyph::Clock, Tone::Sky, "Waits"),
        FiringState::Started => (Glyph::Play, Tone::Jade, "Started"),
        FiringState::NotStarted => (Glyph::Slash, Tone::Neutral, "Not started"),
    };
    let times = (line.events > 1).then(|| format!(" ({} times)", line.events));
    let due = line.due.map(|at| view! { " on "<Time moment=at/> });
    let link = |noun: &str, words: &'static str, id: Option<String>| {
        id.map(|id| view! { <a href=format!("/t/{slug}/{noun}/{id}")>{words}</a> })
    };
    view! {
        <li>
            <div class="cluster">
                <Status glyph tone word/>
                <span>{line.what}{due}{times}</span>
                <span class="push subtle"><Time moment=line.at/></span>
            </div>
            <p class="subtle cluster">
                {line.why_not.map(|why| view! { <span>{why}</span> })}
                {link("runs", "The run", line.run)}
                {link("leads", "The lead", line.lead)}
                {link("campaigns", "The campaign", line.campaign)}
            </p>
        </li>
    }
    .into_any()
}
