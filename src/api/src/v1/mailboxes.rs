//! Mailboxes: the addresses that e-mails leave from. A password goes in and never comes out.

use domain::{
    MailboxId, Page,
    mailboxes::{Mailbox, MailboxInput},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{commands::Resume, whole};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(pause))
        .routes(routes!(reconnect))
        .routes(routes!(test))
}

fn found(mailbox: &Mailbox) -> Result<Reply> {
    Ok(Reply::ok(mailbox)?.version(mailbox.version))
}

/// List mailboxes
#[utoipa::path(get, path = "/mailboxes", tag = "Mailboxes", operation_id = "list_mailboxes",
    security(("key" = ["mailboxes:read"])), responses((status = OK, body = Page<Mailbox>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.mailboxes().list().await?))
}

/// Connect a mailbox
#[utoipa::path(post, path = "/mailboxes", tag = "Mailboxes", operation_id = "create_mailbox",
    security(("key" = ["mailboxes:write"])), request_body = MailboxInput,
    responses((status = CREATED, body = Mailbox), (status = CONFLICT, description = "The address is connected already.")))]
async fn create(call: Write<Json<MailboxInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let mailbox = work.t.mailboxes().create(input).await?;
    let reply = Reply::created(&format!("/mailboxes/{}", mailbox.id), &mailbox)?.version(mailbox.version);
    work.done(reply).await
}

/// Get a mailbox
#[utoipa::path(get, path = "/mailboxes/{id}", tag = "Mailboxes", operation_id = "get_mailbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:read"])),
    responses((status = OK, body = Mailbox)))]
async fn get(call: Read, Path(id): Path<MailboxId>) -> Result<Reply> {
    found(&call.open().await?.mailboxes().get(id).await?)
}

/// Change a mailbox
#[utoipa::path(patch, path = "/mailboxes/{id}", tag = "Mailboxes", operation_id = "change_mailbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])), request_body = MailboxInput,
    responses((status = OK, body = Mailbox)))]
async fn change(Path(id): Path<MailboxId>, call: Write<Json<MailboxInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let version = work.version();
    let mailbox = work.t.mailboxes().update(id, input, version).await?;
    work.done(found(&mailbox)?).await
}

/// Disconnect a mailbox
#[utoipa::path(delete, path = "/mailboxes/{id}", tag = "Mailboxes", operation_id = "delete_mailbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "A campaign uses it.")))]
async fn delete(Path(id): Path<MailboxId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.mailboxes().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Pause a mailbox
#[utoipa::path(post, path = "/mailboxes/{id}/pause", tag = "Mailboxes", operation_id = "pause_mailbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = OK, body = Mailbox)))]
async fn pause(Path(id): Path<MailboxId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let mailbox = work.t.mailboxes().pause(id).await?;
    work.done(found(&mailbox)?).await
}

/// Use a mailbox again
///
/// After a pause, or after its password was mended. A pause by the system needs `acknowledged`; what came back before
/// does not count any more then.
#[utoipa::path(post, path = "/mailboxes/{id}/reconnect", tag = "Mailboxes", operation_id = "reconnect_mailbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])), request_body = Resume,
    responses((status = OK, body = Mailbox), (status = CONFLICT, description = "It needs to be acknowledged.")))]
async fn reconnect(Path(id): Path<MailboxId>, call: Write<Option<Json<Resume>>>) -> Result<Reply> {
    let (mut work, body) = call.open().await?;
    let acknowledged = body.is_some_and(|Json(resume)| resume.acknowledged);
    let mailbox = work.t.mailboxes().reconnect(id, acknowledged).await?;
    work.done(found(&mailbox)?).await
}

/// Test the connection of a mailbox
///
/// It happens at once, in the background; `test` of the mailbox tells the outcome, step by step.
#[utoipa::path(post, path = "/mailboxes/{id}/test", tag = "Mailboxes", operation_id = "test_mailbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = ACCEPTED, body = Mailbox)))]
async fn test(Path(id): Path<MailboxId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.mailboxes().request_test(id).await?;
    let mailbox = work.t.mailboxes().get(id).await?;
    work.done(Reply::accepted(&mailbox)?).await
}
