//! One campaign: where every lead is, what was sent, and the commands that its state allows.

use domain::campaigns::CampaignState;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

use super::{
    commands::{CommandCampaign, button, resume_all_the_same},
    looks::{Head, head_of, planned_words},
};
use crate::{
    error::AppError,
    exchange::{Post, with_data},
    fmt::{Moment, grouped},
    pages::frame::{live_version_of, use_param, use_slug},
    shell::{PageScroll, live::use_live_state},
    ui::{
        ButtonKind, Callout, Card, DayBar, Fact, Facts, IconName, Kpi, KpiStrip, LiveMark, Meter, Part, PerDayChart,
        StackedBar, Time, Tone, confirm,
    },
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub(super) head: Head,
    pub(super) notice: Option<String>,
    /// When that ends.
    pub(super) next: Option<Moment>,
    /// Title and words.
    pub(super) warning: Option<(String, String)>,
    /// Its leads are enrolled; before that they are those who would be.
    pub(super) is_frozen: bool,
    pub(super) audience: i64,
    pub(super) enrolling: i64,
    pub(super) finished: i64,
    pub(super) replied: i64,
    pub(super) open: i64,
    pub(super) converted: i64,
    pub(super) left_early: i64,
    /// Label, value and base of each figure.
    pub(super) figures: Vec<(String, String, String)>,
    pub(super) lines: Vec<(String, i64)>,
    /// What its e-mails change, beside leads that get none.
    pub(super) holdout: Vec<(String, String)>,
    /// Heads of the figures of steps.
    pub(super) columns: Vec<String>,
    /// What is said beside them.
    pub(super) steps_note: String,
    pub(super) steps: Vec<StepRow>,
    pub(super) days: Vec<(String, i64)>,
    pub(super) mailboxes: Vec<(String, i64, i64)>,
    pub(super) log: Vec<LogRow>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRow {
    pub(super) at: Moment,
    pub(super) what: String,
    /// The lead it is about.
    pub(super) lead: Option<String>,
    /// Its name, or who has done it.
    pub(super) who: String,
    /// More, behind the name.
    pub(super) text: String,
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
    let (accounted, bar) = progress(&o);
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
    let log: Vec<_> = o.log.into_iter().map(|entry| log_entry(&slug, entry)).collect();
    let bars = o.days.into_iter().map(|(label, value)| DayBar { label, value }).collect();
    let figures = o.figures.into_iter().map(|(label, value, note)| Kpi { label, value, note }).collect();
    let simulation = format!("/t/{slug}/campaigns/{}/simulation", o.head.id);
    let resume = (o.head.to_read && o.head.may("resume")).then(|| resume_all_the_same(command, &slug, &o.head.id));
    let ahead = (!o.head.is(CampaignState::is_terminal)).then(|| {
        view! { <p><a class="button ghost small" href=simulation>"What is ahead"</a></p> }
    });
    let rows: Vec<_> =
        o.holdout.into_iter().map(|(label, words)| view! { <Fact label>{words}</Fact> }.into_any()).collect();
    let holdout = (!rows.is_empty()).then(|| {
        view! { <Card title="What the e-mails change" note="beside leads that get none"><Facts>{rows}</Facts></Card> }
    });
    let proofs = (o.is_frozen && o.audience > 0).then(|| format!("/t/{slug}/campaigns/{}/proofs", o.head.id));
    let all_of_it = format!("/t/{slug}/campaigns/{}/log", o.head.id);
    let all_of_it = view! { <a class="button ghost small" href=all_of_it>"All of it"<span class="sr-only">", the whole log"</span></a> }.into_any();
    view! {
        {head_of(&slug, &o.head, "", actions, command)}
        <PageScroll label="Campaign">
            <div class="page-body with-aside">
                {o.notice.map(|text| {
                    let next = o.next.map(|moment| view! { " Next: "<Time moment/>"." });
                    view! { <div class="wide"><Callout tone=Tone::Amber title="Nothing is sent." live=true>{text}{next}{resume}</Callout></div> }
                })}
                {o.warning.map(|(title, text)| view! { <div class="wide"><Callout tone=Tone::Amber title>{text}</Callout></div> })}
                <div class="wide">
                    <KpiStrip items=figures/>
                </div>
                <div class="col">
                    <Card title="Progress" note=accounted>
                        {bar}
                        {ahead}
                    </Card>
                    <Card title="Per day" note="last 14 days"><PerDayChart title="Sent" days=bars partial_last=true/></Card>
                    {steps(o.columns, o.steps_note, o.steps)}
                </div>
                <div class="col">
                    {proofs.map(|href| {
                        let action = view! { <a class="button ghost small" href=href>"Send proofs"</a> }.into_any();
                        view! { <Card title="Where every lead is" action><Facts>{lines}</Facts></Card> }
                    })}
                    {holdout}
                    <Card title="Mailboxes, last 24 hours">{mailboxes}</Card>
                    <Card title="Log" flush=true action=all_of_it><ol class="log" aria-live="off">{log}</ol></Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

/// Where its leads are, in a sentence and as a bar. Nobody is anywhere before it begins.
fn progress(o: &Overview) -> (String, AnyView) {
    if !o.is_frozen {
        let text = "They are enrolled when the campaign starts.";
        return (planned_words(o.audience), view! { <p class="subtle">{text}</p> }.into_any());
    }
    let mut parts = vec![
        Part::new("Finished", o.finished, Tone::Jade),
        Part::new("Replied", o.replied, Tone::Violet),
        Part::new("In sequence", o.open, Tone::Accent),
        Part::new("Left early", o.left_early, Tone::Neutral),
        Part::new("Being placed", o.enrolling, Tone::Sky),
    ];
    // Many campaigns never hear of it.
    if o.converted > 0 {
        parts.insert(2, Part::new("Became customers", o.converted, Tone::Amber));
    }
    let sum: i64 = parts.iter().map(|part| part.value).sum();
    let note = format!("{} of {} leads accounted for", grouped(sum), grouped(o.audience));
    (note, view! { <StackedBar parts/> }.into_any())
}

fn log_entry(slug: &str, entry: LogRow) -> AnyView {
    let who = match entry.lead {
        Some(id) => view! { <a href=format!("/t/{slug}/leads/{id}")>{entry.who}</a> }.into_any(),
        None => entry.who.into_any(),
    };
    view! { <li><Time moment=entry.at/><span></span><p>{entry.what}" · "{who}{entry.text}</p></li> }.into_any()
}

/// What stands on this tab only: whether it is live, and the end of a draft.
fn actions(slug: &str, o: &Overview, command: Post) -> AnyView {
    let state = use_live_state();
    let live = (!o.head.is(CampaignState::is_terminal)).then(|| view! { <LiveMark state/> });
    let delete = (o.head.state == "draft" && o.head.may("delete")).then(|| {
        let (words, icon) = ("Delete draft", IconName::Trash);
        let form = button(command, slug, &o.head.id, "delete", words.to_owned(), ButtonKind::Danger, icon);
        confirm(words, "", "Its steps and their texts are lost. This cannot be undone.", form)
    });
    view! { {live}{delete} }.into_any()
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
                    <td><span class="cell">{s.position.map(|place| view! { <span class="stepno">{place}</span> })}<b>{s.subject}</b></span></td>
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
