//! What the e-mails of a campaign change: leads that were mailed beside those that chance has held out.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId,
    campaigns::comparison::{GroupCount, Holdout, Outcome},
};

use super::Campaigns;
use crate::Result;

impl Campaigns<'_> {
    /// The leads that were mailed beside those that are held out, each counted since it was placed; nothing for a campaign
    /// that has not begun, or holds nobody out. Whoever was left out for another reason is in neither group.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn holdout(&mut self, id: CampaignId) -> Result<Option<Holdout>> {
        self.require_there(id).await?;
        let Some(started_at) = self.load(id, false).await?.lifecycle.started_at else { return Ok(None) };
        let held_out = sqlx::query_scalar!(
            r#"SELECT count(*) AS "leads!" FROM enrolments
               WHERE campaign_id = $1 AND state = 'skipped' AND end_reason = 'held_out'"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        if held_out == 0 {
            return Ok(None);
        }
        let mailed = sqlx::query_scalar!(
            r#"SELECT count(*) AS "leads!" FROM (
                   SELECT enrolment_id FROM messages WHERE campaign_id = $1 AND state = 'sent' GROUP BY enrolment_id) m"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        let mut groups = Holdout {
            mailed: GroupCount { leads: mailed, ..GroupCount::default() },
            held_out: GroupCount { leads: held_out, ..GroupCount::default() },
        };
        self.count_outcomes(id, started_at, &mut groups).await?;
        Ok(Some(groups))
    }

    /// Begins with the few that have written or are qualified, as customers are, too, and not with all that are enrolled.
    async fn count_outcomes(&mut self, id: CampaignId, since: DateTime<Utc>, groups: &mut Holdout) -> Result<()> {
        let rows = sqlx::query!(
            r#"
            SELECT o.outcome AS "outcome!: Outcome", count(*) FILTER (WHERE e.end_reason = 'held_out') AS "held_out!",
                   count(*) FILTER (WHERE e.end_reason IS DISTINCT FROM 'held_out') AS "mailed!"
            FROM (
                SELECT 'wrote' AS outcome, w.lead_id, max(w.at) AS at
                FROM (
                    SELECT i.lead_id, i.arrived_at AS at FROM inbound_messages i
                    WHERE i.arrived_at >= $2 AND i.kind = 'reply' AND i.lead_id IS NOT NULL
                    UNION ALL
                    -- Nobody has written to them, so the inbox takes them for strangers; their address is known here.
                    -- Only the mail of a person is in a thread: copies of other mails, which look the same, are in none.
                    SELECT l.id, i.arrived_at FROM inbound_messages i JOIN leads l ON l.email = i.from_address
                    WHERE i.arrived_at >= $2 AND i.kind = 'other' AND i.lead_id IS NULL AND i.thread_id IS NOT NULL
                ) w
                GROUP BY w.lead_id
                UNION ALL
                SELECT 'qualified', l.id, 'infinity' FROM leads l WHERE l.status IN ('qualified', 'customer')
            ) o
            JOIN enrolments e ON e.lead_id = o.lead_id
            WHERE e.campaign_id = $1 AND o.at >= e.created_at
              AND (e.end_reason = 'held_out' OR EXISTS (
                      SELECT FROM messages m WHERE m.enrolment_id = e.id AND m.state = 'sent'))
            GROUP BY o.outcome
            "#,
            id.0,
            since,
        )
        .fetch_all(self.t.conn())
        .await?;
        for row in rows {
            let Holdout { mailed, held_out } = groups;
            for (group, leads) in [(mailed, row.mailed), (held_out, row.held_out)] {
                match row.outcome {
                    Outcome::Wrote => group.wrote = leads,
                    Outcome::Qualified => group.qualified = leads,
                }
            }
        }
        Ok(())
    }
}
