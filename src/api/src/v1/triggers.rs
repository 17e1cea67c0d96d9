//! Triggers of an agent: what starts its runs by itself. Its runs have the rights of the key that saved it.

use domain::{
    AgentId, Page, TriggerId,
    runs::Run,
    triggers::{Firing, Trigger, TriggerInput},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
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
        .routes(routes!(firings))
        .routes(routes!(run))
        .routes(routes!(renew_secret))
}

/// The secret of an incoming webhook and where to deliver.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct TriggerSecret {
    /// Deliveries are sent there with `POST`.
    url: String,
    /// Signs what is delivered, as Standard Webhooks describes it. It is not shown again.
    secret: String,
}

/// List triggers
///
/// The oldest first.
#[utoipa::path(get, path = "/agents/{id}/triggers", tag = "Triggers", operation_id = "list_triggers",
    params(("id" = AgentId, Path)), security(("key" = ["agents:read"])), responses((status = OK, body = Page<Trigger>)))]
async fn list(call: Read, Path(id): Path<AgentId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.triggers().list(id).await?))
}

/// Make a trigger
///
/// Its runs have the rights of this key, as they are when a run starts. It needs the scope `runs:write`, too.
#[utoipa::path(post, path = "/agents/{id}/triggers", tag = "Triggers", operation_id = "create_trigger",
    params(("id" = AgentId, Path)), security(("key" = ["agents:write"])), request_body = TriggerInput,
    responses((status = CREATED, body = Trigger)))]
async fn create(Path(id): Path<AgentId>, call: Write<Json<TriggerInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let trigger = work.t.triggers().create(id, input).await?;
    work.done(Reply::created(&format!("/agents/{id}/triggers/{}", trigger.id), &trigger)?).await
}

/// Get a trigger
#[utoipa::path(get, path = "/agents/{id}/triggers/{trigger}", tag = "Triggers", operation_id = "get_trigger",
    params(("id" = AgentId, Path), ("trigger" = TriggerId, Path)), security(("key" = ["agents:read"])),
    responses((status = OK, body = Trigger)))]
async fn get(call: Read, Path((agent, id)): Path<(AgentId, TriggerId)>) -> Result<Reply> {
    Reply::ok(&call.open().await?.triggers().get(agent, id).await?)
}

/// Change a trigger
///
/// What is not sent stays. From then on its runs have the rights of this key; `"enabled": true` also ends what
/// the system has paused.
#[utoipa::path(patch, path = "/agents/{id}/triggers/{trigger}", tag = "Triggers", operation_id = "change_trigger",
    params(("id" = AgentId, Path), ("trigger" = TriggerId, Path)), security(("key" = ["agents:write"])),
    request_body = TriggerInput, responses((status = OK, body = Trigger)))]
async fn change(Path((agent, id)): Path<(AgentId, TriggerId)>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = TriggerInput::from(work.t.triggers().get(agent, id).await?);
    let trigger = work.t.triggers().update(agent, id, merged(&old, patch)?).await?;
    work.done(Reply::ok(&trigger)?).await
}

/// Delete a trigger
///
/// Runs that it has started stay.
#[utoipa::path(delete, path = "/agents/{id}/triggers/{trigger}", tag = "Triggers", operation_id = "delete_trigger",
    params(("id" = AgentId, Path), ("trigger" = TriggerId, Path)), security(("key" = ["agents:write"])),
    responses((status = NO_CONTENT)))]
async fn delete(Path((agent, id)): Path<(AgentId, TriggerId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.triggers().delete(agent, id).await?;
    work.done(Reply::nothing()).await
}

/// List what set a trigger off
///
/// The newest first, for three months: each with the run, or with the reason why there is none.
#[utoipa::path(get, path = "/agents/{id}/triggers/{trigger}/firings", tag = "Triggers", operation_id = "list_firings",
    params(("id" = AgentId, Path), ("trigger" = TriggerId, Path), Paging), security(("key" = ["agents:read"])),
    responses((status = OK, body = Page<Firing>)))]
async fn firings(
    call: Read,
    Path((agent, id)): Path<(AgentId, TriggerId)>,
    Query(paging): Query<Paging>,
) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.triggers().firings(agent, id, &page).await?)
}

/// Run a trigger now
///
/// Starts a run with its task, and with the rights of this key. It is about the newest lead or campaign that the
/// trigger looks at.
#[utoipa::path(post, path = "/agents/{id}/triggers/{trigger}/run", tag = "Triggers", operation_id = "run_trigger",
    params(("id" = AgentId, Path), ("trigger" = TriggerId, Path)), security(("key" = ["runs:write"])),
    responses((status = ACCEPTED, body = Run),
        (status = CONFLICT, description = "There is nothing to run it with, or its run before has not ended.")))]
async fn run(Path((agent, id)): Path<(AgentId, TriggerId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let run = work.t.triggers().run_now(agent, id).await?;
    work.done(Reply::accepted(&run)?.location(&format!("/runs/{}", run.id))).await
}

/// Make the secret of an incoming webhook
///
/// In the place of one before it, which no longer works. It is shown once.
#[utoipa::path(post, path = "/agents/{id}/triggers/{trigger}/secret", tag = "Triggers",
    operation_id = "renew_trigger_secret", params(("id" = AgentId, Path), ("trigger" = TriggerId, Path)),
    security(("key" = ["agents:write"])), responses((status = OK, body = TriggerSecret),
        (status = CONFLICT, description = "The trigger is no incoming webhook.")))]
async fn renew_secret(Path((agent, id)): Path<(AgentId, TriggerId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let secret = work.t.triggers().renew_secret(agent, id).await?;
    let url = format!("{}/hooks/{id}", work.t.db().settings().public_url);
    work.done_unkept(Reply::ok(&TriggerSecret { url, secret })?).await
}
