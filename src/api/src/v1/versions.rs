//! Versions of the steps of a campaign, and how the wordings of its e-mails compare.

use domain::{
    CampaignId, Page, StepId,
    campaigns::comparison::{self, VariantCount, Verdict},
    steps::{SequenceVersion, Step, StepChange},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
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
        .routes(routes!(list))
        .routes(routes!(steps))
        .routes(routes!(restore))
        .routes(routes!(edits, discard))
        .routes(routes!(publish))
        .routes(routes!(variants))
}

/// The versions of a campaign's steps, the newest first
#[utoipa::path(get, path = "/campaigns/{id}/versions", tag = "Steps", operation_id = "list_versions",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<SequenceVersion>)))]
async fn list(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().versions(id).await?))
}

/// The steps of one version
#[utoipa::path(get, path = "/campaigns/{id}/versions/{number}", tag = "Steps", operation_id = "get_version",
    params(("id" = CampaignId, Path), ("number" = i32, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<Step>)))]
async fn steps(call: Read, Path((id, number)): Path<(CampaignId, i32)>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().version(id, number).await?.into_steps()))
}

/// Take the steps of an older version into the one that is being edited
#[utoipa::path(post, path = "/campaigns/{id}/versions/{number}/restore", tag = "Steps", operation_id = "restore_version",
    params(("id" = CampaignId, Path), ("number" = i32, Path)), security(("key" = ["campaigns:write"])),
    responses((status = OK, body = Page<Step>)))]
async fn restore(Path((id, number)): Path<(CampaignId, i32)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let steps = work.t.campaigns().restore_version(id, number).await?.into_steps();
    work.done(Reply::ok(&whole(steps))?).await
}

/// What has been edited since the last version, and what publishing it would do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Edits {
    /// The version that leads get now.
    from: i32,
    /// The one that they would get; the same when nothing was edited.
    to: i32,
    /// What is different.
    changes: Vec<StepChange>,
    /// Leads in older versions that have not reached their end.
    open: i64,
    /// E-mails planned for them whose words would be others.
    reworded: i64,
    /// Leads that would go on elsewhere, if they were moved.
    moves: Vec<Moved>,
}

/// Leads that would go on elsewhere.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// The step that is next for them.
    at: StepId,
    /// The one at which they would go on; absent when the sequence would be over.
    to: Option<StepId>,
    /// How many.
    leads: i64,
}

/// What was edited and not published yet
#[utoipa::path(get, path = "/campaigns/{id}/edits", tag = "Steps", operation_id = "get_edits",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Edits)))]
async fn edits(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    let p = call.open().await?.campaigns().publication(id).await?;
    let moves =
        p.moves.into_iter().map(|m| Moved { at: m.at.id, to: m.to.map(|step| step.id), leads: m.leads }).collect();
    Reply::ok(&Edits { from: p.from, to: p.to, changes: p.changes, open: p.open, reworded: p.reworded, moves })
}

/// Throw away what was edited and not published
#[utoipa::path(delete, path = "/campaigns/{id}/edits", tag = "Steps", operation_id = "discard_edits",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "Nothing was edited.")))]
async fn discard(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.campaigns().discard_edits(id).await?;
    work.done(Reply::nothing()).await
}

/// For whom a version is published.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishVersion {
    /// Also for leads who are in the middle of an older version.
    #[serde(default)]
    move_leads: bool,
}

/// Publish what was edited, as the next version
///
/// New leads get it. Leads who are in the middle of an older version keep that one unless they are moved.
#[utoipa::path(post, path = "/campaigns/{id}/edits/publish", tag = "Steps", operation_id = "publish_edits",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:run"])), request_body = PublishVersion,
    responses((status = OK, body = SequenceVersion), (status = CONFLICT, description = "Nothing was edited.")))]
async fn publish(Path(id): Path<CampaignId>, call: Write<Json<PublishVersion>>) -> Result<Reply> {
    let (mut work, Json(wanted)) = call.open().await?;
    let version = work.t.campaigns().publish(id, wanted.move_leads).await?;
    work.done(Reply::ok(&version)?).await
}

/// How the wordings of one step compare.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// The step.
    step: StepId,
    /// Figures of each wording; 0 is A.
    variants: Vec<VariantCount>,
    /// What they say.
    result: Verdict,
    /// Why one has won, once it was decided.
    decided: Option<String>,
}

/// How the wordings of a campaign's e-mails compare
#[utoipa::path(get, path = "/campaigns/{id}/variants", tag = "Steps", operation_id = "compare_variants",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<Comparison>)))]
async fn variants(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    let mut t = call.open().await?;
    let (sequence, mut counts) = (t.campaigns().steps(id).await?, t.campaigns().variant_counts(id).await?);
    let mut decided = t.campaigns().decided(id).await?;
    let of_step = |step: &Step| {
        let email = step.email().filter(|email| !email.variants.is_empty())?;
        let variants = counts.remove(&step.id).unwrap_or_default();
        let result = comparison::compare(&email.winner, &variants);
        Some(Comparison { step: step.id, variants, result, decided: decided.remove(&step.id).map(|(_, why)| why) })
    };
    Reply::ok(&whole(sequence.steps().iter().filter_map(of_step).collect::<Vec<_>>()))
}
