//! The list of runs: what works now, what needs somebody, and what failed.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::looks::status;
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    shell::Topbar,
    ui::{
        ButtonLink, ColumnKind, Empty, EmptyKind, FilterBar, FilterChip, HeaderCell, IconName, Pager, StatusLook,
        TabLink, TableRegion, Tabs, Time,
    },
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct RunList {
    pub(super) view: String,
    /// Id and name of the one agent that is shown.
    pub(super) agent: Option<(String, String)>,
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
    /// How busy the company is, in words.
    pub(super) slots: String,
    /// Something changes by itself.
    pub(super) moves: bool,
    pub(super) rows: Vec<RunRow>,
}

/// A row of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) word: String,
    pub(super) agent: (String, String),
    /// The first line of the task.
    pub(super) task: String,
    /// Why it failed.
    pub(super) failure: String,
    pub(super) started_by: String,
    pub(super) steps: String,
    pub(super) tokens: String,
    pub(super) cost: String,
    pub(super) took: String,
    pub(super) at: Moment,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_runs(slug: String, view: String, agent: String, after: String) -> Result<Written, AppError> {
    let list = super::load::list(&slug, &view, &agent, &after).await?;
    Ok(Written::new("Runs", move || page(slug, list)))
}

/// The list of runs.
#[component]
pub fn RunsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("runs"), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        LoadRuns { slug: slug.get(), view: get("view"), agent: get("agent"), after: get("after") }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, list: RunList) -> AnyView {
    let base = format!("/t/{slug}/runs");
    let of_agent = list.agent.as_ref().map(|(id, _)| format!("&agent={id}")).unwrap_or_default();
    let tabs = [("", "All"), ("needs_you", "Needs you"), ("open", "Running"), ("failed", "Failed")]
        .map(|(view, label)| TabLink::new(label, format!("{base}?view={view}{of_agent}"), list.view == view))
        .to_vec();
    let first = list.later.then(|| format!("{base}?view={}{of_agent}", list.view));
    let next = list.next.map(|cursor| format!("{base}?view={}{of_agent}&after={cursor}", list.view));
    let all = format!("{base}?view={}", list.view);
    let chip = list.agent.map(|(_, name)| {
        view! { <FilterChip field="Agent" operator="is" value=name remove=all icon=IconName::Spark/> }.into_any()
    });
    let body = if list.rows.is_empty() { empty(&slug, &list.view) } else { table(&slug, list.rows) };
    let questions = format!("/t/{slug}/approvals?kind=runs");
    view! {
        // As text: an element that a script makes would refresh the page, noscript or not.
        {list.moves.then(|| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="5">"#></noscript> })}
        <Topbar title="Runs"><ButtonLink href=questions icon=IconName::Approve>"Approvals"</ButtonLink></Topbar>
        <Tabs label="Views" items=tabs/>
        <FilterBar chips=ToChildren::to_children(move || chip)><span class="subtle num">{list.slots}</span></FilterBar>
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn empty(slug: &str, view: &str) -> AnyView {
    let (kind, title, text) = match view {
        "needs_you" => {
            (EmptyKind::Done, "Nothing waits for you", "Runs that ask for an approval or an answer appear here.")
        }
        "open" => (EmptyKind::Done, "No run is at work", "Runs that have not ended appear here."),
        "failed" => (EmptyKind::Done, "No run has failed", "A run that fails says here why."),
        _ => (EmptyKind::First, "No runs here yet", "An agent works in runs. Choose one and give it a task."),
    };
    let agents = format!("/t/{slug}/agents");
    view! { <Empty kind title text><a class="button" href=agents>"Show the agents"</a></Empty> }.into_any()
}

#[cfg(feature = "ssr")]
fn table(slug: &str, rows: Vec<RunRow>) -> AnyView {
    let head = view! {
        <HeaderCell label="Status" width="9rem"/>
        <HeaderCell label="Agent" width="10rem"/>
        <HeaderCell label="Task" width="19rem"/>
        <HeaderCell label="Started by" width="8rem"/>
        <HeaderCell label="Steps" kind=ColumnKind::Number width="4rem"/>
        <HeaderCell label="Tokens" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Cost" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Took" kind=ColumnKind::Number width="6rem"/>
        <HeaderCell label="Started" kind=ColumnKind::Number width="7rem"/>
    }
    .into_any();
    let rows: Vec<_> = rows.into_iter().map(|r| row(slug, r)).collect();
    view! { <TableRegion label="Runs" min_width="72rem" head>{rows}</TableRegion> }.into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, r: RunRow) -> AnyView {
    let (agent, name) = r.agent;
    let failure = (!r.failure.is_empty()).then(|| view! { <span class="subtle truncate">{r.failure}</span> });
    view! {
        <tr role="row">
            <td role="cell" class="status-cell">{status(&r.state, r.word, StatusLook::Plain)}</td>
            <td role="cell" class="title"><a href=format!("/t/{slug}/agents/{agent}")>{name}</a></td>
            <td role="cell" class="name"><span class="cell"><a class="truncate" href=format!("/t/{slug}/runs/{}", r.id)>{r.task}</a>{failure}</span></td>
            <td role="cell">{r.started_by}</td>
            <td role="cell" class="num">{r.steps}</td>
            <td role="cell" class="num">{r.tokens}</td>
            <td role="cell" class="num">{r.cost}</td>
            <td role="cell" class="num score-cell">{r.took}</td>
            <td role="cell" class="num"><Time moment=r.at/></td>
        </tr>
    }
    .into_any()
}

/// A few runs as lines, for the page of their agent.
#[cfg(feature = "ssr")]
pub fn run_lines(slug: &str, rows: Vec<RunRow>) -> AnyView {
    let lines: Vec<_> = rows
        .into_iter()
        .map(|r| {
            view! {
                <li class="cluster">
                    <a class="strong" href=format!("/t/{slug}/runs/{}", r.id)>{r.task}</a>
                    <span class="push">{status(&r.state, r.word, StatusLook::Plain)}</span>
                    <span class="subtle"><Time moment=r.at/></span>
                </li>
            }
            .into_any()
        })
        .collect();
    view! { <ul class="stack">{lines}</ul> }.into_any()
}
