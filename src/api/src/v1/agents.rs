//! Agents: the catalogue of the company, as files and versions, and what they do, in the words of programs that
//! execute them.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::{
    AgentId, Page, Problem, RunId,
    agents::{AgentStatus, AgentSummary, AgentVersion, Definition},
    runs::{AnswerStatus, ExecutionStatus, NewRun, Run, RunFilter},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service::{Error, Tenant};
use tokio::time::{Instant, sleep};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::{Failure, ProblemDetails, Result},
    query::{Paging, Path, Query},
    reply::Reply,
    v1::runs::started,
};

/// The longest that a caller may wait for a run, in seconds.
const LONGEST_WAIT: u64 = 60;
/// Between two looks at a run that somebody waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(file))
        .routes(routes!(versions))
        .routes(routes!(version))
        .routes(routes!(restore))
        .routes(routes!(enable))
        .routes(routes!(disable))
        .routes(routes!(import))
        .routes(routes!(execute))
        .routes(routes!(evaluate))
        .routes(routes!(status))
        .routes(routes!(results))
}

/// An agent with its file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentInFull {
    #[serde(flatten)]
    agent: AgentSummary,
    /// The definition: Markdown with YAML front matter.
    definition: String,
}

/// A definition of an agent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentInput {
    /// Markdown with YAML front matter: `name`, `description`, `team`, `tools`, `model`, `limits`, `inputs`,
    /// `playbook` and further keys, then the instructions.
    definition: String,
    /// Why it is changed, in words.
    #[serde(default)]
    note: String,
}

/// A version to go back to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreVersion {
    /// Its number.
    version: i32,
}

/// Files with agents.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentFiles {
    /// At most 200.
    files: Vec<AgentFile>,
}

/// A file with one agent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentFile {
    /// Its name, to be named in the answer.
    name: String,
    /// Markdown with YAML front matter.
    content: String,
}

/// What became of the files, in their order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentsImported {
    files: Vec<FileImported>,
}

/// What became of one file.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct FileImported {
    /// Name of the file.
    name: String,
    /// The agent that it made or changed.
    agent: Option<AgentId>,
    /// The version of the agent now.
    version: Option<i32>,
    /// Whether the file changed anything.
    changed: bool,
    /// Why it was not taken, with the line.
    problem: Option<Problem>,
}

/// What an agent is to do.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentTask {
    /// Name of the agent, or its id.
    pub(super) agent_name: String,
    /// What it is to do, in words.
    #[serde(default)]
    pub(super) task: String,
    /// Values for its inputs.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(super) parameters: Map<String, Value>,
}

/// A run of an agent, as an execution.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentExecution {
    /// The agent.
    agent_name: String,
    /// The run; `/runs/{id}` tells all about it.
    run_id: RunId,
    /// How far it is.
    status: ExecutionStatus,
    /// What the agent answered.
    result: Option<String>,
    /// Why there is no result.
    error: Option<String>,
    /// When it was asked for.
    created_at: DateTime<Utc>,
    /// When it ended.
    finished_at: Option<DateTime<Utc>>,
}

impl From<Run> for AgentExecution {
    fn from(run: Run) -> Self {
        Self {
            run_id: run.id,
            status: run.state.into(),
            error: run.error(),
            agent_name: run.agent,
            result: run.answer,
            created_at: run.created_at,
            finished_at: run.finished_at,
        }
    }
}

/// What came of an execution that was waited for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentAnswer {
    /// The agent.
    agent_name: String,
    /// The run; `/runs/{id}` tells all about it.
    run_id: RunId,
    /// How it ended.
    pub(super) status: AnswerStatus,
    /// What the agent answered.
    result: Option<String>,
    /// Why there is no result.
    pub(super) error: Option<String>,
}

impl AgentAnswer {
    /// The answer of an execution that has ended; one that goes on as it is.
    fn of(execution: AgentExecution) -> Result<Self, AgentExecution> {
        let Some(status) = execution.status.answer() else { return Err(execution) };
        let AgentExecution { agent_name, run_id, result, error, .. } = execution;
        Ok(Self { agent_name, run_id, status, result, error })
    }
}

/// How an agent is doing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AgentStanding {
    /// The agent.
    name: String,
    /// By its runs.
    status: AgentStatus,
    /// When the last one was started.
    last_run: Option<DateTime<Utc>>,
}

/// How long to wait.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Waiting {
    /// Seconds until the answer comes in any case, 0 to 60; 0 when absent.
    wait: u64,
}

/// List agents
#[utoipa::path(get, path = "/agents", tag = "Agents", operation_id = "list_agents",
    security(("key" = ["agents:read"])), responses((status = OK, body = Vec<AgentSummary>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&call.open().await?.agents().list().await?)
}

/// Create an agent
#[utoipa::path(post, path = "/agents", tag = "Agents", operation_id = "create_agent",
    security(("key" = ["agents:write"])), request_body = AgentInput,
    responses((status = CREATED, body = AgentSummary), (status = CONFLICT, description = "An agent has this name already.")))]
async fn create(call: Write<Json<AgentInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let agent = work.t.agents().create(read(&input.definition)?).await?;
    let reply = Reply::created(&format!("/agents/{}", agent.id), &agent)?.version(agent.version.into());
    work.done(reply).await
}

/// Get an agent
#[utoipa::path(get, path = "/agents/{id}", tag = "Agents", operation_id = "get_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:read"])),
    responses((status = OK, body = AgentInFull)))]
async fn get(call: Read, Path(id): Path<String>) -> Result<Reply> {
    let mut t = call.open().await?;
    let id = named(&mut t, &id).await?;
    let agent = t.agents().get(id).await?;
    let definition = t.agents().file(id, agent.version).await?;
    let version = agent.version;
    Ok(Reply::ok(&AgentInFull { agent, definition })?.version(version.into()))
}

/// Change an agent
///
/// Makes a new version; nothing happens when the definition says the same.
#[utoipa::path(put, path = "/agents/{id}", tag = "Agents", operation_id = "change_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:write"])),
    request_body = AgentInput,
    responses((status = OK, body = AgentSummary), (status = CONFLICT, description = "An agent has this name already.")))]
async fn change(Path(id): Path<String>, call: Write<Json<AgentInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let id = named(&mut work.t, &id).await?;
    let version = work.version().map(|version| i32::try_from(version).unwrap_or(0));
    let agent = work.t.agents().update(id, read(&input.definition)?, &input.note, version).await?;
    let reply = Reply::ok(&agent)?.version(agent.version.into());
    work.done(reply).await
}

/// Delete an agent
///
/// Its runs stay, with the version that did them.
#[utoipa::path(delete, path = "/agents/{id}", tag = "Agents", operation_id = "delete_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:write"])),
    responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<String>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let id = named(&mut work.t, &id).await?;
    work.t.agents().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Download the file of an agent
#[utoipa::path(get, path = "/agents/{id}/file", tag = "Agents", operation_id = "download_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:read"])),
    responses((status = OK, body = String, content_type = "text/markdown")))]
async fn file(call: Read, Path(id): Path<String>) -> Result<Reply> {
    let mut t = call.open().await?;
    let id = named(&mut t, &id).await?;
    let agent = t.agents().get(id).await?;
    let text = t.agents().file(id, agent.version).await?;
    Ok(Reply::file("text/markdown; charset=utf-8", &agent.file_name(), text.into_bytes()))
}

/// List the versions of an agent
#[utoipa::path(get, path = "/agents/{id}/versions", tag = "Agents", operation_id = "list_agent_versions",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:read"])),
    responses((status = OK, body = Vec<AgentVersion>)))]
async fn versions(call: Read, Path(id): Path<String>) -> Result<Reply> {
    let mut t = call.open().await?;
    let id = named(&mut t, &id).await?;
    Reply::ok(&t.agents().versions(id).await?)
}

/// Download a version of an agent
#[utoipa::path(get, path = "/agents/{id}/versions/{version}", tag = "Agents", operation_id = "download_agent_version",
    params(("id" = String, Path, description = "Id or name"), ("version" = i32, Path)),
    security(("key" = ["agents:read"])), responses((status = OK, body = String, content_type = "text/markdown")))]
async fn version(call: Read, Path((id, version)): Path<(String, i32)>) -> Result<Reply> {
    let mut t = call.open().await?;
    let id = named(&mut t, &id).await?;
    let name = t.agents().get(id).await?.file_name();
    let text = t.agents().file(id, version).await?;
    Ok(Reply::file("text/markdown; charset=utf-8", &name, text.into_bytes()))
}

/// Restore a version of an agent
///
/// What it said becomes the newest version.
#[utoipa::path(post, path = "/agents/{id}/restore", tag = "Agents", operation_id = "restore_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:write"])),
    request_body = RestoreVersion, responses((status = OK, body = AgentSummary)))]
async fn restore(Path(id): Path<String>, call: Write<Json<RestoreVersion>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let id = named(&mut work.t, &id).await?;
    let agent = work.t.agents().restore(id, input.version).await?;
    let reply = Reply::ok(&agent)?.version(agent.version.into());
    work.done(reply).await
}

/// Enable an agent
#[utoipa::path(post, path = "/agents/{id}/enable", tag = "Agents", operation_id = "enable_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:write"])),
    responses((status = OK, body = AgentSummary)))]
async fn enable(Path(id): Path<String>, call: Write) -> Result<Reply> {
    set_enabled(&id, call, true).await
}

/// Disable an agent
///
/// It is not run any more; runs that go on are not touched.
#[utoipa::path(post, path = "/agents/{id}/disable", tag = "Agents", operation_id = "disable_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["agents:write"])),
    responses((status = OK, body = AgentSummary)))]
async fn disable(Path(id): Path<String>, call: Write) -> Result<Reply> {
    set_enabled(&id, call, false).await
}

/// Import agents
///
/// A name that is new makes an agent, one that is known a new version of it. A file that cannot be read
/// keeps no other from its place.
#[utoipa::path(post, path = "/agents/import", tag = "Agents", operation_id = "import_agents",
    security(("key" = ["agents:write"])), request_body = AgentFiles, responses((status = OK, body = AgentsImported)))]
async fn import(call: Write<Json<AgentFiles>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let files: Vec<_> = input.files.into_iter().map(|file| (file.name, file.content)).collect();
    let outcomes = work.t.agents().import(&files).await?;
    let files = outcomes
        .into_iter()
        .map(|outcome| match outcome.result {
            Ok(agent) => FileImported {
                name: outcome.file,
                agent: Some(agent.id),
                version: Some(agent.version),
                changed: agent.changed,
                problem: None,
            },
            Err(problem) => {
                FileImported { name: outcome.file, agent: None, version: None, changed: false, problem: Some(problem) }
            }
        })
        .collect();
    work.done(Reply::ok(&AgentsImported { files })?).await
}

/// Execute an agent
///
/// It is queued and works with the rights of the key: 202 with the run. With `wait` the answer comes when the
/// run has ended, or as 202 when the time is over. Where a person has to approve something, that is mostly 202.
#[utoipa::path(post, path = "/agents/execute", tag = "Agents", operation_id = "execute_agent", params(Waiting),
    security(("key" = ["runs:write"])), request_body = AgentTask,
    responses((status = OK, body = AgentAnswer, description = "The run has ended."),
        (status = ACCEPTED, body = AgentExecution, description = "The run goes on."),
        (status = NOT_FOUND, description = "There is no such agent."),
        (status = CONFLICT, description = "The agent is not enabled.")))]
async fn execute(later: Read, Query(waiting): Query<Waiting>, call: Write<Json<AgentTask>>) -> Result<Reply> {
    if waiting.wait > LONGEST_WAIT {
        let words = format!("Wait 0 to {LONGEST_WAIT} seconds.");
        return Err(Problem::field("wait", "number_invalid", words).into());
    }
    let (mut work, Json(AgentTask { agent_name, task, parameters })) = call.open().await?;
    let agent = known(&mut work.t, &agent_name).await?.name;
    let run = work.t.runs().create(NewRun { agent, task, parameters, ..NewRun::default() }).await?;
    let id = run.id;
    // The commit comes before the first look, so that a worker can begin.
    let accepted = work.done(executed(run)?).await?;
    match waiting.wait {
        0 => Ok(accepted),
        seconds => executed(awaited(&later, id, Duration::from_secs(seconds)).await?),
    }
}

/// Evaluate an agent
///
/// Runs the case of its file that says whether it still does its job. The run has the verdict once it has ended.
#[utoipa::path(post, path = "/agents/{id}/evaluate", tag = "Agents", operation_id = "evaluate_agent",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["runs:write"])),
    responses((status = ACCEPTED, body = Run),
        (status = CONFLICT, description = "The agent has no such case, or is not enabled.")))]
async fn evaluate(Path(id): Path<String>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let id = named(&mut work.t, &id).await?;
    let run = work.t.runs().create_evaluation(id).await?;
    work.done(started(&run)?).await
}

/// Get the status of an agent
#[utoipa::path(get, path = "/agents/{id}/status", tag = "Agents", operation_id = "get_agent_status",
    params(("id" = String, Path, description = "Id or name")), security(("key" = ["runs:read"])),
    responses((status = OK, body = AgentStanding)))]
async fn status(call: Read, Path(id): Path<String>) -> Result<Reply> {
    let agent = known(&mut call.open().await?, &id).await?;
    Reply::ok(&AgentStanding { name: agent.name, status: agent.status, last_run: agent.last_run })
}

/// List the results of an agent
///
/// What it was executed for, the newest first.
#[utoipa::path(get, path = "/agents/{id}/results", tag = "Agents", operation_id = "list_agent_results",
    params(("id" = String, Path, description = "Id or name"), Paging), security(("key" = ["runs:read"])),
    responses((status = OK, body = Page<AgentExecution>)))]
async fn results(call: Read, Path(id): Path<String>, Query(page): Query<Paging>) -> Result<Reply> {
    let mut t = call.open().await?;
    let agent = known(&mut t, &id).await?.id;
    let filter = RunFilter { agent: Some(agent), ..RunFilter::default() };
    Reply::ok(&t.runs().list(&filter, &page.page()?).await?.map(AgentExecution::from))
}

/// 200 with the answer of a run that has ended, 202 with one that goes on.
fn executed(run: Run) -> Result<Reply> {
    let path = format!("/runs/{}", run.id);
    let execution = AgentExecution::from(run);
    Ok(match AgentAnswer::of(execution) {
        Ok(answer) => Reply::ok(&answer)?.location(&path),
        Err(execution) => Reply::accepted(&execution)?.location(&path),
    })
}

/// What came of a run, once it has ended.
pub(super) fn answer_of(run: Run) -> Option<AgentAnswer> {
    AgentAnswer::of(run.into()).ok()
}

/// The run when it has ended, or as it is when the time is over. Between two looks no transaction is open.
async fn awaited(call: &Read, id: RunId, wait: Duration) -> Result<Run> {
    let end = Instant::now() + wait;
    loop {
        let mut t = call.open().await?;
        let run = t.runs().get(id).await?;
        t.commit().await?;
        let left = end.saturating_duration_since(Instant::now());
        if run.state.has_ended() || left.is_zero() {
            return Ok(run);
        }
        sleep(LOOK_AGAIN.min(left)).await;
    }
}

/// The agent that a program names, by its id or its name, in the words that such programs know.
async fn known(t: &mut Tenant, text: &str) -> Result<AgentSummary> {
    let unknown = |error| match error {
        Error::NotFound(_) => {
            ProblemDetails::new(StatusCode::NOT_FOUND, "not_found", format!("Agent '{text}' not found")).into()
        }
        other => Failure::from(other),
    };
    let id = match text.parse() {
        Ok(id) => id,
        Err(_) => t.agents().by_name(text).await.map_err(unknown)?,
    };
    t.agents().get(id).await.map_err(unknown)
}

async fn set_enabled(id: &str, call: Write, enabled: bool) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let id = named(&mut work.t, id).await?;
    let agent = work.t.agents().set_enabled(id, enabled).await?;
    work.done(Reply::ok(&agent)?).await
}

/// The agent of a path: by its id, or by its name.
async fn named(t: &mut Tenant, text: &str) -> Result<AgentId> {
    Ok(match text.parse() {
        Ok(id) => id,
        Err(_) => t.agents().by_name(text).await?,
    })
}

fn read(text: &str) -> Result<Definition> {
    Ok(Definition::from_markdown(text).map_err(|problem| problem.on("definition"))?)
}
