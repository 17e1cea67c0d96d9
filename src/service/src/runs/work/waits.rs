//! Steps whose outcome comes from elsewhere: another run, a person, a system that was called, or a time. The step,
//! what it waits for and the run that lets go are one commit.

use chrono::Duration;
use domain::runs::{NewRun, RunState, RunStepState, StepKind, Usage, WaitForPerson};

use super::{super::AnswerAddress, Asked, Intent, Outcome, RunInHand, lost};
use crate::{Error, Result};

/// How long a question waits for its answer.
const ANSWER_WITHIN: Duration = Duration::days(7);

/// What a step waits for.
#[derive(Clone, Debug)]
pub enum Wait {
    /// The end of a run that is started for it.
    Run(NewRun),
    /// The words of a person.
    Person(WaitForPerson),
    /// The clock, for so long.
    Time(Duration),
}

impl RunInHand {
    /// Writes a step down and lets go of the run until what it waits for is there; then the step has an
    /// outcome. The inner error is for the agent, and nothing was written down then.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn wait(&mut self, asked: Asked<'_>, wait: Wait) -> Result<Result<Intent, Error>> {
        if let Some(step) = self.journal.get(asked.key) {
            return Ok(Ok(Intent::Have(Box::new(step.clone()))));
        }
        if !self.affords(&Usage::default()).await? {
            return Ok(Ok(Intent::Stop));
        }
        let mut t = self.tenant().await?;
        if !self.take_rights(&mut t).await? {
            return Ok(Ok(Intent::Stop));
        }
        drop(t);
        let mut t = self.locked().await?;
        // Waiting for a model is no work of the agent.
        let steps = i32::from(asked.kind != StepKind::ModelCall);
        self.hold(&mut t, steps, &Outcome::default()).await?;
        let step = self.write_down(&mut t, &asked, RunStepState::Waiting).await?;
        let now = t.now();
        let (state, until) = match wait {
            Wait::Run(new) => {
                let allowed = &self.definition.hands_over_to;
                if let Err(error) = t.runs().hand_over(&self.run, allowed, asked.key, new).await {
                    return Ok(Err(error));
                }
                (RunState::WaitingChild, None)
            }
            Wait::Person(_) => (RunState::WaitingInput, Some(now + ANSWER_WITHIN)),
            Wait::Time(time) => (RunState::Sleeping, Some(now + time)),
        };
        t.runs().enter(self.run.id, state, None).await?;
        sqlx::query!("UPDATE runs SET wake_at = $2 WHERE id = $1", self.run.id.0, until).execute(t.conn()).await?;
        t.runs().admit().await?;
        t.commit().await?;
        self.keep(step);
        Ok(Ok(Intent::Stop))
    }

    /// Makes the address at which the system on `host` may answer a step later; to be called before that system is.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn address_of_answer(&mut self, number: i32, host: &str) -> Result<AnswerAddress> {
        let key = self.journal.values().find(|step| step.number == number).ok_or_else(lost)?.key.clone();
        let mut t = self.tenant().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        let address = t.runs().address_of_answer((self.run.id, self.run.attempt), &key, host).await?;
        t.commit().await?;
        Ok(address)
    }

    /// Lets go of the run until the answer to the step that was begun is there.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn wait_for_answer(&mut self) -> Result<()> {
        let mut t = self.locked().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        t.runs().wait_for_answer(self.run.id, self.run.attempt).await?;
        t.runs().admit().await?;
        t.commit().await
    }
}
