//! What a campaign has to do besides sending: start on time, place its audience, move its plans
//! after a pause, end its leads after a stop, end its drains, complete.
//!
//! Each step is one transaction that leaves the ledger balanced, so a worker may die between any
//! two of them and another goes on.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, CompanyId, EmailAddress, MailboxId,
    campaigns::{Campaign, CampaignState, Change},
    enrolments::{EndReason, EnrolmentState},
    window::{SendingWindow, Slot, WindowZone},
};
use uuid::Uuid;

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
                Ok(self.replan_batch(&campaign).await? || self.place_chunk(&campaign).await? || self.settle(id).await?)
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
                    AND NOT EXISTS (SELECT FROM enrolments e WHERE e.campaign_id = c.id
                                    AND e.state IN ('active', 'waiting_delay', 'waiting_window'))
                WHEN 'stopping' THEN NOT EXISTS (SELECT FROM campaign_audience a WHERE a.campaign_id = c.id)
                    AND NOT EXISTS (SELECT FROM enrolments e WHERE e.campaign_id = c.id
                                    AND e.state IN ('active', 'waiting_delay', 'waiting_window'))
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

    /// Places one chunk of the audience: an enrolment for every lead, and the first e-mail for those
    /// that can be mailed. While the campaign is stopping they are placed at their end.
    async fn place_chunk(&mut self, campaign: &Campaign) -> Result<bool> {
        let id = campaign.id;
        // A share of the row: a pause waits for this chunk, senders do not.
        let state = self.share(id).await?;
        let chunk = sqlx::query!(
            "SELECT chunk_no, lead_ids FROM campaign_audience WHERE campaign_id = $1
             ORDER BY chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED",
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(chunk) = chunk.filter(|_| matches!(state, Some(CampaignState::Running | CampaignState::Stopping)))
        else {
            return Ok(false);
        };
        let leads = sqlx::query!(
            r#"
            SELECT w.id AS "wanted!", l.id AS "lead?", l.email AS "email?: EmailAddress", l.time_zone AS "time_zone?",
                   coalesce(is_suppressed(l.email), false) AS "suppressed!"
            FROM unnest($1::uuid[]) AS w (id) LEFT JOIN leads l ON l.id = w.id
            ORDER BY w.id
            "#,
            &chunk.lead_ids
        )
        .fetch_all(self.t.conn())
        .await?;
        let Some(first) = self.steps_of(id).await?.into_iter().next() else { return Ok(false) };
        let clock = Clock::of(campaign, self.t.actor().company_time_zone());
        let now = self.t.now();
        let mut placed = Placed::default();
        for (i, lead) in leads.iter().enumerate() {
            let end = match (lead.lead, &lead.email) {
                _ if state == Some(CampaignState::Stopping) => {
                    Some((EnrolmentState::Stopped, EndReason::CampaignStopped))
                }
                (None, _) => Some((EnrolmentState::Skipped, EndReason::LeadDeleted)),
                (_, None) => Some((EnrolmentState::Skipped, EndReason::NoAddress)),
                _ if lead.suppressed => Some((EnrolmentState::Skipped, EndReason::OnSuppressionList)),
                _ => None,
            };
            let mailbox = campaign.mailboxes[i % campaign.mailboxes.len().max(1)..].first().copied();
            let slot = clock.window.due_after(now, first.delay, clock.zone(lead.time_zone.as_deref()));
            placed.push(self.t.new_id(), lead.lead, end, mailbox, slot, now);
        }
        self.insert(id, &first, &placed).await?;
        sqlx::query!("DELETE FROM campaign_audience WHERE campaign_id = $1 AND chunk_no = $2", id.0, chunk.chunk_no)
            .execute(self.t.conn())
            .await?;
        let boxes: Vec<_> = campaign.mailboxes.clone();
        let earliest = placed.due.iter().min().copied().unwrap_or(now);
        self.t.mailboxes().wake(&boxes, earliest).await?;
        self.t.tell("campaigns", id.0).await?;
        Ok(true)
    }

    async fn insert(&mut self, id: CampaignId, first: &domain::steps::Step, placed: &Placed) -> Result<()> {
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "INSERT INTO enrolments (id, campaign_id, lead_id, state, end_reason, mailbox_id, created_at, updated_at)
             SELECT e.id, $1, e.lead_id, e.state, e.reason, e.mailbox_id, $2, $2
             FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[])
                  AS e (id, lead_id, state, reason, mailbox_id)",
            id.0,
            now,
            &placed.enrolments,
            &placed.leads as &[Option<Uuid>],
            &placed.states,
            &placed.reasons as &[Option<String>],
            &placed.mailboxes as &[Option<Uuid>],
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "INSERT INTO messages (id, campaign_id, enrolment_id, lead_id, step_id, position, mailbox_id, due_at,
                                   window_ends_at, plan_shift, created_at, updated_at, waits_for_draft)
             SELECT gen_random_uuid(), $1, e.enrolment_id, e.lead_id, $3, $4, e.mailbox_id, e.due_at, e.ends_at,
                    c.plan_shift, $2, $2, $11
             FROM campaigns c,
                  unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::timestamptz[], $9::timestamptz[], $10::text[])
                  AS e (enrolment_id, lead_id, mailbox_id, due_at, ends_at, reason)
             WHERE c.id = $1 AND e.reason IS NULL",
            id.0,
            now,
            first.id.0,
            first.position,
            &placed.enrolments,
            &placed.leads as &[Option<Uuid>],
            &placed.mailboxes as &[Option<Uuid>],
            &placed.due,
            &placed.ends,
            &placed.reasons as &[Option<String>],
            first.writing.needs_draft(),
        )
        .execute(self.t.conn())
        .await?;
        if first.writing.needs_draft() {
            self.t.drafts().order(&placed.enrolments).await?;
        }
        sqlx::query!(
            "INSERT INTO lead_events (id, lead_id, at, kind, actor, campaign_id)
             SELECT gen_random_uuid(), e.lead_id, $2, 'enrolled', $3, $1
             FROM unnest($4::uuid[], $5::text[]) AS e (lead_id, reason)
             WHERE e.lead_id IS NOT NULL AND e.reason IS NULL",
            id.0,
            now,
            actor,
            &placed.leads as &[Option<Uuid>],
            &placed.reasons as &[Option<String>],
        )
        .execute(self.t.conn())
        .await?;
        let leads: Vec<_> = placed.leads.iter().copied().flatten().collect();
        self.t.leads().mark_enrolled(&leads).await
    }

    /// Moves plans that were made before the last pause by its length, then into the window.
    async fn replan_batch(&mut self, campaign: &Campaign) -> Result<bool> {
        let rows = sqlx::query!(
            r#"
            SELECT m.id, m.due_at, c.plan_shift - m.plan_shift AS "shift!", l.time_zone AS "time_zone?"
            FROM campaigns c
            JOIN messages m ON m.campaign_id = c.id AND m.plan_shift < c.plan_shift
                 AND m.state IN ('scheduled', 'deferred')
            LEFT JOIN leads l ON l.id = m.lead_id
            WHERE c.id = $1
            LIMIT $2
            FOR UPDATE OF m SKIP LOCKED
            "#,
            campaign.id.0,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let clock = Clock::of(campaign, self.t.actor().company_time_zone());
        let slots: Vec<Slot> = rows
            .iter()
            .map(|r| clock.window.next_open(r.due_at + Duration::seconds(r.shift), clock.zone(r.time_zone.as_deref())))
            .collect();
        let ids: Vec<_> = rows.iter().map(|r| r.id).collect();
        let (due, ends): (Vec<_>, Vec<_>) = slots.iter().map(|s| (s.due_at, s.ends_at)).unzip();
        sqlx::query!(
            "UPDATE messages m SET due_at = p.due_at, window_ends_at = p.ends_at, plan_shift = c.plan_shift
             FROM campaigns c, unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS p (id, due_at, ends_at)
             WHERE c.id = $1 AND m.id = p.id",
            campaign.id.0,
            &ids,
            &due,
            &ends,
        )
        .execute(self.t.conn())
        .await?;
        let earliest = due.iter().min().copied().unwrap_or_else(|| self.t.now());
        self.t.mailboxes().wake_campaign(campaign.id, earliest).await?;
        Ok(true)
    }

    /// Ends the open enrolments of a campaign that is stopping.
    async fn stop_batch(&mut self, id: CampaignId) -> Result<bool> {
        let ids = sqlx::query_scalar!(
            "SELECT id FROM enrolments
             WHERE campaign_id = $1 AND state IN ('active', 'waiting_delay', 'waiting_window')
             ORDER BY id LIMIT $2 FOR UPDATE",
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

/// Whose clock a campaign's window means, for each lead.
pub(crate) struct Clock<'c> {
    pub window: &'c SendingWindow,
    company_zone: &'c str,
}

impl<'c> Clock<'c> {
    pub fn of(campaign: &'c Campaign, company_zone: &'c str) -> Self {
        Self { window: &campaign.window, company_zone }
    }

    pub fn zone<'z>(&'z self, lead_zone: Option<&'z str>) -> &'z str {
        match self.window.zone {
            WindowZone::Lead => lead_zone.unwrap_or(self.company_zone),
            WindowZone::Company => self.company_zone,
        }
    }
}

/// The state of an enrolment whose next e-mail has this slot.
pub(crate) fn waiting_state(slot: Slot, now: DateTime<Utc>) -> EnrolmentState {
    match slot {
        Slot { moved: true, .. } => EnrolmentState::WaitingWindow,
        Slot { due_at, .. } if due_at > now => EnrolmentState::WaitingDelay,
        _ => EnrolmentState::Active,
    }
}

/// Columns of the rows that place a chunk.
#[derive(Default)]
struct Placed {
    enrolments: Vec<Uuid>,
    leads: Vec<Option<Uuid>>,
    states: Vec<String>,
    reasons: Vec<Option<String>>,
    mailboxes: Vec<Option<Uuid>>,
    due: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
}

impl Placed {
    fn push(
        &mut self,
        id: Uuid,
        lead: Option<Uuid>,
        end: Option<(EnrolmentState, EndReason)>,
        mailbox: Option<MailboxId>,
        slot: Slot,
        now: DateTime<Utc>,
    ) {
        let state = end.map_or_else(|| waiting_state(slot, now), |(state, _)| state);
        self.enrolments.push(id);
        self.leads.push(lead);
        self.states.push(state.to_string());
        self.reasons.push(end.map(|(_, reason)| reason.to_string()));
        self.mailboxes.push(mailbox.map(|m| m.0));
        self.due.push(slot.due_at);
        self.ends.push(slot.ends_at.min(FAR));
    }
}

/// PostgreSQL ends at the year 294276; chrono's last moment is close to it.
const FAR: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("the last second of the year 9999");
