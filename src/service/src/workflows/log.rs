//! What set workflows off and what came of it, for three months; and what a workflow would have done.

use std::collections::HashMap;

use chrono::Duration;
use domain::{
    LeadId, Page, PageRequest, Permission, WorkflowFiringId, WorkflowId,
    workflows::{
        ActionOutcome, ActionResult, ReasonCount, WorkflowActionKind, WorkflowFiring, WorkflowFiringState,
        WorkflowLook, WorkflowNotStarted, WorkflowTriggerKind,
    },
};
use sqlx::types::Json;
use uuid::Uuid;

use super::Workflows;
use crate::{
    Result, cursor,
    leads::query::{Query, push_filter},
};

/// Days that are summed up.
const DAYS: i64 = 30;
/// Reasons of a kind that are told.
const REASONS: i64 = 10;

impl Workflows<'_> {
    /// What set a workflow off, the newest first.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; a cursor that is none of this list.
    pub async fn log(&mut self, id: WorkflowId, page: &PageRequest) -> Result<Page<WorkflowFiring>> {
        self.get(id).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query!(
            r#"SELECT f.id AS "id: WorkflowFiringId", f.at, f.cause, f.lead_id AS "lead: LeadId",
                      coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email) AS lead_name,
                      f.events, f.state AS "state: WorkflowFiringState", f.reason AS "reason: WorkflowNotStarted",
                      f.results AS "results: Json<Vec<ActionResult>>", f.done_at
               FROM workflow_firings f LEFT JOIN leads l ON l.id = f.lead_id
               WHERE f.workflow_id = $1 AND ($2::timestamptz IS NULL OR (f.at, f.id) < ($2, $3::uuid))
               ORDER BY f.at DESC, f.id DESC LIMIT $4"#,
            id.0,
            after.at,
            after.id,
            limit + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        let calls: Vec<_> = rows.iter().flat_map(|row| row.results.iter().filter_map(|result| result.call)).collect();
        let calls = self.calls(&calls).await?;
        let told = |result: ActionResult| match result.call.and_then(|id| calls.get(&id)) {
            Some((outcome, words)) => ActionResult { outcome: *outcome, words: words.clone(), ..result },
            None => result,
        };
        let rows = rows
            .into_iter()
            .map(|row| WorkflowFiring {
                id: row.id,
                at: row.at,
                cause: row.cause,
                lead: row.lead,
                lead_name: row.lead_name,
                events: row.events,
                state: row.state,
                reason: row.reason,
                results: row.results.0.into_iter().map(told).collect(),
                done_at: row.done_at,
            })
            .collect();
        Ok(Page::from_rows(rows, limit, false, false, |f: &WorkflowFiring| cursor::encode(f.at, f.id.0)))
    }

    /// How calls to the webhook stand that have been tried.
    async fn calls(&mut self, ids: &[Uuid]) -> Result<HashMap<Uuid, (ActionOutcome, String)>> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = sqlx::query!(
            r#"SELECT id, body ->> 'type' AS "event!", attempts, detail, delivered_at IS NOT NULL AS "taken!",
                      failed_at IS NOT NULL AS "failed!"
               FROM step_webhooks WHERE id = ANY($1) AND attempts > 0"#,
            ids
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let (event, detail) = (row.event, row.detail.unwrap_or_default());
                let detail = detail.trim_end_matches('.');
                let said = match (row.taken, row.failed) {
                    (true, _) => (ActionOutcome::Done, format!("{event} was taken: {detail}.")),
                    (false, true) => (ActionOutcome::Refused, format!("{event} was not taken: {detail}.")),
                    (false, false) => {
                        (ActionOutcome::Waiting, format!("{event} is tried again, {} so far: {detail}.", row.attempts))
                    }
                };
                (row.id, said)
            })
            .collect())
    }

    /// What a workflow has done in the last 30 days, why it did not do more, and of one that new leads set off how
    /// many it would have acted for.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn look_back(&mut self, id: WorkflowId) -> Result<WorkflowLook> {
        self.t.require(Permission::Read).await?;
        let workflow = self.get(id).await?;
        let since = self.t.now() - Duration::days(DAYS);
        let acted = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM workflow_firings WHERE workflow_id = $1 AND begun_at > $2"#,
            id.0,
            since
        )
        .fetch_one(self.t.conn())
        .await?;
        let not_started = sqlx::query!(
            r#"SELECT reason AS "reason!: WorkflowNotStarted", sum(events)::bigint AS "count!" FROM workflow_firings
               WHERE workflow_id = $1 AND at > $2 AND reason IS NOT NULL
               GROUP BY reason ORDER BY 2 DESC, 1"#,
            id.0,
            since
        )
        .fetch_all(self.t.conn())
        .await?;
        let refused = sqlx::query!(
            r#"SELECT r ->> 'action' AS "action!: WorkflowActionKind", r ->> 'words' AS "words!", count(*) AS "count!"
               FROM workflow_firings f CROSS JOIN jsonb_array_elements(f.results) AS r
               WHERE f.workflow_id = $1 AND f.at > $2 AND r ->> 'outcome' = 'refused'
               GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $3"#,
            id.0,
            since,
            REASONS
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut look = WorkflowLook {
            acted,
            not_started: not_started
                .into_iter()
                .map(|row| ReasonCount { words: row.reason.label().to_owned(), count: row.count })
                .collect(),
            refused: refused
                .into_iter()
                .map(|row| ReasonCount { words: format!("{}: {}", row.action.label(), row.words), count: row.count })
                .collect(),
            ..WorkflowLook::default()
        };
        if workflow.trigger.kind() == WorkflowTriggerKind::LeadCreated {
            let mut query = Query::new("SELECT count(*), count(*) FILTER (WHERE true");
            push_filter(&mut query, &workflow.conditions);
            query.push(") FROM leads l WHERE l.created_at > ").push_bind(since);
            let (created, matching): (i64, i64) =
                query.build_query_as().persistent(false).fetch_one(self.t.conn()).await?;
            (look.created, look.matching) = (Some(created), Some(matching));
        }
        Ok(look)
    }
}
