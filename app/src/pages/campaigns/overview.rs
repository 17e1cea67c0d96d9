//! One campaign: where every lead is, what was sent, and the commands that its state allows.

use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use super::{
    commands::{CommandCampaign, button, resume_all_the_same},
    looks::{Head, head},
};
use crate::{
    error::AppError,
    exchange::{Post, with_data},
    fmt::{Moment, grouped},
    pages::frame::{live_version_of, use_param, use_slug},
    shell::{PageScroll, live::use_live_state},
    ui::{
        ButtonKind, ButtonLink, Callout, Card, DayBar, Fact, Facts, IconName, Kpi, KpiStrip, LiveMark, Meter, Part,
        PerDayChart, StackedBar, Time, Tone, confirm, refusal,
    },
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub(super) head: Head,
    pub(super) allowed: Vec<String>,
    pub(super) notice: Option<String>,
    /// The system has paused it, and nobody resumes it without having read why.
    pub(super) to_read: bool,
    /// When that ends.
    pub(super) next: Option<Moment>,
    /// Title and words.
    pub(super) warning: Option<(String, String)>,
    pub(super) audience: i64,
    pub(super) enrolling: i64,
    pub(super) finished: i64,
    pub(super) open: i64,
    pub(super) removed: i64,
    /// Label, value and base of each figure.
    pub(super) figures: Vec<(String, String, String)>,
    pub(super) lines: Vec<(String, i64)>,
    /// Heads of the figures of steps.
    pub(super) columns: Vec<String>,
    /// What is said beside them.
    pub(super) steps_note: String,
    pub(super) steps: Vec<StepRow>,
    pub(super) days: Vec<(String, i64)>,
    pub(super) mailboxes: Vec<(String, i64, i64)>,
    pub(super) log: Vec<(Moment, String)>,
}

/// A step in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Its place; none for steps that leads do not get any more.
    pub(super) position: Option<i32>,
    pub(super) subject: String,
    pub(super) delay: String,
    pub(super) figures: Vec<String>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_overview(slug: String, id: String) -> Result<Overview, AppError> {
    super::load::overview(&slug, &id).await
}

/// One campaign.
#[component]
pub fn CampaignPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    let command = Post::to::<CommandCampaign>();
    let live = live_version_of("campaigns", id);
    with_data(
        live,
        move || LoadOverview { slug: slug.get(), id: id.get() },
        move |shown| page(slug.get_untracked(), shown, command),
    )
}

fn page(slug: String, o: Overview, command: Post) -> AnyView {
    let actions = actions(&slug, &o, command);
    let parts = vec![
        Part::new("Finished", o.finished, Tone::Jade),
        Part::new("In sequence", o.open, Tone::Accent),
        Part::new("Left early", o.removed, Tone::Neutral),
        Part::new("Being placed", o.enrolling, Tone::Sky),
    ];
    let sum = o.finished + o.open + o.removed + o.enrolling;
    let lines: Vec<_> =
        o.lines.into_iter().map(|(label, leads)| view! { <Fact label>{grouped(leads)}</Fact> }.into_any()).collect();
    let mailboxes: Vec<_> = o
        .mailboxes
        .into_iter()
        .map(|(address, sent, cap)| {
            let label = format!("E-mails of {address} in 24 hours");
            view! {
                <div class="mailbox-use">
                    <div><span class="truncate">{address}</span><span class="val">{format!("{} / {}", grouped(sent), grouped(cap))}</span></div>
                    <Meter value=sent max=cap label/>
                </div>
            }
            .into_any()
        })
        .collect();
    let log: Vec<_> = o
        .log
        .into_iter()
        .map(|(moment, text)| view! { <li><Time moment/><span></span><p>{text}</p></li> }.into_any())
        .collect();
    let bars = o.days.into_iter().map(|(label, value)| DayBar { label, value }).collect();
    let figures = o.figures.into_iter().map(|(label, value, note)| Kpi { label, value, note }).collect();
    let simulation = format!("/t/{slug}/campaigns/{}/simulation", o.head.id);
    let resume = (o.to_read && o.head.may("resume")).then(|| resume_all_the_same(command, &slug, &o.head.id));
    let proofs = (o.audience > 0).then(|| format!("/t/{slug}/campaigns/{}/proofs", o.head.id));
    view! {
        {head(&slug, &o.head, "", actions)}
        <PageScroll label="Campaign">
            <div class="page-body with-aside">
                <div class="wide">{refusal(command)}</div>
                {o.notice.map(|text| {
                    let next = o.next.map(|moment| view! { " Next: "<Time moment/>"." });
                    view! { <div class="wide"><Callout tone=Tone::Amber title="Nothing is sent." live=true>{text}{next}{resume}</Callout></div> }
                })}
                {o.warning.map(|(title, text)| view! { <div class="wide"><Callout tone=Tone::Amber title>{text}</Callout></div> })}
                <div class="wide">
                    <KpiStrip items=figures/>
                </div>
                <div class="col">
                    <Card title="Progress" note=format!("{} of {} leads accounted for", grouped(sum), grouped(o.audience))>
                        <StackedBar parts/>
                        <p><a class="button ghost small" href=simulation>"What is ahead"</a></p>
                    </Card>
                    <Card title="Per day" note="last 14 days"><PerDayChart title="Sent" days=bars partial_last=true/></Card>
                    {steps(o.columns, o.steps_note, o.steps)}
                </div>
                <div class="col">
                    {proofs.map(|href| {
                        let action = view! { <a class="button ghost small" href=href>"Send proofs"</a> }.into_any();
                        view! { <Card title="Where every lead is" action><Facts>{lines}</Facts></Card> }
                    })}
                    <Card title="Mailboxes, last 24 hours">{mailboxes}</Card>
                    <Card title="Log" flush=true><ol class="log" aria-live="off">{log}</ol></Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

fn actions(slug: &str, o: &Overview, command: Post) -> AnyView {
    let own = format!("/t/{slug}/campaigns/{}", o.head.id);
    let can = |word: &str| o.head.may(word) && o.allowed.iter().any(|a| a == word);
    let form = |word: &'static str, label: &str, icon| {
        button(command, slug, &o.head.id, word, label.to_owned(), ButtonKind::Default, icon)
    };
    let state = use_live_state();
    view! {
        <LiveMark state/>
        {can("schedule").then(|| view! { <ButtonLink href=format!("{own}/launch") kind=ButtonKind::Primary>"Continue to launch"</ButtonLink> })}
        {(o.head.state == "scheduled" && can("start")).then(|| form("start", "Start now", IconName::Play))}
        {can("unschedule").then(|| form("unschedule", "Unschedule", IconName::Calendar))}
        {can("pause").then(|| form("pause", "Pause", IconName::Pause))}
        {(can("resume") && !o.to_read).then(|| form("resume", "Resume", IconName::Play))}
        {can("stop").then(|| view! { <ButtonLink href=format!("{own}/stop") icon=IconName::Stop>"Stop"</ButtonLink> })}
        {o.head.may("duplicate").then(|| form("duplicate", "Duplicate", IconName::Copy))}
        {o.head.may("report").then(|| form("report", "Make report", IconName::File))}
        {(can("archive") && !o.head.archived).then(|| form("archive", "Archive", IconName::Export))}
        {(o.head.archived && o.head.may("unarchive")).then(|| form("unarchive", "Bring back", IconName::Import))}
        {(o.head.state == "draft" && o.head.may("delete")).then(|| {
            let form = button(command, slug, &o.head.id, "delete", "Delete draft".to_owned(), ButtonKind::Danger, IconName::Trash);
            confirm("Delete draft", "", "Its steps and their texts are lost. This cannot be undone.", form)
        })}
    }
    .into_any()
}

fn steps(columns: Vec<String>, note: String, steps: Vec<StepRow>) -> impl IntoView {
    // Narrow pages do without the last one.
    let last = columns.len().saturating_sub(1);
    let class = move |i: usize| if i == last { "num opt" } else { "num" };
    let heads: Vec<_> = columns
        .into_iter()
        .enumerate()
        .map(|(i, head)| view! { <th scope="col" class=class(i)>{head}</th> }.into_any())
        .collect();
    let rows: Vec<_> = steps
        .into_iter()
        .map(|s| {
            let cells: Vec<_> = s
                .figures
                .into_iter()
                .enumerate()
                .map(|(i, figure)| view! { <td class=class(i)>{figure}</td> }.into_any())
                .collect();
            view! {
                <tr>
                    <td><span class="cell">{s.position.map(|place| view! { <span class="stepno">{place}</span> })}<b class="truncate">{s.subject}</b></span></td>
                    <td class="opt">{s.delay}</td>
                    {cells}
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <Card title="Steps" note flush=true>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Steps">
                <table class="plain-table step-table">
                    <thead><tr>
                        <th scope="col">"Step"</th><th scope="col" class="opt">"Waits"</th>
                        {heads}
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
}
