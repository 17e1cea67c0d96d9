//! What the agents did in a period: together, by day, by team and by agent.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    shell::{PageScroll, Topbar},
    ui::{Card, DayBar, Empty, EmptyKind, Fact, Facts, Icon, IconName, Kpi, KpiStrip, PerDayChart, TabLink, Tabs},
};
#[cfg(feature = "ssr")]
use domain::analytics::Period;

/// What the page shows.
#[cfg(feature = "ssr")]
pub struct Figures {
    pub(super) period: Period,
    pub(super) zone: String,
    pub(super) kpis: Vec<Kpi>,
    pub(super) days: Vec<DayBar>,
    pub(super) teams: Vec<FigureRow>,
    pub(super) agents: Vec<FigureRow>,
}

/// The figures of an agent or a team, in words.
#[cfg(feature = "ssr")]
pub struct FigureRow {
    /// Id of the agent; a team has none.
    pub(super) agent: Option<String>,
    pub(super) name: String,
    pub(super) runs: String,
    pub(super) success: String,
    /// Why the share is no percentage.
    pub(super) few: Option<&'static str>,
    pub(super) median: String,
    pub(super) slow: String,
    pub(super) tokens: String,
    pub(super) cost: String,
    pub(super) approvals: String,
    pub(super) drafts: String,
    pub(super) used: String,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent_analytics(slug: String, period: String) -> Result<Written, AppError> {
    let figures = super::load::figures(&slug, &period).await?;
    Ok(Written::new("Analytics of agents", move || page(&slug, figures)))
}

/// The figures of agents.
#[component]
pub fn AgentAnalyticsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("runs"), move || LoadAgentAnalytics {
        slug: slug.get(),
        period: query.read().get("period").unwrap_or_default(),
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, figures: Figures) -> AnyView {
    let base = format!("/t/{slug}/analytics/agents");
    let tabs = Period::ALL
        .iter()
        .map(|period| TabLink::new(period.label(), format!("{base}?period={period}"), *period == figures.period))
        .collect();
    let file = format!("{base}/figures.csv?period={}", figures.period);
    let days = format!("last {}", figures.period.label());
    let body = if figures.agents.is_empty() {
        let agents = format!("/t/{slug}/agents");
        view! {
            <Empty kind=EmptyKind::First title="No figures yet" text="Data starts when the first agent runs in this period.">
                <a class="button" href=agents>"Show the agents"</a>
            </Empty>
        }
        .into_any()
    } else {
        view! {
            <KpiStrip items=figures.kpis/>
            <Card title="Runs per day" note=days><PerDayChart title="Runs" days=figures.days partial_last=true/></Card>
            {table(slug, "By team", "Team", figures.teams)}
            {table(slug, "By agent", "Agent", figures.agents)}
        }
        .into_any()
    };
    view! {
        <Topbar title="Analytics">
            <a class="button" href=file rel="external" download><Icon name=IconName::Export/>"Export CSV"</a>
        </Topbar>
        <Tabs label="Period" items=tabs/>
        <PageScroll label="Analytics"><div class="page-body">{body}{definitions(&figures.zone)}</div></PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn table(slug: &str, title: &'static str, what: &'static str, rows: Vec<FigureRow>) -> AnyView {
    let rows: Vec<_> = rows.into_iter().map(|r| row(slug, r)).collect();
    view! {
        <Card title flush=true>
            <div class="table-scroll" tabindex="0" role="region" aria-label=title>
                <table class="plain-table">
                    <thead><tr>
                        <th scope="col">{what}</th><th scope="col" class="num">"Runs"</th>
                        <th scope="col" class="num">"Succeeded"</th><th scope="col" class="num opt">"Median"</th>
                        <th scope="col" class="num opt">"95 of 100"</th><th scope="col" class="num opt">"Tokens"</th>
                        <th scope="col" class="num opt">"Cost"</th><th scope="col" class="num opt">"Approvals"</th>
                        <th scope="col" class="num opt">"Drafts"</th><th scope="col" class="num opt">"Of these"</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, r: FigureRow) -> AnyView {
    let name = match r.agent {
        Some(id) => view! { <a href=format!("/t/{slug}/agents/{id}")>{r.name}</a> }.into_any(),
        None => r.name.into_any(),
    };
    let few = r.few.map(|words| view! { <span class="subtle small-text">" ("{words}")"</span> });
    view! {
        <tr>
            <th scope="row">{name}</th>
            <td class="num">{r.runs}</td>
            <td class="num">{r.success}{few}</td>
            <td class="num opt">{r.median}</td>
            <td class="num opt">{r.slow}</td>
            <td class="num opt">{r.tokens}</td>
            <td class="num opt">{r.cost}</td>
            <td class="num opt">{r.approvals}</td>
            <td class="num opt">{r.drafts}</td>
            <td class="num opt">{r.used}</td>
        </tr>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn definitions(zone: &str) -> AnyView {
    let runs = format!("Runs that were started in the period. Days begin at midnight, {zone}.");
    view! {
        <Card title="What is counted">
            <Facts>
                <Fact label="Runs">{runs}</Fact>
                <Fact label="Succeeded">"Succeeded ÷ ended. With fewer than 30 ended runs the two counts stand there instead of a share: too few to compare."</Fact>
                <Fact label="Median, 95 of 100">"Half, or 95 of 100, of the ended runs took at most so long from their start to their end. Waiting for a person counts."</Fact>
                <Fact label="Tokens, cost">"Sent to and answered by models in the last attempt of each run, at the prices under Settings, Models."</Fact>
                <Fact label="Approvals">"Calls that people were asked about. Those that expired or were withdrawn are neither approved nor denied."</Fact>
                <Fact label="Drafts">"E-mails that these runs drafted, and what people did with them since."</Fact>
            </Facts>
        </Card>
    }
    .into_any()
}
