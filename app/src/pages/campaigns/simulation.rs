//! The simulation of a campaign: what it is going to do, and what the last edit has changed about that.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::looks::{Head, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::PageScroll,
    ui::{
        Callout, Card, DayBar, Empty, EmptyKind, Fact, Facts, Kpi, KpiStrip, PerDayChart, SubmitButton, Time, Tone,
        refusal,
    },
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationPage {
    pub(super) head: Head,
    pub(super) may_ask: bool,
    /// Nothing is to come.
    pub(super) ended: bool,
    pub(super) is_being_made: bool,
    pub(super) error: Option<String>,
    /// What has changed since the newest one, in a sentence.
    pub(super) outdated: Option<String>,
    pub(super) newest: Option<Simulated>,
}

/// A simulation in words.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    pub(super) made_at: Moment,
    /// The edit after which it was made.
    pub(super) cause: Option<String>,
    pub(super) figures: Vec<(String, String, String)>,
    /// What publishing would change, while something waits for that.
    pub(super) publishing: Option<Publishing>,
    /// What is otherwise than before the last edit, where one lies between.
    pub(super) edit: Option<Vec<(String, String)>>,
    /// Days or weeks with their e-mails.
    pub(super) bars: Vec<(String, i64)>,
    /// What a bar stands for.
    pub(super) by: &'static str,
    pub(super) mailboxes: Vec<[String; 4]>,
    pub(super) never: Vec<(String, String)>,
    /// What is said where nobody is left out.
    pub(super) reached: &'static str,
}

/// Figures with and without what was edited, for whom it would be published.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Publishing {
    pub(super) columns: Vec<&'static str>,
    /// Only those that are not the same everywhere.
    pub(super) rows: Vec<(String, Vec<String>)>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_simulation(slug: String, id: String) -> Result<Written, AppError> {
    let shown = super::load::simulation::page(&slug, &id).await?;
    Ok(Written::new(shown.head.name.clone(), move || page(&slug, shown)))
}

/// Asks for a simulation.
#[server(prefix = "/sf")]
pub async fn simulate_campaign(slug: String, id: String) -> Result<(), AppError> {
    let campaign = super::load::campaign_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.campaigns().ask_simulation(campaign).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/campaigns/{id}/simulation"), "simulation-asked");
    Ok(())
}

/// The simulation of a campaign.
#[component]
pub fn CampaignSimulationPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("campaign"));
    written(live_version_of("campaigns", id), move || LoadSimulation { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, p: SimulationPage) -> AnyView {
    let post = Post::to::<SimulateCampaign>();
    let ask = |words: &'static str| {
        let (company, id) = (slug.to_owned(), p.head.id.clone());
        view! {
            <PostForm post>
                <input type="hidden" name="slug" value=company/>
                <input type="hidden" name="id" value=id/>
                <SubmitButton>{words}</SubmitButton>
            </PostForm>
        }
        .into_any()
    };
    let may_ask = p.may_ask && !p.is_being_made;
    let outdated = p.outdated.clone().filter(|_| !p.ended).map(|words| {
        let again = may_ask.then(|| ask("Simulate again"));
        view! { <Callout tone=Tone::Amber title="Out of date."><p>{words}</p>{again}</Callout> }.into_any()
    });
    let words = if p.newest.is_some() { "Simulate again" } else { "Simulate" };
    let action = (may_ask && outdated.is_none()).then(|| ask(words)).into_any();
    let being_made = p.is_being_made.then(|| {
        view! { <Callout tone=Tone::Accent title="Being simulated." live=true>"It appears here by itself."</Callout> }
    });
    let error = p
        .error
        .clone()
        .map(|words| view! { <Callout tone=Tone::Amber title="It could not be simulated.">{words}</Callout> });
    let ended = (p.ended && p.newest.is_some()).then(|| {
        let words = "Nothing is ahead of it. What was simulated last stands below.";
        view! { <Callout tone=Tone::Sky title="This campaign has ended.">{words}</Callout> }
    });
    let body = match p.newest {
        Some(simulated) => result(simulated),
        None if p.ended => {
            let text = "This campaign has ended, so there is nothing to simulate.";
            view! { <Empty kind=EmptyKind::None title="Nothing is ahead" text/> }.into_any()
        }
        None if p.is_being_made => ().into_any(),
        None => {
            let text = "It says how many e-mails leave on which day, when the campaign ends, and who gets nothing.";
            view! { <Empty kind=EmptyKind::None title="Not simulated yet" text/> }.into_any()
        }
    };
    view! {
        {head(slug, &p.head, "/simulation", action)}
        <PageScroll label="Simulation">
            <div class="page-body with-aside">
                <div class="wide">{refusal(post)}{ended}{outdated}{being_made}{error}</div>
                {body}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn result(s: Simulated) -> AnyView {
    let figures = s.figures.into_iter().map(|(label, value, note)| Kpi { label, value, note }).collect();
    let bars = s.bars.into_iter().map(|(label, value)| DayBar { label, value }).collect();
    let publishing = s.publishing.map(publishing);
    let note = s.cause.unwrap_or_default();
    let edit = s.edit.map(|rows| {
        let words = if rows.is_empty() {
            view! { <p class="subtle">"The figures stay as they were."</p> }.into_any()
        } else {
            let rows: Vec<_> = rows.into_iter().map(|(label, text)| fact(label, text)).collect();
            view! { <Facts>{rows}</Facts> }.into_any()
        };
        view! { <Card title="What the last edit changes" note>{words}</Card> }
    });
    let never = if s.never.is_empty() {
        view! { <p class="subtle">{s.reached}</p> }.into_any()
    } else {
        let rows: Vec<_> = s.never.into_iter().map(|(label, text)| fact(label, text)).collect();
        view! { <Facts>{rows}</Facts> }.into_any()
    };
    let mailboxes: Vec<_> = s
        .mailboxes
        .into_iter()
        .map(|[address, mails, busiest, full]| {
            view! { <tr><th scope="row">{address}</th><td class="num">{mails}</td><td class="num">{busiest}</td><td class="num">{full}</td></tr> }
        })
        .collect();
    view! {
        <div class="wide"><KpiStrip items=figures/></div>
        <div class="col">
            {publishing}
            <Card title=format!("Per {}", s.by) note="on the company\u{2019}s calendar"><PerDayChart title="E-mails" days=bars/></Card>
            <Card title="What each mailbox carries" flush=true>
                <div class="table-scroll" tabindex="0" role="region" aria-label="What each mailbox carries">
                    <table class="plain-table">
                        <thead><tr>
                            <th scope="col">"Mailbox"</th><th scope="col" class="num">"E-mails"</th>
                            <th scope="col" class="num">"Busiest day"</th><th scope="col" class="num">"Days at its cap"</th>
                        </tr></thead>
                        <tbody>{mailboxes}</tbody>
                    </table>
                </div>
            </Card>
        </div>
        <div class="col">
            {edit}
            <Card title="Who gets nothing">{never}</Card>
            <Card title="What is assumed">
                <p class="subtle">"A draft starts and a paused campaign goes on at once. Nobody opens, clicks, answers or unsubscribes; every server takes every e-mail; drafts are approved at once; what a sequence waits for by a person or an agent takes a working day. So these are the most e-mails that can come of it. E-mails that other campaigns have planned for the same mailboxes are counted in their caps."</p>
                <p class="subtle small-text">"Simulated "<Time moment=s.made_at/></p>
            </Card>
        </div>
    }
    .into_any()
}

/// What publishing changes. Every column is of the same moment, so what was sent before is in none of them.
#[cfg(feature = "ssr")]
fn publishing(p: Publishing) -> AnyView {
    let heads: Vec<_> = p.columns.into_iter().map(|words| view! { <th scope="col" class="num">{words}</th> }).collect();
    let none = p.rows.is_empty();
    let rows: Vec<_> = p
        .rows
        .into_iter()
        .map(|(label, values)| {
            let cells: Vec<_> = values.into_iter().map(|value| view! { <td class="num">{value}</td> }).collect();
            view! { <tr><th scope="row">{label}</th>{cells}</tr> }
        })
        .collect();
    let table = (!none).then(|| {
        view! {
            <div class="table-scroll" tabindex="0" role="region" aria-label="What publishing the edits changes">
                <table class="plain-table">
                    <thead><tr><th scope="col">"From now on"</th>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    });
    let same = none.then(|| view! { <p>"These figures stay the same, for whomever it is published."</p> });
    view! {
        <Card title="What publishing the edits changes">
            {same}
            {table}
            <p class="subtle">"Nobody gets the edits before they are published. The rest of this page is what comes of publishing them for new leads only: those in the middle go on in the version that they are in."</p>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn fact(label: String, text: String) -> AnyView {
    view! { <Fact label>{text}</Fact> }.into_any()
}
