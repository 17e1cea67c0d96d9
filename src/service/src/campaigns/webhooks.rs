//! Calls to the webhook of the company that steps and workflows make. A worker takes one, calls outside of any
//! transaction and says what came of it; the receiver knows a call that comes twice by its id.

use domain::Permission;
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Campaigns, Concerning};
use crate::Result;

/// A call is tried so often; with the pauses between them that is about a day.
pub const TRIES: i32 = 10;

/// A call that is to be made.
#[derive(Debug)]
pub struct WebhookCall {
    /// Its id, the same for every try.
    pub id: Uuid,
    /// Where.
    pub url: String,
    /// What it is signed with.
    pub secret: Zeroizing<String>,
    /// What is told.
    pub body: Value,
}

impl Campaigns<'_> {
    /// A call that is to be made; nothing when it was made, or given up.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn webhook_call(&mut self, id: Uuid) -> Result<Option<WebhookCall>> {
        let body = sqlx::query_scalar!(
            "SELECT body FROM step_webhooks WHERE id = $1 AND delivered_at IS NULL AND failed_at IS NULL",
            id
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(body) = body else { return Ok(None) };
        let Some((url, secret)) = self.t.webhook().open().await? else {
            self.webhook_called(
                id,
                Err("No webhook is connected. An admin connects one under Settings, Models."),
                true,
            )
            .await?;
            return Ok(None);
        };
        Ok(Some(WebhookCall { id, url, secret, body }))
    }

    /// What came of a try. Whether another one is to follow.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn webhook_called(
        &mut self,
        id: Uuid,
        outcome: std::result::Result<&str, &str>,
        give_up: bool,
    ) -> Result<bool> {
        let now = self.t.now();
        let (done, detail) = match outcome {
            Ok(words) => (true, words),
            Err(words) => (false, words),
        };
        let row = sqlx::query!(
            r#"UPDATE step_webhooks w SET attempts = w.attempts + 1, detail = $3,
                   delivered_at = CASE WHEN $2 THEN $4::timestamptz END,
                   failed_at = CASE WHEN NOT $2 AND ($5 OR w.attempts + 1 >= $6) THEN $4::timestamptz END
               FROM step_webhooks c
               LEFT JOIN enrolments e ON e.id = c.enrolment_id
               LEFT JOIN workflow_firings f ON f.id = c.firing_id
               WHERE w.id = $1 AND w.delivered_at IS NULL AND c.id = w.id
               RETURNING w.failed_at IS NOT NULL AS "failed!", e.campaign_id AS "campaign?: domain::CampaignId",
                         e.lead_id AS "lead?: domain::LeadId", c.step_id AS "step?: domain::StepId",
                         f.workflow_id AS "workflow?""#,
            id,
            done,
            detail,
            now,
            give_up,
            TRIES,
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(false) };
        if let Some((campaign, lead)) = row.campaign.zip(row.lead).filter(|_| done || row.failed) {
            let kind = if done { "webhook_called" } else { "webhook_failed" };
            let about = Concerning { lead: Some(lead), step: row.step, message: None };
            self.log_of(campaign, kind, Some(detail), about).await?;
        }
        if let Some(workflow) = row.workflow {
            self.t.tell("workflows", workflow).await?;
        }
        Ok(!done && !row.failed)
    }

    /// Steps that call the webhook need one.
    pub(super) async fn has_webhook(&mut self) -> Result<bool> {
        self.t.require(Permission::Read).await?;
        Ok(self.t.webhook().find().await?.is_some())
    }
}
