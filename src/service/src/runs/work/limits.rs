//! Limits of a run, and what it asks of people. While a question is open nobody holds the run.

use chrono::Duration;
use domain::{
    ApprovalId,
    runs::{ApprovalState, Failure, RunState, Usage},
};
use serde_json::{Value, json};

use super::{super::approvals::LIMIT, Outcome, RunInHand};
use crate::{Result, Tenant};

/// How long a question waits for an answer.
const ANSWER_WITHIN: Duration = Duration::hours(24);

/// What a person is asked about.
#[derive(Debug)]
pub(super) struct Question<'q> {
    /// The tool, or the limit.
    pub tool: &'q str,
    /// What it would be called with.
    pub arguments: &'q Value,
    /// JSON Schema of the arguments.
    pub schema: Option<&'q Value>,
}

impl RunInHand {
    /// Whether a step that is expected to use so much is within the limits. If not, a person is asked for more, and
    /// time alone ends the run: either way it is to be let go of.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn affords(&mut self, expected: &Usage) -> Result<bool> {
        let Some(limit) = self.run.usage.with(expected).exceeds(&self.run.limits) else { return Ok(true) };
        let mut t = self.locked().await?;
        self.hold(&mut t, 0, &Outcome::default()).await?;
        let limits = self.run.limits;
        if limit == "minutes" {
            self.end(t, RunState::TimedOut, Some((Failure::LimitReached, &self.late()))).await?;
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
        let question = Question { tool: &tool, arguments: &json!({ "limit": height }), schema: None };
        self.ask(&mut t, &key, question, RunState::WaitingBudget).await?;
        t.commit().await?;
        Ok(false)
    }

    /// The time that its limit leaves for the step that was written down last.
    #[must_use]
    pub fn time_left(&self) -> std::time::Duration {
        let left = i64::from(self.run.limits.minutes) * 60_000 - self.run.usage.active_ms;
        std::time::Duration::from_millis(left.max(0).unsigned_abs())
    }

    /// Ends a step and with it the run, because its time is over.
    ///
    /// # Errors
    /// When the database is away, or somebody else holds the run.
    pub async fn time_out(&mut self, number: i32) -> Result<()> {
        let words = self.late();
        let mut t = self.locked().await?;
        self.record(&mut t, number, Outcome { error: Some(words.clone()), ..Outcome::default() }).await?;
        self.end(t, RunState::TimedOut, Some((Failure::LimitReached, &words))).await
    }

    fn late(&self) -> String {
        format!("It took longer than its limit of {} minutes.", self.run.limits.minutes)
    }

    /// Asks a person, and lets go of the run until somebody has answered.
    pub(super) async fn ask(&self, t: &mut Tenant, key: &str, question: Question<'_>, state: RunState) -> Result<()> {
        let Question { tool, arguments, schema } = question;
        let (id, now): (ApprovalId, _) = (t.new_id(), t.now());
        sqlx::query!(
            "INSERT INTO run_approvals (id, run_id, attempt, step_key, tool, arguments, hash, schema, expires_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6::jsonb, sha256(convert_to($6::jsonb::text, 'UTF8')), $7, $8, $9)",
            id.0,
            self.run.id.0,
            self.run.attempt,
            key,
            tool,
            arguments,
            schema,
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
