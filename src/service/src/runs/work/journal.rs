//! The journal of a run: each step is written down before it is done, and once. What has an outcome is
//! handed back instead of being done again.

use domain::{
    agents::Risk,
    connectors::connector_of,
    runs::{ApprovalState, Failure, RunState, RunStep, RunStepState, StepKind, Usage, needs_approval},
};
use serde_json::{Value, json};

use super::{super::step_query, RunInHand, limits::Question, lost};
use crate::{Result, Tenant};

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
    /// JSON Schema of the arguments, for whoever changes them when a person is asked.
    pub schema: Option<Value>,
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

impl RunInHand {
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
        if !self.affords(&Usage::default()).await? {
            return Ok(Intent::Stop);
        }
        // A tool of a connector is asked about each time: its server decides what the same arguments do.
        let granted = connector_of(asked.name).is_none() && self.granted.iter().any(|tool| tool == asked.name);
        let asks = asked.risk.is_some_and(|risk| needs_approval(risk, granted, self.run.read_outside));
        let state = if asks { RunStepState::Waiting } else { RunStepState::Intended };
        let mut t = self.db.tenant(&self.actor).await?;
        if !self.take_rights(&mut t).await? {
            return Ok(Intent::Stop);
        }
        self.hold(&mut t, 1, &Outcome::default()).await?;
        let step = self.write_down(&mut t, &asked, state).await?;
        if asks {
            let question = Question { tool: asked.name, arguments: &asked.input, schema: asked.schema.as_ref() };
            self.ask(&mut t, asked.key, question, RunState::WaitingApproval).await?;
        }
        t.commit().await?;
        let number = step.number;
        self.keep(step);
        Ok(if asks { Intent::Stop } else { Intent::Do { number, input: asked.input } })
    }

    /// Writes a step into the journal of the transaction; to be followed by [`Self::keep`] once that is
    /// committed.
    pub(super) async fn write_down(&self, t: &mut Tenant, asked: &Asked<'_>, state: RunStepState) -> Result<RunStep> {
        let number = i32::try_from(self.journal.len()).unwrap_or(i32::MAX).saturating_add(1);
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
        Ok(RunStep {
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
        })
    }

    /// Remembers a call that was written down and committed.
    pub(super) fn keep(&mut self, step: RunStep) {
        self.run.usage.steps += 1;
        self.journal.insert(step.key.clone(), step);
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

    /// Ends a step of which nobody can know whether it was done, and with it the run: it is never done again by
    /// itself.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn outcome_unknown(&mut self, number: i32, words: &str) -> Result<()> {
        let mut t = self.locked().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        let outcome = Outcome { error: Some(words.to_owned()), ..Outcome::default() };
        let name = self.close(&mut t, number, RunStepState::Unknown, outcome).await?.name;
        let words = format!("`{name}` may have happened. {words} Look whether it did before you try again.");
        self.end(t, RunState::Failed, Some((Failure::OutcomeUnknown, &words))).await
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
        let step = step_query!(
            "INSERT INTO run_steps (run_id, attempt, number, key, kind, name, atomic, state, input, output, started_at, finished_at)
               VALUES ($1, $2, $3, $4, $5, $6, true, 'done', '{}', $7, $8, $8)
               RETURNING",
            "",
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

    async fn close(&mut self, t: &mut Tenant, number: i32, state: RunStepState, o: Outcome) -> Result<RunStep> {
        let now = t.now();
        let step = step_query!(
            "UPDATE run_steps SET state = $4, output = $5, error = $6, outside = $7, model = $8, tokens_in = $9,
                      tokens_out = $10, cost_micros = $11, finished_at = $12
               WHERE run_id = $1 AND attempt = $2 AND number = $3
               RETURNING",
            "",
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
}

/// What readers of a stream are told of a step.
pub(in crate::runs) fn told(step: &RunStep) -> Value {
    json!({ "number": step.number, "kind": step.kind, "name": step.name, "state": step.state, "error": step.error })
}
