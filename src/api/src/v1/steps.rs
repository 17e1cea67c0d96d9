//! The steps of a campaign, their preview and their test mails.

use domain::{
    CampaignId, LeadId, Page, StepId,
    drafts::Sample,
    steps::{Place, Preview, Step, StepInput, TestMail},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .routes(routes!(move_to))
        .routes(routes!(preview))
        .routes(routes!(samples, write_samples))
        .routes(routes!(test_mails, send_test_mail))
}

/// The steps of a campaign, in reading order
///
/// Those of the version that is being edited, if somebody has begun one.
#[utoipa::path(get, path = "/campaigns/{id}/steps", tag = "Steps", operation_id = "list_steps",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<Step>)))]
async fn list(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().steps(id).await?.into_steps()))
}

/// Add a step
///
/// At the end of the main line, unless `place` says otherwise. Subject and body may hold variables with fallbacks, as in `{first_name|there}`.
#[utoipa::path(post, path = "/campaigns/{id}/steps", tag = "Steps", operation_id = "add_step",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])), request_body = StepInput,
    responses((status = CREATED, body = Step), (status = CONFLICT, description = "Its campaign has ended, or is scheduled.")))]
async fn add(Path(id): Path<CampaignId>, call: Write<Json<StepInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let step = work.t.campaigns().add_step(id, input).await?;
    let reply = Reply::created(&format!("/campaigns/{id}/steps"), &step)?.version(step.version);
    work.done(reply).await
}

/// Change a step
///
/// A campaign that has started gets a next version of its steps, which nobody gets before it is published.
#[utoipa::path(patch, path = "/campaigns/{id}/steps/{step}", tag = "Steps", operation_id = "change_step",
    params(("id" = CampaignId, Path), ("step" = StepId, Path)), security(("key" = ["campaigns:write"])),
    request_body = StepInput,
    responses((status = OK, body = Step), (status = CONFLICT, description = "Its campaign has ended, or is scheduled.")))]
async fn change(Path((id, step)): Path<(CampaignId, StepId)>, call: Write<Json<StepInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let version = work.version();
    let step = work.t.campaigns().update_step(id, step, input, version).await?;
    let reply = Reply::ok(&step)?.version(step.version);
    work.done(reply).await
}

/// Remove a step
#[utoipa::path(delete, path = "/campaigns/{id}/steps/{step}", tag = "Steps", operation_id = "remove_step",
    params(("id" = CampaignId, Path), ("step" = StepId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "Its campaign has ended, or is scheduled.")))]
async fn remove(Path((id, step)): Path<(CampaignId, StepId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.campaigns().remove_step(id, step).await?;
    work.done(Reply::nothing()).await
}

/// Move a step to another place
#[utoipa::path(post, path = "/campaigns/{id}/steps/{step}/move", tag = "Steps", operation_id = "move_step",
    params(("id" = CampaignId, Path), ("step" = StepId, Path)), security(("key" = ["campaigns:write"])),
    request_body = Place, responses((status = OK, body = Page<Step>)))]
async fn move_to(Path((id, step)): Path<(CampaignId, StepId)>, call: Write<Json<Place>>) -> Result<Reply> {
    let (mut work, Json(place)) = call.open().await?;
    let steps = work.t.campaigns().move_step(id, step, place).await?.into_steps();
    work.done(Reply::ok(&whole(steps))?).await
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ForLead {
    /// A lead of the audience; the first when absent.
    lead: Option<LeadId>,
    /// Which wording: 0 is A.
    variant: i16,
}

/// A step as a lead would read it
#[utoipa::path(get, path = "/campaigns/{id}/steps/{step}/preview", tag = "Steps", operation_id = "preview_step",
    params(("id" = CampaignId, Path), ("step" = StepId, Path), ForLead), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Preview)))]
async fn preview(
    call: Read,
    Path((id, step)): Path<(CampaignId, StepId)>,
    Query(query): Query<ForLead>,
) -> Result<Reply> {
    Reply::ok(&call.open().await?.campaigns().preview(id, step, query.variant, query.lead).await?)
}

/// The last test mails of a campaign
#[utoipa::path(get, path = "/campaigns/{id}/test-mails", tag = "Steps", operation_id = "list_test_mails",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<TestMail>)))]
async fn test_mails(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().test_mails(id).await?))
}

/// Which step to send, and where.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTestMail {
    /// The step.
    step: StepId,
    /// Who it is written for; the first lead of the audience when absent.
    #[serde(default)]
    lead: Option<LeadId>,
    /// Which of its wordings, 0 to 3: 0 is A.
    #[serde(default)]
    variant: i16,
    /// Where it goes.
    to: String,
}

/// Samples of a step that AI writes
///
/// For a few leads of the audience. They are never sent.
#[utoipa::path(get, path = "/campaigns/{id}/steps/{step}/samples", tag = "Steps", operation_id = "list_samples",
    params(("id" = CampaignId, Path), ("step" = StepId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<Sample>)))]
async fn samples(call: Read, Path((id, step)): Path<(CampaignId, StepId)>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.drafts().samples(id, step).await?))
}

/// Write 3 samples
///
/// By the models of the company, or the built-in writer, in the place of older samples.
#[utoipa::path(post, path = "/campaigns/{id}/steps/{step}/samples", tag = "Steps", operation_id = "write_samples",
    params(("id" = CampaignId, Path), ("step" = StepId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = ACCEPTED, body = Page<Sample>), (status = CONFLICT, description = "The step is a fixed text, or nobody is in the audience.")))]
async fn write_samples(Path((id, step)): Path<(CampaignId, StepId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let samples = work.t.drafts().ask_for_samples(id, step).await?;
    work.done(Reply::accepted(&whole(samples))?).await
}

/// Send a test mail
#[utoipa::path(post, path = "/campaigns/{id}/test-mails", tag = "Steps", operation_id = "send_test_mail",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])), request_body = NewTestMail,
    responses((status = ACCEPTED, body = TestMail)))]
async fn send_test_mail(Path(id): Path<CampaignId>, call: Write<Json<NewTestMail>>) -> Result<Reply> {
    let (mut work, Json(mail)) = call.open().await?;
    let mail = work.t.campaigns().request_test_of_variant(id, mail.step, mail.variant, mail.lead, &mail.to).await?;
    work.done(Reply::accepted(&mail)?).await
}
