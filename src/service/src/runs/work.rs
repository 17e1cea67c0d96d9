//! The worker's side of a run. Whoever holds the fence of the row works on it. A step is written down
//! before it is done; its effect on the company and its outcome are one commit.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use domain::{
    ApiKeyId, ApprovalId, CompanyId, Role, RunId,
    agents::{Definition, Risk},
    keys::Scope,
    runs::{ApprovalState, Failure, Run, RunState, RunStep, RunStepState, StepKind, Usage, needs_approval},
};
use serde_json::{Value, json};

use super::{Runs, approvals::LIMIT};
use crate::{Actor, Db, Error, Origin, Result, Tenant, actor::InRun, jobs::WorkOnRun};

/// How long a worker may be silent; it says every few seconds that it lives.
const LEASE: Duration = Duration::seconds(60);
/// Workers that may end in the middle of a run one after the other without a step getting done.
const CRASHES: i32 = 5;
/// How long a question waits for an answer.
const ANSWER_WITHIN: Duration = Duration::hours(24);

/// A run in the hands of this worker.
#[derive(Debug)]
pub struct RunInHand {
    db: Db,
    actor: Actor,
    run: Run,
    definition: Definition,
    fence: i64,
    granted: Vec<String>,
    journal: HashMap<String, RunStep>,
    answers: HashMap<String, Answer>,
    beaten_at: DateTime<Utc>,
}

#[derive(Debug)]
struct Answer {
    state: ApprovalState,
    arguments: Value,
    reason: Option<String>,
}

/// A call that is to be written down before it is made.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Its place in the work; the same whenever the run is gone through.
    pub key: &'a str,
    /// What it is.
    pub kind: StepKind,
    /// Name of the tool or the model.
    pub name: &'a str,
    /// Risk of the tool.
    pub risk: Option<Risk>,
    /// Whether effect and outcome are one commit, so that an outcome is never unknown.
    pub atomic: bool,
    /// Its arguments.
    pub input: Value,
}

/// What a worker does about a step.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Do it, with these arguments.
    Do {
        /// Number of the step.
        number: i32,
        /// The arguments: those that were asked for, or those a person has put in their place.
        input: Value,
    },
    /// It has an outcome already.
    Have(Box<RunStep>),
    /// The run waits for a person or has ended: let go of it.
    Stop,
}

/// What came of a step.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What came back; nothing when it did not work.
    pub output: Option<Value>,
    /// Why it did not work.
    pub error: Option<String>,
    /// Whether the output holds text from outside.
    pub outside: bool,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens and cost of a model.
    pub usage: Usage,
}

/// What a heartbeat is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Go on.
    GoOn,
    /// Somebody has cancelled the run: stop and say so.
    Cancel,
    /// Somebody else holds the run: stop and write nothing.
    Lost,
}

impl RunInHand {
    /// Takes a run that was let in and that nobody holds.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take(db: &Db, company: CompanyId, id: RunId) -> Result<Option<Self>> {
        let system = db.platform().system_actor(company, "agents").await?;
        let mut t = db.tenant(&system).await?;
        let now = t.now();
        let row = sqlx::query!(
            r#"UPDATE runs SET state = 'running', fence = fence + 1, lease_until = $2, started_at = coalesce(started_at, $3)
               WHERE id = $1 AND state = 'queued' AND admitted_at IS NOT NULL
               RETURNING fence, granted_tools, api_key_id AS "key: ApiKeyId""#,
            id.0,
            now + LEASE,
            now
        )
        .fetch_optional(t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let run = t.runs().get(id).await?;
        let Some(actor) = t.runs().rights_of(&run, row.key).await? else {
            let words = "Whoever started this run does not belong to the company any more.";
            t.runs().enter(id, RunState::Failed, Some((Failure::RightsLost, words))).await?;
            t.runs().admit().await?;
            t.commit().await?;
            return Ok(None);
        };
        t.runs().emit(id, "state", json!({ "state": RunState::Running })).await?;
        let definition = t.runs().definition(&run).await?;
        let journal = t.runs().steps(id).await?.into_iter().map(|step| (step.key.clone(), step)).collect();
        let answers = t.runs().answers(&run).await?;
        t.commit().await?;
        let in_run = InRun { id, agent: run.agent.clone() };
        Ok(Some(Self {
            db: db.clone(),
            actor: actor.in_run(in_run),
            run,
            definition,
            fence: row.fence,
            granted: row.granted_tools,
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

    /// Tokens that its limit leaves.
    #[must_use]
    pub fn tokens_left(&self) -> i64 {
        i64::from(self.run.limits.tokens) - self.run.usage.tokens_in - self.run.usage.tokens_out
    }

    /// A pulse to be kept beside the work.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse { db: self.db.clone(), actor: self.actor.clone(), run: self.run.id, fence: self.fence }
    }

    /// Writes down what is to be done next, unless it was done before, a person has to allow it, or a limit
    /// stands against it.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn intend(&mut self, asked: Asked<'_>) -> Result<Intent> {
        if let Some(step) = self.journal.get(asked.key).cloned() {
            return match step.state {
                RunStepState::Intended => Ok(Intent::Do { number: step.number, input: step.input }),
                RunStepState::Waiting => self.answered(step).await,
                _ => Ok(Intent::Have(Box::new(step))),
            };
        }
        if !self.within_limits().await? {
            return Ok(Intent::Stop);
        }
        let granted = self.granted.iter().any(|tool| tool == asked.name);
        let asks = asked.risk.is_some_and(|risk| needs_approval(risk, granted, self.run.read_outside));
        let state = if asks { RunStepState::Waiting } else { RunStepState::Intended };
        let number = i32::try_from(self.journal.len()).unwrap_or(i32::MAX).saturating_add(1);
        let mut t = self.db.tenant(&self.actor).await?;
        self.hold(&mut t, 1, &Outcome::default()).await?;
        let now = t.now();
        sqlx::query!(
            "INSERT INTO run_steps (run_id, attempt, number, key, kind, name, risk, atomic, state, input, started_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            self.run.id.0,
            self.run.attempt,
            number,
            asked.key,
            asked.kind.as_str(),
            asked.name,
            asked.risk.map(Risk::as_str),
            asked.atomic,
            state.as_str(),
            asked.input,
            now,
        )
        .execute(t.conn())
        .await?;
        let told = json!({ "number": number, "kind": asked.kind, "name": asked.name, "state": state });
        t.runs().emit(self.run.id, "step", told).await?;
        if asks {
            self.ask(&mut t, asked.key, asked.name, &asked.input, RunState::WaitingApproval).await?;
        }
        t.commit().await?;
        self.run.usage.steps += 1;
        let step = RunStep {
            number,
            key: asked.key.to_owned(),
            kind: asked.kind,
            name: asked.name.to_owned(),
            risk: asked.risk,
            state,
            input: asked.input.clone(),
            output: None,
            error: None,
            outside: false,
            model: None,
            tokens_in: 0,
            tokens_out: 0,
            cost_micros: 0,
            started_at: now,
            finished_at: None,
        };
        self.journal.insert(step.key.clone(), step);
        Ok(if asks { Intent::Stop } else { Intent::Do { number, input: asked.input } })
    }

    /// Opens the company's data for the effect of a step; to be ended by [`Self::record`] and a commit.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn tenant(&self) -> Result<Tenant> {
        self.db.tenant(&self.actor).await
    }

    /// Writes down what came of a step, in the transaction of its effect.
    ///
    /// # Errors
    /// A conflict when somebody else holds the run, or it was cancelled: then nothing is to be committed.
    pub async fn record(&mut self, t: &mut Tenant, number: i32, outcome: Outcome) -> Result<RunStep> {
        self.hold(t, 0, &outcome).await?;
        let state = if outcome.error.is_some() { RunStepState::Failed } else { RunStepState::Done };
        self.close(t, number, state, outcome).await
    }

    /// A step that needs nothing but to be written down: a text. It is no call and has no limit.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn note(&mut self, key: &str, kind: StepKind, name: &str, output: Value) -> Result<()> {
        if self.journal.contains_key(key) {
            return Ok(());
        }
        let number = i32::try_from(self.journal.len()).unwrap_or(i32::MAX).saturating_add(1);
        let mut t = self.db.tenant(&self.actor).await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        let now = t.now();
        let step = sqlx::query_as!(
            RunStep,
            r#"INSERT INTO run_steps (run_id, attempt, number, key, kind, name, atomic, state, input, output, started_at, finished_at)
               VALUES ($1, $2, $3, $4, $5, $6, true, 'done', '{}', $7, $8, $8)
               RETURNING number, key, kind AS "kind: StepKind", name, risk AS "risk: Risk", state AS "state: RunStepState",
                      input, output, error, outside, model, tokens_in, tokens_out, cost_micros, started_at, finished_at"#,
            self.run.id.0,
            self.run.attempt,
            number,
            key,
            kind.as_str(),
            name,
            output,
            now,
        )
        .fetch_one(t.conn())
        .await?;
        t.runs().emit(self.run.id, "step", told(&step)).await?;
        t.commit().await?;
        self.journal.insert(step.key.clone(), step);
        Ok(())
    }

    /// Ends the run with its answer.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn succeed(mut self, answer: &str) -> Result<()> {
        self.note("answer", StepKind::Answer, "answer", json!(answer)).await?;
        let mut t = self.db.tenant(&self.actor).await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        sqlx::query!("UPDATE runs SET answer = $2 WHERE id = $1", self.run.id.0, answer).execute(t.conn()).await?;
        self.end(t, RunState::Succeeded, None).await
    }

    /// Ends the run without success.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn fail(mut self, failure: Failure, words: &str) -> Result<()> {
        let mut t = self.db.tenant(&self.actor).await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        self.end(t, RunState::Failed, Some((failure, words))).await
    }

    /// Says that the work has stopped because somebody cancelled it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn stopped(self) -> Result<()> {
        let mut t = self.db.tenant(&self.actor).await?;
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

    async fn close(&mut self, t: &mut Tenant, number: i32, state: RunStepState, o: Outcome) -> Result<RunStep> {
        let now = t.now();
        let step = sqlx::query_as!(
            RunStep,
            r#"UPDATE run_steps SET state = $4, output = $5, error = $6, outside = $7, model = $8, tokens_in = $9,
                      tokens_out = $10, cost_micros = $11, finished_at = $12
               WHERE run_id = $1 AND attempt = $2 AND number = $3
               RETURNING number, key, kind AS "kind: StepKind", name, risk AS "risk: Risk", state AS "state: RunStepState",
                      input, output, error, outside, model, tokens_in, tokens_out, cost_micros, started_at, finished_at"#,
            self.run.id.0,
            self.run.attempt,
            number,
            state.as_str(),
            o.output,
            o.error,
            o.outside,
            o.model,
            o.usage.tokens_in,
            o.usage.tokens_out,
            o.usage.cost_micros,
            now,
        )
        .fetch_one(t.conn())
        .await?;
        t.runs().emit(self.run.id, "step", told(&step)).await?;
        self.journal.insert(step.key.clone(), step.clone());
        Ok(step)
    }

    /// A step about which a person was asked.
    async fn answered(&mut self, step: RunStep) -> Result<Intent> {
        let Some(answer) = self.answers.get(&step.key) else { return Err(lost()) };
        let (state, arguments) = (answer.state, answer.arguments.clone());
        let reason = answer.reason.clone().filter(|reason| !reason.is_empty());
        let mut t = self.db.tenant(&self.actor).await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        if state == ApprovalState::Approved {
            sqlx::query!(
                "UPDATE run_steps SET state = 'intended', input = $4 WHERE run_id = $1 AND attempt = $2 AND number = $3",
                self.run.id.0,
                self.run.attempt,
                step.number,
                arguments
            )
            .execute(t.conn())
            .await?;
            t.commit().await?;
            return Ok(Intent::Do { number: step.number, input: arguments });
        }
        let words = match (state, reason) {
            (ApprovalState::Denied, Some(reason)) => format!("A person said no: {reason}"),
            (ApprovalState::Denied, None) => "A person said no.".to_owned(),
            _ => "Nobody answered in time, which counts as no.".to_owned(),
        };
        let outcome = Outcome { error: Some(words), ..Outcome::default() };
        let step = self.close(&mut t, step.number, RunStepState::Denied, outcome).await?;
        t.commit().await?;
        Ok(Intent::Have(Box::new(step)))
    }

    /// Whether another step is within the limits. If not, a person is asked for more, and time alone ends
    /// the run.
    async fn within_limits(&mut self) -> Result<bool> {
        let Some(limit) = self.run.usage.exceeds(&self.run.limits) else { return Ok(true) };
        let mut t = self.db.tenant(&self.actor).await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        let limits = self.run.limits;
        if limit == "minutes" {
            let words = format!("It took longer than its limit of {} minutes.", limits.minutes);
            self.end(t, RunState::TimedOut, Some((Failure::LimitReached, &words))).await?;
            return Ok(false);
        }
        let height = match limit {
            "steps" => json!(limits.steps),
            "tokens" => json!(limits.tokens),
            _ => json!(limits.cost),
        };
        let key = format!("{LIMIT}{limit}:{height}");
        if self.answers.contains_key(&key) {
            // A yes would have raised it.
            let words = format!("Its limit of {height} {limit} was reached and not raised.");
            self.end(t, RunState::Failed, Some((Failure::LimitReached, &words))).await?;
            return Ok(false);
        }
        let tool = format!("{LIMIT}{limit}");
        self.ask(&mut t, &key, &tool, &json!({ "limit": height }), RunState::WaitingBudget).await?;
        t.commit().await?;
        Ok(false)
    }

    /// Asks a person, and lets go of the run until somebody has answered.
    async fn ask(&self, t: &mut Tenant, key: &str, tool: &str, arguments: &Value, state: RunState) -> Result<()> {
        let (id, now): (ApprovalId, _) = (t.new_id(), t.now());
        sqlx::query!(
            "INSERT INTO run_approvals (id, run_id, attempt, step_key, tool, arguments, hash, expires_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6::jsonb, sha256(convert_to($6::jsonb::text, 'UTF8')), $7, $8)",
            id.0,
            self.run.id.0,
            self.run.attempt,
            key,
            tool,
            arguments,
            now + ANSWER_WITHIN,
            now,
        )
        .execute(t.conn())
        .await?;
        let told = json!({ "id": id, "tool": tool, "state": ApprovalState::Pending });
        t.runs().emit(self.run.id, "approval", told).await?;
        t.runs().enter(self.run.id, state, None).await?;
        t.runs().admit().await
    }
}

/// Says every few seconds that the worker of a run lives, and hears whether it should stop.
#[derive(Debug)]
pub struct Pulse {
    db: Db,
    actor: Actor,
    run: RunId,
    fence: i64,
}

impl Pulse {
    /// One beat.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn beat(&self) -> Result<Beat> {
        let mut t = self.db.tenant(&self.actor).await?;
        let until = t.now() + LEASE;
        let state = sqlx::query_scalar!(
            r#"UPDATE runs SET lease_until = $3 WHERE id = $1 AND fence = $2 AND state IN ('running', 'cancelling')
               RETURNING state AS "state: RunState""#,
            self.run.0,
            self.fence,
            until
        )
        .fetch_optional(t.conn())
        .await?;
        t.commit().await?;
        Ok(match state {
            Some(RunState::Cancelling) => Beat::Cancel,
            Some(_) => Beat::GoOn,
            None => Beat::Lost,
        })
    }
}

impl Runs<'_> {
    /// Looks after a run that nobody was woken for: it is let in, woken again, or taken from a worker that
    /// is silent. What that worker had begun and nobody can know is never done again.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn reconcile(&mut self, id: RunId) -> Result<()> {
        let state = match self.lock(id).await {
            Err(Error::NotFound(_)) => return Ok(()),
            other => other?,
        };
        let now = self.t.now();
        let silent = sqlx::query!(
            r#"SELECT crashes, admitted_at IS NOT NULL AS "admitted!", attempt,
                      coalesce(lease_until < $2, false) AS "silent!" FROM runs WHERE id = $1"#,
            id.0,
            now
        )
        .fetch_one(self.t.conn())
        .await?;
        match state {
            RunState::Queued if silent.admitted => {
                let company = self.t.actor().company();
                self.t.enqueue(&WorkOnRun { company, run: id }).await?;
            }
            RunState::Cancelling if silent.silent => self.enter(id, RunState::Cancelled, None).await?,
            RunState::Running if silent.silent => self.recover(id, silent.attempt, silent.crashes).await?,
            RunState::WaitingApproval | RunState::WaitingBudget => self.expire_approvals(id, now).await?,
            _ => {}
        }
        self.admit().await
    }

    /// Takes a run from a worker that is silent.
    async fn recover(&mut self, id: RunId, attempt: i32, crashes: i32) -> Result<()> {
        let now = self.t.now();
        let unknown = sqlx::query_scalar!(
            "UPDATE run_steps SET state = 'unknown', finished_at = $3,
                    error = 'Its worker ended while this was being done. It may have happened.'
             WHERE run_id = $1 AND attempt = $2 AND state = 'intended' AND risk = 'unsafe' AND NOT atomic
             RETURNING name",
            id.0,
            attempt,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(tool) = unknown {
            let words = format!("The worker ended while `{tool}` was being called. Look whether it happened.");
            return self.enter(id, RunState::Failed, Some((Failure::OutcomeUnknown, &words))).await;
        }
        if crashes >= CRASHES {
            let words = "Its workers ended several times at the same step.";
            return self.enter(id, RunState::Failed, Some((Failure::WorkerLost, words))).await;
        }
        sqlx::query!("UPDATE runs SET crashes = crashes + 1 WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.enter(id, RunState::Queued, None).await
    }

    /// Who started a run, with the rights they have now; nothing when they have none any more.
    async fn rights_of(&mut self, run: &Run, key: Option<ApiKeyId>) -> Result<Option<Actor>> {
        let (company, zone) = (self.t.actor().company(), self.t.actor().company_time_zone().to_owned());
        let now = self.t.now();
        if let Some(person) = run.person {
            let row = sqlx::query!(
                r#"SELECT u.name, u.time_zone, m.role AS "role: Role" FROM memberships m JOIN users u ON u.id = m.user_id
                   WHERE m.user_id = $1 AND m.deactivated_at IS NULL"#,
                person.0
            )
            .fetch_optional(self.t.conn())
            .await?;
            return Ok(row.map(|row| {
                Actor::person(company, zone, person, row.name, row.role, row.time_zone, Origin::default())
            }));
        }
        if let Some(key) = key {
            let row = sqlx::query!(
                "SELECT name, scopes FROM api_keys
                 WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
                key.0,
                now
            )
            .fetch_optional(self.t.conn())
            .await?;
            return Ok(row.map(|row| {
                let scopes = row.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect();
                Actor::key(company, zone, key, row.name, scopes, Origin::default())
            }));
        }
        Ok(Some(Actor::system(company, zone, "agents")))
    }

    /// The answers of people, by the place in the work that they are about. Arguments that are not those
    /// that were asked about are no answer.
    async fn answers(&mut self, run: &Run) -> Result<HashMap<String, Answer>> {
        let rows = sqlx::query!(
            r#"SELECT step_key, state AS "state: ApprovalState", coalesce(edited, arguments) AS "arguments!", reason
               FROM run_approvals
               WHERE run_id = $1 AND attempt = $2 AND state <> 'pending'
                 AND hash = sha256(convert_to(arguments::text, 'UTF8'))"#,
            run.id.0,
            run.attempt
        )
        .fetch_all(self.t.conn())
        .await?;
        let answer = |state, arguments, reason| Answer { state, arguments, reason };
        Ok(rows.into_iter().map(|row| (row.step_key, answer(row.state, row.arguments, row.reason))).collect())
    }
}

/// What readers of a stream are told of a step.
fn told(step: &RunStep) -> Value {
    json!({ "number": step.number, "kind": step.kind, "name": step.name, "state": step.state, "error": step.error })
}

fn lost() -> Error {
    Error::conflict("run_lost", "Another worker holds this run, or it was cancelled.")
}
