//! Enrolments: one lead in one campaign.

use domain::{
    CampaignId, EnrolmentId, Page,
    enrolments::{Enrolment, EnrolmentAction, EnrolmentSelection, EnrolmentState, EnrolmentsChanged},
    leads::{BulkOutcome, LeadSelection},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, enrol))
        .routes(routes!(bulk))
        .routes(routes!(remove))
        .routes(routes!(pause))
        .routes(routes!(resume))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EnrolmentList {
    /// Only those in this state.
    state: Option<EnrolmentState>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// The leads of a campaign, and why each has no e-mail yet
#[utoipa::path(get, path = "/campaigns/{id}/enrolments", tag = "Enrolments", operation_id = "list_enrolments",
    params(("id" = CampaignId, Path), EnrolmentList), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<Enrolment>)))]
async fn list(call: Read, Path(id): Path<CampaignId>, Query(query): Query<EnrolmentList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    Reply::ok(&call.open().await?.enrolments().list(id, query.state, &page).await?)
}

/// Add leads to a campaign
///
/// A draft whose audience is a selection takes them at once.
#[utoipa::path(post, path = "/campaigns/{id}/enrolments", tag = "Enrolments", operation_id = "enrol_leads",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])), request_body = LeadSelection,
    responses((status = OK, body = BulkOutcome), (status = CONFLICT, description = "Its audience is fixed.")))]
async fn enrol(Path(id): Path<CampaignId>, call: Write<Json<LeadSelection>>) -> Result<Reply> {
    let (mut work, Json(selection)) = call.open().await?;
    let outcome = work.t.campaigns().enrol(id, &selection.check()?).await?;
    work.done(Reply::ok(&outcome)?).await
}

/// One change to many leads of a campaign.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EnrolmentsChange {
    /// Which leads.
    enrolments: EnrolmentSelection,
    /// What to do.
    #[serde(flatten)]
    action: EnrolmentAction,
}

/// Change many leads of a campaign
///
/// Holds all enrolments of a selection, lets them go on, takes them a step further or to a later one, or takes them out
/// of the campaign. The answer counts those that were left as they were by what has kept them.
#[utoipa::path(post, path = "/campaigns/{id}/enrolments/bulk", tag = "Enrolments",
    operation_id = "bulk_change_enrolments", params(("id" = CampaignId, Path)),
    security(("key" = ["campaigns:write"])), request_body = EnrolmentsChange,
    responses((status = OK, body = EnrolmentsChanged)))]
async fn bulk(Path(id): Path<CampaignId>, call: Write<Json<EnrolmentsChange>>) -> Result<Reply> {
    let (mut work, Json(change)) = call.open().await?;
    let outcome = work.t.enrolments().bulk(id, &change.enrolments, &change.action).await?;
    work.done(Reply::ok(&outcome)?).await
}

/// Hold a lead in a campaign
///
/// What is planned for it keeps its place until somebody lets it go on.
#[utoipa::path(post, path = "/enrolments/{id}/pause", tag = "Enrolments", operation_id = "pause_enrolment",
    params(("id" = EnrolmentId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "It has left the campaign.")))]
async fn pause(Path(id): Path<EnrolmentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.enrolments().pause(id).await?;
    work.done(Reply::nothing()).await
}

/// Let a lead go on that was held
#[utoipa::path(post, path = "/enrolments/{id}/resume", tag = "Enrolments", operation_id = "resume_enrolment",
    params(("id" = EnrolmentId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "It has left the campaign.")))]
async fn resume(Path(id): Path<EnrolmentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.enrolments().resume(id).await?;
    work.done(Reply::nothing()).await
}

/// Take a lead out of a campaign
///
/// What is planned for it is cancelled; the ledger still counts it.
#[utoipa::path(delete, path = "/enrolments/{id}", tag = "Enrolments", operation_id = "remove_enrolment",
    params(("id" = EnrolmentId, Path)), security(("key" = ["campaigns:write"])), responses((status = NO_CONTENT)))]
async fn remove(Path(id): Path<EnrolmentId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.enrolments().remove(id).await?;
    work.done(Reply::nothing()).await
}
