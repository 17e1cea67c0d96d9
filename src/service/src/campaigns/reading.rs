//! What is read about campaigns: lists, ledgers and figures.

use chrono::NaiveDate;
use domain::{
    CampaignId, EnrolmentId, LeadId, MailboxId, MessageId, Page, PageRequest, Permission, StepId,
    campaigns::{CampaignFilter, CampaignState, CampaignSummary, HoldReason},
    enrolments::{EndReason, EnrolmentState},
    ledger::{Ledger, LedgerLine, MessageLine},
    messages::{Evidence, Message, MessageInFull, MessageState},
    why_not::{WaitReason, WhyNot},
};

use super::Campaigns;
use crate::{Result, cursor};

/// E-mails handed over on one day of the company's calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentPerDay {
    /// The day.
    pub day: NaiveDate,
    /// How many.
    pub sent: i64,
}

impl Campaigns<'_> {
    /// Campaigns with their figures, the last changed first.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read.
    pub async fn list(&mut self, filter: &CampaignFilter, page: &PageRequest) -> Result<Page<CampaignSummary>> {
        self.t.require(Permission::Read).await?;
        let (limit, after, now) = (page.limit(), cursor::after(page)?, self.t.now());
        let states: Vec<String> = filter.state.iter().map(ToString::to_string).collect();
        let rows = sqlx::query_as!(
            CampaignSummary,
            r#"
            WITH page AS (
                SELECT * FROM campaigns c
                WHERE (c.archived_at IS NOT NULL) = $1
                  AND (cardinality($2::text[]) = 0 OR c.state = ANY($2))
                  AND ($3::text IS NULL OR strpos(lower(c.name), lower($3)) > 0)
                  AND ($4::timestamptz IS NULL OR (c.updated_at, c.id) < ($4, $5::uuid))
                ORDER BY c.updated_at DESC, c.id DESC
                LIMIT $6
            )
            SELECT c.id AS "id!: CampaignId", c.name AS "name!", c.state AS "state!: CampaignState",
                   CASE WHEN c.state = 'running' THEN campaign_hold(c.id, $7) END AS "hold_reason: HoldReason",
                   c.pause_reason, c.audience_size AS "audience_size!", e.finished AS "finished!", s.sent AS "sent!",
                   e.bounced AS "bounced!", e.unsubscribed AS "unsubscribed!", n.next_send_at AS "next_send_at?",
                   c.starts_at, u.name AS "owner_name?", c.updated_at AS "updated_at!"
            FROM page c
            LEFT JOIN users u ON u.id = c.created_by
            CROSS JOIN LATERAL (
                SELECT count(*) FILTER (WHERE state = 'finished') AS finished,
                       count(*) FILTER (WHERE state = 'bounced') AS bounced,
                       count(*) FILTER (WHERE state = 'unsubscribed') AS unsubscribed
                FROM enrolments WHERE campaign_id = c.id
            ) e
            CROSS JOIN LATERAL (
                SELECT count(*) AS sent FROM messages WHERE campaign_id = c.id AND state = 'sent'
            ) s
            LEFT JOIN LATERAL (
                SELECT min(due_at) AS next_send_at FROM messages
                WHERE c.state = 'running' AND campaign_id = c.id AND state IN ('scheduled', 'deferred')
                  AND NOT waits_for_draft
            ) n ON true
            ORDER BY c.updated_at DESC, c.id DESC
            "#,
            filter.archived,
            &states,
            filter.q,
            after.at,
            after.id,
            limit + 1,
            now,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |c| cursor::encode(c.updated_at, c.id.0)))
    }

    /// Campaigns in each state, those put away not counted.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn counts(&mut self) -> Result<Vec<(CampaignState, i64)>> {
        let rows = sqlx::query!(
            r#"SELECT state AS "state: CampaignState", count(*) AS "n!" FROM campaigns
               WHERE archived_at IS NULL GROUP BY state"#
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|r| (r.state, r.n)).collect())
    }

    /// Where every lead of the audience is. Its sum is the audience.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn ledger(&mut self, id: CampaignId) -> Result<Ledger> {
        self.t.require(Permission::Read).await?;
        // One statement, one snapshot: a lead that is just being placed is counted once.
        let rows = sqlx::query!(
            r#"
            SELECT c.audience_size AS audience,
                   (SELECT coalesce(sum(cardinality(lead_ids)), 0) FROM campaign_audience
                    WHERE campaign_id = c.id
                      AND (c.started_at IS NOT NULL OR c.state IN ('stopping', 'stopped')))::bigint AS "enrolling!",
                   e.state AS "state?: EnrolmentState", e.end_reason AS "reason?: EndReason", e.n AS "n?"
            FROM campaigns c
            LEFT JOIN (SELECT campaign_id, state, end_reason, count(*) AS n FROM enrolments
                       WHERE campaign_id = $1 GROUP BY campaign_id, state, end_reason) e ON e.campaign_id = c.id
            WHERE c.id = $1
            ORDER BY e.n DESC
            "#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let first = rows.first().ok_or(crate::Error::NotFound("campaign"))?;
        let mut ledger = Ledger { audience: first.audience, enrolling: first.enrolling, ..Ledger::default() };
        ledger.lines = rows
            .into_iter()
            .filter_map(|r| Some(LedgerLine { state: r.state?, reason: r.reason, leads: r.n? }))
            .collect();
        ledger.messages = sqlx::query_as!(
            MessageLine,
            r#"SELECT step_id AS "step!: StepId", max(position) AS "position!", state AS "state: MessageState",
                      count(*) AS "messages!"
               FROM messages WHERE campaign_id = $1 GROUP BY step_id, state ORDER BY max(position), state"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(ledger)
    }

    /// The e-mails of a campaign, the newest plan first.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn messages(
        &mut self,
        id: CampaignId,
        state: Option<MessageState>,
        page: &PageRequest,
    ) -> Result<Page<MessageInFull>> {
        self.require_there(id).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            Message,
            r#"
            SELECT m.id AS "id: MessageId", m.enrolment_id AS "enrolment_id!: EnrolmentId", m.lead_id AS "lead_id: LeadId",
                   coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email) AS lead_name,
                   m.campaign_id AS "campaign_id!: CampaignId", c.name AS campaign_name,
                   m.step_id AS "step_id!: StepId", m.position AS "position!", m.mailbox_id AS "mailbox_id: MailboxId",
                   m.state AS "state: MessageState", m.due_at, m.sending_at, m.sent_at, m.server, m.queue_id, m.detail,
                   m.attempts, m.recipient, m.subject, m.message_id_header, m.tracks_opens, m.tracks_clicks,
                   m.opened_at, m.clicked_at, m.evidence AS "evidence: Evidence", m.evidence_at, m.resent_at, m.final_at,
                   CASE WHEN m.opened_at IS NULL AND m.clicked_at IS NULL AND (m.tracks_opens OR m.tracks_clicks) THEN (
                       SELECT e.reason FROM tracking_events e WHERE e.message_id = m.id AND e.by = 'machine'
                       ORDER BY e.at DESC LIMIT 1) END AS machine
            FROM messages m
            JOIN campaigns c ON c.id = m.campaign_id
            LEFT JOIN leads l ON l.id = m.lead_id
            WHERE m.campaign_id = $1
              AND ($2::text IS NULL OR m.state = $2)
              AND ($3::timestamptz IS NULL OR (m.due_at, m.id) < ($3, $4::uuid))
            ORDER BY m.due_at DESC, m.id DESC
            LIMIT $5
            "#,
            id.0,
            state.map(MessageState::as_str),
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        let rows = self.t.messages().in_full(rows).await?;
        Ok(Page::from_rows(rows, limit, false, false, |m| cursor::encode(m.message.due_at, m.message.id.0)))
    }

    /// Why a campaign that has begun sends nothing at the moment, and when that ends. Nothing when it sends, when nothing
    /// is due, or when it has ended.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn why_not(&mut self, id: CampaignId) -> Result<Option<WhyNot>> {
        let campaign = self.load(id, false).await?;
        let lifecycle = campaign.lifecycle;
        if matches!(lifecycle.state, CampaignState::Pausing | CampaignState::Paused) {
            let words = lifecycle.pause_reason.unwrap_or_else(|| "Somebody has paused it.".to_owned());
            return Ok(Some(WhyNot { reason: WaitReason::Campaign, words, next_at: None }));
        }
        let Some(hold) = self.hold_reason(id).await? else { return Ok(None) };
        let now = self.t.now();
        let next_at = match hold {
            HoldReason::DailyCap => {
                let senders = self.t.messages().senders(campaign.mailboxes).await?;
                senders.values().filter_map(|sender| sender.free_from(now)).min()
            }
            HoldReason::OutsideWindow | HoldReason::RecipientLimit => {
                sqlx::query_scalar!(
                    "SELECT min(due_at) FROM messages WHERE campaign_id = $1 AND state IN ('scheduled', 'deferred')
                       AND NOT waits_for_draft AND due_at > $2",
                    id.0,
                    now
                )
                .fetch_one(self.t.conn())
                .await?
            }
            HoldReason::NoHealthyMailbox | HoldReason::DomainAuthFailed | HoldReason::ApprovalBacklog => None,
        };
        Ok(Some(WhyNot::of_campaign(hold, next_at)))
    }

    /// Why a running campaign sends nothing at the moment.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn hold_reason(&mut self, id: CampaignId) -> Result<Option<HoldReason>> {
        let now = self.t.now();
        Ok(sqlx::query_scalar!(
            r#"SELECT campaign_hold(id, $2) AS "hold: HoldReason" FROM campaigns WHERE id = $1 AND state = 'running'"#,
            id.0,
            now
        )
        .fetch_optional(self.t.conn())
        .await?
        .flatten())
    }

    /// E-mails handed over on each of the last 14 days of the company's calendar, empty days included.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn per_day(&mut self, id: CampaignId) -> Result<Vec<SentPerDay>> {
        let now = self.t.now();
        let zone = self.t.actor().company_time_zone().to_owned();
        Ok(sqlx::query_as!(
            SentPerDay,
            r#"
            SELECT d.day::date AS "day!", count(m.id) AS "sent!"
            FROM generate_series(date_trunc('day', $2 AT TIME ZONE $3) - interval '13 days',
                                 date_trunc('day', $2 AT TIME ZONE $3), interval '1 day') AS d (day)
            LEFT JOIN messages m ON m.campaign_id = $1 AND m.state = 'sent'
                 AND m.sent_at >= d.day AT TIME ZONE $3 AND m.sent_at < (d.day + interval '1 day') AT TIME ZONE $3
            GROUP BY d.day ORDER BY d.day
            "#,
            id.0,
            now,
            zone,
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
