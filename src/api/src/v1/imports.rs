//! Imports: leads from CSV files.

use axum::extract::DefaultBodyLimit;
use domain::{
    ImportId, Page,
    imports::{Import, ImportPlan, MAX_UPLOAD, RejectedRow},
    leads::LeadInput,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt},
    routes,
};

use super::whole;
use crate::{
    door::{File, Json, Read, Write},
    problem::Result,
    query::{Paging, Path, Query},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .routes(routes!(get, set_format))
        .routes(routes!(plan))
        .routes(routes!(preview))
        .routes(routes!(start))
        .routes(routes!(cancel))
        .routes(routes!(rejected))
        .routes(routes!(rejected_csv))
}

/// List imports
#[utoipa::path(get, path = "/imports", tag = "Imports", operation_id = "list_imports", params(Paging),
    security(("key" = ["leads:read"])), responses((status = OK, body = Page<Import>)))]
async fn list(call: Read, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.imports().list(&page).await?)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Upload {
    /// Name of the file, as it is shown.
    #[serde(default = "unnamed")]
    file_name: String,
}

fn unnamed() -> String {
    "upload.csv".to_owned()
}

/// Upload a CSV file
///
/// The body is the file as it is, up to 50 MB and 200,000 rows. Encoding and delimiter are detected,
/// and fields are guessed from the headings.
#[utoipa::path(post, path = "/imports", tag = "Imports", operation_id = "upload_import", params(Upload),
    security(("key" = ["leads:write"])), request_body(content = String, content_type = "text/csv"),
    responses((status = CREATED, body = Import)))]
async fn upload(Query(query): Query<Upload>, call: Write<File>) -> Result<Reply> {
    let (mut work, File(bytes)) = call.open().await?;
    let import = work.t.imports().upload(&query.file_name, bytes).await?;
    work.done(Reply::created(&format!("/imports/{}", import.id), &import)?).await
}

/// Get an import
#[utoipa::path(get, path = "/imports/{id}", tag = "Imports", operation_id = "get_import",
    params(("id" = ImportId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = Import)))]
async fn get(call: Read, Path(id): Path<ImportId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.imports().get(id).await?)
}

/// How to read a file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportFormat {
    /// Name of the encoding, as in the Encoding Standard.
    encoding: String,
    /// The character between values.
    delimiter: String,
}

/// Correct how a file is read
#[utoipa::path(patch, path = "/imports/{id}", tag = "Imports", operation_id = "change_import_format",
    params(("id" = ImportId, Path)), security(("key" = ["leads:write"])), request_body = ImportFormat,
    responses((status = OK, body = Import)))]
async fn set_format(Path(id): Path<ImportId>, call: Write<Json<ImportFormat>>) -> Result<Reply> {
    let (mut work, Json(format)) = call.open().await?;
    let import = work.t.imports().set_format(id, &format.encoding, &format.delimiter).await?;
    work.done(Reply::ok(&import)?).await
}

/// Plan an import
///
/// Says which column is which field and what to do with known addresses; then every row is checked and
/// `preview` counts what would happen.
#[utoipa::path(put, path = "/imports/{id}/plan", tag = "Imports", operation_id = "plan_import",
    params(("id" = ImportId, Path)), security(("key" = ["leads:write"])), request_body = ImportPlan,
    responses((status = OK, body = Import)))]
async fn plan(Path(id): Path<ImportId>, call: Write<Json<ImportPlan>>) -> Result<Reply> {
    let (mut work, Json(plan)) = call.open().await?;
    let import = work.t.imports().plan(id, plan).await?;
    work.done(Reply::ok(&import)?).await
}

/// The first rows as the plan reads them
#[utoipa::path(get, path = "/imports/{id}/preview", tag = "Imports", operation_id = "preview_import",
    params(("id" = ImportId, Path)), security(("key" = ["leads:read"])),
    responses((status = OK, body = Page<LeadInput>), (status = CONFLICT, description = "The file is no longer kept.")))]
async fn preview(call: Read, Path(id): Path<ImportId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.imports().preview_rows(id).await?))
}

/// Start an import
///
/// It runs as a job; `state` and `counts` of the import tell how far it is.
#[utoipa::path(post, path = "/imports/{id}/start", tag = "Imports", operation_id = "start_import",
    params(("id" = ImportId, Path)), security(("key" = ["leads:write"])),
    responses((status = ACCEPTED, body = Import), (status = CONFLICT, description = "It cannot start in its state.")))]
async fn start(Path(id): Path<ImportId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let import = work.t.imports().start(id).await?;
    work.done(Reply::accepted(&import)?).await
}

/// Cancel an import
///
/// Only before it has started: rows that are being imported stay.
#[utoipa::path(post, path = "/imports/{id}/cancel", tag = "Imports", operation_id = "cancel_import",
    params(("id" = ImportId, Path)), security(("key" = ["leads:write"])),
    responses((status = OK, body = Import), (status = CONFLICT, description = "It has ended.")))]
async fn cancel(Path(id): Path<ImportId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.imports().cancel(id).await?;
    let import = work.t.imports().get(id).await?;
    work.done(Reply::ok(&import)?).await
}

/// Rows that were rejected, and why
#[utoipa::path(get, path = "/imports/{id}/rejected", tag = "Imports", operation_id = "list_rejected_rows",
    params(("id" = ImportId, Path), Paging), security(("key" = ["leads:read"])),
    responses((status = OK, body = Page<RejectedRow>)))]
async fn rejected(call: Read, Path(id): Path<ImportId>, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.imports().rejected(id, &page).await?)
}

/// Rows that were rejected, as a CSV file to mend
///
/// As they stood in the file, which is kept until seven days after the import has ended.
#[utoipa::path(get, path = "/imports/{id}/rejected.csv", tag = "Imports", operation_id = "download_rejected_rows",
    params(("id" = ImportId, Path)), security(("key" = ["leads:write"])),
    responses((status = OK, body = String, content_type = "text/csv"),
        (status = CONFLICT, description = "The file is no longer kept.")))]
async fn rejected_csv(call: Read, Path(id): Path<ImportId>) -> Result<Reply> {
    let csv = call.open().await?.imports().rejected_csv(id).await?;
    Ok(Reply::file("text/csv; charset=utf-8", "rejected.csv", csv))
}
