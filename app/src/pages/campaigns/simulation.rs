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
    pub(super) is_being_made: bool,
    pub(super) error: Option<String>,
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
    /// What is otherwise than in the one before.
    pub(super) changes: Vec<(String, String)>,
    /// Days or weeks with their e-mails.
    pub(super) bars: Vec<(String, i64)>,
    /// What a bar stands for.
    pub(super) by: &'static str,
    pub(super) mailboxes: Vec<[String; 4]>,
    pub(super) never: Vec<(String, String)>,
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
    let (company, id) = (slug.to_owned(), p.head.id.clone());
    let words = if p.newest.is_some() { "Simulate again" } else { "Simulate" };
    let ask = (p.may_ask && !p.is_being_made).then(|| {
        view! {
            <PostForm post>
                <input type="hidden" name="slug" value=company/>
                <input type="hidden" name="id" value=id/>
                <SubmitButton>{words}</SubmitButton>
            </PostForm>
        }
    });
    let being_made = p.is_being_made.then(|| {
        view! { <Callout tone=Tone::Accent title="Being simulated." live=true>"It appears here by itself."</Callout> }
    });
    let error =
        p.error.map(|words| view! { <Callout tone=Tone::Amber title="It could not be simulated.">{words}</Callout> });
    let body = match p.newest {
        Some(simulated) => result(simulated),
        None if p.is_being_made => ().into_any(),
        None => {
            let text = "It says how many e-mails leave on which day, when the campaign ends, and who gets nothing.";
            view! { <Empty kind=EmptyKind::None title="Not simulated yet" text/> }.into_any()
        }
    };
    view! {
        {head(slug, &p.head, "", ask.into_any())}
        <PageScroll label="Simulation">
            <div class="page-body with-aside">
                <div class="wide">{refusal(post)}{being_made}{error}</div>
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
    let changes = (!s.changes.is_empty()).then(|| {
        let rows: Vec<_> = s.changes.into_iter().map(|(label, text)| fact(label, text)).collect();
        let note = s.cause.unwrap_or_default();
        view! { <Card title="What the last edit changes" note><Facts>{rows}</Facts></Card> }
    });
    let never = if s.never.is_empty() {
        view! { <p class="subtle">"Everybody is reached."</p> }.into_any()
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
            {changes}
            <Card title="Who gets nothing">{never}</Card>
            <Card title="What is assumed">
                <p class="subtle">"A draft starts and a paused campaign goes on at once. Nobody opens, clicks, answers or unsubscribes; every server takes every e-mail; drafts are approved at once; what a sequence waits for by a person or an agent takes a working day. So these are the most e-mails that can come of it. E-mails that other campaigns have planned for the same mailboxes are counted in their caps."</p>
                <p class="subtle small-text">"Simulated "<Time moment=s.made_at/></p>
            </Card>
        </div>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn fact(label: String, text: String) -> AnyView {
    view! { <Fact label>{text}</Fact> }.into_any()
}
