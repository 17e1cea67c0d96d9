//! Runs that nobody was woken for, or whose worker is silent. What was begun outside and nobody can know
//! is never done again.

use domain::{
    RunId,
    runs::{Failure, RunState},
};

use super::super::Runs;
use crate::{Error, Result, jobs::WorkOnRun};

/// What is said of a call that was under way when its run was cancelled.
pub(super) const CANCELLED: &str = "The run was cancelled while this was being done. It may have happened.";

/// Workers that may end in the middle of a run one after the other without a step getting done.
const CRASHES: i32 = 5;

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
            RunState::Cancelling if silent.silent => {
                self.lose_track(id, silent.attempt, CANCELLED).await?;
                self.enter(id, RunState::Cancelled, None).await?;
            }
            RunState::Running if silent.silent => self.recover(id, silent.attempt, silent.crashes).await?,
            RunState::WaitingInput | RunState::WaitingTool | RunState::Sleeping => self.wake(id).await?,
            RunState::WaitingApproval | RunState::WaitingBudget => self.expire_approvals(id, now).await?,
            _ => {}
        }
        self.admit().await
    }

    /// Says of a call to the outside that was begun and has no outcome that it may have happened. Its tool, if there
    /// was one.
    pub(super) async fn lose_track(&mut self, id: RunId, attempt: i32, words: &str) -> Result<Option<String>> {
        let now = self.t.now();
        Ok(sqlx::query_scalar!(
            "UPDATE run_steps SET state = 'unknown', finished_at = $3, error = $4
             WHERE run_id = $1 AND attempt = $2 AND state = 'intended' AND risk = 'unsafe' AND NOT atomic
             RETURNING name",
            id.0,
            attempt,
            now,
            words
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Takes a run from a worker that is silent.
    async fn recover(&mut self, id: RunId, attempt: i32, crashes: i32) -> Result<()> {
        // Whoever was called has an address to answer at, and says by that what happened.
        if self.wait_for_answer(id, attempt).await? {
            return Ok(());
        }
        let words = "Its worker ended while this was being done. It may have happened.";
        if let Some(tool) = self.lose_track(id, attempt, words).await? {
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
}
