//! What is read about opens and clicks: figures of campaigns, and the events of one e-mail.

use domain::{
    CampaignId, MessageId, Permission, StepId,
    tracking::{CampaignTracking, MOST_EVENTS, StepTracking, TrackedBy, TrackingCount, TrackingEvent, TrackingKind},
};

use crate::{Error, Result, campaigns::Campaigns};

impl Campaigns<'_> {
    /// What has become of the e-mails of a campaign, as far as their links tell.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn tracking(&mut self, id: CampaignId) -> Result<CampaignTracking> {
        self.require_there(id).await?;
        let rows = sqlx::query!(
            r#"
            SELECT coalesce(m.step_id, e.step_id) AS "step!: StepId", coalesce(m.tracked_opens, 0) AS "tracked_opens!",
                   coalesce(m.opened, 0) AS "opened!", coalesce(m.tracked_clicks, 0) AS "tracked_clicks!",
                   coalesce(m.clicked, 0) AS "clicked!", coalesce(e.machine_events, 0) AS "machine_events!"
            FROM (SELECT step_id, min(position) AS position,
                         count(*) FILTER (WHERE tracks_opens) AS tracked_opens, count(opened_at) AS opened,
                         count(*) FILTER (WHERE tracks_clicks) AS tracked_clicks, count(clicked_at) AS clicked
                  FROM messages WHERE campaign_id = $1 AND (tracks_opens OR tracks_clicks) AND state = 'sent'
                  GROUP BY step_id) m
            FULL JOIN (SELECT step_id, count(*) AS machine_events FROM tracking_events
                       WHERE campaign_id = $1 AND by = 'machine' GROUP BY step_id) e ON e.step_id = m.step_id
            ORDER BY m.position
            "#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let steps: Vec<_> = rows
            .into_iter()
            .map(|r| StepTracking {
                step: r.step,
                count: TrackingCount {
                    tracked_opens: r.tracked_opens,
                    opened: r.opened,
                    tracked_clicks: r.tracked_clicks,
                    clicked: r.clicked,
                    machine_events: r.machine_events,
                },
            })
            .collect();
        let total = steps.iter().fold(TrackingCount::default(), |sum, step| sum.and(step.count));
        Ok(CampaignTracking { total, steps })
    }

    /// What has happened to one e-mail, the newest first; all that is kept of it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn tracking_events(&mut self, campaign: CampaignId, message: MessageId) -> Result<Vec<TrackingEvent>> {
        self.t.require(Permission::Read).await?;
        sqlx::query_scalar!("SELECT id FROM messages WHERE id = $1 AND campaign_id = $2", message.0, campaign.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("message"))?;
        Ok(sqlx::query_as!(
            TrackingEvent,
            r#"SELECT e.at, e.kind AS "kind: TrackingKind", e.by AS "by: TrackedBy", e.reason, k.url AS "url?", e.network
               FROM tracking_events e
               LEFT JOIN tracked_links k ON k.message_id = e.message_id AND k.place = e.place
               WHERE e.message_id = $1 ORDER BY e.at DESC LIMIT $2"#,
            message.0,
            i64::try_from(MOST_EVENTS).unwrap_or(i64::MAX),
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
