//! Inboxes: where the replies to a mailbox are read. A password goes in and never comes out.

use domain::{
    MailboxId,
    inboxes::{Inbox, InboxInput},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get, set, remove)).routes(routes!(compare))
}

/// Get the inbox of a mailbox
#[utoipa::path(get, path = "/mailboxes/{id}/inbox", tag = "Inbound mail", operation_id = "get_inbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:read"])), responses((status = OK, body = Inbox)))]
async fn get(call: Read, Path(id): Path<MailboxId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.inboxes().get(id).await?)
}

/// Set where the replies to a mailbox are read
///
/// A worker connects at once; `read_at` or `error` tell how that went.
#[utoipa::path(put, path = "/mailboxes/{id}/inbox", tag = "Inbound mail", operation_id = "set_inbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])), request_body = InboxInput,
    responses((status = OK, body = Inbox), (status = CONFLICT, description = "The mailbox is one of the sandbox.")))]
async fn set(Path(id): Path<MailboxId>, call: Write<Json<InboxInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let inbox = work.t.inboxes().set(id, input).await?;
    work.done(Reply::ok(&inbox)?).await
}

/// Read no more replies to a mailbox
///
/// Those that are stored stay.
#[utoipa::path(delete, path = "/mailboxes/{id}/inbox", tag = "Inbound mail", operation_id = "remove_inbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])), responses((status = NO_CONTENT)))]
async fn remove(Path(id): Path<MailboxId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.inboxes().remove(id).await?;
    work.done(Reply::nothing()).await
}

/// Compare an inbox
///
/// With what is stored of the last seven days. A worker does it, and reads what is missing.
#[utoipa::path(post, path = "/mailboxes/{id}/inbox/compare", tag = "Inbound mail", operation_id = "compare_inbox",
    params(("id" = MailboxId, Path)), security(("key" = ["mailboxes:write"])), responses((status = NO_CONTENT)))]
async fn compare(Path(id): Path<MailboxId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.inboxes().compare(id).await?;
    work.done(Reply::nothing()).await
}
