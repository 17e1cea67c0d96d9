//! Agents: the catalogue of the company, as files and versions.

use domain::{
    AgentId, Problem,
    agents::{AgentSummary, AgentVersion, Definition},
};
use serde::{Deserialize, Serialize};
use service::Tenant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

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
