//! The commands of a campaign: lock its row, let the domain decide, save what it says, and queue
//! what follows. A command whose aim is reached already changes nothing and writes nothing.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, Permission,
    campaigns::{Campaign, CampaignState, Change, CommandOutcome, Lifecycle, lifecycle::check_start},
};

use super::Campaigns;
use crate::{
    Result,
    audit::Entry,
    jobs::{AdvanceCampaign, ProveSends},
};

impl Campaigns<'_> {
    /// Starts by itself at `at`.
    ///
    /// # Errors
    /// Blocking checks and a time that is not in the future as problems; refused from other states.
    pub async fn schedule(&mut self, id: CampaignId, at: DateTime<Utc>) -> Result<CommandOutcome> {
        self.t.require(Permission::RunCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let change = campaign.lifecycle.clone().schedule(at)?;
        if change.is_done() {
            check_start(at, self.t.now())?;
            self.require_checks(&campaign).await?;
            self.take_rights(id).await?;
        }
        self.finish(campaign, change, "scheduled", Some(&format!("for {}", at.format("%Y-%m-%d %H:%M UTC")))).await
    }

    /// Back to a draft.
    ///
    /// # Errors
    /// Refused unless scheduled.
    pub async fn unschedule(&mut self, id: CampaignId) -> Result<CommandOutcome> {
        self.t.require(Permission::RunCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let change = campaign.lifecycle.clone().unschedule()?;
        self.finish(campaign, change, "unscheduled", None).await
    }

    /// Sends from now on. The audience is frozen in this transaction.
    ///
    /// # Errors
    /// Blocking checks as problems; refused from other states.
    pub async fn start(&mut self, id: CampaignId) -> Result<CommandOutcome> {
        self.t.require(Permission::RunCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let change = campaign.lifecycle.clone().start(self.t.now())?;
        self.begin(campaign, change).await
    }

    /// The time of a scheduled campaign has come. Called by the worker.
    pub(super) async fn start_on_time(&mut self, campaign: Campaign) -> Result<CommandOutcome> {
        let now = self.t.now();
        let change = campaign.lifecycle.clone().start_on_time(now)?;
        if let Change::Done(next) = &change
            && next.state == CampaignState::Running
            && let Err(crate::Error::Invalid(problems)) = self.require_checks(&campaign).await
        {
            let words: Vec<_> = problems.into_iter().map(|p| p.message).collect();
            let held = campaign.lifecycle.clone().hold(0, now, words.join(" "))?;
            return self.finish(campaign, held, "paused", Some(&words.join(" "))).await;
        }
        match &change {
            Change::Done(next) if next.state == CampaignState::Paused => {
                let reason = next.pause_reason.clone();
                self.finish(campaign, change, "paused", reason.as_deref()).await
            }
            _ => self.begin(campaign, change).await,
        }
    }

    /// Sends nothing new from this commit on. E-mails that are being handed over are awaited.
    ///
    /// # Errors
    /// Refused from states in which there is nothing to pause.
    pub async fn pause(&mut self, id: CampaignId) -> Result<CommandOutcome> {
        self.t.require(Permission::PauseOwnCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let own = campaign.created_by.is_some() && campaign.created_by == self.t.actor().user_id();
        if !own {
            self.t.require(Permission::RunCampaigns).await?;
        }
        let in_flight = self.in_flight(id).await?;
        let change = campaign.lifecycle.clone().pause(in_flight, self.t.now())?;
        if change.is_done() {
            self.release_claimed(id).await?;
        }
        self.finish(campaign, change, "paused", None).await
    }

    /// The system pauses a running campaign. In any other state there is nothing to pause.
    pub(crate) async fn hold(&mut self, id: CampaignId, reason: &str) -> Result<()> {
        let campaign = self.load(id, true).await?;
        if campaign.lifecycle.state != CampaignState::Running {
            return Ok(());
        }
        let in_flight = self.in_flight(id).await?;
        let change = campaign.lifecycle.clone().hold(in_flight, self.t.now(), reason)?;
        self.release_claimed(id).await?;
        self.finish(campaign, change, "paused", Some(reason)).await.map(drop)
    }

    /// Goes on. What is planned moves as the campaign's catch-up policy says, so nothing comes in a burst.
    ///
    /// # Errors
    /// Blocking checks as problems; refused unless paused; refused without the acknowledgement that
    /// a pause by the system needs, and after too many complaints.
    pub async fn resume(&mut self, id: CampaignId, acknowledged: bool) -> Result<CommandOutcome> {
        self.t.require(Permission::RunCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let now = self.t.now();
        let change = campaign.lifecycle.clone().resume(acknowledged, now)?;
        if change.is_done() {
            self.acknowledge(&campaign).await?;
            self.require_checks(&campaign).await?;
            if campaign.lifecycle.started_at.is_none() {
                return self.begin(campaign, change).await;
            }
            let paused = campaign.lifecycle.paused_at.map_or(0, |at| (now - at).num_seconds().max(0));
            self.shift_plans(id, Duration::seconds(paused)).await?;
            self.take_rights(id).await?;
        }
        let outcome = self.finish(campaign, change, "resumed", None).await?;
        if outcome.changed {
            self.t.mailboxes().wake_campaign(id, now).await?;
        }
        Ok(outcome)
    }

    /// Lets a completed campaign go on, for leads that were added.
    pub(super) async fn reopen(&mut self, campaign: &Campaign) -> Result<()> {
        let change = campaign.lifecycle.clone().reopen()?;
        self.require_checks(campaign).await?;
        // Nobody has looked after it since its end, and that was no outage.
        self.shift_plans(campaign.id, Duration::zero()).await?;
        self.take_rights(campaign.id).await?;
        self.finish(campaign.clone(), change, "reopened", None).await.map(|_| ())
    }

    /// Ends for good. What is unsent is cancelled by a worker, in chunks.
    ///
    /// # Errors
    /// Refused for drafts and ended campaigns.
    pub async fn stop(&mut self, id: CampaignId) -> Result<CommandOutcome> {
        self.t.require(Permission::RunCampaigns).await?;
        let campaign = self.load(id, true).await?;
        let change = campaign.lifecycle.clone().stop()?;
        if change.is_done() {
            self.release_claimed(id).await?;
            if campaign.lifecycle.started_at.is_none() {
                let size = self.freeze_audience(&campaign).await?;
                self.set_audience_size(id, size).await?;
            }
        }
        self.finish(campaign, change, "stopped", None).await
    }

    /// Freezes the audience and starts.
    async fn begin(&mut self, campaign: Campaign, change: Change<Lifecycle>) -> Result<CommandOutcome> {
        let mut text = None;
        if change.is_done() {
            self.require_checks(&campaign).await?;
            let size = self.freeze_audience(&campaign).await?;
            self.set_audience_size(campaign.id, size).await?;
            self.publish_first(campaign.id).await?;
            self.take_rights(campaign.id).await?;
            text = Some(format!("with {size} leads"));
        }
        self.finish(campaign, change, "started", text.as_deref()).await
    }

    /// Saves a transition and tells everybody: log, audit, worker, open pages.
    pub(super) async fn finish(
        &mut self,
        campaign: Campaign,
        change: Change<Lifecycle>,
        kind: &str,
        text: Option<&str>,
    ) -> Result<CommandOutcome> {
        let (id, changed) = (campaign.id, change.is_done());
        if changed {
            self.save(id, campaign.lifecycle.state, &change.into_value()).await?;
            self.log(id, kind, text).await?;
            self.t.audit().record(Entry::done(&format!("campaign.{kind}")).on(campaign.name)).await?;
            let company = self.t.actor().company();
            self.t.enqueue(&AdvanceCampaign { company, campaign: id }).await?;
            self.t.tell("campaigns", id.0).await?;
        }
        Ok(CommandOutcome { campaign: self.load(id, false).await?, changed, in_flight: self.in_flight(id).await? })
    }

    /// Writes where a campaign stands; `from` is where it stood.
    pub(super) async fn save(&mut self, id: CampaignId, from: CampaignState, l: &Lifecycle) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE campaigns SET state = $2, starts_at = $3, started_at = $4, paused_at = $5, paused_by = $6,
                 pause_reason = $7, ended_at = $8, failure = $9, updated_at = $10, version = version + 1
             WHERE id = $1",
            id.0,
            l.state.as_str(),
            l.starts_at,
            l.started_at,
            l.paused_at,
            l.paused_by.map(|p| p.as_str()),
            l.pause_reason,
            l.ended_at,
            l.failure,
            now,
        )
        .execute(self.t.conn())
        .await?;
        if l.state == from {
            return Ok(());
        }
        if l.state.is_terminal() || l.state == CampaignState::Paused && l.started_at.is_some() {
            let company = self.t.actor().company();
            self.t.enqueue(&ProveSends { company, campaign: id, at: now }).await?;
        }
        self.t.events().campaign_entered(id, l.state).await
    }

    /// E-mails in the hands of a mail server.
    pub(crate) async fn in_flight(&mut self, id: CampaignId) -> Result<i64> {
        Ok(sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM messages WHERE campaign_id = $1 AND state = 'sending'"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// What a worker has taken but not begun goes back in line.
    async fn release_claimed(&mut self, id: CampaignId) -> Result<()> {
        sqlx::query!(
            "UPDATE messages SET state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'scheduled' END,
                 lease_token = NULL, lease_until = NULL
             WHERE campaign_id = $1 AND state = 'claimed'",
            id.0
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Agents that steps start work with the rights of whoever says so now. A start at its time leaves those of
    /// whoever has scheduled it.
    pub(super) async fn take_rights(&mut self, id: CampaignId) -> Result<()> {
        let (person, key) = (self.t.actor().user_id(), self.t.actor().api_key_id());
        if person.is_none() && key.is_none() {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE campaigns SET rights_person = $2, rights_key = $3 WHERE id = $1",
            id.0,
            person.map(|id| id.0),
            key.map(|id| id.0)
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn set_audience_size(&mut self, id: CampaignId, size: i64) -> Result<()> {
        sqlx::query!("UPDATE campaigns SET audience_size = $2 WHERE id = $1", id.0, size)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }
}
