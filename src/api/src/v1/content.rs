//! Content: the library of texts that people and agents keep, in versions.

use axum::extract::DefaultBodyLimit;
use domain::{
    ContentId, Page, Problem,
    content::{ContentFilter, ContentInput, ContentItem, ContentSummary, ContentText, ContentVersion, MAX_FILE},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use super::{merged, whole};
use crate::{
    door::{File, Json, Read, Write},
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
        .routes(routes!(file, attach, detach).layer(DefaultBodyLimit::max(MAX_FILE)))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ContentList {
    /// What it is for: `blog`, `social`, `image`, `video`, `email` or `report`.
    kind: Option<String>,
    /// Beginnings of words that title or body have, in any order.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List texts
///
/// The last changed first.
#[utoipa::path(get, path = "/content", tag = "Content", operation_id = "list_content", params(ContentList),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<ContentSummary>)))]
async fn list(call: Read, Query(query): Query<ContentList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    let kind = query.kind.as_deref().map(str::parse).transpose().map_err(|problem: Problem| problem.on("kind"))?;
    let filter = ContentFilter { kind, q: query.q };
    Reply::ok(&call.open().await?.content().list(&filter, &page).await?)
}

/// Create a text
#[utoipa::path(post, path = "/content", tag = "Content", operation_id = "create_content",
    security(("key" = ["campaigns:write"])), request_body = ContentInput,
    responses((status = CREATED, body = ContentItem), (status = NOT_FOUND, description = "There is no such campaign.")))]
async fn create(call: Write<Json<ContentInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let item = work.t.content().create(input).await?;
    let reply = Reply::created(&format!("/content/{}", item.id), &item)?.version(item.version.into());
    work.done(reply).await
}

/// Get a text
#[utoipa::path(get, path = "/content/{id}", tag = "Content", operation_id = "get_content",
    params(("id" = ContentId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = ContentItem)))]
async fn get(call: Read, Path(id): Path<ContentId>) -> Result<Reply> {
    let item = call.open().await?.content().get(id).await?;
    Ok(Reply::ok(&item)?.version(item.version.into()))
}

/// Change a text
///
/// Makes a new version; nothing happens when the text says the same.
#[utoipa::path(patch, path = "/content/{id}", tag = "Content", operation_id = "change_content",
    params(("id" = ContentId, Path)), security(("key" = ["campaigns:write"])), request_body = ContentInput,
    responses((status = OK, body = ContentItem)))]
async fn change(Path(id): Path<ContentId>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = work.t.content().get(id).await?;
    let version = work.version().map_or(old.version, |version| i32::try_from(version).unwrap_or(0));
    let item = work.t.content().update(id, merged(&ContentInput::from(old), patch)?, Some(version)).await?;
    let reply = Reply::ok(&item)?.version(item.version.into());
    work.done(reply).await
}

/// Delete a text
#[utoipa::path(delete, path = "/content/{id}", tag = "Content", operation_id = "delete_content",
    params(("id" = ContentId, Path)), security(("key" = ["campaigns:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<ContentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.content().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// List the versions of a text
#[utoipa::path(get, path = "/content/{id}/versions", tag = "Content", operation_id = "list_content_versions",
    params(("id" = ContentId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<ContentVersion>)))]
async fn versions(call: Read, Path(id): Path<ContentId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.content().versions(id).await?))
}

/// Get a version of a text
#[utoipa::path(get, path = "/content/{id}/versions/{version}", tag = "Content", operation_id = "get_content_version",
    params(("id" = ContentId, Path), ("version" = i32, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = ContentText)))]
async fn version(call: Read, Path((id, version)): Path<(ContentId, i32)>) -> Result<Reply> {
    Reply::ok(&call.open().await?.content().version(id, version).await?)
}

/// Get the file of a text
#[utoipa::path(get, path = "/content/{id}/file", tag = "Content", operation_id = "get_content_file",
    params(("id" = ContentId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, description = "The file as it is.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn file(call: Read, Path(id): Path<ContentId>) -> Result<Reply> {
    let (file, bytes) = call.open().await?.content().file(id).await?;
    Ok(Reply::file(&file.media_type, &file.name, bytes))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Attach {
    /// Name of the file, 1 to 200 characters.
    #[serde(default)]
    name: String,
}

/// Give a text a file
///
/// The body is the file as it is, up to 20 MB: a PNG, JPEG, GIF or WebP image, an MP4 or WebM video, a PDF, or a Word,
/// Excel or PowerPoint file, which its first bytes have to say. It takes the place of the one before.
#[utoipa::path(put, path = "/content/{id}/file", tag = "Content", operation_id = "attach_content_file",
    params(("id" = ContentId, Path), Attach), security(("key" = ["campaigns:write"])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = OK, body = ContentItem)))]
async fn attach(Path(id): Path<ContentId>, Query(query): Query<Attach>, call: Write<File>) -> Result<Reply> {
    let (mut work, File(bytes)) = call.open().await?;
    let item = work.t.content().attach(id, &query.name, &bytes).await?;
    work.done(Reply::ok(&item)?).await
}

/// Take the file of a text away
#[utoipa::path(delete, path = "/content/{id}/file", tag = "Content", operation_id = "detach_content_file",
    params(("id" = ContentId, Path)), security(("key" = ["campaigns:write"])), responses((status = NO_CONTENT)))]
async fn detach(Path(id): Path<ContentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.content().detach(id).await?;
    work.done(Reply::nothing()).await
}
