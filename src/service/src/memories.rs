//! What agents remember from run to run, of the company and of each agent by itself. Only a run can remember,
//! and what it keeps after it has read text from outside is marked for ever.

use chrono::Duration;
use domain::{
    AgentId, MemoryId, Page, PageRequest, Permission, RunId,
    memories::{Memory, MemoryKind, NewMemory},
};

use crate::{Error, Result, Tenant, audit::Entry, cursor, leads::is_storable};

/// Most memories of an agent; the oldest make room.
const MOST: i64 = 500;

/// The memories of the company's agents.
#[derive(Debug)]
pub struct Memories<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The memories of the company's agents.
    pub fn memories(&mut self) -> Memories<'_> {
        Memories { t: self }
    }
}

/// Memories by what follows their columns.
macro_rules! memory_query {
    ($rest:tt, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            Memory,
            r#"SELECT id AS "id: MemoryId", kind AS "kind: MemoryKind", text, outside, run_id AS "run: RunId", created_by,
                      created_at, expires_at
               FROM memories "#
                + $rest,
            $($bind),*
        )
    };
}

impl Memories<'_> {
    /// What an agent remembers, the newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a cursor that is none of this list.
    pub async fn list(&mut self, agent: AgentId, page: &PageRequest) -> Result<Page<Memory>> {
        self.t.agents().get(agent).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let now = self.t.now();
        let rows = memory_query!(
            "WHERE agent_id = $1 AND expires_at > $2
               AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
             ORDER BY created_at DESC, id DESC LIMIT $5",
            agent.0,
            now,
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |m| cursor::encode(m.created_at, m.id.0)))
    }

    /// Keeps something for later runs of the agent whose run this is.
    ///
    /// # Errors
    /// Problems of the text; a conflict outside of a run.
    pub async fn remember(&mut self, new: NewMemory) -> Result<Memory> {
        self.t.require(Permission::RunAgents).await?;
        let new = new.check()?;
        if !is_storable(&new.text) {
            let message = "The text holds characters that can't be kept.";
            return Err(domain::Problem::field("text", "text_invalid", message).into());
        }
        let (run, agent, outside) = self.own_run().await?;
        let (id, now): (MemoryId, _) = (self.t.new_id(), self.t.now());
        let by = self.t.actor().to_string();
        sqlx::query!(
            "INSERT INTO memories (id, agent_id, kind, text, outside, run_id, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            id.0,
            agent.0,
            new.kind.as_str(),
            new.text,
            outside,
            run.0,
            by,
            now,
            now + Duration::days(new.days),
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "DELETE FROM memories WHERE id IN (SELECT id FROM memories WHERE agent_id = $1
                                               ORDER BY created_at DESC, id DESC OFFSET $2)",
            agent.0,
            MOST
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("memories", id.0).await?;
        Ok(memory_query!("WHERE id = $1", id.0).fetch_one(self.t.conn()).await?)
    }

    /// What the agent whose run this is remembers about some words, the best first; the newest without words.
    ///
    /// # Errors
    /// A conflict outside of a run.
    pub async fn recall(&mut self, words: &str, most: i64) -> Result<Vec<Memory>> {
        self.t.require(Permission::Read).await?;
        if !is_storable(words) {
            return Ok(Vec::new());
        }
        let (_, agent, _) = self.own_run().await?;
        let now = self.t.now();
        Ok(memory_query!(
            "WHERE agent_id = $1 AND expires_at > $2
               AND ($3 = '' OR search @@ websearch_to_tsquery('simple', $3))
             ORDER BY ts_rank(search, websearch_to_tsquery('simple', $3)) DESC, created_at DESC, id DESC LIMIT $4",
            agent.0,
            now,
            words.trim(),
            most.clamp(1, 50),
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Forgets one memory.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, agent: AgentId, id: MemoryId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let name = self.t.agents().get(agent).await?.name;
        let gone = sqlx::query!("DELETE FROM memories WHERE id = $1 AND agent_id = $2", id.0, agent.0)
            .execute(self.t.conn())
            .await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("memory"));
        }
        self.t.audit().record(Entry::done("memory.deleted").on(name)).await?;
        self.t.tell("memories", id.0).await
    }

    /// Forgets everything that an agent remembers.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete_all(&mut self, agent: AgentId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let name = self.t.agents().get(agent).await?.name;
        sqlx::query!("DELETE FROM memories WHERE agent_id = $1", agent.0).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("memory.emptied").on(name)).await?;
        self.t.tell("memories", agent.0).await
    }

    /// The run in which this is asked, its agent, and whether it has read text from outside.
    async fn own_run(&mut self) -> Result<(RunId, AgentId, bool)> {
        let none = || Error::conflict("not_in_a_run", "Only a run of an agent remembers something.");
        let id = self.t.actor().run().map(|run| run.id).ok_or_else(none)?;
        let row = sqlx::query!(r#"SELECT agent_id AS "agent: AgentId", read_outside FROM runs WHERE id = $1"#, id.0)
            .fetch_one(self.t.conn())
            .await?;
        Ok((id, row.agent, row.read_outside))
    }
}
