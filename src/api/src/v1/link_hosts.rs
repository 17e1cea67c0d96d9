//! Host names of the company that the links of its e-mails lead over, when opens or clicks are tracked.

use domain::{
    LinkHostId, Page,
    tracking::{LinkHost, LinkHostInput},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, delete)).routes(routes!(check))
}

/// List host names for links
///
/// The newest first. New e-mails use the first one that passes.
#[utoipa::path(get, path = "/link-hosts", tag = "Link hosts", operation_id = "list_link_hosts",
    security(("key" = ["mailboxes:read"])), responses((status = OK, body = Page<LinkHost>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.link_hosts().list().await?))
}

/// Add a host name for links
///
/// Publish the records in `publish`; it is checked at once, in the background, and each day. It counts once it passes.
#[utoipa::path(post, path = "/link-hosts", tag = "Link hosts", operation_id = "create_link_host",
    security(("key" = ["mailboxes:write"])), request_body = LinkHostInput,
    responses((status = CREATED, body = LinkHost), (status = CONFLICT, description = "It is in the list already.")))]
async fn create(call: Write<Json<LinkHostInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let host = work.t.link_hosts().create(input).await?;
    let reply = Reply::created(&format!("/link-hosts/{}", host.id), &host)?;
    work.done(reply).await
}

/// Get a host name for links
#[utoipa::path(get, path = "/link-hosts/{id}", tag = "Link hosts", operation_id = "get_link_host",
    params(("id" = LinkHostId, Path)), security(("key" = ["mailboxes:read"])),
    responses((status = OK, body = LinkHost)))]
async fn get(call: Read, Path(id): Path<LinkHostId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.link_hosts().get(id).await?)
}

/// Remove a host name for links
///
/// Links of e-mails that were sent with it lead nowhere from then on.
#[utoipa::path(delete, path = "/link-hosts/{id}", tag = "Link hosts", operation_id = "delete_link_host",
    params(("id" = LinkHostId, Path)), security(("key" = ["mailboxes:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<LinkHostId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.link_hosts().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Check a host name for links
///
/// It happens at once, in the background; `passes`, `message` and `error` tell the outcome.
#[utoipa::path(post, path = "/link-hosts/{id}/check", tag = "Link hosts", operation_id = "check_link_host",
    params(("id" = LinkHostId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = ACCEPTED, body = LinkHost)))]
async fn check(Path(id): Path<LinkHostId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.link_hosts().request_check(id).await?;
    let host = work.t.link_hosts().get(id).await?;
    work.done(Reply::accepted(&host)?).await
}
