//! The worker's side of a run. Whoever holds the fence of the row works on it. A step is written down
//! before it is done; its effect on the company and its outcome are one commit.

mod journal;
mod limits;
mod pulse;
mod reconcile;
mod rights;
mod waits;

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use domain::{
    ApiKeyId, CompanyId, RunId,
    agents::{Definition, Risk},
    conversations::Remembered,
    runs::{Failure, Run, RunState, RunStep, RunStepState, StepKind, Usage},
};
use serde_json::{Value, json};

pub(super) use self::journal::told;
use self::rights::Answer;
pub use self::{
    journal::{Asked, Intent, Outcome},
    pulse::{Beat, Pulse},
    waits::Wait,
};
use crate::{Actor, Db, Error, Result, Tenant, actor::InRun, jobs::WorkOnRun};

/// How long a worker may be silent; it says every few seconds that it lives.
const LEASE: Duration = Duration::seconds(60);

/// Why a run ends whose rights are gone.
const STRANGER: &str = "Whoever started this run does not belong to the company any more.";

/// A run in the hands of this worker.
#[derive(Debug)]
pub struct RunInHand {
    db: Db,
    actor: Actor,
    key: Option<ApiKeyId>,
    run: Run,
    definition: Definition,
    fence: i64,
    granted: Vec<String>,
    payload: Option<Value>,
    outside_task: bool,
    talk: Option<Remembered>,
    journal: HashMap<String, RunStep>,
    answers: HashMap<String, Answer>,
    beaten_at: DateTime<Utc>,
}

impl RunInHand {
    /// Takes a run that was let in and that nobody holds.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take(db: &Db, company: CompanyId, id: RunId) -> Result<Option<Self>> {
        let system = db.platform().system_actor(company, "agents").await?;
        let mut t = db.tenant(&system).await?;
        match t.runs().lock(id).await {
            Err(Error::NotFound(_)) => return Ok(None),
            locked => locked?,
        };
        let now = t.now();
        let row = sqlx::query!(
            r#"UPDATE runs SET state = 'running', fence = fence + 1, lease_until = $2, started_at = coalesce(started_at, $3)
               WHERE id = $1 AND state = 'queued' AND admitted_at IS NOT NULL
               RETURNING fence, granted_tools, payload, outside_task, api_key_id AS "key: ApiKeyId""#,
            id.0,
            now + LEASE,
            now
        )
        .fetch_optional(t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let run = t.runs().get(id).await?;
        let Some(actor) = t.runs().rights_of(run.person, row.key).await? else {
            t.runs().enter(id, RunState::Failed, Some((Failure::RightsLost, STRANGER))).await?;
            t.runs().admit().await?;
            t.commit().await?;
            return Ok(None);
        };
        t.runs().emit(id, "state", json!({ "state": RunState::Running })).await?;
        let definition = t.runs().definition(&run).await?;
        let journal = t.runs().steps(id).await?.into_iter().map(|step| (step.key.clone(), step)).collect();
        let answers = t.runs().answers(&run).await?;
        let talk = t.conversations().before(&run).await?;
        t.commit().await?;
        let in_run = InRun { id, agent: run.agent.clone() };
        Ok(Some(Self {
            db: db.clone(),
            actor: actor.in_run(in_run),
            key: row.key,
            run,
            definition,
            fence: row.fence,
            granted: row.granted_tools,
            payload: row.payload,
            outside_task: row.outside_task,
            talk,
            journal,
            answers,
            beaten_at: now,
        }))
    }

    /// The run as it was when it was taken, with what has been used since.
    #[must_use]
    pub const fn run(&self) -> &Run {
        &self.run
    }

    /// What came from outside with it: data, never instructions.
    #[must_use]
    pub const fn payload(&self) -> Option<&Value> {
        self.payload.as_ref()
    }

    /// What its agent is.
    #[must_use]
    pub const fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Who acts: the agent, with the rights of whoever started the run.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Whether it has come to this place of the work before.
    #[must_use]
    pub fn has_step(&self, key: &str) -> bool {
        self.journal.contains_key(key)
    }

    /// Whether anything but looking has been done, so that doing it all another way would do it twice.
    #[must_use]
    pub fn has_changed_anything(&self) -> bool {
        let changed = |step: &RunStep| step.risk.is_some_and(|risk| risk != Risk::Read);
        self.journal.values().any(|step| changed(step) && step.state != RunStepState::Failed)
    }

    /// Whether its task was made from text from outside. A message of a conversation is a person's own.
    #[must_use]
    pub const fn has_outside_task(&self) -> bool {
        self.outside_task && self.talk.is_none()
    }

    /// What was said before, where it answers in a conversation.
    #[must_use]
    pub const fn talk(&self) -> Option<&Remembered> {
        self.talk.as_ref()
    }

    /// Tokens that its limit leaves; nothing when it has none.
    #[must_use]
    pub fn tokens_left(&self) -> Option<i64> {
        let limit = i64::from(self.run.limits.tokens);
        (limit > 0).then(|| limit - self.run.usage.tokens_in - self.run.usage.tokens_out)
    }

    /// Millionths of a US dollar that its limit leaves.
    #[must_use]
    pub fn money_left(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a cost of a few dollars")]
        let spent = self.run.usage.cost_micros as f64;
        self.run.limits.cost * 1_000_000.0 - spent
    }

    /// Opens the company's data for the effect of a step; to be ended by [`Self::record`] and a commit.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn tenant(&self) -> Result<Tenant> {
        self.db.tenant(&self.actor).await
    }

    /// Ends the run with its answer.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn succeed(mut self, answer: &str) -> Result<()> {
        self.note("answer", StepKind::Answer, "answer", json!(answer)).await?;
        let mut t = self.locked().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        sqlx::query!("UPDATE runs SET answer = $2 WHERE id = $1", self.run.id.0, answer).execute(t.conn()).await?;
        self.end(t, RunState::Succeeded, None).await
    }

    /// Ends the run without success.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn fail(mut self, failure: Failure, words: &str) -> Result<()> {
        let mut t = self.locked().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        self.end(t, RunState::Failed, Some((failure, words))).await
    }

    /// Says that the work has stopped because somebody cancelled it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn stopped(self) -> Result<()> {
        let mut t = self.locked().await?;
        let held = sqlx::query!(
            "SELECT FROM runs WHERE id = $1 AND fence = $2 AND state = 'cancelling' FOR UPDATE",
            self.run.id.0,
            self.fence
        )
        .fetch_optional(t.conn())
        .await?;
        if held.is_none() {
            return Ok(());
        }
        t.runs().lose_track(self.run.id, self.run.attempt, reconcile::CANCELLED).await?;
        self.end(t, RunState::Cancelled, None).await
    }

    /// Gives the run back for another worker, because this one ends.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn give_back(self) -> Result<()> {
        let mut t = self.db.tenant(&self.actor).await?;
        let back = sqlx::query!(
            "UPDATE runs SET state = 'queued', lease_until = NULL WHERE id = $1 AND fence = $2 AND state = 'running'",
            self.run.id.0,
            self.fence
        )
        .execute(t.conn())
        .await?
        .rows_affected();
        if back > 0 {
            t.runs().emit(self.run.id, "state", json!({ "state": RunState::Queued })).await?;
            t.enqueue(&WorkOnRun { company: self.actor.company(), run: self.run.id }).await?;
        }
        t.commit().await
    }

    /// Takes the rights that whoever started the run has now, in the transaction of the next step. Whether there are
    /// any; without them the run ends.
    async fn take_rights(&mut self, t: &mut Tenant) -> Result<bool> {
        if let Some(actor) = t.runs().rights_of(self.run.person, self.key).await? {
            self.actor = actor.in_run(InRun { id: self.run.id, agent: self.run.agent.clone() });
            return Ok(true);
        }
        let mut t = self.locked().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        self.end(t, RunState::Failed, Some((Failure::RightsLost, STRANGER))).await?;
        Ok(false)
    }

    /// Opens the company for a change that other runs may hear of.
    async fn locked(&self) -> Result<Tenant> {
        let mut t = self.db.tenant(&self.actor).await?;
        t.runs().lock(self.run.id).await?;
        Ok(t)
    }

    async fn end(&self, mut t: Tenant, state: RunState, failure: Option<(Failure, &str)>) -> Result<()> {
        t.runs().enter(self.run.id, state, failure).await?;
        t.runs().admit().await?;
        t.commit().await
    }

    /// Goes on only if this worker holds the run and nobody has cancelled it; adds what was used.
    async fn hold(&mut self, t: &mut Tenant, steps: i32, outcome: &Outcome) -> Result<()> {
        let now = t.now();
        let active = (now - self.beaten_at).num_milliseconds().max(0);
        let used = &outcome.usage;
        let row = sqlx::query!(
            r#"UPDATE runs SET lease_until = $3, active_ms = active_ms + $4, steps = steps + $5, tokens_in = tokens_in + $6,
                      tokens_out = tokens_out + $7, cost_micros = cost_micros + $8, read_outside = read_outside OR $9,
                      crashes = 0
               WHERE id = $1 AND fence = $2 AND state = 'running'
               RETURNING read_outside, active_ms, tokens_in, tokens_out, cost_micros"#,
            self.run.id.0,
            self.fence,
            now + LEASE,
            active,
            steps,
            used.tokens_in,
            used.tokens_out,
            used.cost_micros,
            outcome.outside,
        )
        .fetch_optional(t.conn())
        .await?
        .ok_or_else(lost)?;
        self.beaten_at = now;
        self.run.read_outside = row.read_outside;
        self.run.usage = Usage {
            steps: self.run.usage.steps,
            tokens_in: row.tokens_in,
            tokens_out: row.tokens_out,
            cost_micros: row.cost_micros,
            active_ms: row.active_ms,
        };
        Ok(())
    }
}

fn lost() -> Error {
    Error::conflict("run_lost", "Another worker holds this run, or it was cancelled.")
}
