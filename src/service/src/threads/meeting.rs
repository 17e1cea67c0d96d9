//! “Meeting booked”: a person says what a conversation has come to. The sequences of the lead end with it in the same
//! transaction.

use chrono::{DateTime, Utc};
use domain::{
    LeadId, Permission, ThreadId,
    leads::{LeadEventKind, LeadStatus},
    threads::{Thread, ThreadState, require_version},
};

use super::Threads;
use crate::{Error, Result};

impl Threads<'_> {
    /// A meeting is booked with the lead of a thread: nothing more is sent to them by itself, they are qualified unless
    /// they are customers, and their page tells of it. The thread is done only with `then_done`. Said once more before they
    /// have written again, it changes nothing else.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when the thread is with nobody who is a lead, or was changed since version `seen`.
    pub async fn meeting_booked(&mut self, id: ThreadId, then_done: bool, seen: Option<i64>) -> Result<Thread> {
        self.t.require(Permission::EditCampaigns).await?;
        let before = self.get(id).await?;
        let words = "No lead has the address of whoever has written. Create the lead first.";
        let lead = before.lead.ok_or_else(|| Error::conflict("no_lead", words))?;
        // Enrolments, then the lead, then the thread: the order in which a mail of theirs locks them.
        let endings = self.t.enrolments().lock_for_meeting(lead, before.campaign).await?;
        let status = sqlx::query_scalar!(
            r#"SELECT status AS "status: LeadStatus" FROM leads WHERE id = $1 FOR NO KEY UPDATE"#,
            lead.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("lead"))?;
        self.lock(id).await?;
        let thread = self.get(id).await?;
        let is_news = !endings.is_empty() || !self.is_told(lead, thread.last_at).await?;
        let ends = then_done && thread.state != ThreadState::Done;
        if !is_news && !ends {
            return Ok(thread);
        }
        require_version(thread.version, seen)?;
        if is_news {
            self.t.enrolments().end_with_meeting(&endings).await?;
            if status.after_meeting() != status {
                self.t.leads().change_status(&[lead.0], status.after_meeting()).await?;
            }
            let mut campaigns: Vec<_> = thread.campaign.into_iter().chain(endings.iter().map(|e| e.campaign)).collect();
            self.t.leads().record(lead, LeadEventKind::MeetingBooked, None, campaigns.first().copied()).await?;
            campaigns.sort_unstable();
            campaigns.dedup();
            for campaign in campaigns {
                self.t.campaigns().log_lead(campaign, LeadEventKind::MeetingBooked.as_str(), None, lead).await?;
                self.t.tell("campaigns", campaign.0).await?;
            }
            self.t.tell("leads", lead.0).await?;
        }
        if ends {
            self.set_state(id, ThreadState::Done, None).await?;
        }
        self.changed(id).await
    }

    /// Whether a meeting with a lead was booked since a time.
    async fn is_told(&mut self, lead: LeadId, since: DateTime<Utc>) -> Result<bool> {
        Ok(sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM lead_events
                              WHERE lead_id = $1 AND kind = 'meeting_booked' AND at >= $2) AS "told!""#,
            lead.0,
            since
        )
        .fetch_one(self.t.conn())
        .await?)
    }
}
