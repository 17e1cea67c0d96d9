//! Runs of agents: starting, reading, stopping, trying again. A run has the rights of whoever started it,
//! looked up anew each time a worker takes it.

mod admission;
mod approvals;
mod family;
pub(crate) mod parameters;
mod waits;
mod work;

use domain::{
    AgentId, ApiKeyId, Page, PageRequest, Permission, Problem, RunId, TriggerId, UserId,
    agents::{Case, Definition, Limits},
    runs::{Failure, MAX_TASK, NewRun, Run, RunEvent, RunFilter, RunOrigin, RunState, RunStep, RunView, Usage},
};
use serde_json::{Map, Value, json};
use sqlx::types::Json;

pub use admission::Slots;
pub use work::{Asked, Beat, Intent, Outcome, Pulse, RunInHand, Wait};

use crate::{Error, Result, Tenant, actor::Who, audit::Entry, cursor, leads::is_storable};

/// Runs by what follows their columns.
macro_rules! run_query {
    ($($rest:literal)+, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            RunRow,
            r#"SELECT id AS "id: RunId", agent_id AS "agent_id: AgentId", agent, agent_version, task,
                      parameters AS "parameters: Json<Map<String, Value>>", limits AS "limits: Json<Limits>",
                      state AS "state: RunState", answer, failure AS "failure: Failure", failure_detail, started_by,
                      person_id AS "person: UserId", origin AS "origin: RunOrigin", parent_id AS "parent: RunId",
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

/// Where a run comes from, besides the actor who asks for it.
#[derive(Debug, Default)]
pub(crate) struct Cause {
    /// The run that it does once more, or that has handed its work over to it.
    pub parent: Option<RunId>,
    /// The trigger whose task it is.
    pub trigger: Option<TriggerId>,
    /// Who started it, if it was not the actor.
    pub by: Option<StartedBy>,
    /// How many triggers stand in a row behind it.
    pub depth: i32,
    /// What came from outside with it.
    pub payload: Option<Value>,
    /// The attempt and the step of the parent that wait for its end.
    pub step: Option<(i32, String)>,
    /// What is left of the limits of its parent.
    pub left: Option<Limits>,
    /// Its task was made from text from outside.
    pub outside: bool,
}

/// Who started a run, and whose rights it has.
#[derive(Debug)]
pub(crate) struct StartedBy {
    /// What it was.
    pub origin: RunOrigin,
    /// The same in words.
    pub words: String,
    /// The person whose rights it has.
    pub person: Option<UserId>,
    /// The key whose rights it has.
    pub key: Option<ApiKeyId>,
}

impl Tenant {
    /// The runs of the company.
    pub fn runs(&mut self) -> Runs<'_> {
        Runs { t: self }
    }
}

impl Runs<'_> {
    /// Starts a run: it waits for a free slot, then works.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an agent; a conflict when it is not enabled; problems of the task
    /// and of the parameters, each with its field.
    pub async fn create(&mut self, new: NewRun) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let id = self.t.agents().by_name(&new.agent).await?;
        self.start(id, new, Cause::default()).await
    }

    /// Runs the example of an agent: with `first` standing for the first one of the company's list.
    ///
    /// # Errors
    /// As [`Self::create`]; a conflict when the agent has no example.
    pub async fn create_example(&mut self, id: AgentId) -> Result<Run> {
        let definition = self.t.agents().definition(id).await?;
        let example = definition.example.clone();
        self.start_case(id, &definition, example).await
    }

    /// Runs the case that says whether an agent still does its job.
    ///
    /// # Errors
    /// As [`Self::create_example`].
    pub async fn create_evaluation(&mut self, id: AgentId) -> Result<Run> {
        let definition = self.t.agents().definition(id).await?;
        let evaluation = definition.evaluation.clone();
        self.start_case(id, &definition, evaluation).await
    }

    async fn start_case(&mut self, id: AgentId, definition: &Definition, case: Option<Case>) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let Some(case) = case else {
            return Err(Error::conflict(
                "no_example",
                "This agent has no such case. Start it with a task of your own.",
            ));
        };
        let mut parameters = parameters::object(&case.parameters)?;
        parameters::resolve_first(self.t, definition, &mut parameters).await?;
        let new = NewRun { agent: definition.name.clone(), task: case.task, parameters };
        self.start(id, new, Cause::default()).await
    }

    /// The same task once more, as a run of its own.
    ///
    /// # Errors
    /// [`Error::NotFound`]; as [`Self::create`].
    pub async fn fork(&mut self, id: RunId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        let run = self.get(id).await?;
        let new = NewRun { agent: run.agent, task: run.task, parameters: run.parameters };
        let payload =
            sqlx::query_scalar!("SELECT payload FROM runs WHERE id = $1", id.0).fetch_one(self.t.conn()).await?;
        self.start(run.agent_id, new, Cause { parent: Some(id), payload, ..Cause::default() }).await
    }

    /// Starts a run of an agent. What came from outside with it makes it one that has read such text.
    pub(crate) async fn start(&mut self, agent: AgentId, new: NewRun, cause: Cause) -> Result<Run> {
        let found = self.t.agents().get(agent).await?;
        if !found.enabled {
            let message = format!("“{}” is not enabled. An admin can enable it on its page.", found.name);
            return Err(Error::conflict("agent_disabled", message));
        }
        let definition = self.t.agents().definition(agent).await?;
        let task = new.task.trim().to_owned();
        if task.chars().count() > MAX_TASK || !is_storable(&task) {
            return Err(Problem::field("task", "task_invalid", "Write the task in at most 10,000 characters.").into());
        }
        let parameters = parameters::checked(&definition, new.parameters)?;
        let (id, now): (RunId, _) = (self.t.new_id(), self.t.now());
        let actor = self.t.actor().clone();
        let by = cause.by.unwrap_or_else(|| StartedBy {
            origin: match actor.who() {
                _ if actor.run().is_some() => RunOrigin::Agent,
                Who::Person { .. } => RunOrigin::Person,
                Who::Key { .. } => RunOrigin::Key,
                Who::System { .. } => RunOrigin::System,
            },
            words: actor.to_string(),
            person: actor.user_id(),
            key: actor.api_key_id(),
        });
        let limits = cause.left.map_or(definition.limits, |left| definition.limits.within(left));
        sqlx::query!(
            "INSERT INTO runs (id, agent_id, agent_version, agent, task, parameters, limits, person_id, api_key_id,
                               started_by, origin, parent_id, created_at, trigger_id, depth, payload, read_outside,
                               parent_attempt, parent_step, outside_task)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
                     greatest($15, (SELECT depth FROM runs WHERE id = $16)), $17::jsonb, $17::jsonb IS NOT NULL OR $20,
                     $18, $19, $20)",
            id.0,
            agent.0,
            found.version,
            found.name,
            task,
            Value::Object(parameters),
            Json(limits) as _,
            by.person.map(|id| id.0),
            by.key.map(|id| id.0),
            by.words,
            by.origin.as_str(),
            cause.parent.map(|id| id.0),
            now,
            cause.trigger.map(|id| id.0),
            cause.depth,
            actor.run().map(|run| run.id.0),
            cause.payload,
            cause.step.as_ref().map(|(attempt, _)| *attempt),
            cause.step.map(|(_, key)| key),
            cause.outside,
        )
        .execute(self.t.conn())
        .await?;
        self.emit(id, "state", json!({ "state": RunState::Queued })).await?;
        self.t.audit().record(Entry::done("run.created").on(found.name)).await?;
        self.admit().await?;
        self.get(id).await
    }

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
        // Each view is a statement of its own, so that it finds its rows by its own index.
        macro_rules! view {
            ($states:literal) => {
                run_query!(
                    "WHERE ($1::uuid IS NULL OR agent_id = $1)
                      AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid)) AND " $states
                    " ORDER BY created_at DESC, id DESC LIMIT $4",
                    filter.agent.map(|id| id.0),
                    after.at,
                    after.id,
                    limit + 1,
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

    /// Does it all again, from the first step, as the next attempt of the same run.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] while it goes on and after it has succeeded.
    pub async fn retry(&mut self, id: RunId) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        self.lock(id).await?.retry()?;
        let name = sqlx::query_scalar!(
            "UPDATE runs SET state = 'queued', attempt = attempt + 1, steps = 0, tokens_in = 0, tokens_out = 0,
                    cost_micros = 0, active_ms = 0, read_outside = payload IS NOT NULL OR outside_task,
                    granted_tools = '{}', crashes = 0,
                    answer = NULL, failure = NULL, failure_detail = NULL, admitted_at = NULL,
                    cancel_requested_at = NULL, started_at = NULL, finished_at = NULL
             WHERE id = $1 RETURNING agent",
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        self.emit(id, "state", json!({ "state": RunState::Queued })).await?;
        self.t.audit().record(Entry::done("run.retried").on(name)).await?;
        self.admit().await?;
        self.get(id).await
    }

    /// Puts a run into another state and tells everybody, and with its end the run that waits for it;
    /// `failure` is for those that did not succeed.
    async fn enter(&mut self, id: RunId, state: RunState, failure: Option<(Failure, &str)>) -> Result<()> {
        self.put(id, state, failure).await?;
        if state.has_ended() { self.tell_parent(id).await } else { Ok(()) }
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
