//! A meeting as the outcome of an enrolment: it ends what is open, and corrects what an answer has ended before.

use domain::{
    CampaignId, LeadId,
    enrolments::{EndReason, EnrolmentState},
};
use uuid::Uuid;

use super::Enrolments;
use crate::Result;

/// An enrolment that a meeting ends, or has been the end of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    id: Uuid,
    /// Its campaign.
    pub campaign: CampaignId,
    is_open: bool,
}

impl Enrolments<'_> {
    /// Locks what a meeting with a lead is the outcome of: all that is open, and the sequence that the lead has answered,
    /// of `campaign` if it is known, unless that was said before.
    pub(crate) async fn lock_for_meeting(&mut self, lead: LeadId, campaign: Option<CampaignId>) -> Result<Vec<Ending>> {
        Ok(sqlx::query_as!(
            Ending,
            r#"
            SELECT e.id, e.campaign_id AS "campaign: CampaignId", e.is_open
            FROM enrolments e
            WHERE e.lead_id = $1
              AND (e.is_open
                   OR e.end_reason IS NULL AND e.id = (
                          SELECT f.id FROM enrolments f
                          WHERE f.lead_id = $1 AND f.state IN ('replied', 'finished')
                            AND ($2::uuid IS NULL OR f.campaign_id = $2)
                          ORDER BY f.updated_at DESC, f.id DESC LIMIT 1))
            ORDER BY e.id FOR UPDATE OF e
            "#,
            lead.0,
            campaign.map(|id| id.0),
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Ends with a meeting what was locked for it, and cancels what was not sent yet.
    pub(crate) async fn end_with_meeting(&mut self, endings: &[Ending]) -> Result<()> {
        let of = |is_open| endings.iter().filter(|e| e.is_open == is_open).map(|e| e.id).collect::<Vec<_>>();
        self.end(&of(true), EnrolmentState::Replied, Some(EndReason::MeetingBooked)).await?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE enrolments SET state = $2, end_reason = $3, updated_at = $4 WHERE id = ANY($1)",
            &of(false),
            EnrolmentState::Replied.as_str(),
            EndReason::MeetingBooked.as_str(),
            now,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}
