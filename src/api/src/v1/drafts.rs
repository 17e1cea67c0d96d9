//! Drafts of e-mails to leads. One that belongs to a campaign is sent when it was approved, any other never.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, DraftId, LeadId, Page,
    drafts::{Draft, DraftInput, QueueFilter, QueuedDraft, Rejection, Rewrite, Writer},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{merged, whole};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page as paging},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(queue))
        .routes(routes!(show, change))
        .routes(routes!(dismiss))
        .routes(routes!(mark_used))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(rewrite))
        .routes(routes!(undo))
        .routes(routes!(approve_passing))
}

/// Which drafts there are a list of.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Waiting {
    /// Those that wait for a person.
    #[default]
    Pending,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only `pending` drafts are listed; those of a lead are below the lead.
    #[param(inline)]
    state: Waiting,
    /// Of one campaign.
    campaign: Option<CampaignId>,
    /// Those that pass every check, or those that do not.
    passes: Option<bool>,
    /// Written by a model, or by the built-in writer.
    #[param(inline)]
    writer: Option<Writer>,
    /// Only those that are older than five days.
    stale: bool,
    /// Rows that follow this cursor.
    after: Option<String>,
    /// Rows per page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// How a draft is approved.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApproveDraft {
    /// What its checks say was read; it leaves all the same.
    acknowledged: bool,
}

/// Why a draft is not wanted, and what then.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// 1 to 1,000 characters.
    reason: String,
    /// What becomes of the lead; it leaves the campaign when absent.
    #[serde(default = "leave")]
    then: Rejection,
}

const fn leave() -> Rejection {
    Rejection::LeaveCampaign
}

/// Which drafts are approved together.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePassing {
    /// Of one campaign; of all when absent.
    #[serde(default)]
    campaign: Option<CampaignId>,
    /// Written by a model, or by the built-in writer; by both when absent.
    #[serde(default)]
    writer: Option<Writer>,
    /// Written until then: what comes while somebody decides is not approved.
    before: DateTime<Utc>,
}

/// How many were approved.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Approved {
    /// Drafts.
    approved: i64,
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

/// Drafts that wait for approval
///
/// Those of campaigns whose e-mails are written for each lead, the oldest first.
#[utoipa::path(get, path = "/drafts", tag = "Drafts", operation_id = "list_drafts", params(Wanted),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<QueuedDraft>)))]
async fn queue(call: Read, Query(wanted): Query<Wanted>) -> Result<Reply> {
    let Wanted { state: Waiting::Pending, campaign, passes, writer, stale, after, per } = wanted;
    let (filter, page) = (QueueFilter { campaign, passes, writer, stale }, paging(after, per)?);
    Reply::ok(&call.open().await?.drafts().queue(&filter, &page).await?)
}

/// A draft with its facts and checks
#[utoipa::path(get, path = "/drafts/{id}", tag = "Drafts", operation_id = "get_draft",
    params(("id" = DraftId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = Draft)))]
async fn show(call: Read, Path(id): Path<DraftId>) -> Result<Reply> {
    let draft = call.open().await?.drafts().get(id).await?;
    Ok(Reply::ok(&draft)?.version(draft.version.into()))
}

/// Change a draft
///
/// One of a campaign is judged again; what its writer wrote stays beside it.
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

/// Mark a draft as used
///
/// Somebody took its words. It sends nothing.
#[utoipa::path(post, path = "/drafts/{id}/use", tag = "Drafts", operation_id = "use_draft",
    params(("id" = DraftId, Path)), security(("key" = ["leads:write"])),
    responses((status = OK, body = Draft), (status = CONFLICT, description = "It was dismissed.")))]
async fn mark_used(Path(id): Path<DraftId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let draft = work.t.drafts().use_it(id).await?;
    work.done(Reply::ok(&draft)?).await
}

/// Approve a draft
///
/// Its e-mail leaves as it stands, when it is due, and not within 10 seconds: so long it can be taken back. What checks
/// stand against needs `acknowledged`.
#[utoipa::path(post, path = "/drafts/{id}/approve", tag = "Drafts", operation_id = "approve_draft",
    params(("id" = DraftId, Path)), security(("key" = ["campaigns:run"])), request_body = ApproveDraft,
    responses((status = OK, body = Draft), (status = CONFLICT, description = "It was decided about, checks stand against it, or what it rests on has changed.")))]
async fn approve(Path(id): Path<DraftId>, call: Write<Option<Json<ApproveDraft>>>) -> Result<Reply> {
    let (mut work, body) = call.open().await?;
    let version = work.version().map(|version| i32::try_from(version).unwrap_or(0));
    let acknowledged = body.is_some_and(|Json(approve)| approve.acknowledged);
    let draft = work.t.drafts().approve(id, version, acknowledged).await?;
    work.done(Reply::ok(&draft)?).await
}

/// Reject a draft
///
/// Its lead goes on with the next step, or leaves the campaign. That happens after 10 seconds: so long it can be taken
/// back.
#[utoipa::path(post, path = "/drafts/{id}/reject", tag = "Drafts", operation_id = "reject_draft",
    params(("id" = DraftId, Path)), security(("key" = ["campaigns:run"])), request_body = Reject,
    responses((status = OK, body = Draft), (status = CONFLICT, description = "It was decided about.")))]
async fn reject(Path(id): Path<DraftId>, call: Write<Json<Reject>>) -> Result<Reply> {
    let (mut work, Json(Reject { reason, then })) = call.open().await?;
    let version = work.version().map(|version| i32::try_from(version).unwrap_or(0));
    let draft = work.t.drafts().reject(id, then, &reason, version).await?;
    work.done(Reply::ok(&draft)?).await
}

/// Ask for another draft
///
/// The writer reads what is wrong with this one.
#[utoipa::path(post, path = "/drafts/{id}/rewrite", tag = "Drafts", operation_id = "rewrite_draft",
    params(("id" = DraftId, Path)), security(("key" = ["campaigns:run"])), request_body = Rewrite,
    responses((status = OK, body = Draft), (status = CONFLICT, description = "It was decided about.")))]
async fn rewrite(Path(id): Path<DraftId>, call: Write<Json<Rewrite>>) -> Result<Reply> {
    let (mut work, Json(wrong)) = call.open().await?;
    let version = work.version().map(|version| i32::try_from(version).unwrap_or(0));
    let draft = work.t.drafts().rewrite(id, &wrong, version).await?;
    work.done(Reply::ok(&draft)?).await
}

/// Take a decision back
///
/// An approval or a rejection, within 10 seconds.
#[utoipa::path(post, path = "/drafts/{id}/undo", tag = "Drafts", operation_id = "undo_draft",
    params(("id" = DraftId, Path)), security(("key" = ["campaigns:run"])),
    responses((status = OK, body = Draft), (status = CONFLICT, description = "The time is over.")))]
async fn undo(Path(id): Path<DraftId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let draft = work.t.drafts().undo(id).await?;
    work.done(Reply::ok(&draft)?).await
}

/// Approve all drafts that pass the checks
///
/// At most 1,000 at once, and none that is older than five days.
#[utoipa::path(post, path = "/drafts/approve-passing", tag = "Drafts", operation_id = "approve_passing_drafts",
    security(("key" = ["campaigns:run"])), request_body = ApprovePassing, responses((status = OK, body = Approved)))]
async fn approve_passing(call: Write<Json<ApprovePassing>>) -> Result<Reply> {
    let (mut work, Json(ApprovePassing { campaign, writer, before })) = call.open().await?;
    let filter = QueueFilter { campaign, writer, ..QueueFilter::default() };
    let approved = work.t.drafts().approve_passing(&filter, before).await?;
    work.done(Reply::ok(&Approved { approved })?).await
}
