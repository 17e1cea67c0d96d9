//! Drafts of e-mails to leads. None is ever sent by itself.

use domain::{
    DraftId, LeadId, Page,
    drafts::{Draft, DraftInput},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{merged, whole};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change)).routes(routes!(dismiss))
}

/// Drafts to a lead
///
/// The newest first.
#[utoipa::path(get, path = "/leads/{id}/drafts", tag = "Drafts", operation_id = "list_lead_drafts",
    params(("id" = LeadId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = Page<Draft>)))]
async fn list(call: Read, Path(id): Path<LeadId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.drafts().of_lead(id).await?))
}

/// Keep a draft to a lead
///
/// It is not sent: a person takes its words, or dismisses it.
#[utoipa::path(post, path = "/leads/{id}/drafts", tag = "Drafts", operation_id = "create_lead_draft",
    params(("id" = LeadId, Path)), security(("key" = ["leads:write"])), request_body = DraftInput,
    responses((status = CREATED, body = Draft)))]
async fn create(Path(id): Path<LeadId>, call: Write<Json<DraftInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let draft = work.t.drafts().create(id, &input.subject, &input.body).await?;
    let reply = Reply::created(&format!("/leads/{id}/drafts"), &draft)?.version(draft.version.into());
    work.done(reply).await
}

/// Change a draft
#[utoipa::path(patch, path = "/drafts/{id}", tag = "Drafts", operation_id = "change_draft",
    params(("id" = DraftId, Path)), security(("key" = ["leads:write"])), request_body = DraftInput,
    responses((status = OK, body = Draft), (status = CONFLICT, description = "It was used or dismissed.")))]
async fn change(Path(id): Path<DraftId>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = work.t.drafts().get(id).await?;
    let version = work.version().map_or(old.version, |version| i32::try_from(version).unwrap_or(0));
    let input: DraftInput = merged(&DraftInput::from(old), patch)?;
    let draft = work.t.drafts().update(id, &input.subject, &input.body, Some(version)).await?;
    let reply = Reply::ok(&draft)?.version(draft.version.into());
    work.done(reply).await
}

/// Dismiss a draft
#[utoipa::path(post, path = "/drafts/{id}/dismiss", tag = "Drafts", operation_id = "dismiss_draft",
    params(("id" = DraftId, Path)), security(("key" = ["leads:write"])),
    responses((status = OK, body = Draft), (status = CONFLICT, description = "It was used.")))]
async fn dismiss(Path(id): Path<DraftId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let draft = work.t.drafts().dismiss(id).await?;
    work.done(Reply::ok(&draft)?).await
}
