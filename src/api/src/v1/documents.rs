//! Documents: facts of any shape that people, programs and agents keep, by collection and key, in versions.

use domain::{
    AccountId, DocumentId, LeadId, Page, Problem,
    documents::{Document, DocumentFilter, DocumentInput, DocumentSummary, DocumentText, DocumentVersion},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{merged, whole};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(versions))
        .routes(routes!(version))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DocumentList {
    /// Only those of this collection.
    collection: Option<String>,
    /// Only those that contain this JSON: `{"country":"DE"}` finds each whose `country` is `DE`.
    contains: Option<String>,
    /// Only those about this lead.
    lead: Option<LeadId>,
    /// Only those about this account.
    account: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List documents
///
/// The last changed first.
#[utoipa::path(get, path = "/documents", tag = "Documents", operation_id = "list_documents", params(DocumentList),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<DocumentSummary>)))]
async fn list(call: Read, Query(query): Query<DocumentList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    let contains = query
        .contains
        .as_deref()
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| Problem::field("contains", "json_invalid", format!("This is no JSON: {error}.")))?;
    let DocumentList { collection, lead, account, .. } = query;
    let filter = DocumentFilter { collection, contains, lead, account };
    Reply::ok(&call.open().await?.documents().list(&filter, &page).await?)
}

/// Create a document
#[utoipa::path(post, path = "/documents", tag = "Documents", operation_id = "create_document",
    security(("key" = ["campaigns:write"])), request_body = DocumentInput,
    responses((status = CREATED, body = Document),
        (status = NOT_FOUND, description = "There is no such lead or account."),
        (status = CONFLICT, description = "The collection has a document with this key already.")))]
async fn create(call: Write<Json<DocumentInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let document = work.t.documents().create(input).await?;
    let reply = Reply::created(&format!("/documents/{}", document.id), &document)?.version(document.version.into());
    work.done(reply).await
}

/// Get a document
#[utoipa::path(get, path = "/documents/{id}", tag = "Documents", operation_id = "get_document",
    params(("id" = DocumentId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Document)))]
async fn get(call: Read, Path(id): Path<DocumentId>) -> Result<Reply> {
    let document = call.open().await?.documents().get(id).await?;
    Ok(Reply::ok(&document)?.version(document.version.into()))
}

/// Change a document
///
/// Makes a new version; nothing happens when it says the same. `body` is replaced as a whole.
#[utoipa::path(patch, path = "/documents/{id}", tag = "Documents", operation_id = "change_document",
    params(("id" = DocumentId, Path)), security(("key" = ["campaigns:write"])), request_body = DocumentInput,
    responses((status = OK, body = Document)))]
async fn change(Path(id): Path<DocumentId>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = work.t.documents().get(id).await?;
    let version = work.version().map_or(old.version, |version| i32::try_from(version).unwrap_or(0));
    let document = work.t.documents().update(id, merged(&DocumentInput::from(old), patch)?, Some(version)).await?;
    let reply = Reply::ok(&document)?.version(document.version.into());
    work.done(reply).await
}

/// Delete a document
///
/// With all of its versions.
#[utoipa::path(delete, path = "/documents/{id}", tag = "Documents", operation_id = "delete_document",
    params(("id" = DocumentId, Path)), security(("key" = ["campaigns:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<DocumentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.documents().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// List the versions of a document
#[utoipa::path(get, path = "/documents/{id}/versions", tag = "Documents", operation_id = "list_document_versions",
    params(("id" = DocumentId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<DocumentVersion>)))]
async fn versions(call: Read, Path(id): Path<DocumentId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.documents().versions(id).await?))
}

/// Get a version of a document
#[utoipa::path(get, path = "/documents/{id}/versions/{version}", tag = "Documents",
    operation_id = "get_document_version", params(("id" = DocumentId, Path), ("version" = i32, Path)),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = DocumentText)))]
async fn version(call: Read, Path((id, version)): Path<(DocumentId, i32)>) -> Result<Reply> {
    Reply::ok(&call.open().await?.documents().version(id, version).await?)
}
