//! Which runs may work now. Admission is per company, so a company with a hundred thousand runs has no more
//! of them in the queue of jobs than one with ten.

use domain::{Permission, RunId};
use serde::{Deserialize, Serialize};

use super::Runs;
use crate::{Result, jobs::WorkOnRun};

/// Runs of a company at the same time.
const PER_COMPANY: i64 = 10;
/// Runs of one agent of a company at the same time.
const PER_AGENT: i64 = 4;
/// How far down the queue a run is looked for whose agent is not busy.
const LOOK: i64 = 200;

/// How busy the company is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slots {
    /// Runs that work or are about to.
    pub busy: i64,
    /// How many may.
    pub allowed: i64,
    /// Runs that wait for a slot.
    pub queued: i64,
    /// Runs that need a person.
    pub waiting: i64,
    /// Those of them that ask for words, not for a yes.
    pub asking: i64,
}

impl Runs<'_> {
    /// Lets in what fits, the oldest first. To be called after every change that frees or fills a slot.
    pub(super) async fn admit(&mut self) -> Result<()> {
        let now = self.t.now();
        // One at a time in a company, or two would fill the same slot.
        sqlx::query!("SELECT FROM companies FOR NO KEY UPDATE").execute(self.t.conn()).await?;
        let admitted = sqlx::query_scalar!(
            r#"
            WITH busy AS (
                SELECT agent_id, count(*) AS runs FROM runs
                WHERE finished_at IS NULL AND admitted_at IS NOT NULL GROUP BY agent_id
            ), queue AS (
                SELECT id, agent_id, created_at FROM runs r
                WHERE finished_at IS NULL AND state = 'queued' AND admitted_at IS NULL
                  -- Those of one trigger go one after the other.
                  AND (trigger_id IS NULL OR NOT EXISTS (
                          SELECT FROM runs o WHERE o.trigger_id = r.trigger_id AND o.finished_at IS NULL AND o.id <> r.id
                          AND (o.admitted_at IS NOT NULL OR (o.created_at, o.id) < (r.created_at, r.id))))
                ORDER BY created_at, id LIMIT $4
                -- One that is being changed just now is let in by whoever changes it.
                FOR UPDATE SKIP LOCKED
            ), placed AS (
                SELECT q.id, q.created_at,
                       row_number() OVER (PARTITION BY q.agent_id ORDER BY q.created_at, q.id) + coalesce(b.runs, 0) AS place
                FROM queue q LEFT JOIN busy b USING (agent_id)
            )
            UPDATE runs SET admitted_at = $1
            WHERE id IN (SELECT id FROM placed WHERE place <= $3 ORDER BY created_at, id
                         LIMIT greatest($2 - (SELECT coalesce(sum(runs), 0) FROM busy)::bigint, 0))
            RETURNING id AS "id: RunId"
            "#,
            now,
            PER_COMPANY,
            PER_AGENT,
            LOOK,
        )
        .fetch_all(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        for run in admitted {
            self.t.enqueue(&WorkOnRun { company, run }).await?;
        }
        Ok(())
    }

    /// How busy the company is.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn slots(&mut self) -> Result<Slots> {
        self.t.require(Permission::Read).await?;
        let row = sqlx::query!(
            r#"SELECT count(*) FILTER (WHERE admitted_at IS NOT NULL) AS "busy!",
                      count(*) FILTER (WHERE state = 'queued' AND admitted_at IS NULL) AS "queued!",
                      count(*) FILTER (WHERE state IN ('waiting_approval', 'waiting_input', 'waiting_budget')) AS "waiting!",
                      count(*) FILTER (WHERE state = 'waiting_input') AS "asking!"
               FROM runs WHERE finished_at IS NULL"#
        )
        .fetch_one(self.t.conn())
        .await?;
        let (busy, queued, waiting, asking) = (row.busy, row.queued, row.waiting, row.asking);
        Ok(Slots { busy, allowed: PER_COMPANY, queued, waiting, asking })
    }
}
