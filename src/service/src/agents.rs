//! Agents: the catalogue of a company. Every change of a definition is a new version; none is ever edited.

mod catalogue;

use chrono::{DateTime, Utc};
use domain::{
    AgentId, Permission, Problem,
    agents::{AgentStatus, AgentSummary, AgentVersion, Definition, MAX_DEFINITION, MAX_FILES, Origin, Team},
    runs::RunState,
};

use crate::{Error, Result, Tenant, audit::Entry, error::OnConstraint, leads::is_storable};

pub use catalogue::refresh;

/// The agents of the company.
#[derive(Debug)]
pub struct Agents<'t> {
    t: &'t mut Tenant,
}

/// What became of one file of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOutcome {
    /// Name of the file.
    pub file: String,
    /// The agent that it made or changed, or why it did not.
    pub result: Result<Imported, Problem>,
}

/// An agent that came from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Id.
    pub id: AgentId,
    /// Name.
    pub name: String,
    /// Its version now.
    pub version: i32,
    /// Whether the file changed anything.
    pub changed: bool,
}

impl Tenant {
    /// The agents of the company.
    pub fn agents(&mut self) -> Agents<'_> {
        Agents { t: self }
    }
}

impl Agents<'_> {
    /// All agents, by team and name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self) -> Result<Vec<AgentSummary>> {
        self.t.require(Permission::Read).await?;
        let mut agents = self.select(None).await?;
        agents.sort_by_key(|agent| agent.team);
        Ok(agents)
    }

    /// One agent.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: AgentId) -> Result<AgentSummary> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("agent"))
    }

    /// One agent that may work.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when it is not enabled.
    pub(crate) async fn require_enabled(&mut self, id: AgentId) -> Result<AgentSummary> {
        let found = self.get(id).await?;
        if found.enabled {
            return Ok(found);
        }
        let message = format!("“{}” is not enabled. An admin can enable it on its page.", found.name);
        Err(Error::conflict("agent_disabled", message))
    }

    /// The agent with this name, upper and lower case alike.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn by_name(&mut self, name: &str) -> Result<AgentId> {
        self.t.require(Permission::Read).await?;
        if !is_storable(name) {
            return Err(Error::NotFound("agent"));
        }
        sqlx::query_scalar!(
            r#"SELECT id AS "id: AgentId" FROM agents WHERE name_key = lower($1) AND deleted_at IS NULL"#,
            name
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("agent"))
    }

    /// The versions of an agent, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn versions(&mut self, id: AgentId) -> Result<Vec<AgentVersion>> {
        self.get(id).await?;
        Ok(sqlx::query_as!(
            AgentVersion,
            "SELECT version, note, author, created_at FROM agent_versions WHERE agent_id = $1 ORDER BY version DESC",
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// The file of a version.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn file(&mut self, id: AgentId, version: i32) -> Result<String> {
        self.get(id).await?;
        sqlx::query_scalar!("SELECT definition FROM agent_versions WHERE agent_id = $1 AND version = $2", id.0, version)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("version"))
    }

    /// What the newest version says.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn definition(&mut self, id: AgentId) -> Result<Definition> {
        let version = self.get(id).await?.version;
        let file = self.file(id, version).await?;
        // It was checked when it was kept.
        Definition::from_markdown(&file).map_err(|problem| Error::internal(anyhow::anyhow!(problem.message)))
    }

    /// A new agent.
    ///
    /// # Errors
    /// Problems of the definition; a conflict when the name is taken.
    pub async fn create(&mut self, definition: Definition) -> Result<AgentSummary> {
        self.t.require(Permission::ManageAgents).await?;
        let definition = checked(definition)?;
        let id = self.insert(&definition, Origin::Written, "Written").await?;
        self.t.audit().record(Entry::done("agent.created").on(definition.name)).await?;
        self.get(id).await
    }

    /// A new version of an agent; nothing happens when it says the same.
    ///
    /// # Errors
    /// Problems of the definition; a conflict when `version` is not the newest, or the name is taken.
    pub async fn update(
        &mut self,
        id: AgentId,
        definition: Definition,
        note: &str,
        version: Option<i32>,
    ) -> Result<AgentSummary> {
        self.t.require(Permission::ManageAgents).await?;
        let definition = checked(definition)?;
        let newest = self.lock(id).await?;
        if version.is_some_and(|version| version != newest) {
            return Err(Error::stale());
        }
        if self.file(id, newest).await? != definition.to_markdown() {
            let note = if note.trim().is_empty() { "Edited" } else { note.trim() };
            self.append(id, newest + 1, &definition, note, true).await?;
            self.t.audit().record(Entry::done("agent.changed").on(definition.name).details(note)).await?;
        }
        self.get(id).await
    }

    /// What an earlier version said, as the newest one.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a version; a conflict when its name is taken by now.
    pub async fn restore(&mut self, id: AgentId, version: i32) -> Result<AgentSummary> {
        let file = self.file(id, version).await?;
        self.update(id, Definition::from_markdown(&file)?, &format!("Version {version} restored"), None).await
    }

    /// Whether it may be run. Runs that go on are not touched.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_enabled(&mut self, id: AgentId, enabled: bool) -> Result<AgentSummary> {
        self.t.require(Permission::ManageAgents).await?;
        let now = self.t.now();
        let changed = sqlx::query_scalar!(
            "UPDATE agents SET enabled = $2, updated_at = $3
             WHERE id = $1 AND deleted_at IS NULL AND enabled <> $2 RETURNING name",
            id.0,
            enabled,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(name) = changed {
            let action = if enabled { "agent.enabled" } else { "agent.disabled" };
            self.t.audit().record(Entry::done(action).on(name)).await?;
            self.t.tell("agents", id.0).await?;
        }
        self.get(id).await
    }

    /// Takes an agent out of the catalogue. Its versions stay, for the runs that it did.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict while a run of it has not ended.
    pub async fn delete(&mut self, id: AgentId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let open = sqlx::query!("SELECT FROM runs WHERE agent_id = $1 AND finished_at IS NULL LIMIT 1", id.0)
            .fetch_optional(self.t.conn())
            .await?;
        if open.is_some() {
            let words = "A run of this agent has not ended. Cancel it, or wait for its end, then delete the agent.";
            return Err(Error::conflict("agent_busy", words));
        }
        let now = self.t.now();
        let name = sqlx::query_scalar!(
            "UPDATE agents SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING name",
            id.0,
            now
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("agent"))?;
        sqlx::query!("DELETE FROM triggers WHERE agent_id = $1", id.0).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("agent.deleted").on(name)).await?;
        self.t.tell("agents", id.0).await
    }

    /// Agents from files: a name that is new makes an agent, one that is known a new version of it. A file
    /// that cannot be read keeps no other from its place.
    ///
    /// # Errors
    /// More files than [`MAX_FILES`], or none.
    pub async fn import(&mut self, files: &[(String, String)]) -> Result<Vec<FileOutcome>> {
        self.t.require(Permission::ManageAgents).await?;
        if files.is_empty() {
            return Err(Problem::field("files", "file_missing", "Choose at least one Markdown file.").into());
        }
        if files.len() > MAX_FILES {
            let message = format!("Import at most {MAX_FILES} files at once.");
            return Err(Problem::field("files", "files_too_many", message).into());
        }
        let mut outcomes = Vec::with_capacity(files.len());
        for (file, text) in files {
            let result = match self.import_one(text).await {
                Ok(imported) => Ok(imported),
                Err(Error::Invalid(mut problems)) if !problems.is_empty() => Err(problems.swap_remove(0)),
                Err(error) => return Err(error),
            };
            outcomes.push(FileOutcome { file: file.clone(), result });
        }
        Ok(outcomes)
    }

    /// All agents by name, or the one with this id, each with how its runs stand.
    async fn select(&mut self, id: Option<AgentId>) -> Result<Vec<AgentSummary>> {
        let rows = sqlx::query_as!(
            AgentRow,
            r#"
            SELECT a.id AS "id: AgentId", a.name, a.team AS "team: Team", a.description, a.tools, a.enabled,
                   a.origin AS "origin: Origin", a.version, a.updated_at, last.created_at AS "last_run?",
                   last.state AS "last_state?: RunState",
                   EXISTS (SELECT FROM runs o WHERE o.agent_id = a.id AND o.finished_at IS NULL) AS "open!"
            FROM agents a
            LEFT JOIN LATERAL (
                SELECT r.created_at, r.state FROM runs r
                WHERE r.agent_id = a.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1
            ) last ON true
            WHERE ($1::uuid IS NULL OR a.id = $1)
              AND a.deleted_at IS NULL
            ORDER BY a.name_key"#,
            id.map(|id| id.0)
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(AgentSummary::from).collect())
    }

    async fn import_one(&mut self, text: &str) -> Result<Imported> {
        if text.chars().count() > MAX_DEFINITION {
            let message = "The file is too long: a definition has at most 200,000 characters.";
            return Err(Problem::field("file", "definition_long", message).into());
        }
        let definition = checked(Definition::from_markdown(text)?)?;
        let name = definition.name.clone();
        match self.by_name(&name).await {
            Ok(id) => {
                let old = self.get(id).await?.version;
                let version = self.update(id, definition, "Imported", None).await?.version;
                Ok(Imported { id, name, version, changed: version != old })
            }
            Err(Error::NotFound(_)) => {
                let id = self.insert(&definition, Origin::Imported, "Imported").await?;
                self.t.audit().record(Entry::done("agent.imported").on(name.clone())).await?;
                Ok(Imported { id, name, version: 1, changed: true })
            }
            Err(error) => Err(error),
        }
    }

    async fn insert(&mut self, definition: &Definition, origin: Origin, note: &str) -> Result<AgentId> {
        let (id, now): (AgentId, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO agents (id, name, team, description, tools, origin, edited, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, true, 0, $7, $7)",
            id.0,
            definition.name,
            definition.team.as_str(),
            definition.description,
            &definition.tools,
            origin.as_str(),
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("agents_name_key", || name_taken(&definition.name))?;
        self.append(id, 1, definition, note, true).await?;
        Ok(id)
    }

    /// Writes a version and what lists ask for.
    async fn append(
        &mut self,
        id: AgentId,
        version: i32,
        definition: &Definition,
        note: &str,
        edited: bool,
    ) -> Result<()> {
        let now = self.t.now();
        let author = if edited { self.t.actor().to_string() } else { catalogue::AUTHOR.to_owned() };
        sqlx::query!(
            "INSERT INTO agent_versions (agent_id, version, definition, note, author, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            id.0,
            version,
            definition.to_markdown(),
            note,
            author,
            now,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE agents SET name = $2, team = $3, description = $4, tools = $5, version = $6, edited = $7,
                               updated_at = $8
             WHERE id = $1",
            id.0,
            definition.name,
            definition.team.as_str(),
            definition.description,
            &definition.tools,
            version,
            edited,
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("agents_name_key", || name_taken(&definition.name))?;
        self.t.tell("agents", id.0).await
    }

    /// Its newest version, locked against other changes.
    async fn lock(&mut self, id: AgentId) -> Result<i32> {
        sqlx::query_scalar!("SELECT version FROM agents WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("agent"))
    }
}

#[derive(Debug)]
struct AgentRow {
    id: AgentId,
    name: String,
    team: Team,
    description: String,
    tools: Vec<String>,
    enabled: bool,
    origin: Origin,
    version: i32,
    updated_at: DateTime<Utc>,
    last_run: Option<DateTime<Utc>>,
    last_state: Option<RunState>,
    open: bool,
}

impl From<AgentRow> for AgentSummary {
    fn from(r: AgentRow) -> Self {
        Self {
            id: r.id,
            name: r.name,
            team: r.team,
            description: r.description,
            tools: r.tools,
            enabled: r.enabled,
            origin: r.origin,
            version: r.version,
            updated_at: r.updated_at,
            status: AgentStatus::of(r.open, r.last_state),
            last_run: r.last_run,
        }
    }
}

/// The definition, checked also for what Postgres does not keep.
fn checked(definition: Definition) -> Result<Definition> {
    let definition = definition.check()?;
    definition.check_growth(catalogue::has_template)?;
    let inputs = serde_json::to_value(&definition.inputs)?;
    if let Err(error) = jsonschema::validator_for(&inputs) {
        let words = format!("`inputs` is no JSON Schema: {error}.");
        return Err(Problem::field("inputs", "inputs_invalid", words).into());
    }
    let storable = is_storable(&definition.description)
        && is_storable(&definition.instructions)
        && definition.tools.iter().all(|tool| is_storable(tool));
    if !storable {
        return Err(Problem::new("text_invalid", "Remove the characters that cannot be stored.").into());
    }
    Ok(definition)
}

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", format!("There is an agent “{name}” already."))
}
