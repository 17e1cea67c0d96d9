//! What runs ask of people, the oldest question first. It is answered on the page of its run, beside what
//! the run has done so far.

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
    fmt::Moment,
    shell::Topbar,
    ui::{ColumnKind, Crumb, Empty, EmptyKind, HeaderCell, Pager, TableRegion, Time},
};

/// A page of the questions.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionList {
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) rows: Vec<Question>,
}

/// A question in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub(super) run: String,
    pub(super) agent: String,
    pub(super) what: String,
    /// The beginning of the arguments.
    pub(super) arguments: String,
    pub(super) asked: Moment,
    pub(super) expires: Moment,
}

/// Loads a page of the questions.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_approvals(slug: String, after: String) -> Result<Written, AppError> {
    let list = super::load::questions(&slug, &after).await?;
    Ok(Written::new("Approvals", move || page(slug, list)))
}

/// The questions of all runs.
#[component]
pub fn ApprovalsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("runs"), move || {
        let after = query.read().get("after").unwrap_or_default();
        LoadApprovals { slug: slug.get(), after }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, list: QuestionList) -> AnyView {
    let base = format!("/t/{slug}/runs");
    let first = list.later.then(|| format!("/t/{slug}/approvals"));
    let next = list.next.map(|cursor| format!("/t/{slug}/approvals?after={cursor}"));
    let body = if list.rows.is_empty() {
        let text = "An agent asks before it acts outside the company, or for more of a limit.";
        view! { <Empty kind=EmptyKind::Done title="Nothing waits for an approval" text/> }.into_any()
    } else {
        let head = view! {
            <HeaderCell label="What" width="16rem"/>
            <HeaderCell label="Agent" width="10rem"/>
            <HeaderCell label="Arguments" width="22rem"/>
            <HeaderCell label="Asked" kind=ColumnKind::Number width="8rem"/>
            <HeaderCell label="Counts as no" kind=ColumnKind::Number width="8rem"/>
        }
        .into_any();
        let rows: Vec<_> = list.rows.into_iter().map(|question| row(&base, question)).collect();
        view! { <TableRegion label="Approvals" min_width="64rem" head>{rows}</TableRegion> }.into_any()
    };
    view! {
        <Topbar title="Approvals" trail=vec![Crumb::new("Runs", base)]/>
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn row(base: &str, q: Question) -> AnyView {
    view! {
        <tr role="row">
            <td role="cell" class="name"><a class="truncate" href=format!("{base}/{}", q.run)>{q.what}</a></td>
            <td role="cell" class="title">{q.agent}</td>
            <td role="cell"><code>{q.arguments}</code></td>
            <td role="cell" class="num"><Time moment=q.asked/></td>
            <td role="cell" class="num status-cell"><Time moment=q.expires/></td>
        </tr>
    }
    .into_any()
}
