//! Enrolments: leads in campaigns. Whoever changes one locks it before its messages, always in
//! that order, so that a stop, an unsubscribe and a hand-over never wait for each other in a ring.

mod bulk;
mod converted;
mod going_on;
mod meeting;
mod of_lead;

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, EmailAddress, EnrolmentId, LeadId, MailboxId, Page, PageRequest, Permission, StepId,
    enrolments::{EndReason, Enrolment, EnrolmentState},
    leads::display_name,
};

pub use of_lead::InCampaign;

use crate::{
    Error, Result, Tenant,
    campaigns::clock::{FAR, waiting_state},
    cursor,
    jobs::AdvanceCampaign,
};

/// An enrolment that was open and has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    id: uuid::Uuid,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its lead.
    pub lead: LeadId,
}

/// The enrolments of the company.
#[derive(Debug)]
pub struct Enrolments<'t> {
    pub(crate) t: &'t mut Tenant,
}

impl Tenant {
    /// Leads in campaigns.
    pub fn enrolments(&mut self) -> Enrolments<'_> {
        Enrolments { t: self }
    }
}

impl Enrolments<'_> {
    /// Leads of one campaign, the last changed first, each with why its next e-mail has not gone yet.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn list(
        &mut self,
        campaign: CampaignId,
        state: Option<EnrolmentState>,
        page: &PageRequest,
    ) -> Result<Page<Enrolment>> {
        self.t.campaigns().require_there(campaign).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead_id: LeadId", e.state AS "state: EnrolmentState",
                   e.end_reason AS "reason: EndReason", e.steps_done, e.version_number, e.step_id AS "step: StepId",
                   coalesce(m.due_at, e.due_at) AS next_at, e.mailbox_id AS "mailbox_id: MailboxId",
                   e.updated_at, l.first_name AS "first_name?", l.last_name AS "last_name?",
                   l.email AS "email?: EmailAddress"
            FROM enrolments e
            LEFT JOIN leads l ON l.id = e.lead_id
            LEFT JOIN LATERAL (
                SELECT g.due_at FROM messages g
                WHERE g.enrolment_id = e.id AND g.state IN ('scheduled', 'claimed', 'sending', 'deferred', 'held')
                ORDER BY g.created_at DESC, g.id DESC LIMIT 1
            ) m ON true
            WHERE e.campaign_id = $1
              AND ($2::text IS NULL OR e.state = $2)
              AND ($3::timestamptz IS NULL OR (e.updated_at, e.id) < ($3, $4::uuid))
            ORDER BY e.updated_at DESC, e.id DESC
            LIMIT $5
            "#,
            campaign.0,
            state.map(EnrolmentState::as_str),
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        let ids: Vec<_> = rows.iter().map(|r| r.id).collect();
        let mut why_not = self.t.messages().why_not(&ids).await?;
        let rows = rows
            .into_iter()
            .map(|r| Enrolment {
                id: r.id,
                lead_id: r.lead_id,
                lead_name: match r.lead_id {
                    Some(_) => display_name(
                        r.first_name.as_deref(),
                        r.last_name.as_deref(),
                        r.email.as_ref().map(EmailAddress::as_str),
                    ),
                    None => "Deleted lead".to_owned(),
                },
                why_not_yet: why_not.remove(&r.id),
                due_at: r.next_at.filter(|_| r.state.is_open()),
                email: r.email,
                state: r.state,
                reason: r.reason,
                steps_done: r.steps_done,
                sequence_version: r.version_number,
                step: r.step,
                mailbox_id: r.mailbox_id,
                updated_at: r.updated_at,
            })
            .collect();
        Ok(Page::from_rows(rows, limit, false, false, |e: &Enrolment| cursor::encode(e.updated_at, e.id.0)))
    }

    /// Takes one lead out of its campaign.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has reached its end already.
    pub async fn remove(&mut self, id: EnrolmentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let (campaign, _) = self.hold_one(id).await?;
        self.end(&[id.0], EnrolmentState::Stopped, Some(EndReason::Removed)).await?;
        self.t.tell("campaigns", campaign.0).await
    }

    /// Holds one lead until somebody lets it go on. What it has planned keeps its place.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has reached its end already.
    pub async fn pause(&mut self, id: EnrolmentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let (campaign, state) = self.hold_one(id).await?;
        if state == EnrolmentState::Paused {
            return Ok(());
        }
        let by = format!("by {}", self.t.actor());
        self.put_on_hold(&[id.0], &by).await?;
        self.t.tell("campaigns", campaign.0).await
    }

    /// Lets one lead go on that was held.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has reached its end already.
    pub async fn resume(&mut self, id: EnrolmentId) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let (campaign, state) = self.hold_one(id).await?;
        if state != EnrolmentState::Paused {
            return Ok(());
        }
        let campaign = self.t.campaigns().load(campaign, false).await?;
        self.let_go_on(&campaign, &[id.0]).await?;
        let company = self.t.actor().company();
        self.t.enqueue(&AdvanceCampaign { company, campaign: campaign.id }).await?;
        self.t.tell("campaigns", campaign.id.0).await
    }

    /// Holds enrolments that the caller has locked. An e-mail that is just being handed over keeps its own outcome.
    pub(crate) async fn put_on_hold(&mut self, ids: &[uuid::Uuid], why: &str) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE enrolments SET state = 'paused', pause_reason = $2, updated_at = $3 WHERE id = ANY($1) AND is_open",
            ids,
            why,
            now
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE messages SET state = 'held', lease_token = NULL, lease_until = NULL, updated_at = $2
             WHERE enrolment_id = ANY($1) AND state IN ('scheduled', 'claimed', 'deferred')",
            ids,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// What enrolments that the caller has locked have planned waits at least until then. Whether there was something.
    pub(crate) async fn wait_until(
        &mut self,
        id: EnrolmentId,
        campaign: CampaignId,
        until: DateTime<Utc>,
    ) -> Result<bool> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE enrolments SET away_until = greatest(away_until, $2), updated_at = $3 WHERE id = $1",
            id.0,
            until,
            now
        )
        .execute(self.t.conn())
        .await?;
        let planned = sqlx::query!(
            r#"SELECT id, step_id AS "step!: StepId", mailbox_id AS "mailbox: MailboxId" FROM messages
               WHERE enrolment_id = $1 AND state IN ('scheduled', 'claimed', 'deferred') AND due_at < $2"#,
            id.0,
            until
        )
        .fetch_optional(self.t.conn())
        .await?;
        let waits = planned.is_some();
        if let Some(mail) = planned {
            let slot = self.t.campaigns().next_slot(campaign, id, mail.step, until).await?;
            // A claim is taken back: whoever holds it finds that it is not theirs any more.
            sqlx::query!(
                "UPDATE messages SET due_at = $2, window_ends_at = $3, updated_at = $4, lease_token = NULL, lease_until = NULL,
                     state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'scheduled' END
                 WHERE id = $1 AND state IN ('scheduled', 'claimed', 'deferred')",
                mail.id,
                slot.due_at,
                slot.ends_at.min(FAR),
                now
            )
            .execute(self.t.conn())
            .await?;
            let state = waiting_state(slot, now);
            sqlx::query!("UPDATE enrolments SET state = $2 WHERE id = $1 AND is_open", id.0, state.as_str())
                .execute(self.t.conn())
                .await?;
            self.t.mailboxes().wake(&[mail.mailbox], slot.due_at).await?;
        }
        self.t.tell("campaigns", campaign.0).await?;
        Ok(waits)
    }

    async fn hold_one(&mut self, id: EnrolmentId) -> Result<(CampaignId, EnrolmentState)> {
        let row = sqlx::query!(
            r#"SELECT campaign_id AS "campaign: CampaignId", state AS "state: EnrolmentState"
               FROM enrolments WHERE id = $1 FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("enrolment"))?;
        if !row.state.is_open() {
            return Err(Error::conflict("enrolment_ended", "This lead has left the campaign already."));
        }
        Ok((row.campaign, row.state))
    }

    /// Leads that are about to be deleted leave their campaigns; the ledger goes on counting them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn lead_gone(&mut self, leads: &[LeadId]) -> Result<()> {
        let leads: Vec<_> = leads.iter().map(|id| id.0).collect();
        self.end_for_leads(&leads, EnrolmentState::Stopped, Some(EndReason::LeadDeleted)).await.map(drop)
    }

    /// Holds what is open for some leads. Whoever deletes them calls this first: the enrolment comes before the lead, as
    /// everybody locks them, and the sender is often in the middle of one.
    pub(crate) async fn hold_open(&mut self, leads: &[uuid::Uuid]) -> Result<()> {
        sqlx::query!("SELECT id FROM enrolments WHERE lead_id = ANY($1) AND is_open ORDER BY id FOR UPDATE", leads)
            .fetch_all(self.t.conn())
            .await?;
        Ok(())
    }

    /// Ends everything that is open for some leads, and gives what that was.
    pub(crate) async fn end_for_leads(
        &mut self,
        leads: &[uuid::Uuid],
        state: EnrolmentState,
        reason: Option<EndReason>,
    ) -> Result<Vec<Ended>> {
        let open = sqlx::query_as!(
            Ended,
            r#"SELECT id, campaign_id AS "campaign: CampaignId", lead_id AS "lead!: LeadId" FROM enrolments
               WHERE lead_id = ANY($1) AND is_open
               ORDER BY id FOR UPDATE"#,
            leads
        )
        .fetch_all(self.t.conn())
        .await?;
        let ids: Vec<_> = open.iter().map(|e| e.id).collect();
        self.end(&ids, state, reason).await?;
        let mut campaigns: Vec<_> = open.iter().map(|e| e.campaign).collect();
        campaigns.sort_unstable();
        campaigns.dedup();
        for campaign in campaigns {
            self.t.tell("campaigns", campaign.0).await?;
        }
        Ok(open)
    }

    /// Ends enrolments that the caller has locked, and cancels what they have not sent yet.
    /// An e-mail that is just being handed over keeps its own outcome.
    pub(crate) async fn end(
        &mut self,
        ids: &[uuid::Uuid],
        state: EnrolmentState,
        reason: Option<EndReason>,
    ) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE enrolments SET state = $2, end_reason = $3, updated_at = $4, due_at = NULL, wait_until = NULL,
                 waits_on = NULL
             WHERE id = ANY($1) AND is_open",
            ids,
            state.as_str(),
            reason.map(EndReason::as_str),
            now,
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE messages SET state = CASE WHEN resent_at IS NULL THEN 'cancelled' ELSE 'unknown' END, detail = $2,
                 -- Whoever learns later what became of it knows it by its token.
                 lease_token = CASE WHEN resent_at IS NOT NULL THEN gen_random_uuid() END, lease_until = NULL,
                 updated_at = $3
             WHERE enrolment_id = ANY($1) AND state IN ('scheduled', 'claimed', 'deferred', 'held')",
            ids,
            reason.map_or_else(|| state.label(), EndReason::label),
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.drafts().withdraw(ids).await
    }
}
