//! Connectors: servers whose tools agents may call. A secret goes in and never comes out; a tool is called only
//! with the permission that a person has given it.

use domain::{
    ConnectorId, Page,
    connectors::{Connector, ConnectorCall, ConnectorInput, ConnectorTool, ToolReview},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
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
        .routes(routes!(test))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(tools, review))
        .routes(routes!(calls))
}

/// List connectors
///
/// By name.
#[utoipa::path(get, path = "/connectors", tag = "Connectors", operation_id = "list_connectors",
    security(("key" = ["agents:read"])), responses((status = OK, body = Page<Connector>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.connectors().list().await?))
}

/// Set up a connector
///
/// Its tools are looked at at once; all of them are off until they are reviewed. One that asks for signing in
/// waits for a person, on its page.
#[utoipa::path(post, path = "/connectors", tag = "Connectors", operation_id = "create_connector",
    security(("key" = ["agents:write"])), request_body = ConnectorInput,
    responses((status = CREATED, body = Connector),
        (status = CONFLICT, description = "A connector has this name already.")))]
async fn create(call: Write<Json<ConnectorInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let connector = work.t.connectors().create(input).await?;
    work.done(Reply::created(&format!("/connectors/{}", connector.id), &connector)?).await
}

/// Get a connector
#[utoipa::path(get, path = "/connectors/{id}", tag = "Connectors", operation_id = "get_connector",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:read"])),
    responses((status = OK, body = Connector)))]
async fn get(call: Read, Path(id): Path<ConnectorId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.connectors().get(id).await?)
}

/// Change a connector
///
/// An absent value stays as it is; another address or command needs the secret again.
#[utoipa::path(patch, path = "/connectors/{id}", tag = "Connectors", operation_id = "change_connector",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:write"])), request_body = ConnectorInput,
    responses((status = OK, body = Connector)))]
async fn change(Path(id): Path<ConnectorId>, call: Write<Json<ConnectorInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let connector = work.t.connectors().update(id, input).await?;
    work.done(Reply::ok(&connector)?).await
}

/// Remove a connector
///
/// Its secrets are forgotten; agents that list its tools are told that there are none.
#[utoipa::path(delete, path = "/connectors/{id}", tag = "Connectors", operation_id = "delete_connector",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<ConnectorId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.connectors().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Test a connector
///
/// The server is asked for its tools at once, in the background; `state` and `last_error` tell the outcome.
#[utoipa::path(post, path = "/connectors/{id}/test", tag = "Connectors", operation_id = "test_connector",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:write"])),
    responses((status = ACCEPTED, body = Connector),
        (status = CONFLICT, description = "It is paused, or somebody has to sign in first.")))]
async fn test(Path(id): Path<ConnectorId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let connector = work.t.connectors().request_check(id).await?;
    work.done(Reply::accepted(&connector)?).await
}

/// Pause a connector
///
/// Agents do not call it until it is resumed.
#[utoipa::path(post, path = "/connectors/{id}/pause", tag = "Connectors", operation_id = "pause_connector",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:write"])),
    responses((status = OK, body = Connector)))]
async fn pause(Path(id): Path<ConnectorId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let connector = work.t.connectors().set_paused(id, true).await?;
    work.done(Reply::ok(&connector)?).await
}

/// Resume a connector
///
/// Its tools are looked at again first.
#[utoipa::path(post, path = "/connectors/{id}/resume", tag = "Connectors", operation_id = "resume_connector",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:write"])),
    responses((status = OK, body = Connector)))]
async fn resume(Path(id): Path<ConnectorId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let connector = work.t.connectors().set_paused(id, false).await?;
    work.done(Reply::ok(&connector)?).await
}

/// List the tools of a connector
///
/// Titles, descriptions and schemas are the words of its server.
#[utoipa::path(get, path = "/connectors/{id}/tools", tag = "Connectors", operation_id = "list_connector_tools",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:read"])),
    responses((status = OK, body = Page<ConnectorTool>)))]
async fn tools(call: Read, Path(id): Path<ConnectorId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.connectors().tools(id).await?))
}

/// Review a tool
///
/// Says what agents may do with it as it is now: `off`, `ask` or `allow`.
#[utoipa::path(put, path = "/connectors/{id}/tools", tag = "Connectors", operation_id = "review_connector_tool",
    params(("id" = ConnectorId, Path)), security(("key" = ["agents:write"])), request_body = ToolReview,
    responses((status = OK, body = ConnectorTool),
        (status = CONFLICT, description = "The tool has changed since it was read, or is gone.")))]
async fn review(Path(id): Path<ConnectorId>, call: Write<Json<ToolReview>>) -> Result<Reply> {
    let (mut work, Json(review)) = call.open().await?;
    let tool = work.t.connectors().review(id, &review).await?;
    work.done(Reply::ok(&tool)?).await
}

/// List the calls of a connector
///
/// The newest first; they are remembered for 30 days.
#[utoipa::path(get, path = "/connectors/{id}/calls", tag = "Connectors", operation_id = "list_connector_calls",
    params(("id" = ConnectorId, Path), Paging), security(("key" = ["agents:read"])),
    responses((status = OK, body = Page<ConnectorCall>)))]
async fn calls(call: Read, Path(id): Path<ConnectorId>, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.connectors().calls(id, &page).await?)
}
