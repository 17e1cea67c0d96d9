//! Conversations with agents. Each message of a person is a run, and the next one waits until it has ended:
//! an agent answers one message after the other.

use std::collections::HashMap;

use domain::{
    AgentId, ConversationId, Page, PageRequest, Permission, RunId,
    conversations::{Conversation, Earlier, Helper, NewMessage, REMEMBERED_TOKENS, Remembered, Turn},
    runs::{NewRun, Run, RunState},
};

use crate::{Error, Result, Tenant, audit::Entry, cursor, runs::Cause};

/// Messages of a conversation that a reader gets, the newest.
const SHOWN: i64 = 100;

/// The conversations of the company.
#[derive(Debug)]
pub struct Conversations<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The conversations of the company.
    pub fn conversations(&mut self) -> Conversations<'_> {
        Conversations { t: self }
    }
}

/// Conversations by what follows their columns.
macro_rules! conversation_query {
    ($rest:tt, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            Conversation,
            r#"SELECT c.id AS "id: ConversationId", c.agent_id AS "agent_id: AgentId", a.name AS agent, c.title,
                      c.created_by, c.created_at, c.updated_at
               FROM conversations c JOIN agents a ON a.id = c.agent_id "#
                + $rest,
            $($bind),*
        )
    };
}

impl Conversations<'_> {
    /// Conversations, those with the newest messages first, with one agent or with all.
    ///
    /// # Errors
    /// A cursor that is none of this list.
    pub async fn list(&mut self, agent: Option<AgentId>, page: &PageRequest) -> Result<Page<Conversation>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = conversation_query!(
            "WHERE ($1::uuid IS NULL OR c.agent_id = $1)
               AND ($2::timestamptz IS NULL OR (c.updated_at, c.id) < ($2, $3::uuid))
             ORDER BY c.updated_at DESC, c.id DESC LIMIT $4",
            agent.map(|id| id.0),
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |c| cursor::encode(c.updated_at, c.id.0)))
    }

    /// One conversation.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: ConversationId) -> Result<Conversation> {
        self.t.require(Permission::Read).await?;
        conversation_query!("WHERE c.id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("conversation"))
    }

    /// Its last hundred messages with their answers, in order.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn turns(&mut self, id: ConversationId) -> Result<Vec<Turn>> {
        self.get(id).await?;
        let rows = sqlx::query!(
            r#"SELECT r.id AS "run: RunId", r.started_by, r.task, r.created_at, r.agent, r.state AS "state: RunState",
                      r.answer, r.failure_detail, r.finished_at,
                      r.finished_at IS NOT NULL
                        AND NOT EXISTS (SELECT FROM run_steps s WHERE s.run_id = r.id AND s.attempt = r.attempt
                                          AND s.model IS NOT NULL) AS "built_in!"
               FROM runs r WHERE r.conversation_id = $1 ORDER BY r.created_at DESC, r.id DESC LIMIT $2"#,
            id.0,
            SHOWN
        )
        .fetch_all(self.t.conn())
        .await?;
        let runs: Vec<_> = rows.iter().map(|row| row.run.0).collect();
        let mut helpers = self.helpers(&runs).await?;
        let turns = rows.into_iter().rev().map(|row| Turn {
            helpers: helpers.remove(&row.run).unwrap_or_default(),
            run: row.run,
            from: row.started_by,
            message: row.task,
            at: row.created_at,
            agent: row.agent,
            state: row.state,
            answer: row.answer,
            failure: row.failure_detail,
            built_in: row.built_in,
            answered_at: row.finished_at,
        });
        Ok(turns.collect())
    }

    /// Begins a conversation with its first message.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an agent; a conflict when it is not enabled; a problem of the message.
    pub async fn create(&mut self, agent: AgentId, first: &NewMessage) -> Result<Conversation> {
        self.t.require(Permission::RunAgents).await?;
        first.words()?;
        let name = self.t.agents().get(agent).await?.name;
        let (id, now): (ConversationId, _) = (self.t.new_id(), self.t.now());
        let by = self.t.actor().to_string();
        sqlx::query!(
            "INSERT INTO conversations (id, agent_id, title, created_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $5)",
            id.0,
            agent.0,
            first.title(),
            by,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("conversation.created").on(name)).await?;
        self.say(id, first).await?;
        self.get(id).await
    }

    /// Says something: a run begins that answers it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict while the agent still answers; a problem of the message.
    pub async fn say(&mut self, id: ConversationId, message: &NewMessage) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let words = message.words()?;
        let now = self.t.now();
        // The row is locked by this, so that two messages come one after the other.
        sqlx::query!("UPDATE conversations SET updated_at = $2 WHERE id = $1", id.0, now)
            .execute(self.t.conn())
            .await?;
        let conversation = self.get(id).await?;
        let earlier = sqlx::query!(
            r#"SELECT coalesce(bool_or(finished_at IS NULL), false) AS "open!",
                      coalesce(bool_or(read_outside), false) AS "outside!"
               FROM runs WHERE conversation_id = $1"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        if earlier.open {
            return Err(busy());
        }
        let new = NewRun { task: words.to_owned(), ..NewRun::default() };
        let cause = Cause { conversation: Some(id), outside: earlier.outside, ..Cause::default() };
        let run = self.t.runs().start(conversation.agent_id, new, cause).await?;
        self.t.tell("conversations", id.0).await?;
        Ok(run)
    }

    /// Deletes a conversation with everything that was said. What its runs have done, and what they cost, stays.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] for one in which somebody else has spoken, without the right to
    /// decide about runs; a conflict while the agent still answers.
    pub async fn delete(&mut self, id: ConversationId) -> Result<()> {
        self.t.require(Permission::RunAgents).await?;
        let agent = self.get(id).await?.agent;
        let (person, key) = (self.t.actor().user_id(), self.t.actor().api_key_id());
        let runs = sqlx::query!(
            r#"SELECT coalesce(bool_or(finished_at IS NULL), false) AS "open!",
                      coalesce(bool_or(person_id IS DISTINCT FROM $2 OR api_key_id IS DISTINCT FROM $3), false) AS "others!"
               FROM runs WHERE conversation_id = $1"#,
            id.0,
            person.map(|id| id.0),
            key.map(|id| id.0),
        )
        .fetch_one(self.t.conn())
        .await?;
        if runs.others {
            self.t.require(Permission::DecideRuns).await?;
        }
        if runs.open {
            return Err(busy());
        }
        sqlx::query!(
            "WITH forgotten AS (UPDATE runs SET conversation_id = NULL, task = '', answer = NULL
                                WHERE conversation_id = $1 RETURNING id),
                  unsaid AS (DELETE FROM run_events e USING forgotten f WHERE e.run_id = f.id AND e.kind = 'text')
             UPDATE run_steps s SET input = '{}', output = NULL FROM forgotten f
             WHERE s.run_id = f.id AND s.kind IN ('model_call', 'text', 'answer')",
            id.0
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!("DELETE FROM conversations WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("conversation.deleted").on(agent)).await?;
        self.t.tell("conversations", id.0).await
    }

    /// What the agent of a run remembers of the conversation that it stands in.
    pub(crate) async fn before(&mut self, run: &Run) -> Result<Option<Remembered>> {
        let Some(id) = run.conversation else { return Ok(None) };
        let said = sqlx::query_as!(
            Earlier,
            r#"SELECT task AS message, answer AS "answer!" FROM runs
               WHERE conversation_id = $1 AND state = 'succeeded' AND (created_at, id) < ($2, $3)
               ORDER BY created_at DESC, id DESC"#,
            id.0,
            run.created_at,
            run.id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Some(Remembered::within(REMEMBERED_TOKENS, said)))
    }

    /// The runs that these have handed work over to.
    async fn helpers(&mut self, runs: &[uuid::Uuid]) -> Result<HashMap<RunId, Vec<Helper>>> {
        let rows = sqlx::query!(
            r#"SELECT parent_id AS "parent!: RunId", id AS "run: RunId", agent, state AS "state: RunState", answer
               FROM runs WHERE parent_id = ANY($1) AND parent_step IS NOT NULL ORDER BY created_at, id"#,
            runs
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut helpers: HashMap<_, Vec<_>> = HashMap::new();
        for row in rows {
            let helper = Helper { run: row.run, agent: row.agent, state: row.state, answer: row.answer };
            helpers.entry(row.parent).or_default().push(helper);
        }
        Ok(helpers)
    }
}

pub(crate) fn busy() -> Error {
    Error::conflict(
        "conversation_busy",
        "The agent has not answered the last message yet. Wait for it, or cancel its run.",
    )
}
