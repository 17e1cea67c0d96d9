//! Jobs by name: asked for, done later, and read. The answer of an agent is told in the words of executions.

use domain::{
    CampaignId, NamedJobId,
    named_jobs::{JobState, NamedJob},
    runs::AnswerStatus,
};
use service::Tenant;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::agents::{AgentTask, answer_of};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(execute)).routes(routes!(get)).routes(routes!(report, latest))
}

/// Queue an execution of an agent
///
/// The job `execute_marketing_agent`: a worker starts the run, with the rights of the key. Its answer is that of
/// an execution.
#[utoipa::path(post, path = "/jobs/execute_marketing_agent", tag = "Jobs", operation_id = "queue_execution",
    security(("key" = ["runs:write"])), request_body = AgentTask, responses((status = ACCEPTED, body = NamedJob)))]
async fn execute(call: Write<Json<AgentTask>>) -> Result<Reply> {
    let (mut work, Json(AgentTask { agent_name, task, parameters })) = call.open().await?;
    let job = work.t.named_jobs().execute_marketing_agent(agent_name, task, parameters).await?;
    work.done(asked(&job)?).await
}

/// Get a job
#[utoipa::path(get, path = "/jobs/{id}", tag = "Jobs", operation_id = "get_job", params(("id" = NamedJobId, Path)),
    security(("key" = ["runs:read"])), responses((status = OK, body = NamedJob)))]
async fn get(call: Read, Path(id): Path<NamedJobId>) -> Result<Reply> {
    let mut t = call.open().await?;
    let job = t.named_jobs().get(id).await?;
    Reply::ok(&told(&mut t, job).await?)
}

/// Make the report of a campaign
///
/// The job `generate_marketing_report`: a worker counts its texts and e-mails and keeps the figures as a text of
/// kind `report`. Asking again before it is done means the same job.
#[utoipa::path(post, path = "/campaigns/{id}/report", tag = "Jobs", operation_id = "make_campaign_report",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = ACCEPTED, body = NamedJob)))]
async fn report(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let job = work.t.named_jobs().generate_marketing_report(id).await?;
    work.done(asked(&job)?).await
}

/// Get the last report of a campaign
///
/// The one that was asked for last: `answer` has its figures as soon as it is done.
#[utoipa::path(get, path = "/campaigns/{id}/report", tag = "Jobs", operation_id = "get_campaign_report",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = NamedJob)))]
async fn latest(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.named_jobs().latest_report(id).await?)
}

/// 202 with the job and where it lies.
fn asked(job: &NamedJob) -> Result<Reply> {
    Ok(Reply::accepted(job)?.location(&format!("/jobs/{}", job.id)))
}

/// A job of an agent with what has become of its run.
async fn told(t: &mut Tenant, job: NamedJob) -> Result<NamedJob> {
    let Some(run) = job.run else { return Ok(job) };
    let run = t.runs().get(run).await?;
    let finished_at = run.finished_at;
    let Some(answer) = answer_of(run) else { return Ok(job) };
    let state = if answer.status == AnswerStatus::Success { JobState::Done } else { JobState::Failed };
    let error = answer.error.clone();
    let answer = Some(serde_json::to_value(answer).map_err(service::Error::from)?);
    Ok(NamedJob { state, answer, error, finished_at, ..job })
}
