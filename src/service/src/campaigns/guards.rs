//! What came of the e-mails of a campaign, and the pause that follows from too much of it.

use domain::{
    CampaignId, CompanyId, Permission, Refusal,
    campaigns::{
        Alarm, Campaign, CampaignState, PausedBy,
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
    // Held before it is counted, so that nobody resumes it in between.
    match t.campaigns().load(id, true).await {
        Ok(campaign) if campaign.lifecycle.state == CampaignState::Running => {}
        // It does not run, or was deleted: what came back is looked at when it is resumed.
        Ok(_) | Err(Error::NotFound(_)) => return Ok(()),
        Err(error) => return Err(error),
    }
    let pauses = t.campaigns().outcomes(id).await?.alarm().filter(|alarm| alarm.pauses);
    if let Some(alarm) = pauses {
        t.campaigns().hold(id, &alarm.words).await?;
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
        let campaign = self.load(id, false).await?;
        let is_over = campaign.lifecycle.started_at.is_none() || campaign.lifecycle.state.is_terminal();
        if is_over { Ok(None) } else { Ok(self.outcomes(id).await?.alarm()) }
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
        let outcomes = self.outcomes(campaign.id).await?;
        if !outcomes.alarm().is_some_and(|alarm| alarm.pauses) {
            // It has paused for another reason, and what came back counts on.
            return Ok(());
        }
        if outcomes.forbids_resuming() {
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
        let rows = sqlx::query!(
            r#"SELECT m.sending_at > coalesce(c.guarded_from, '-infinity') AS "is_new!", m.state AS "state!: MessageState",
                      m.came_back, CASE WHEN m.state <> 'sent' THEN m.detail END AS words
               FROM campaigns c JOIN messages m ON m.campaign_id = c.id
               WHERE c.id = $1 AND m.sending_at IS NOT NULL AND m.state IN ('sent', 'failed', 'unknown', 'deferred')
               ORDER BY m.sending_at DESC LIMIT $2"#,
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
