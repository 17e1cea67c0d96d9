//! Questions of runs to people. The arguments are frozen when the question is asked; a decision is made
//! once, and what is done afterwards is exactly what was decided.

use chrono::{DateTime, Utc};
use domain::{
    ApprovalId, Page, PageRequest, Permission, Problem, RunId,
    agents::Limits,
    runs::{Approval, ApprovalState, Decision, RunState},
};
use serde_json::json;
use sqlx::types::Json;

use super::{Runs, parameters};
use crate::{Error, Result, audit::Entry, cursor};

/// The name of a question for more of a limit.
pub(super) const LIMIT: &str = "limit:";

/// Questions by what follows their columns.
macro_rules! approval_query {
    ($rest:tt, $($bind:expr),* $(,)?) => {
        sqlx::query_as!(
            Approval,
            r#"SELECT a.id AS "id: ApprovalId", a.run_id AS "run: RunId", r.agent, a.tool, a.arguments, a.edited,
                      a.state AS "state: ApprovalState", a.reason, a.decided_by, a.decided_at, a.expires_at, a.created_at
               FROM run_approvals a JOIN runs r ON r.id = a.run_id "#
                + $rest,
            $($bind),*
        )
    };
}

impl Runs<'_> {
    /// Questions that nobody has answered, the oldest first.
    ///
    /// # Errors
    /// A cursor that is none of this list.
    pub async fn pending_approvals(&mut self, page: &PageRequest) -> Result<Page<Approval>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = approval_query!(
            "WHERE a.state = 'pending' AND ($1::timestamptz IS NULL OR (a.created_at, a.id) > ($1, $2::uuid))
               ORDER BY a.created_at, a.id LIMIT $3",
            after.at,
            after.id,
            limit + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |a| cursor::encode(a.created_at, a.id.0)))
    }

    /// The questions of the present attempt of a run, the oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn approvals(&mut self, run: RunId) -> Result<Vec<Approval>> {
        let attempt = self.get(run).await?.attempt;
        Ok(approval_query!("WHERE a.run_id = $1 AND a.attempt = $2 ORDER BY a.created_at, a.id", run.0, attempt)
            .fetch_all(self.t.conn())
            .await?)
    }

    /// Answers a question; the run goes on. The same answer twice is the same as once.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when it was answered otherwise or has expired.
    pub async fn decide(&mut self, run: RunId, id: ApprovalId, decision: Decision) -> Result<()> {
        self.t.require(Permission::DecideRuns).await?;
        // The run first, as its worker and a cancel do.
        let state = self.lock(run).await?;
        let row = sqlx::query!(
            r#"SELECT tool, arguments, schema, state AS "state: ApprovalState", edited, for_this_run, reason, expires_at
               FROM run_approvals WHERE id = $1 AND run_id = $2 FOR UPDATE"#,
            id.0,
            run.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("approval"))?;
        let wanted = match &decision {
            Decision::Approve { .. } => ApprovalState::Approved,
            Decision::Deny { .. } => ApprovalState::Denied,
        };
        let (edited, for_this_run, reason) = match decision {
            Decision::Approve { edited, for_this_run } => (edited, for_this_run, None),
            Decision::Deny { reason } => (None, false, Some(reason.trim().to_owned())),
        };
        if row.state == wanted && row.edited == edited && row.for_this_run == for_this_run && row.reason == reason {
            return Ok(());
        }
        let now = self.t.now();
        if row.state != ApprovalState::Pending || row.expires_at <= now || state.has_ended() {
            return Err(Error::conflict("already_decided", "This question was answered already, or it has expired."));
        }
        if edited.as_ref().is_some_and(|value| !value.is_object() || row.tool.starts_with(LIMIT)) {
            let message = "Arguments are an object, as they were asked for.";
            return Err(Problem::field("arguments", "arguments_invalid", message).into());
        }
        if let (Some(edited), Some(schema)) = (&edited, &row.schema) {
            parameters::fits(schema, edited)?;
        }
        if reason.as_ref().is_some_and(|text| text.chars().count() > 1_000) {
            return Err(Problem::field("reason", "reason_long", "Say why in at most 1,000 characters.").into());
        }
        let by = self.t.actor().to_string();
        sqlx::query!(
            "UPDATE run_approvals SET state = $2, edited = $3, for_this_run = $4, reason = $5, decided_by = $6, decided_at = $7
             WHERE id = $1",
            id.0,
            wanted.as_str(),
            edited.as_ref(),
            for_this_run,
            reason,
            by,
            now,
        )
        .execute(self.t.conn())
        .await?;
        if wanted == ApprovalState::Approved {
            self.widen(run, &row.tool, for_this_run).await?;
        }
        self.emit(run, "approval", json!({ "id": id, "tool": row.tool, "state": wanted, "by": by })).await?;
        let action = if wanted == ApprovalState::Approved { "run.approved" } else { "run.denied" };
        let arguments = edited.unwrap_or(row.arguments).to_string();
        self.t.audit().record(Entry::done(action).on(row.tool).details(arguments)).await?;
        self.enter(run, RunState::Queued, None).await?;
        self.admit().await
    }

    /// What a yes changes besides: a grant for the run, or a limit that is twice as high.
    async fn widen(&mut self, run: RunId, tool: &str, for_this_run: bool) -> Result<()> {
        if let Some(name) = tool.strip_prefix(LIMIT) {
            let limits = self.get(run).await?.limits;
            let limits = match name {
                "steps" => Limits { steps: limits.steps.saturating_mul(2), ..limits },
                "tokens" => Limits { tokens: limits.tokens.saturating_mul(2), ..limits },
                _ => Limits { cost: limits.cost * 2.0, ..limits },
            };
            sqlx::query!("UPDATE runs SET limits = $2 WHERE id = $1", run.0, Json(limits) as _)
                .execute(self.t.conn())
                .await?;
        } else if for_this_run {
            sqlx::query!("UPDATE runs SET granted_tools = array_append(granted_tools, $2) WHERE id = $1", run.0, tool)
                .execute(self.t.conn())
                .await?;
        }
        Ok(())
    }

    /// Counts questions whose time is over as no, and lets their run go on with that.
    pub(super) async fn expire_approvals(&mut self, run: RunId, now: DateTime<Utc>) -> Result<()> {
        let expired = sqlx::query_scalar!(
            "UPDATE run_approvals SET state = 'expired', decided_at = $2
             WHERE run_id = $1 AND state = 'pending' AND expires_at <= $2 RETURNING tool",
            run.0,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        if expired.is_empty() {
            return Ok(());
        }
        self.emit(run, "approval", json!({ "tool": expired, "state": ApprovalState::Expired })).await?;
        self.enter(run, RunState::Queued, None).await
    }
}
