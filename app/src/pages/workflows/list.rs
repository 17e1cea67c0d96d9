//! The workflows of the company, and the form of a new one.

use std::collections::BTreeMap;

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
    fmt::plural,
    pages::frame::may,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, Card, ColumnKind, Crumb, Empty, EmptyKind, Glyph, HeaderCell, IconName, Status,
        TableRegion, Tone,
    },
};
#[cfg(feature = "ssr")]
use domain::{
    Permission,
    workflows::{Workflow, WorkflowTriggerKind},
};

#[cfg(feature = "ssr")]
use super::form;

/// Loads the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_workflows(slug: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let workflows = t.workflows().list().await?;
    t.commit().await?;
    Ok(Written::new("Workflows", move || page(&slug, workflows)))
}

/// Loads the form of a new workflow; without a kind, the choice of one.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_new_workflow(slug: String, kind: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let filled = match kind.as_str() {
        "" => None,
        kind => Some(super::load::empty(&mut t, kind).await?),
    };
    t.commit().await?;
    Ok(Written::new("New workflow", move || new_page(&slug, filled)))
}

/// Makes a workflow. It does nothing before it has an action and is turned on.
#[server(prefix = "/sf")]
pub async fn create_workflow(slug: String, form: BTreeMap<String, String>) -> Result<(), AppError> {
    let input = form::read(&form, None)?;
    let mut t = crate::server::tenant(&slug).await?;
    let workflow = t.workflows().create(input).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/workflows/{}", workflow.id), "workflow-made");
    Ok(())
}

/// The workflows.
#[component]
pub fn WorkflowsPage() -> impl IntoView {
    let slug = use_slug();
    written(live_version("workflows"), move || LoadWorkflows { slug: slug.get() })
}

/// A new one.
#[component]
pub fn NewWorkflowPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(Signal::stored(0), move || {
        let kind = query.read().get("kind").unwrap_or_default();
        LoadNewWorkflow { slug: slug.get(), kind }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, workflows: Vec<Workflow>) -> AnyView {
    let base = format!("/t/{slug}/workflows");
    let new = may(Permission::ManageAllLeads).then(|| {
        let href = format!("{base}/new");
        view! { <ButtonLink href kind=ButtonKind::Primary icon=IconName::Plus>"New workflow"</ButtonLink> }
    });
    let body = if workflows.is_empty() {
        let text = "A workflow does what you would do each time something happens to a lead: enrol it, assign it, \
                    give somebody a task.";
        view! { <Empty kind=EmptyKind::First title="No workflows yet" text/> }.into_any()
    } else {
        rows(&base, workflows)
    };
    view! {
        <Topbar title="Workflows">{new}</Topbar>
        {body}
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn rows(base: &str, workflows: Vec<Workflow>) -> AnyView {
    let head = view! {
        <HeaderCell label="Name" width="16rem"/>
        <HeaderCell label="When"/>
        <HeaderCell label="Actions" kind=ColumnKind::Number width="7rem"/>
        <HeaderCell label="Acts as" width="12rem"/>
        <HeaderCell label="State" width="8rem"/>
    }
    .into_any();
    let rows: Vec<_> = workflows
        .into_iter()
        .map(|w| {
            let state = state(&w);
            let count = i64::try_from(w.actions.len()).unwrap_or(0);
            view! {
                <tr role="row">
                    <td role="cell" class="name"><a class="truncate" href=format!("{base}/{}", w.id)>{w.name}</a></td>
                    <td role="cell" class="title">{w.trigger_words}</td>
                    <td role="cell" class="num">{plural(count, "action", "actions")}</td>
                    <td role="cell">{w.saved_by}</td>
                    <td role="cell" class="status-cell">{state}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! { <TableRegion label="Workflows" head>{rows}</TableRegion> }.into_any()
}

/// Whether a workflow does anything.
#[cfg(feature = "ssr")]
pub(super) fn state(workflow: &Workflow) -> AnyView {
    let (glyph, tone, word) = match (workflow.enabled, &workflow.paused) {
        (true, _) => (Glyph::Play, Tone::Jade, "On"),
        (false, Some(_)) => (Glyph::Pause, Tone::Amber, "Paused"),
        (false, None) => (Glyph::Dash, Tone::Neutral, "Off"),
    };
    view! { <Status glyph tone word/> }.into_any()
}

#[cfg(feature = "ssr")]
fn new_page(slug: &str, filled: Option<form::FilledForm>) -> AnyView {
    let base = format!("/t/{slug}/workflows");
    let body = match filled {
        Some(filled) => form::view(slug, &base, filled),
        None => kinds(&base),
    };
    view! {
        <Topbar title="New workflow" trail=vec![Crumb::new("Workflows", base)]/>
        <PageScroll label="New workflow"><div class="page-body narrow">{body}</div></PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn kinds(base: &str) -> AnyView {
    let links: Vec<_> = WorkflowTriggerKind::ALL
        .iter()
        .map(|kind| {
            let href = format!("{base}/new?kind={kind}");
            view! { <li><a class="strong" href=href>{kind.label()}</a><p class="subtle">{kind.hint()}</p></li> }
                .into_any()
        })
        .collect();
    view! { <Card title="What sets it off?"><ul class="stack">{links}</ul></Card> }.into_any()
}
