//! The e-mail that follows another one of a lead. It is planned once, by whoever ends the one before it and holds
//! the enrolment.

use domain::{CampaignId, EnrolmentId, LeadId, MailboxId, MessageId};

use super::Messages;
use crate::{Result, campaigns::advance::waiting_state};

/// The e-mail that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AfterStep {
    pub campaign: CampaignId,
    pub enrolment: EnrolmentId,
    pub lead: Option<LeadId>,
    pub mailbox: MailboxId,
    pub position: i32,
}

impl Messages<'_> {
    /// Plans the step after one that was sent or skipped.
    pub(crate) async fn next_step(&mut self, after: &AfterStep) -> Result<()> {
        let now = self.t.now();
        let steps = self.t.campaigns().steps_of(after.campaign).await?;
        let Some(step) = steps.into_iter().find(|s| s.position > after.position) else { return Ok(()) };
        let campaign = self.t.campaigns().load(after.campaign, false).await?;
        let company_zone = self.t.actor().company_time_zone().to_owned();
        let row = sqlx::query!(
            r#"SELECT l.time_zone AS "zone?", e.away_until
               FROM enrolments e LEFT JOIN leads l ON l.id = e.lead_id WHERE e.id = $1"#,
            after.enrolment.0
        )
        .fetch_one(self.t.conn())
        .await?;
        let clock = crate::campaigns::advance::Clock::of(&campaign, &company_zone);
        let zone = clock.zone(row.zone.as_deref());
        let mut slot = clock.window.due_after(now, step.delay, zone);
        if let Some(until) = row.away_until.filter(|until| *until > slot.due_at) {
            slot = clock.window.next_open(until, zone);
        }
        sqlx::query!(
            "UPDATE enrolments SET state = $2, steps_done = $3, updated_at = $4 WHERE id = $1",
            after.enrolment.0,
            waiting_state(slot, now).as_str(),
            after.position,
            now,
        )
        .execute(self.t.conn())
        .await?;
        let id: MessageId = self.t.new_id();
        sqlx::query!(
            "INSERT INTO messages (id, campaign_id, enrolment_id, lead_id, step_id, position, mailbox_id, due_at,
                                   window_ends_at, plan_shift, created_at, updated_at, waits_for_draft)
             SELECT $1, c.id, $3, $4, $5, $6, $7, $8, $9, c.plan_shift, $10, $10, $11 FROM campaigns c WHERE c.id = $2",
            id.0,
            after.campaign.0,
            after.enrolment.0,
            after.lead.map(|l| l.0),
            step.id.0,
            step.position,
            after.mailbox.0,
            slot.due_at,
            slot.ends_at,
            now,
            step.writing.needs_draft(),
        )
        .execute(self.t.conn())
        .await?;
        if step.writing.needs_draft() {
            return self.t.drafts().order(&[after.enrolment.0]).await;
        }
        self.t.mailboxes().wake(&[after.mailbox], slot.due_at).await
    }
}
