//! What a campaign has to do besides sending: start on time, place its audience, do the steps that are no e-mails,
//! move its plans after a break, its leads to another version and away from a mailbox that cannot send, end its leads after a stop, end its drains, complete.
//!
//! Each step is one transaction that leaves the ledger balanced, so a worker may die between any
//! two of them and another goes on.

use domain::{
    CampaignId, CompanyId,
    campaigns::{CampaignState, Change},
    enrolments::{EndReason, EnrolmentState},
};

use super::Campaigns;
use crate::{Db, Error, Result, jobs::AdvanceCampaign};

/// Enrolments or messages that one transaction moves.
const BATCH: i64 = 1000;

/// Steps of one job: a large campaign then goes to the end of the line, so that the start of another
/// company does not wait for all of it.
const STEPS: usize = 20;

/// Does what a campaign has to do now, and asks for another job when that is much. Safe to call at any
/// time, twice and at once.
///
/// # Errors
/// When the database is away; the next call goes on.
pub async fn advance(db: &Db, company: CompanyId, id: CampaignId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    for step in 1..=STEPS {
        let mut t = db.tenant(&actor).await?;
        let more = match t.campaigns().advance_once(id).await {
            Err(Error::NotFound(_)) => return Ok(()),
            other => other?,
        };
        if more && step == STEPS {
            t.enqueue(&AdvanceCampaign { company, campaign: id }).await?;
        }
        t.commit().await?;
        if !more {
            break;
        }
    }
    Ok(())
}

impl Campaigns<'_> {
    /// One step; whether there may be another.
    async fn advance_once(&mut self, id: CampaignId) -> Result<bool> {
        let campaign = self.load(id, false).await?;
        match campaign.lifecycle.state {
            CampaignState::Scheduled => self.start_if_time(id).await,
            CampaignState::Running => {
                self.tick(id).await?;
                Ok(self.replan_batch(&campaign).await?
                    || self.rotate_away(&campaign).await?
                    || self.move_batch(&campaign).await?
                    || self.place_chunk(&campaign).await?
                    || self.walk_due(&campaign).await?
                    || self.settle(id).await?)
            }
            CampaignState::Pausing => self.settle(id).await,
            CampaignState::Stopping => {
                Ok(self.stop_batch(id).await? || self.place_chunk(&campaign).await? || self.settle(id).await?)
            }
            _ => Ok(false),
        }
    }

    async fn start_if_time(&mut self, id: CampaignId) -> Result<bool> {
        let campaign = self.load(id, true).await?;
        let due = campaign.lifecycle.starts_at.is_some_and(|at| at <= self.t.now());
        if campaign.lifecycle.state != CampaignState::Scheduled || !due {
            return Ok(false);
        }
        Ok(self.start_on_time(campaign).await?.changed)
    }

    /// After outcomes: tells open pages, and the campaign may have nothing left to wait for. In a
    /// transaction of its own: two workers that record the last two e-mails at once would each still
    /// see the other's as being sent.
    ///
    /// # Errors
    /// When the database is away; a worker looks again within a minute.
    pub async fn settle_after(&mut self, id: CampaignId) -> Result<()> {
        self.settle(id).await?;
        self.t.tell("campaigns", id.0).await
    }

    /// Ends a drain, or completes the campaign, when nothing is left to wait for.
    pub(crate) async fn settle(&mut self, id: CampaignId) -> Result<bool> {
        if !self.is_settled(id).await? {
            return Ok(false);
        }
        // Only now the row is held: senders share it, and most calls end above. What was true of the
        // state before may be false of the one that a command has committed in the meantime.
        let campaign = self.load(id, true).await?;
        if !self.is_settled(id).await? {
            return Ok(false);
        }
        let now = self.t.now();
        let (change, kind) = match campaign.lifecycle.state {
            CampaignState::Running => (campaign.lifecycle.clone().complete(now), "completed"),
            CampaignState::Pausing => (campaign.lifecycle.clone().drained(now), "drained"),
            CampaignState::Stopping => (campaign.lifecycle.clone().drained(now), "ended"),
            _ => return Ok(false),
        };
        if let Change::Done(next) = &change {
            self.save(id, campaign.lifecycle.state, next).await?;
            self.log(id, kind, None).await?;
            self.t.tell("campaigns", id.0).await?;
        }
        Ok(false)
    }

    /// Whether the campaign has nothing left to wait for in the state that it is in.
    async fn is_settled(&mut self, id: CampaignId) -> Result<bool> {
        let settled = sqlx::query_scalar!(
            r#"
            SELECT CASE c.state
                WHEN 'pausing' THEN true
                WHEN 'running' THEN NOT EXISTS (SELECT FROM campaign_audience a WHERE a.campaign_id = c.id)
                    AND NOT EXISTS (SELECT FROM enrolments e WHERE e.campaign_id = c.id AND e.is_open)
                    -- What is to be sent once more, or may be, has still to go.
                    AND NOT (coalesce(c.rules ->> 'on_unknown' IN ('resend', 'ask'), false) AND EXISTS (
                        SELECT FROM messages m WHERE m.campaign_id = c.id AND m.state = 'unknown'
                          AND m.resent_at IS NULL AND m.final_at IS NULL))
                    -- A workflow that is on goes on to enrol leads.
                    AND NOT EXISTS (
                        SELECT FROM workflows w
                        WHERE w.enabled AND w.actions @> jsonb_build_array(jsonb_build_object('kind', 'enrol', 'campaign', c.id)))
                WHEN 'stopping' THEN NOT EXISTS (SELECT FROM campaign_audience a WHERE a.campaign_id = c.id)
                    AND NOT EXISTS (SELECT FROM enrolments e WHERE e.campaign_id = c.id AND e.is_open)
                ELSE false
            END AND NOT EXISTS (SELECT FROM messages m WHERE m.campaign_id = c.id AND m.state = 'sending') AS "settled!"
            FROM campaigns c WHERE c.id = $1
            "#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(settled == Some(true))
    }

    /// Ends the open enrolments of a campaign that is stopping.
    async fn stop_batch(&mut self, id: CampaignId) -> Result<bool> {
        let ids = sqlx::query_scalar!(
            "SELECT id FROM enrolments WHERE campaign_id = $1 AND is_open ORDER BY id LIMIT $2 FOR UPDATE",
            id.0,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        if ids.is_empty() {
            return Ok(false);
        }
        self.t.enrolments().end(&ids, EnrolmentState::Stopped, Some(EndReason::CampaignStopped)).await?;
        self.t.tell("campaigns", id.0).await?;
        Ok(true)
    }

    /// The state of the campaign, held against commands until this transaction ends. Senders and
    /// workers hold it together.
    pub(crate) async fn share(&mut self, id: CampaignId) -> Result<Option<CampaignState>> {
        Ok(sqlx::query_scalar!(
            r#"SELECT state AS "state: CampaignState" FROM campaigns WHERE id = $1 FOR SHARE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?)
    }
}
