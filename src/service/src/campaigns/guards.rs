//! What came of the e-mails of a campaign, and the pause that follows from too much of it.

use domain::{
    CampaignId, CompanyId, Permission, Refusal,
    campaigns::{
        Alarm, Campaign, PausedBy,
        guards::{COMPLAINT_WINDOW, Outcome, Outcomes},
    },
    messages::MessageState,
};

use super::Campaigns;
use crate::{Db, Error, Result, jobs::WatchCampaign};

/// Looks at a campaign of which an e-mail came back, was refused or is unknown, and pauses it when it must not go on.
/// Safe to call again.
///
/// # Errors
/// When the database is away.
pub async fn watch(db: &Db, company: CompanyId, id: CampaignId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let pauses = t.campaigns().outcomes(id).await?.alarm().filter(|alarm| alarm.pauses);
    if let Some(alarm) = pauses {
        match t.campaigns().hold(id, &alarm.words).await {
            // It was deleted meanwhile.
            Err(Error::NotFound(_)) => return Ok(()),
            other => other?,
        }
    }
    t.tell("campaigns", id.0).await?;
    t.commit().await
}

impl Campaigns<'_> {
    /// What came of its e-mails so far, when that comes near a limit.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn alarm(&mut self, id: CampaignId) -> Result<Option<Alarm>> {
        self.t.require(Permission::Read).await?;
        self.require_there(id).await?;
        Ok(self.outcomes(id).await?.alarm())
    }

    /// Something bad came of an e-mail: a worker looks at its campaign, which is locked before e-mails.
    pub(crate) async fn look_at(&mut self, id: CampaignId) -> Result<()> {
        let company = self.t.actor().company();
        self.t.enqueue(&WatchCampaign { company, campaign: id }).await
    }

    /// A person goes on with a campaign that the system has paused: from here on is counted anew.
    pub(super) async fn acknowledge(&mut self, campaign: &Campaign) -> Result<()> {
        if campaign.lifecycle.paused_by != Some(PausedBy::System) {
            return self.look_at(campaign.id).await;
        }
        if self.outcomes(campaign.id).await?.forbids_resuming() {
            let words = "Three of its recipients have complained to their providers. It cannot be resumed: stop it, and \
                         write to fewer people, who expect it.";
            return Err(Refusal::new("too_many_complaints", words, &["stop"]).into());
        }
        let now = self.t.now();
        sqlx::query!("UPDATE campaigns SET guarded_from = $2 WHERE id = $1", campaign.id.0, now)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    async fn outcomes(&mut self, id: CampaignId) -> Result<Outcomes> {
        // Along the index of each mailbox; caps bound how many e-mails of others lie between.
        let rows = sqlx::query!(
            r#"SELECT n.sending_at > coalesce(c.guarded_from, '-infinity') AS "is_new!", n.state AS "state!: MessageState",
                      n.came_back, n.words
               FROM campaigns c
               JOIN campaign_mailboxes k ON k.campaign_id = c.id
               CROSS JOIN LATERAL (
                   SELECT m.sending_at, m.state, m.came_back,
                          CASE WHEN m.state <> 'sent' THEN m.detail END AS words
                   FROM messages m
                   WHERE m.mailbox_id = k.mailbox_id AND m.campaign_id = c.id AND m.sending_at >= c.started_at
                     AND m.state IN ('sent', 'failed', 'unknown', 'deferred')
                   ORDER BY m.sending_at DESC LIMIT $2) n
               WHERE c.id = $1 ORDER BY n.sending_at DESC LIMIT $2"#,
            id.0,
            COMPLAINT_WINDOW
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Outcomes::count(rows.iter().map(|row| Outcome {
            is_new: row.is_new,
            state: row.state,
            bounced: row.came_back.as_deref() == Some("bounced"),
            complained: row.came_back.as_deref() == Some("complained"),
            words: row.words.as_deref().unwrap_or_default(),
        })))
    }
}
