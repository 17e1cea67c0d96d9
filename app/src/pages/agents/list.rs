//! The catalogue: every agent of the company, by team.

use domain::Permission;
#[cfg(feature = "ssr")]
use domain::agents::Autonomy;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::detail::{ChangeAgent, autonomy_tag, command};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, only, use_slug},
        written::{Written, written},
    },
    shell::{PageScroll, TabTitle, Topbar},
    ui::{Card, Crumb, FileDrop, SubmitButton},
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::Post,
    pages::{
        analytics::FigureWords,
        filters::{Condition, chips, kept},
        frame::may,
    },
    ui::{
        AddFilter, ButtonKind, ButtonLink, Callout, Choice, Empty, EmptyKind, FilterBar, IconName, SearchField, Select,
        Tag, refusal,
    },
};

/// The agents that match, by team.
#[cfg(feature = "ssr")]
pub struct Catalogue {
    pub(super) teams: Vec<(String, Vec<AgentCard>)>,
    /// The teams that there are.
    pub(super) choices: Vec<(String, String)>,
    pub(super) conditions: Vec<Condition>,
    pub(super) search: String,
    /// Id and name of the lead that an agent is looked for.
    pub(super) lead: Option<(String, String)>,
}

/// An agent in the catalogue.
#[cfg(feature = "ssr")]
pub struct AgentCard {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) job: String,
    pub(super) autonomy: Autonomy,
    pub(super) tools: String,
    pub(super) enabled: bool,
    /// What its runs of the last 30 days did; nothing when there were none.
    pub(super) figures: Option<FigureWords>,
}

/// Loads the catalogue for the query string of the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agents(slug: String, query: String) -> Result<Written, AppError> {
    let list = super::load::catalogue(&slug, &query).await?;
    Ok(Written::new("Agents", move || page(slug, list)))
}

/// The catalogue.
#[component]
pub fn AgentsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("agents"), move || LoadAgents { slug: slug.get(), query: query.read().to_query_string() })
}

#[cfg(feature = "ssr")]
fn page(slug: String, list: Catalogue) -> AnyView {
    let change = Post::to::<ChangeAgent>();
    let base = format!("/t/{slug}/agents");
    let manage = may(Permission::ManageAgents);
    let (import, new) = (format!("{base}/import"), format!("{base}/new"));
    let bar = filter_bar(&base, &list);
    let clear = base.clone();
    let chosen = list.lead.clone().map(|(id, name)| {
        let href = format!("/t/{slug}/leads/{id}");
        view! { <Callout title="Choose an agent.">"It starts with "<a href=href>{name}</a>"."</Callout> }
    });
    let empty = list.teams.is_empty().then(|| {
        view! {
            <Empty kind=EmptyKind::None title="No agents here" text="No agent fits what you look for.">
                <a class="button" href=clear>"Show all agents"</a>
            </Empty>
        }
    });
    let teams: Vec<_> = list
        .teams
        .into_iter()
        .map(|(team, agents)| {
            let count = agents.len();
            let lead = list.lead.as_ref().map(|(id, _)| id.as_str());
            let cards: Vec<_> =
                agents.into_iter().map(|agent| card(&slug, &base, agent, lead, manage, change)).collect();
            view! {
                <section class="stack">
                    <h2 class="cluster">{team}<span class="subtle num">{count}</span></h2>
                    <ul class="agent-grid">{cards}</ul>
                </section>
            }
            .into_any()
        })
        .collect();
    view! {
        <Topbar title="Agents">
            {manage.then(|| view! {
                <ButtonLink href=import kind=ButtonKind::Ghost icon=IconName::Import>"Import"</ButtonLink>
                <ButtonLink href=new kind=ButtonKind::Primary icon=IconName::Plus>"New agent"</ButtonLink>
            })}
        </Topbar>
        {bar}
        <PageScroll label="Agents"><div class="page-body">{refusal(change)}{chosen}{empty}{teams}</div></PageScroll>
    }
    .into_any()
}

/// Chips, the form behind "Filter", and the search; each keeps what the others say.
#[cfg(feature = "ssr")]
fn filter_bar(base: &str, list: &Catalogue) -> AnyView {
    let given = |key: &str| list.conditions.iter().find(|c| c.key == key).map(|c| c.value.clone()).unwrap_or_default();
    let lead = list.lead.as_ref().map(|(id, _)| ("lead", id.clone()));
    let search = Some(("q", list.search.clone())).filter(|(_, words)| !words.is_empty());
    let beside: Vec<_> = lead.clone().into_iter().chain(search).collect();
    let chips = chips(base, &list.conditions, &beside);
    let (by_filter, by_search) =
        (kept(beside), kept(lead.into_iter().chain(list.conditions.iter().map(|c| (c.key, c.value.clone())))));
    let teams: Vec<_> = list.choices.iter().cloned().map(|(value, label)| Choice::new(value, label)).collect();
    let states = vec![Choice::new("yes", "Enabled"), Choice::new("no", "Disabled")];
    let levels: Vec<_> = Autonomy::ALL.iter().map(|level| Choice::new(level.as_str(), level.label())).collect();
    let (action, searched, words) = (base.to_owned(), base.to_owned(), list.search.clone());
    let form = view! {
        <form method="get" action=action class="stack">
            {by_filter}
            <Select name="team" label="Team" options=teams value=given("team") placeholder="Any"/>
            <Select name="enabled" label="Status" options=states value=given("enabled") placeholder="Any"/>
            <Select name="autonomy" label="Autonomy" options=levels value=given("autonomy") placeholder="Any"/>
            <SubmitButton>"Apply"</SubmitButton>
        </form>
    }
    .into_any();
    view! {
        <FilterBar chips=ToChildren::to_children(move || view! { {chips}<AddFilter id="agent-filter">{form}</AddFilter> })>
            <form method="get" action=searched role="search">
                {by_search}
                <SearchField label="Search agents" value=words/>
            </form>
        </FilterBar>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn card(slug: &str, base: &str, agent: AgentCard, lead: Option<&str>, manage: bool, change: Post) -> AnyView {
    let href = match lead {
        Some(lead) => format!("{base}/{}/run?lead={lead}", agent.id),
        None => format!("{base}/{}", agent.id),
    };
    let (what, words) = if agent.enabled { ("disable", "Disable") } else { ("enable", "Enable") };
    let switch = manage.then(|| command(change, slug, &agent.id, what, words, &agent.name, 0));
    let off = (!agent.enabled).then(|| view! { <Tag text="Disabled"/> });
    let figures = agent.figures.map(|f| {
        view! { <p class="subtle num">{format!("{} · {} · {} · {}", f.runs, f.success, f.median, f.cost)}</p> }
    });
    view! {
        <li class="agent-card">
            <a class="strong" href=href>{agent.name}</a>
            <p>{agent.job}</p>
            {figures}
            <div class="cluster">{autonomy_tag(agent.autonomy)}{off}<span class="subtle">{agent.tools}</span><span class="push">{switch}</span></div>
        </li>
    }
    .into_any()
}

/// Agents from files. The form is answered by a door without scripts.
#[component]
pub fn ImportAgentsPage() -> impl IntoView {
    let slug = use_slug();
    only(Permission::ManageAgents, move || {
        move || {
            let base = format!("/t/{}/agents", slug.get());
            let action = format!("{base}/import/upload");
            view! {
                <TabTitle text="Import agents"/>
                <Topbar title="Import agents" trail=vec![Crumb::new("Agents", base)]/>
                <PageScroll label="Import agents">
                    <div class="page-body narrow">
                        <Card title="Choose files">
                            <form method="post" action=action enctype="multipart/form-data" class="stack">
                                <FileDrop name="file" label="Markdown files, one agent each" accept=".md,.markdown,text/markdown" multiple=true hint="YAML front matter with name and description, then the instructions. At most 200 files. A name that is known becomes a new version of that agent."/>
                                <SubmitButton>"Import"</SubmitButton>
                            </form>
                        </Card>
                    </div>
                </PageScroll>
            }
            .into_any()
        }
    })
}
