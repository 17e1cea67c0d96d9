//! What the server said, and what follows from it for the message, the lead and the mailbox.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, EmailAddress, EnrolmentId, LeadId, MailboxId, MessageId, StepId,
    campaigns::CampaignState,
    domains::is_about_policy,
    enrolments::{EndReason, EnrolmentState},
    leads::LeadEventKind,
    mailboxes::MailboxState,
    messages::{Evidence, MessageState, SOFT_BOUNCE_LIMIT, SendOutcome, retry_delay},
    suppressions::{SuppressionReason, SuppressionTarget},
};
use uuid::Uuid;

use super::Messages;
use crate::{Result, mailboxes::CameBack, suppressions::Because};

/// The row that an outcome is about.
pub(super) struct Row {
    pub(super) id: MessageId,
    pub(super) campaign: CampaignId,
    pub(super) campaign_state: CampaignState,
    pub(super) enrolment: EnrolmentId,
    pub(super) enrolment_open: bool,
    pub(super) lead: Option<LeadId>,
    pub(super) mailbox: MailboxId,
    pub(super) position: i32,
    pub(super) state: MessageState,
    pub(super) attempts: i32,
    pub(super) first_attempt_at: Option<DateTime<Utc>>,
    pub(super) recipient: Option<EmailAddress>,
    pub(super) step: StepId,
    pub(super) version: i32,
    /// Why the enrolment is held, if it is.
    pub(super) held: Option<String>,
    pub(super) mailbox_failing: bool,
}

impl Messages<'_> {
    /// Records an outcome, once: `token` proves that the message is still ours. A message that was
    /// judged `unknown` in the meantime is known again, and its lead goes on with the campaign.
    ///
    /// # Errors
    /// When the database is away; the message then stays `sending` and becomes `unknown`.
    pub async fn record(&mut self, id: MessageId, token: Uuid, outcome: &SendOutcome) -> Result<()> {
        let Some(mut row) = self.lock_one(id, token).await? else {
            return self.record_reply(id, token, outcome).await;
        };
        if row.state == MessageState::Unknown && matches!(outcome, SendOutcome::Unknown { .. }) {
            return Ok(());
        }
        self.know_again(&mut row).await?;
        match outcome {
            SendOutcome::Accepted { reply, queue_id } => {
                return self.taken(&[(row, reply, queue_id.as_deref())]).await;
            }
            SendOutcome::Deferred { reply } => self.deferred(&row, reply).await?,
            SendOutcome::Rejected { reply, hard } => self.rejected(&row, reply, *hard).await?,
            SendOutcome::NotStarted { reason, needs_person } => {
                self.not_started(&row, reason, *needs_person).await?;
            }
            SendOutcome::Unknown { reason } => self.unknown(&row, reason).await?,
        }
        let disbelieved = outcome.refusal().is_some_and(is_about_policy);
        if disbelieved {
            self.t.domains().doubt(row.mailbox).await?;
        }
        if disbelieved || matches!(outcome, SendOutcome::Rejected { .. } | SendOutcome::Unknown { .. }) {
            self.t.campaigns().look_at(row.campaign).await?;
        }
        Ok(())
    }

    /// Something shows that a message was taken of which nobody knew. One that waits for its second hand-over needs none
    /// any more.
    pub(crate) async fn proven(&mut self, id: MessageId, evidence: Evidence, words: &str) -> Result<()> {
        // The enrolment before the message, as everybody locks them.
        sqlx::query!(
            "SELECT id FROM enrolments WHERE id = (SELECT enrolment_id FROM messages WHERE id = $1) FOR UPDATE",
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE messages SET state = 'unknown', lease_token = gen_random_uuid()
             WHERE id = $1 AND state IN ('deferred', 'held') AND resent_at IS NOT NULL AND evidence IS NULL",
            id.0
        )
        .execute(self.t.conn())
        .await?;
        let Some(token) = self.unknown_token(id).await? else { return Ok(()) };
        self.record(id, token, &SendOutcome::Accepted { reply: words.to_owned(), queue_id: None }).await?;
        let now = self.t.now();
        let event: Uuid = self.t.new_id();
        sqlx::query!(
            "WITH proven AS (
                 UPDATE messages SET evidence = $2, evidence_at = $3 WHERE id = $1 AND state = 'sent'
                 RETURNING campaign_id, position, lead_id, step_id, mailbox_id
             )
             INSERT INTO campaign_events (event_id, campaign_id, at, kind, actor, text, lead_id, step_id, mailbox_id)
             SELECT $4, campaign_id, $3, 'sent', 'sender', 'Step ' || position, lead_id, step_id, mailbox_id FROM proven
             WHERE campaign_id IS NOT NULL",
            id.0,
            evidence.as_str(),
            now,
            event,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Locks a message that is unknown.
    pub(super) async fn lock_unknown(&mut self, id: MessageId) -> Result<Option<Row>> {
        let Some(token) = self.unknown_token(id).await? else { return Ok(None) };
        Ok(self.lock_one(id, token).await?.filter(|row| row.state == MessageState::Unknown))
    }

    async fn unknown_token(&mut self, id: MessageId) -> Result<Option<Uuid>> {
        let token = sqlx::query_scalar!(
            "SELECT lease_token FROM messages WHERE id = $1 AND state = 'unknown' AND lease_token IS NOT NULL",
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(token.flatten())
    }

    async fn lock_one(&mut self, id: MessageId, token: Uuid) -> Result<Option<Row>> {
        Ok(self.lock(&[(id, token)]).await?.pop())
    }

    /// Locks the enrolments, then the messages: the order of everybody. What is not ours any more is left out.
    pub(super) async fn lock(&mut self, ours: &[(MessageId, Uuid)]) -> Result<Vec<Row>> {
        let (ids, tokens): (Vec<_>, Vec<_>) = ours.iter().map(|(id, token)| (id.0, *token)).unzip();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(sqlx::query_as!(
            Row,
            r#"
            WITH e AS MATERIALIZED (
                SELECT id, is_open, version_number, CASE WHEN state = 'paused' THEN pause_reason END AS held
                FROM by_key(ARRAY(SELECT m.enrolment_id FROM by_key($1) o JOIN messages m USING (id))) k
                JOIN enrolments e USING (id) ORDER BY id FOR UPDATE OF e
            )
            SELECT m.id AS "id: MessageId", m.campaign_id AS "campaign!: CampaignId",
                   c.state AS "campaign_state: CampaignState", m.enrolment_id AS "enrolment!: EnrolmentId",
                   e.is_open AS "enrolment_open!", m.lead_id AS "lead: LeadId", m.mailbox_id AS "mailbox: MailboxId",
                   m.position AS "position!", m.state AS "state: MessageState", m.attempts, m.first_attempt_at,
                   m.recipient AS "recipient: EmailAddress",
                   m.step_id AS "step!: StepId", e.version_number AS "version!", e.held,
                   b.failures > 0 AS "mailbox_failing!"
            FROM by_key($1) k
            JOIN unnest($1::uuid[], $2::uuid[]) AS o (id, token) USING (id)
            JOIN messages m ON m.id = o.id AND m.lease_token = o.token
            JOIN e ON e.id = m.enrolment_id
            JOIN campaigns c ON c.id = m.campaign_id
            JOIN mailboxes b ON b.id = m.mailbox_id
            WHERE m.state IN ('sending', 'unknown')
            FOR UPDATE OF m
            "#,
            &ids,
            &tokens,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// What was judged unknown is known again, and its lead goes on with the campaign.
    pub(super) async fn know_again(&mut self, row: &mut Row) -> Result<()> {
        if row.state == MessageState::Unknown {
            row.enrolment_open |= self.reopen(row).await?;
        }
        Ok(())
    }

    /// The lead had left the campaign because nobody could know; now somebody does.
    pub(super) async fn reopen(&mut self, row: &Row) -> Result<bool> {
        let now = self.t.now();
        let open = sqlx::query!(
            "UPDATE enrolments e SET state = 'active', end_reason = NULL, updated_at = $2
             FROM campaigns c
             WHERE e.id = $1 AND e.state = 'failed' AND e.end_reason = 'outcome_unknown' AND c.id = e.campaign_id
               AND c.state IN ('running', 'pausing', 'paused')",
            row.enrolment.0,
            now,
        )
        .execute(self.t.conn())
        .await?;
        Ok(open.rows_affected() == 1)
    }

    /// “Later”: tried again, with the same bytes, for at most 72 hours.
    async fn deferred(&mut self, row: &Row, reply: &str) -> Result<()> {
        let now = self.t.now();
        if row.first_attempt_at.is_some_and(|at| now - at >= SOFT_BOUNCE_LIMIT) {
            self.set(row, MessageState::Failed, reply).await?;
            self.end(row, EnrolmentState::Bounced, EndReason::SoftExhausted).await?;
            return self.tell_of(row, LeadEventKind::Bounced, reply).await;
        }
        let at = now + retry_delay(row.attempts + 1);
        let slot = self.t.campaigns().next_slot(row.campaign, row.enrolment, row.step, at).await?;
        self.back_in_line(row, MessageState::Deferred, slot.due_at, slot.ends_at, reply, 1).await
    }

    async fn rejected(&mut self, row: &Row, reply: &str, hard: bool) -> Result<()> {
        self.set(row, MessageState::Failed, reply).await?;
        if !hard {
            self.end(row, EnrolmentState::Failed, EndReason::Rejected).await?;
            return self.tell_of(row, LeadEventKind::Bounced, reply).await;
        }
        self.end(row, EnrolmentState::Bounced, EndReason::HardBounce).await?;
        self.t.mailboxes().came_back(row.id, CameBack::Bounced).await?;
        let Some(address) = row.recipient.clone() else { return Ok(()) };
        self.log(row, "bounced", reply).await?;
        self.t
            .suppressions()
            .suppress(
                &SuppressionTarget::Address(address),
                Because {
                    reason: SuppressionReason::Bounced,
                    detail: Some(reply),
                    campaign: Some(row.campaign),
                    inbound: None,
                },
            )
            .await?;
        Ok(())
    }

    /// Surely not taken: back in line as if it had never begun. The mailbox waits, or asks for a person.
    async fn not_started(&mut self, row: &Row, reason: &str, needs_person: bool) -> Result<()> {
        let now = self.t.now();
        let slot = self.t.campaigns().next_slot(row.campaign, row.enrolment, row.step, now).await?;
        let back = if row.attempts > 0 { MessageState::Deferred } else { MessageState::Scheduled };
        self.back_in_line(row, back, slot.due_at, slot.ends_at, reason, 0).await?;
        if needs_person {
            self.t.mailboxes().set_state(row.mailbox, MailboxState::Reconnect, Some(reason)).await?;
            return self.log(row, "mailbox_refused", reason).await;
        }
        self.t.mailboxes().back_off(row.mailbox, now, reason).await
    }

    /// Nobody can know. It is not sent again by itself.
    async fn unknown(&mut self, row: &Row, reason: &str) -> Result<()> {
        let now = self.t.now();
        self.set(row, MessageState::Unknown, reason).await?;
        // After a second try the search begins anew, and the time to give up does not.
        sqlx::query!(
            "UPDATE messages SET unknown_at = coalesce(unknown_at, $2), looked_at = NULL WHERE id = $1",
            row.id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.end(row, EnrolmentState::Failed, EndReason::OutcomeUnknown).await?;
        self.tell_of(row, LeadEventKind::Unknown, reason).await
    }

    /// Judges a message whose worker is gone.
    pub(super) async fn judge(&mut self, id: MessageId, token: Uuid, reason: &str) -> Result<()> {
        match self.lock_one(id, token).await? {
            Some(row) if row.state == MessageState::Sending => {
                self.unknown(&row, reason).await?;
                self.t.campaigns().look_at(row.campaign).await?;
                self.t.tell("campaigns", row.campaign.0).await
            }
            Some(_) => Ok(()),
            None => self.record_reply(id, token, &SendOutcome::Unknown { reason: reason.to_owned() }).await,
        }
    }

    async fn set(&mut self, row: &Row, state: MessageState, detail: &str) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE messages SET state = $2, detail = $3, attempts = attempts + 1, lease_until = NULL, updated_at = $4
             WHERE id = $1",
            row.id.0,
            state.as_str(),
            detail,
            now,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Waits for another try, unless the enrolment has ended or the campaign stops.
    pub(super) async fn back_in_line(
        &mut self,
        row: &Row,
        state: MessageState,
        due_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
        detail: &str,
        answered: i32,
    ) -> Result<()> {
        let now = self.t.now();
        let goes_on = row.campaign_state != CampaignState::Stopping;
        sqlx::query!(
            "UPDATE messages m SET
                 state = CASE WHEN $7 AND e.state = 'paused' THEN 'held'
                              WHEN $7 AND e.is_open THEN $2
                              -- It was handed over once already, and nobody knows what became of it.
                              WHEN resent_at IS NOT NULL THEN 'unknown'
                              ELSE 'cancelled' END,
                 due_at = $3, window_ends_at = $4, detail = $5, attempts = attempts + $6,
                 sending_at = CASE WHEN $6 = 0 AND resent_at IS NULL THEN NULL ELSE sending_at END,
                 plan_shift = c.plan_shift, lease_until = NULL, updated_at = $8,
                 lease_token = CASE WHEN resent_at IS NOT NULL THEN gen_random_uuid() END
             FROM enrolments e, campaigns c
             WHERE m.id = $1 AND e.id = m.enrolment_id AND c.id = m.campaign_id",
            row.id.0,
            state.as_str(),
            due_at,
            ends_at,
            detail,
            answered,
            goes_on,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.mailboxes().wake(&[row.mailbox], due_at).await
    }

    async fn end(&mut self, row: &Row, state: EnrolmentState, reason: EndReason) -> Result<()> {
        self.t.enrolments().end(&[row.enrolment.0], state, Some(reason)).await
    }

    /// Writes to the timeline of the lead and the log of the campaign.
    async fn tell_of(&mut self, row: &Row, kind: LeadEventKind, text: &str) -> Result<()> {
        let now = self.t.now();
        if let Some(lead) = row.lead {
            let id: Uuid = self.t.new_id();
            sqlx::query!(
                "WITH event AS (
                     INSERT INTO lead_events (event_id, lead_id, at, kind, actor, text, campaign_id)
                     VALUES ($1, $2, $3, $4, 'sender', $5, $6)
                 )
                 UPDATE leads SET last_activity = $4, last_activity_at = $3 WHERE id = $2",
                id,
                lead.0,
                now,
                kind.as_str(),
                text,
                row.campaign.0,
            )
            .execute(self.t.conn())
            .await?;
        }
        self.log(row, kind.as_str(), text).await
    }

    pub(super) async fn log(&mut self, row: &Row, kind: &str, text: &str) -> Result<()> {
        let (id, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        // What workers do by themselves is the sender's.
        let actor = self.t.actor();
        let actor = if actor.is_system() { "sender".to_owned() } else { actor.to_string() };
        sqlx::query!(
            "INSERT INTO campaign_events (event_id, campaign_id, at, kind, actor, text, lead_id, step_id, mailbox_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            id,
            row.campaign.0,
            now,
            kind,
            actor,
            text,
            row.lead.map(|l| l.0),
            row.step.0,
            row.mailbox.0,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}
