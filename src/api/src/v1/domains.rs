//! Sending domains: what the DNS says about the domains of mailboxes, and the keys that sign for them. A private key
//! goes in and never comes out.

use domain::{
    DomainId, Page,
    domains::{DomainInput, SendingDomain, SigningInput},
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
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, delete))
        .routes(routes!(check))
        .routes(routes!(set_signing, remove_signing))
}

fn found(domain: &SendingDomain) -> Result<Reply> {
    Ok(Reply::ok(domain)?.version(domain.version))
}

/// List sending domains
#[utoipa::path(get, path = "/domains", tag = "Sending domains", operation_id = "list_domains",
    security(("key" = ["mailboxes:read"])), responses((status = OK, body = Page<SendingDomain>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.domains().list().await?))
}

/// Add a sending domain
///
/// The domains of mailboxes are in the list by themselves. Its records are checked at once, in the background.
#[utoipa::path(post, path = "/domains", tag = "Sending domains", operation_id = "create_domain",
    security(("key" = ["mailboxes:write"])), request_body = DomainInput,
    responses((status = CREATED, body = SendingDomain), (status = CONFLICT, description = "It is in the list already.")))]
async fn create(call: Write<Json<DomainInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let domain = work.t.domains().create(input).await?;
    let reply = Reply::created(&format!("/domains/{}", domain.id), &domain)?.version(domain.version);
    work.done(reply).await
}

/// Get a sending domain
#[utoipa::path(get, path = "/domains/{id}", tag = "Sending domains", operation_id = "get_domain",
    params(("id" = DomainId, Path)), security(("key" = ["mailboxes:read"])),
    responses((status = OK, body = SendingDomain)))]
async fn get(call: Read, Path(id): Path<DomainId>) -> Result<Reply> {
    found(&call.open().await?.domains().get(id).await?)
}

/// Forget a sending domain
///
/// With its key.
#[utoipa::path(delete, path = "/domains/{id}", tag = "Sending domains", operation_id = "delete_domain",
    params(("id" = DomainId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "A mailbox is of this domain.")))]
async fn delete(Path(id): Path<DomainId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.domains().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Check the records of a sending domain
///
/// It happens at once, in the background; `records`, `checked_at` and `error` tell the outcome. It also happens each
/// day by itself, and when a server refuses an e-mail for a reason of policy.
#[utoipa::path(post, path = "/domains/{id}/check", tag = "Sending domains", operation_id = "check_domain",
    params(("id" = DomainId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = ACCEPTED, body = SendingDomain)))]
async fn check(Path(id): Path<DomainId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.domains().request_check(id).await?;
    let domain = work.t.domains().get(id).await?;
    work.done(Reply::accepted(&domain)?).await
}

/// Set who signs the e-mails of a domain
///
/// A key that replaces another signs once its record, `key_record`, is found in the DNS.
#[utoipa::path(put, path = "/domains/{id}/signing", tag = "Sending domains", operation_id = "set_signing",
    params(("id" = DomainId, Path)), security(("key" = ["mailboxes:write"])), request_body = SigningInput,
    responses((status = OK, body = SendingDomain)))]
async fn set_signing(Path(id): Path<DomainId>, call: Write<Json<SigningInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let version = work.version();
    let domain = work.t.domains().set_signing(id, input, version).await?;
    work.done(found(&domain)?).await
}

/// Sign the e-mails of a domain no more
#[utoipa::path(delete, path = "/domains/{id}/signing", tag = "Sending domains", operation_id = "remove_signing",
    params(("id" = DomainId, Path)), security(("key" = ["mailboxes:write"])),
    responses((status = OK, body = SendingDomain)))]
async fn remove_signing(Path(id): Path<DomainId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    let domain = work.t.domains().remove_signing(id, version).await?;
    work.done(found(&domain)?).await
}
