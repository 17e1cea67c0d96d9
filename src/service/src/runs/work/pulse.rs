//! The sign of life of a worker. A worker that is silent for longer than its lease loses its run.

use domain::{RunId, runs::RunState};
use serde_json::json;

use super::{LEASE, RunInHand};
use crate::{Actor, Db, Result};

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

/// Says every few seconds that the worker of a run lives, and hears whether it should stop.
#[derive(Debug)]
pub struct Pulse {
    db: Db,
    actor: Actor,
    run: RunId,
    attempt: i32,
    fence: i64,
}

impl RunInHand {
    /// A pulse to be kept beside the work.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        Pulse {
            db: self.db.clone(),
            actor: self.actor.clone(),
            run: self.run.id,
            attempt: self.run.attempt,
            fence: self.fence,
        }
    }
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

    /// Tells those who watch what a model has said since; with `begins` it says everything anew. Does nothing
    /// when the run is in other hands.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn tell(&self, step: i32, words: &str, begins: bool) -> Result<()> {
        let mut t = self.db.tenant(&self.actor).await?;
        let held = sqlx::query!(
            "SELECT FROM runs WHERE id = $1 AND fence = $2 AND state = 'running' FOR UPDATE",
            self.run.0,
            self.fence
        )
        .fetch_optional(t.conn())
        .await?;
        if held.is_some() {
            let data = json!({ "attempt": self.attempt, "step": step, "text": words, "begins": begins });
            t.runs().emit(self.run, "text", data).await?;
            t.threads().tell_drafting(self.run).await?;
        }
        t.commit().await
    }
}
