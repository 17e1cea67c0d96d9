//! Workflows: what is done when something happens to a lead. A workflow acts with the rights of the key that saved it.

use domain::{
    Page, WorkflowId,
    workflows::{Workflow, WorkflowFiring, WorkflowInput, WorkflowLook},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{merged, whole};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Paging, Path, Query},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(log))
        .routes(routes!(look))
}

/// List workflows
///
/// By name.
#[utoipa::path(get, path = "/workflows", tag = "Workflows", operation_id = "list_workflows",
    security(("key" = ["leads:read"])), responses((status = OK, body = Page<Workflow>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.workflows().list().await?))
}

/// Make a workflow
///
/// It acts with the rights of this key, as they are by then, so the key needs those that its actions need: an
/// enrolment `campaigns:write` and `campaigns:run`, a run of an agent `runs:write`.
#[utoipa::path(post, path = "/workflows", tag = "Workflows", operation_id = "create_workflow",
    security(("key" = ["leads:write"])), request_body = WorkflowInput,
    responses((status = CREATED, body = Workflow),
        (status = NOT_FOUND, description = "There is no such campaign.")))]
async fn create(call: Write<Json<WorkflowInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let workflow = work.t.workflows().create(input).await?;
    let reply = Reply::created(&format!("/workflows/{}", workflow.id), &workflow)?.version(workflow.version);
    work.done(reply).await
}

/// Get a workflow
#[utoipa::path(get, path = "/workflows/{id}", tag = "Workflows", operation_id = "get_workflow",
    params(("id" = WorkflowId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = Workflow)))]
async fn get(call: Read, Path(id): Path<WorkflowId>) -> Result<Reply> {
    let workflow = call.open().await?.workflows().get(id).await?;
    Ok(Reply::ok(&workflow)?.version(workflow.version))
}

/// Change a workflow
///
/// What is not sent stays; trigger, conditions and actions are replaced as a whole. From then on it acts with the
/// rights of this key; `"enabled": true` also ends what the system has paused.
#[utoipa::path(patch, path = "/workflows/{id}", tag = "Workflows", operation_id = "change_workflow",
    params(("id" = WorkflowId, Path)), security(("key" = ["leads:write"])), request_body = WorkflowInput,
    responses((status = OK, body = Workflow)))]
async fn change(Path(id): Path<WorkflowId>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = work.t.workflows().get(id).await?;
    let version = work.version().unwrap_or(old.version);
    let input = merged(&WorkflowInput::from(old), patch)?;
    let workflow = work.t.workflows().update(id, input, Some(version)).await?;
    work.done(Reply::ok(&workflow)?.version(workflow.version)).await
}

/// Delete a workflow
///
/// What it has done stays; its log goes with it.
#[utoipa::path(delete, path = "/workflows/{id}", tag = "Workflows", operation_id = "delete_workflow",
    params(("id" = WorkflowId, Path)), security(("key" = ["leads:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<WorkflowId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.workflows().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// List what set a workflow off
///
/// The newest first, for three months: each with its lead and with what came of each action, or with the reason why
/// nothing was done.
#[utoipa::path(get, path = "/workflows/{id}/log", tag = "Workflows", operation_id = "list_workflow_log",
    params(("id" = WorkflowId, Path), Paging), security(("key" = ["leads:read"])),
    responses((status = OK, body = Page<WorkflowFiring>)))]
async fn log(call: Read, Path(id): Path<WorkflowId>, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.workflows().log(id, &page).await?)
}

/// Look back on a workflow
///
/// What it has done in the last 30 days and why it did not do more, counted. For one that new leads set off, also how
/// many of the leads of that time meet its conditions as they are now.
#[utoipa::path(get, path = "/workflows/{id}/look", tag = "Workflows", operation_id = "look_back_on_workflow",
    params(("id" = WorkflowId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = WorkflowLook)))]
async fn look(call: Read, Path(id): Path<WorkflowId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.workflows().look_back(id).await?)
}
