//! Runs of agents: reading, stopping, trying again. A run has the rights of whoever started it,
//! looked up anew each time a worker takes it.

mod admission;
mod approvals;
mod awaited;
mod estimate;
mod evaluations;
mod family;
pub(crate) mod parameters;
mod start;
mod things;
mod waits;
mod work;

use domain::{
    AgentId, ConversationId, ModelId, Page, PageRequest, Permission, RunId, UserId,
    agents::{Definition, Limits},
    runs::{Failure, Run, RunEvent, RunFilter, RunOrigin, RunState, RunStep, RunView, Usage},
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

pub use admission::Slots;
pub use awaited::{AnswerAddress, Taken};
pub use parameters::checked as checked_parameters;
pub(crate) use start::{Cause, StartedBy};
pub use work::{Asked, Beat, Intent, Outcome, Pulse, RunInHand, Wait};

use crate::{Error, Result, Tenant, audit::Entry, conversations::busy, cursor, error::OnConstraint};

/// Runs by what follows their columns.
macro_rules! run_query {
    ($($rest:literal)+, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            RunRow,
            r#"SELECT id AS "id: RunId", agent_id AS "agent_id: AgentId", agent, agent_version, task,
                      parameters AS "parameters: Json<Map<String, Value>>", limits AS "limits: Json<Limits>",
                      state AS "state: RunState", answer, failure AS "failure: Failure", failure_detail, started_by,
                      person_id AS "person: UserId", origin AS "origin: RunOrigin", parent_id AS "parent: RunId",
                      conversation_id AS "conversation: ConversationId",
                      evaluation AND parent_step IS NULL AS "evaluation!", dry_run, model_id AS "model: ModelId", built_in,
                      attempt, steps, tokens_in, tokens_out, cost_micros, active_ms, read_outside, wake_at, seq,
                      created_at, started_at, finished_at
               FROM runs "#
                $(+ $rest)+,
            $($bind),*
        )
    };
}

/// Steps by what stands before and after their columns.
macro_rules! step_query {
    ($before:tt, $after:tt, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            domain::runs::RunStep,
            $before
                + r#" number, key, kind AS "kind: domain::runs::StepKind", name, risk AS "risk: domain::agents::Risk",
                      state AS "state: domain::runs::RunStepState", input, output, error, outside, model, tokens_in,
                      tokens_out, cost_micros, started_at, finished_at "#
                + $after,
            $($bind),*
        )
    };
}
use step_query;

/// The runs of the company.
#[derive(Debug)]
pub struct Runs<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The runs of the company.
    pub fn runs(&mut self) -> Runs<'_> {
        Runs { t: self }
    }
}

impl Runs<'_> {
    /// One run.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: RunId) -> Result<Run> {
        self.t.require(Permission::Read).await?;
        let row =
            run_query!("WHERE id = $1", id.0).fetch_optional(self.t.conn()).await?.ok_or(Error::NotFound("run"))?;
        Ok(row.into())
    }

    /// Runs, the newest first.
    ///
    /// # Errors
    /// A cursor that is none of this list.
    pub async fn list(&mut self, filter: &RunFilter, page: &PageRequest) -> Result<Page<Run>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let zone = self.t.actor().company_time_zone().to_owned();
        // A plan for all filters at once would find no row by the index of the one that is asked for.
        sqlx::query!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
            .fetch_one(self.t.conn())
            .await?;
        // Each view is a statement of its own, so that it finds its rows by its own index.
        macro_rules! view {
            ($states:literal) => {
                run_query!(
                    "WHERE ($1::uuid IS NULL OR agent_id = $1)
                      AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
                      AND ($5::text IS NULL OR state = $5)
                      AND ($6::uuid IS NULL OR (origin = 'person' AND person_id = $6))
                      AND ($7::text IS NULL OR origin = $7)
                      AND ($8::date IS NULL OR created_at >= $8::date::timestamp AT TIME ZONE $12)
                      AND ($9::date IS NULL OR created_at < $9::date::timestamp AT TIME ZONE $12)
                      AND ($10::bigint IS NULL OR (cost_micros > $10 AND cost_micros > 0))
                      AND (NOT $11 OR (evaluation AND parent_step IS NULL)) AND " $states
                    " ORDER BY created_at DESC, id DESC LIMIT $4",
                    filter.agent.map(|id| id.0),
                    after.at,
                    after.id,
                    limit + 1,
                    filter.state.map(RunState::as_str),
                    filter.person.map(|id| id.0),
                    filter.origin.map(RunOrigin::as_str),
                    filter.created_from,
                    filter.created_before,
                    filter.cost_over,
                    filter.evaluations,
                    zone,
                )
                .fetch_all(self.t.conn())
                .await?
            };
        }
        let rows = match filter.view {
            None => view!("true"),
            Some(RunView::Open) => view!("finished_at IS NULL"),
            Some(RunView::NeedsYou) => {
                view!("finished_at IS NULL AND state IN ('waiting_approval', 'waiting_input', 'waiting_budget')")
            }
            Some(RunView::Failed) => view!("state IN ('failed', 'timed_out')"),
        };
        Ok(Page::from_rows(rows, limit, false, false, |r| cursor::encode(r.created_at, r.id.0)).map(Run::from))
    }

    /// The steps of the present attempt, in order.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn steps(&mut self, id: RunId) -> Result<Vec<RunStep>> {
        let attempt = self.get(id).await?.attempt;
        Ok(step_query!("SELECT", "FROM run_steps WHERE run_id = $1 AND attempt = $2 ORDER BY number", id.0, attempt)
            .fetch_all(self.t.conn())
            .await?)
    }

    /// Events after number `seq`, at most 500.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn events(&mut self, id: RunId, seq: i32) -> Result<Vec<RunEvent>> {
        self.get(id).await?;
        Ok(sqlx::query_as!(
            RunEvent,
            "SELECT seq, at, kind, data FROM run_events WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT 500",
            id.0,
            seq
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// What happened to a run, without the words of its models: its first 500 events.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn log(&mut self, id: RunId) -> Result<Vec<RunEvent>> {
        self.get(id).await?;
        Ok(sqlx::query_as!(
            RunEvent,
            "SELECT seq, at, kind, data FROM run_events WHERE run_id = $1 AND kind <> 'text' ORDER BY seq LIMIT 500",
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Stops a run: at once, or as soon as the worker that holds it has let go. Runs that came from it stop
    /// too. Doing it twice is the same as once.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when it has ended otherwise.
    pub async fn cancel(&mut self, id: RunId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let state = self.lock(id).await?;
        let next = state.cancel()?;
        if next != state {
            let name = self.get(id).await?.agent;
            self.t.audit().record(Entry::done("run.cancelled").on(name)).await?;
        }
        let family = sqlx::query!(
            r#"WITH RECURSIVE family AS (
                   SELECT id FROM runs WHERE id = $1
                   UNION SELECT r.id FROM runs r JOIN family f ON r.parent_id = f.id WHERE r.origin = 'agent'
               )
               SELECT r.id AS "id: RunId", r.state AS "state: RunState" FROM runs r JOIN family USING (id)
               WHERE r.finished_at IS NULL ORDER BY r.id FOR UPDATE OF r"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        for run in family {
            let next = run.state.cancel()?;
            if next != run.state {
                self.enter(run.id, next, None).await?;
            }
        }
        self.admit().await?;
        self.get(id).await
    }

    /// Does it all again, from the first step, as the next attempt of the same run. The attempt has the rights of
    /// whoever asks for it, not those of whoever asked before.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] while it goes on and after it has succeeded; a conflict when the
    /// agent is not enabled.
    pub async fn retry(&mut self, id: RunId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        self.lock(id).await?.retry()?;
        let agent = self.get(id).await?.agent_id;
        self.t.agents().require_enabled(agent).await?;
        let actor = self.t.actor().clone();
        let name = sqlx::query_scalar!(
            "UPDATE runs SET state = 'queued', attempt = attempt + 1, steps = 0, tokens_in = 0, tokens_out = 0,
                    cost_micros = 0, active_ms = 0, read_outside = payload IS NOT NULL OR outside_task,
                    granted_tools = '{}', crashes = 0,
                    answer = NULL, failure = NULL, failure_detail = NULL, admitted_at = NULL,
                    cancel_requested_at = NULL, started_at = NULL, finished_at = NULL,
                    person_id = $2, api_key_id = $3, started_by = $4
             WHERE id = $1 RETURNING agent",
            id.0,
            actor.user_id().map(|id| id.0),
            actor.api_key_id().map(|id| id.0),
            actor.to_string(),
        )
        .fetch_one(self.t.conn())
        .await
        .on_constraint("runs_conversation_open_key", busy)?;
        self.emit(id, "state", json!({ "state": RunState::Queued })).await?;
        self.t.audit().record(Entry::done("run.retried").on(name)).await?;
        self.admit().await?;
        self.get(id).await
    }

    /// Puts a run into another state and tells everybody, and with its end the run that waits for it;
    /// `failure` is for those that did not succeed.
    async fn enter(&mut self, id: RunId, state: RunState, failure: Option<(Failure, &str)>) -> Result<()> {
        self.put(id, state, failure).await?;
        if !state.has_ended() {
            return Ok(());
        }
        // A step of a campaign may wait for it, and a person for its draft.
        self.t.campaigns().go_on(&[id.0]).await?;
        self.t.threads().drafted(id, state).await?;
        self.tell_parent(id).await
    }

    async fn put(&mut self, id: RunId, state: RunState, failure: Option<(Failure, &str)>) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE runs SET state = $2, failure = coalesce($3, failure), failure_detail = coalesce($4, failure_detail),
                    finished_at = CASE WHEN $5 THEN $6::timestamptz END,
                    cancel_requested_at = CASE WHEN $2 IN ('cancelling', 'cancelled')
                                               THEN coalesce(cancel_requested_at, $6) END,
                    wake_at = NULL, lease_until = CASE WHEN $2 IN ('running', 'cancelling') THEN lease_until END,
                    admitted_at = CASE WHEN $2 IN ('running', 'cancelling') THEN admitted_at END
             WHERE id = $1",
            id.0,
            state.as_str(),
            failure.map(|(code, _)| code.as_str()),
            failure.map(|(_, words)| words),
            state.has_ended(),
            now,
        )
        .execute(self.t.conn())
        .await?;
        if state.has_ended() {
            sqlx::query!(
                "UPDATE run_approvals SET state = 'withdrawn', decided_at = $2 WHERE run_id = $1 AND state = 'pending'",
                id.0,
                now
            )
            .execute(self.t.conn())
            .await?;
        }
        let mut data = json!({ "state": state });
        if let Some((code, words)) = failure {
            data["failure"] = json!(code);
            data["detail"] = json!(words);
        }
        self.emit(id, "state", data).await
    }

    /// Appends an event and wakes the readers.
    async fn emit(&mut self, id: RunId, kind: &str, data: Value) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "WITH next AS (UPDATE runs SET seq = seq + 1 WHERE id = $1 RETURNING seq)
             INSERT INTO run_events (run_id, seq, at, kind, data) SELECT $1, seq, $2, $3, $4 FROM next",
            id.0,
            now,
            kind,
            data
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("runs", id.0).await
    }

    /// The definition that a run works by.
    async fn definition(&mut self, run: &Run) -> Result<Definition> {
        let file = sqlx::query_scalar!(
            "SELECT definition FROM agent_versions WHERE agent_id = $1 AND version = $2",
            run.agent_id.0,
            run.agent_version
        )
        .fetch_one(self.t.conn())
        .await?;
        Definition::from_markdown(&file).map_err(|problem| Error::internal(anyhow::anyhow!(problem.message)))
    }
}

#[derive(Debug)]
struct RunRow {
    id: RunId,
    agent_id: AgentId,
    agent: String,
    agent_version: i32,
    task: String,
    parameters: Json<Map<String, Value>>,
    limits: Json<Limits>,
    state: RunState,
    answer: Option<String>,
    failure: Option<Failure>,
    failure_detail: Option<String>,
    started_by: String,
    person: Option<UserId>,
    origin: RunOrigin,
    parent: Option<RunId>,
    conversation: Option<ConversationId>,
    evaluation: bool,
    dry_run: bool,
    model: Option<ModelId>,
    built_in: bool,
    attempt: i32,
    steps: i32,
    tokens_in: i64,
    tokens_out: i64,
    cost_micros: i64,
    active_ms: i64,
    read_outside: bool,
    wake_at: Option<chrono::DateTime<chrono::Utc>>,
    seq: i32,
    created_at: chrono::DateTime<chrono::Utc>,
    started_at: Option<chrono::DateTime<chrono::Utc>>,
    finished_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl From<RunRow> for Run {
    fn from(r: RunRow) -> Self {
        Self {
            id: r.id,
            agent_id: r.agent_id,
            agent: r.agent,
            agent_version: r.agent_version,
            task: r.task,
            parameters: r.parameters.0,
            limits: r.limits.0,
            state: r.state,
            answer: r.answer,
            failure: r.failure,
            failure_detail: r.failure_detail,
            started_by: r.started_by,
            person: r.person,
            origin: r.origin,
            parent: r.parent,
            conversation: r.conversation,
            evaluation: r.evaluation,
            dry_run: r.dry_run,
            model: r.model,
            built_in: r.built_in,
            attempt: r.attempt,
            usage: Usage {
                steps: r.steps,
                tokens_in: r.tokens_in,
                tokens_out: r.tokens_out,
                cost_micros: r.cost_micros,
                active_ms: r.active_ms,
            },
            read_outside: r.read_outside,
            wake_at: r.wake_at,
            seq: r.seq,
            created_at: r.created_at,
            started_at: r.started_at,
            finished_at: r.finished_at,
        }
    }
}
