//! The list of runs: what works now, what needs somebody, and what failed. The same list stands on the page of each
//! agent, with that agent's runs; its filters are its address.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::{
    detail::CommandRun,
    filters::{RunFilters, filter_bar},
    looks::status,
};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    pages::filters::address,
    shell::Topbar,
    ui::{
        ButtonLink, ColumnKind, Empty, EmptyKind, HeaderCell, Icon, IconName, MenuButton, Pager, StatusLook, TabLink,
        TableRegion, Tabs, Tag, Time, popover, refusal,
    },
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct RunList {
    pub(super) filters: RunFilters,
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
    /// What kind of run it is: an evaluation, one that is only tried.
    pub(super) marks: Vec<&'static str>,
    /// Why it failed.
    pub(super) failure: String,
    pub(super) started_by: String,
    pub(super) steps: String,
    pub(super) tokens: String,
    pub(super) cost: String,
    pub(super) took: String,
    pub(super) at: Moment,
    /// What can be done with it here: `cancel` or `retry`.
    pub(super) command: Option<&'static str>,
}

/// Loads a page of the list for the query string of the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_runs(slug: String, query: String) -> Result<Written, AppError> {
    let list = super::load::list(&slug, &query).await?;
    Ok(Written::new("Runs", move || page(slug, list)))
}

/// The list of runs.
#[component]
pub fn RunsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("runs"), move || LoadRuns { slug: slug.get(), query: query.read().to_query_string() })
}

#[cfg(feature = "ssr")]
fn page(slug: String, list: RunList) -> AnyView {
    let questions = format!("/t/{slug}/approvals?kind=runs");
    view! {
        <Topbar title="Runs"><ButtonLink href=questions icon=IconName::Approve>"Approvals"</ButtonLink></Topbar>
        {listing(&slug, list)}
    }
    .into_any()
}

/// Views, filters, table and pages, without what stands above them.
#[cfg(feature = "ssr")]
pub fn listing(slug: &str, list: RunList) -> AnyView {
    let command = Post::to::<CommandRun>();
    let filters = list.filters;
    let here = |view: Option<&str>, after: Option<&str>| {
        let others = filters.pairs.iter().filter(|(key, _)| *key != "view");
        let others = others.map(|(key, value)| (*key, value.as_str()));
        let view = view.filter(|view| !view.is_empty()).map(|view| ("view", view));
        address(&filters.base, view.into_iter().chain(others).chain(after.map(|cursor| ("after", cursor))))
    };
    let current = filters.value("view");
    let tabs = [("", "All"), ("needs_you", "Needs you"), ("open", "Running"), ("failed", "Failed")]
        .map(|(view, label)| TabLink::new(label, here(Some(view), None), current == view))
        .to_vec();
    let first = list.later.then(|| here(Some(current), None));
    let next = list.next.as_deref().map(|cursor| here(Some(current), Some(cursor)));
    let back = here(Some(current), None);
    let body = if list.rows.is_empty() { empty(slug, &filters) } else { table(slug, &back, list.rows, command) };
    view! {
        // As text: an element that a script makes would refresh the page, noscript or not.
        {list.moves.then(|| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="5">"#></noscript> })}
        <Tabs label="Views" items=tabs/>
        {filter_bar(&filters, list.slots)}
        {refusal(command)}
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn empty(slug: &str, filters: &RunFilters) -> AnyView {
    if !filters.conditions.is_empty() {
        let clear = filters.clear();
        return view! {
            <Empty kind=EmptyKind::None title="No runs match" text="No run fits all of these filters.">
                <a class="button" href=clear>"Clear filters"</a>
            </Empty>
        }
        .into_any();
    }
    let (kind, title, text) = match filters.value("view") {
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
fn table(slug: &str, back: &str, rows: Vec<RunRow>, command: Post) -> AnyView {
    let acts = rows.iter().any(|row| row.command.is_some());
    let head = view! {
        <HeaderCell label="Status" width="9rem"/>
        <HeaderCell label="Agent" width="9.5rem"/>
        <HeaderCell label="Task"/>
        <HeaderCell label="Started by" width="7.5rem"/>
        <HeaderCell label="Steps" kind=ColumnKind::Number width="3.75rem"/>
        <HeaderCell label="Tokens" kind=ColumnKind::Number width="4.5rem"/>
        <HeaderCell label="Cost" kind=ColumnKind::Number width="4.75rem"/>
        <HeaderCell label="Took" kind=ColumnKind::Number width="5.5rem"/>
        <HeaderCell label="Started" kind=ColumnKind::Number width="6.5rem"/>
        {acts.then(|| view! { <HeaderCell label="Actions" width="3rem" quiet=true/> })}
    }
    .into_any();
    let rows: Vec<_> = rows.into_iter().map(|r| row(slug, back, r, acts, command)).collect();
    view! { <TableRegion label="Runs" min_width="62rem" head>{rows}</TableRegion> }.into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, back: &str, r: RunRow, acts: bool, command: Post) -> AnyView {
    let menu = acts.then(|| {
        let menu = r.command.map(|what| menu(slug, back, &r, what, command));
        view! { <td role="cell" class="row-menu">{menu}</td> }
    });
    let (agent, name) = r.agent;
    let failure = (!r.failure.is_empty()).then(|| view! { <span class="subtle truncate">{r.failure}</span> });
    let marks: Vec<_> = r.marks.into_iter().map(|text| view! { <Tag text/> }.into_any()).collect();
    view! {
        <tr role="row">
            <td role="cell" class="status-cell">{status(&r.state, r.word, StatusLook::Plain)}</td>
            <td role="cell" class="title"><a href=format!("/t/{slug}/agents/{agent}")>{name}</a></td>
            <td role="cell" class="name">
                <span class="two-lines">
                    <span class="cell"><a class="truncate" href=format!("/t/{slug}/runs/{}", r.id)>{r.task}</a>{marks}</span>
                    {failure}
                </span>
            </td>
            <td role="cell">{r.started_by}</td>
            <td role="cell" class="num">{r.steps}</td>
            <td role="cell" class="num">{r.tokens}</td>
            <td role="cell" class="num">{r.cost}</td>
            <td role="cell" class="num score-cell">{r.took}</td>
            <td role="cell" class="num"><Time moment=r.at/></td>
            {menu}
        </tr>
    }
    .into_any()
}

/// What can be done with a run without opening it.
#[cfg(feature = "ssr")]
fn menu(slug: &str, back: &str, r: &RunRow, what: &'static str, command: Post) -> AnyView {
    let (words, effect, icon) = match what {
        "cancel" => ("Cancel run", "What it has done so far stays.", IconName::Stop),
        _ => ("Try again", "It begins again, from its first step.", IconName::Refresh),
    };
    let (slug, id, back) = (slug.to_owned(), r.id.clone(), back.to_owned());
    let form = view! {
        <PostForm post=command>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="back" value=back/>
            <MenuButton label=words icon danger=what == "cancel" sends=("command", what.to_owned())/>
            <p class="menu-head">{effect}</p>
        </PostForm>
    }
    .into_any();
    let label = format!("Actions for the run of {}: {}", r.agent.1, r.task);
    let dots = view! { <Icon name=IconName::More/> }.into_any();
    popover(&format!("run-{}", r.id), "button ghost small icon-only", label, dots, "menu from-end", form)
}

/// A few runs as lines, for the page of their agent.
#[cfg(feature = "ssr")]
pub fn run_lines(slug: &str, rows: Vec<RunRow>) -> AnyView {
    let lines: Vec<_> = rows
        .into_iter()
        .map(|r| {
            let marks: Vec<_> = r.marks.into_iter().map(|text| view! { <Tag text/> }.into_any()).collect();
            view! {
                <li class="cluster">
                    <a class="strong" href=format!("/t/{slug}/runs/{}", r.id)>{r.task}</a>
                    {marks}
                    <span class="push">{status(&r.state, r.word, StatusLook::Plain)}</span>
                    <span class="subtle"><Time moment=r.at/></span>
                </li>
            }
            .into_any()
        })
        .collect();
    view! { <ul class="stack">{lines}</ul> }.into_any()
}
