//! What a campaign is told to do. Each command may be repeated: when its aim is reached already, the
//! answer says so and nothing happens. One that the state does not allow is 409 with those it does.

use chrono::{DateTime, Utc};
use domain::{CampaignId, campaigns::CommandOutcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::campaigns::{CampaignInFull, in_full};
use crate::{
    door::{Json, Work, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(schedule))
        .routes(routes!(unschedule))
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(stop))
}

/// What a command did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CommandResult {
    /// The campaign now.
    campaign: CampaignInFull,
    /// Whether something changed; `false` when the aim was reached before.
    changed: bool,
    /// E-mails that are being handed over right now and will still arrive.
    in_flight: i64,
}

async fn answer(mut work: Work, outcome: CommandOutcome) -> Result<Reply> {
    let CommandOutcome { campaign, changed, in_flight } = outcome;
    let version = campaign.version;
    let campaign = in_full(&mut work.t, campaign).await?;
    let reply = Reply::ok(&CommandResult { campaign, changed, in_flight })?.version(version);
    work.done(reply).await
}

/// When a campaign starts.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// RFC 3339, with the offset from UTC.
    at: DateTime<Utc>,
}

/// Schedule a campaign
#[utoipa::path(post, path = "/campaigns/{id}/schedule", tag = "Campaigns", operation_id = "schedule_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])), request_body = Schedule,
    responses((status = OK, body = CommandResult), (status = CONFLICT, description = "Not from its state."),
        (status = UNPROCESSABLE_ENTITY, description = "A launch check blocks, or the time is wrong.")))]
async fn schedule(Path(id): Path<CampaignId>, call: Write<Json<Schedule>>) -> Result<Reply> {
    let (mut work, Json(schedule)) = call.open().await?;
    let version = work.version();
    work.t.campaigns().expect_version(id, version).await?;
    let outcome = work.t.campaigns().schedule(id, schedule.at).await?;
    answer(work, outcome).await
}

/// Take a scheduled campaign back to a draft
#[utoipa::path(post, path = "/campaigns/{id}/unschedule", tag = "Campaigns", operation_id = "unschedule_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])),
    responses((status = OK, body = CommandResult), (status = CONFLICT, description = "Not from its state.")))]
async fn unschedule(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    work.t.campaigns().expect_version(id, version).await?;
    let outcome = work.t.campaigns().unschedule(id).await?;
    answer(work, outcome).await
}

/// Start a campaign
///
/// Its audience is frozen; e-mails leave within the window, the caps and the gaps of its mailboxes.
#[utoipa::path(post, path = "/campaigns/{id}/start", tag = "Campaigns", operation_id = "start_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])),
    responses((status = OK, body = CommandResult), (status = CONFLICT, description = "Not from its state."),
        (status = UNPROCESSABLE_ENTITY, description = "A launch check blocks.")))]
async fn start(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    work.t.campaigns().expect_version(id, version).await?;
    let outcome = work.t.campaigns().start(id).await?;
    answer(work, outcome).await
}

/// Pause a campaign
///
/// E-mails that are being handed over still arrive; nothing else leaves.
#[utoipa::path(post, path = "/campaigns/{id}/pause", tag = "Campaigns", operation_id = "pause_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])),
    responses((status = OK, body = CommandResult), (status = CONFLICT, description = "Not from its state.")))]
async fn pause(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    work.t.campaigns().expect_version(id, version).await?;
    let outcome = work.t.campaigns().pause(id).await?;
    answer(work, outcome).await
}

/// Stop a campaign for good
///
/// What has not been sent is cancelled.
#[utoipa::path(post, path = "/campaigns/{id}/stop", tag = "Campaigns", operation_id = "stop_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])),
    responses((status = OK, body = CommandResult), (status = CONFLICT, description = "Not from its state.")))]
async fn stop(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    work.t.campaigns().expect_version(id, version).await?;
    let outcome = work.t.campaigns().stop(id).await?;
    answer(work, outcome).await
}

/// How a campaign or a mailbox goes on.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Resume {
    /// Needed when the system paused it: somebody has read why.
    pub(super) acknowledged: bool,
}

/// Resume a paused campaign
///
/// What fell due in the meantime is spread; nobody is skipped and nobody gets an e-mail twice.
#[utoipa::path(post, path = "/campaigns/{id}/resume", tag = "Campaigns", operation_id = "resume_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])), request_body = Resume,
    responses((status = OK, body = CommandResult), (status = CONFLICT, description = "Not from its state.")))]
async fn resume(Path(id): Path<CampaignId>, call: Write<Option<Json<Resume>>>) -> Result<Reply> {
    let (mut work, body) = call.open().await?;
    let acknowledged = body.is_some_and(|Json(resume)| resume.acknowledged);
    let version = work.version();
    work.t.campaigns().expect_version(id, version).await?;
    let outcome = work.t.campaigns().resume(id, acknowledged).await?;
    answer(work, outcome).await
}
