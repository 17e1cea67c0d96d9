//! What agents remember. Only their runs add to it; here it is read and forgotten.

use domain::{AgentId, MemoryId, Page, memories::Memory};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Read, Write},
    problem::Result,
    query::{Paging, Path, Query},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, empty)).routes(routes!(delete))
}

/// List memories
///
/// What an agent remembers from run to run, the newest first.
#[utoipa::path(get, path = "/agents/{id}/memories", tag = "Agents", operation_id = "list_memories",
    params(("id" = AgentId, Path), Paging), security(("key" = ["agents:read"])),
    responses((status = OK, body = Page<Memory>)))]
async fn list(call: Read, Path(id): Path<AgentId>, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.memories().list(id, &page).await?)
}

/// Forget everything
///
/// The agent begins its next run without memories.
#[utoipa::path(delete, path = "/agents/{id}/memories", tag = "Agents", operation_id = "empty_memory",
    params(("id" = AgentId, Path)), security(("key" = ["agents:write"])), responses((status = NO_CONTENT)))]
async fn empty(Path(id): Path<AgentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.memories().delete_all(id).await?;
    work.done(Reply::nothing()).await
}

/// Forget a memory
#[utoipa::path(delete, path = "/agents/{id}/memories/{memory}", tag = "Agents", operation_id = "delete_memory",
    params(("id" = AgentId, Path), ("memory" = MemoryId, Path)), security(("key" = ["agents:write"])),
    responses((status = NO_CONTENT)))]
async fn delete(Path((id, memory)): Path<(AgentId, MemoryId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.memories().delete(id, memory).await?;
    work.done(Reply::nothing()).await
}
