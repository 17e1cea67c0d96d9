//! Runs that hand work over to others. The end of a child, and what it means for the parent that waits, are
//! one commit; locks are taken from the top of a family down.

use domain::{
    AgentId, Permission, RunId,
    runs::{ChildRun, NewRun, Run, RunState, RunStepState},
};
use serde_json::json;

use super::{Cause, Runs, step_query, work::told};
use crate::{Error, Result};

/// How many runs may stand above one.
const DEPTH: usize = 3;

impl Runs<'_> {
    /// The runs that this one has handed work over to, in the order of their beginning.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn children(&mut self, id: RunId) -> Result<Vec<ChildRun>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_as!(
            ChildRun,
            r#"SELECT id AS "id: RunId", agent, state AS "state: RunState", parent_step AS "step!"
               FROM runs WHERE parent_id = $1 AND parent_step IS NOT NULL ORDER BY created_at, id"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Its state, locked against other changes together with the runs above it.
    pub(super) async fn lock(&mut self, id: RunId) -> Result<RunState> {
        let locked = sqlx::query!(
            r#"WITH RECURSIVE above AS (
                   SELECT id, parent_id, parent_step, 0 AS level FROM runs WHERE id = $1
                   UNION ALL
                   SELECT r.id, r.parent_id, r.parent_step, a.level + 1 FROM runs r JOIN above a ON r.id = a.parent_id
                   WHERE a.parent_step IS NOT NULL
               )
               SELECT r.id AS "id: RunId", r.state AS "state: RunState" FROM runs r JOIN above a ON r.id = a.id
               ORDER BY a.level DESC FOR UPDATE OF r"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        locked.into_iter().find(|run| run.id == id).map(|run| run.state).ok_or(Error::NotFound("run"))
    }

    /// Starts a run for a step of another one: with the rights of the same person, and with no more than
    /// is left of the limits.
    ///
    /// # Errors
    /// A conflict when the agent is none of those that `allowed` names, works above this one already, or
    /// nothing is left; as [`Self::create`].
    pub(super) async fn hand_over(
        &mut self,
        parent: &Run,
        allowed: &[String],
        step: &str,
        new: NewRun,
    ) -> Result<RunId> {
        self.t.require(Permission::RunAgents).await?;
        let wanted = new.agent.trim().to_lowercase();
        let Some(known) = allowed.iter().find(|name| name.to_lowercase() == wanted) else {
            let message = match allowed {
                [] => "This agent may not hand over. Its definition names nobody.".to_owned(),
                names => format!("This agent may hand over to {} only.", names.join(", ")),
            };
            return Err(Error::conflict("handover_refused", message));
        };
        let agent = self.t.agents().by_name(known).await?;
        let above = self.agents_above(parent.id).await?;
        if above.contains(&agent) {
            let message = format!("“{known}” already waits for this run. Do it here, or hand it to somebody else.");
            return Err(Error::conflict("handover_cycle", message));
        }
        if above.len() > DEPTH {
            let message = "Work is handed over at most three times in a row. Do it here.";
            return Err(Error::conflict("handover_deep", message));
        }
        // As it stands in this transaction: the step that hands over counts.
        let parent = self.get(parent.id).await?;
        let Some(left) = parent.usage.left_of(&parent.limits) else {
            return Err(Error::conflict("limit_reached", "The limits of this run leave nothing for another one."));
        };
        let cause = Cause {
            parent: Some(parent.id),
            step: Some((parent.attempt, step.to_owned())),
            left: Some(left),
            outside: parent.read_outside,
            ..Cause::default()
        };
        Ok(self.start(agent, new, cause).await?.id)
    }

    /// The agents of a run and of those that wait for it.
    async fn agents_above(&mut self, id: RunId) -> Result<Vec<AgentId>> {
        Ok(sqlx::query_scalar!(
            r#"WITH RECURSIVE above AS (
                   SELECT agent_id, parent_id, parent_step FROM runs WHERE id = $1
                   UNION ALL
                   SELECT r.agent_id, r.parent_id, r.parent_step FROM runs r JOIN above a ON r.id = a.parent_id
                   WHERE a.parent_step IS NOT NULL
               )
               SELECT agent_id AS "agent!: AgentId" FROM above"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Gives the end of a run to the step that waits for it, and lets its parent go on. Happens once: the
    /// step waits no more afterwards.
    pub(super) async fn tell_parent(&mut self, id: RunId) -> Result<()> {
        let child = sqlx::query!(
            r#"SELECT parent_id AS "parent!: RunId", parent_attempt AS "attempt!", parent_step AS "step!", agent,
                      state AS "state: RunState", answer, failure_detail, read_outside, steps, tokens_in, tokens_out,
                      cost_micros, active_ms
               FROM runs WHERE id = $1 AND parent_id IS NOT NULL AND parent_step IS NOT NULL"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(child) = child else { return Ok(()) };
        let (state, output, error) = if child.state == RunState::Succeeded {
            (RunStepState::Done, Some(json!({ "agent": child.agent, "run": id, "answer": child.answer })), None)
        } else {
            let why = child.failure_detail.unwrap_or_else(|| format!("{}.", child.state.label()));
            (RunStepState::Failed, None, Some(format!("“{}” has not done it. {why}", child.agent)))
        };
        let now = self.t.now();
        let step = step_query!(
            "UPDATE run_steps SET state = $4, output = $5, error = $6, outside = $7, finished_at = $8
             WHERE run_id = $1 AND attempt = $2 AND key = $3 AND state = 'waiting' RETURNING",
            "",
            child.parent.0,
            child.attempt,
            child.step,
            state.as_str(),
            output,
            error,
            child.read_outside,
            now,
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(step) = step else { return Ok(()) };
        self.emit(child.parent, "step", told(&step)).await?;
        let waits = sqlx::query_scalar!(
            "UPDATE runs SET steps = steps + $3, tokens_in = tokens_in + $4, tokens_out = tokens_out + $5,
                    cost_micros = cost_micros + $6, active_ms = active_ms + $7, read_outside = read_outside OR $8
             WHERE id = $1 AND attempt = $2 AND finished_at IS NULL RETURNING state = 'waiting_child'",
            child.parent.0,
            child.attempt,
            child.steps,
            child.tokens_in,
            child.tokens_out,
            child.cost_micros,
            child.active_ms,
            child.read_outside,
        )
        .fetch_optional(self.t.conn())
        .await?;
        if waits.flatten() == Some(true) { self.put(child.parent, RunState::Queued, None).await } else { Ok(()) }
    }
}
