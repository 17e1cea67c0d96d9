//! Waiting for the words of a person, for the answer of a system, or for a time. Nobody holds a run meanwhile; what it waited for becomes
//! the outcome of the step in the commit that wakes it.

use domain::{
    Permission, RunId,
    runs::{PersonAnswer, Question, Run, RunState, RunStep, RunStepState, WaitForPerson},
};
use serde_json::{Value, json};

use super::{Runs, awaited::NO_ANSWER, step_query, work::told};
use crate::{Error, Result, audit::Entry};

impl Runs<'_> {
    /// The question of a run that waits for an answer.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn question(&mut self, id: RunId) -> Result<Option<Question>> {
        let run = self.get(id).await?;
        let Some(expires_at) = run.wake_at.filter(|_| run.state == RunState::WaitingInput) else { return Ok(None) };
        let asked = self.waiting_step(&run).await?;
        Ok(asked.and_then(|step| {
            let WaitForPerson { question, choices } = serde_json::from_value(step.input).ok()?;
            Some(Question { step: step.number, question, choices, expires_at })
        }))
    }

    /// What the model of a run has said so far in the answer that it is writing.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn writing(&mut self, id: RunId) -> Result<Option<String>> {
        let run = self.get(id).await?;
        if run.state != RunState::Running {
            return Ok(None);
        }
        Ok(sqlx::query_scalar!(
            "WITH said AS (
                 SELECT e.seq, e.data FROM run_events e
                 JOIN run_steps s ON s.run_id = e.run_id AND s.attempt = $2 AND s.number = (e.data->>'step')::int
                 WHERE e.run_id = $1 AND e.kind = 'text' AND (e.data->>'attempt')::int = $2
                   AND s.kind = 'model_call' AND s.state = 'intended'
             )
             SELECT right(string_agg(data->>'text', '' ORDER BY seq), 20000) FROM said
             WHERE seq >= (SELECT max(seq) FROM said WHERE (data->>'begins')::boolean)",
            id.0,
            run.attempt
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// Answers the question of a run; it goes on with these words.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when it does not ask this; a problem of the answer.
    pub async fn answer(&mut self, id: RunId, given: PersonAnswer) -> Result<Run> {
        self.t.require(Permission::RunAgents).await?;
        self.lock(id).await?;
        let asked = self.question(id).await?.filter(|asked| asked.step == given.step);
        let Some(Question { question, choices, .. }) = asked else {
            let message = "The run does not ask this any more. Look at it again.";
            return Err(Error::conflict("not_asked", message));
        };
        let words = given.words(&WaitForPerson { question, choices })?;
        let by = self.t.actor().to_string();
        let output = json!({ "answer": words, "by": by });
        let name = self.get(id).await?.agent;
        self.t.audit().record(Entry::done("run.answered").on(name)).await?;
        self.go_on(id, Ok(output), false).await?;
        self.admit().await?;
        self.get(id).await
    }

    /// Wakes a run that has slept long enough, or that nobody has answered. A call whose answer has not come was
    /// made all the same, so its step is done.
    pub(super) async fn wake(&mut self, id: RunId) -> Result<()> {
        let run = self.get(id).await?;
        let now = self.t.now();
        if run.wake_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        let outcome = match run.state {
            RunState::Sleeping => Ok(json!({ "now": now })),
            RunState::WaitingTool => Ok(json!({ "answer": null, "note": NO_ANSWER })),
            _ => Err("Nobody answered in time."),
        };
        self.go_on(id, outcome, false).await
    }

    /// Gives the step that waits its outcome, which may hold text from outside, and lets the run go on.
    pub(super) async fn go_on(
        &mut self,
        id: RunId,
        outcome: std::result::Result<Value, &str>,
        outside: bool,
    ) -> Result<()> {
        let run = self.get(id).await?;
        let state = if outcome.is_ok() { RunStepState::Done } else { RunStepState::Failed };
        let (error, output) = (outcome.as_ref().err().copied(), outcome.as_ref().ok());
        let now = self.t.now();
        let step = step_query!(
            "UPDATE run_steps SET state = $3, output = $4, error = $5, finished_at = $6, outside = $7
             WHERE run_id = $1 AND attempt = $2 AND state = 'waiting' RETURNING",
            "",
            id.0,
            run.attempt,
            state.as_str(),
            output,
            error,
            now,
            outside,
        )
        .fetch_one(self.t.conn())
        .await?;
        if outside {
            sqlx::query!("UPDATE runs SET read_outside = true WHERE id = $1", id.0).execute(self.t.conn()).await?;
        }
        self.emit(id, "step", told(&step)).await?;
        self.enter(id, RunState::Queued, None).await
    }

    async fn waiting_step(&mut self, run: &Run) -> Result<Option<RunStep>> {
        Ok(step_query!(
            "SELECT",
            "FROM run_steps WHERE run_id = $1 AND attempt = $2 AND state = 'waiting'",
            run.id.0,
            run.attempt
        )
        .fetch_optional(self.t.conn())
        .await?)
    }
}
