//! Replies in the send protocol: messages without a campaign. They are claimed before the e-mails of campaigns, under
//! the lock of the same mailbox, and count towards its cap; its pause between e-mails and its growing cap are for what
//! nobody has asked for, so they hold no answer. The thread is locked before the message, as by everybody who changes
//! one of them; the claim, which holds the mailbox first, passes over threads that are held.

use chrono::{DateTime, Utc};
use domain::{
    EmailAddress, LeadId, MailboxId, MessageId, ThreadId,
    domains::is_about_policy,
    leads::LeadEventKind,
    mailboxes::{MailboxState, recipient_group},
    messages::{LEASE, MessageState, SOFT_BOUNCE_LIMIT, SendOutcome, retry_delay},
    suppressions::{SuppressionReason, SuppressionTarget},
};
use uuid::Uuid;

use super::{Claimed, Content, Messages, Place, claim::BATCH};
use crate::{Result, campaigns::Written, mailboxes::CameBack, suppressions::Because};

/// What is said of a reply whose address was suppressed after it was written.
const SUPPRESSED: &str = "The address was put on the suppression list before it left.";

/// The reply that an outcome is about.
struct Row {
    id: MessageId,
    thread: ThreadId,
    lead: Option<LeadId>,
    mailbox: MailboxId,
    state: MessageState,
    attempts: i32,
    first_attempt_at: Option<DateTime<Utc>>,
    recipient: EmailAddress,
    mailbox_failing: bool,
}

impl Messages<'_> {
    /// Claims the replies of a mailbox that are due, the longest due first; the caller holds the mailbox. One whose
    /// address was suppressed meanwhile ends here.
    pub(super) async fn claim_replies(&mut self, mailbox: MailboxId, now: DateTime<Utc>) -> Result<Vec<Claimed>> {
        let room = self.t.mailboxes().room_for_replies(mailbox, now).await?;
        if room <= 0 {
            self.t.mailboxes().plan_replies(mailbox, true).await?;
            return Ok(Vec::new());
        }
        let token: Uuid = self.t.new_id();
        let rows = sqlx::query!(
            r#"SELECT m.id AS "id: MessageId", m.attempts, r.thread_id AS "thread: ThreadId", r.subject, r.body, r.quoted,
                      r.recipient AS "recipient: EmailAddress", r.answers, k.mime AS "frozen?", i.from_name AS "name?",
                      b.address AS sender, answer_barred(t.id, r.recipient) AS "barred!"
               FROM messages m
               JOIN replies r ON r.message_id = m.id
               JOIN threads t ON t.id = r.thread_id
               JOIN mailboxes b ON b.id = m.mailbox_id
               LEFT JOIN inbound_messages i ON i.id = r.inbound_id
               LEFT JOIN message_contents k ON k.message_id = m.id
               WHERE m.campaign_id IS NULL AND m.mailbox_id = $1 AND m.state IN ('scheduled', 'deferred') AND m.due_at <= $2
               ORDER BY m.due_at LIMIT $3
               FOR UPDATE OF m, t SKIP LOCKED"#,
            mailbox.0,
            now,
            room.min(BATCH)
        )
        .fetch_all(self.t.conn())
        .await?;
        let (mut ready, mut ids, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for r in rows {
            if r.barred {
                self.give_up(r.id, r.thread, MessageState::Cancelled, SUPPRESSED).await?;
                continue;
            }
            ids.push(r.id.0);
            groups.push(recipient_group(r.recipient.domain()).to_owned());
            let domain = r.sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
            let text = if r.quoted.is_empty() { r.body } else { format!("{}\n\n{}", r.body, r.quoted) };
            ready.push(Claimed {
                id: r.id,
                place: Place::Thread(r.thread),
                mailbox,
                token,
                recipient: r.recipient,
                recipient_name: r.name.unwrap_or_default(),
                // The same for every try of this message, so that copies can be recognised (RFC 5322, 3.6.4).
                message_id_header: format!("<{}@{domain}>", Uuid::new_v5(&r.thread.0, r.id.0.as_bytes())),
                unsubscribe_url: None,
                unsubscribe_mailto: None,
                tracked: None,
                thread: r.answers,
                content: match r.frozen.filter(|_| r.attempts > 0) {
                    Some(mime) => Content::Frozen(mime),
                    None => Content::Written(Written { subject: r.subject, text, missing: Vec::new() }),
                },
            });
        }
        sqlx::query!(
            "UPDATE messages m SET state = 'claimed', lease_token = $2, lease_until = $3, updated_at = $4,
                 recipient_group = c.name
             FROM unnest($1::uuid[], $5::text[]) AS c (id, name) WHERE m.id = c.id",
            &ids,
            token,
            now + LEASE,
            now,
            &groups,
        )
        .execute(self.t.conn())
        .await?;
        self.t.mailboxes().count_anew(mailbox).await?;
        self.t.mailboxes().plan_replies(mailbox, false).await?;
        Ok(ready)
    }

    /// The last look before a reply is handed over. It waits for a mail of the thread that is just being stored.
    pub(super) async fn begin_reply(
        &mut self,
        claimed: &Claimed,
        thread: ThreadId,
        mime: &[u8],
        server: &str,
    ) -> Result<bool> {
        let now = self.t.now();
        sqlx::query!("SELECT id FROM threads WHERE id = $1 FOR UPDATE", thread.0).fetch_one(self.t.conn()).await?;
        let barred = sqlx::query_scalar!(
            r#"SELECT answer_barred($1, $2) AS "barred!" FROM messages
               WHERE id = $3 AND state = 'claimed' AND lease_token = $4 FOR UPDATE"#,
            thread.0,
            claimed.recipient.as_str(),
            claimed.id.0,
            claimed.token
        )
        .fetch_optional(self.t.conn())
        .await?;
        match barred {
            None => return Ok(false),
            Some(true) => {
                self.give_up(claimed.id, thread, MessageState::Cancelled, SUPPRESSED).await?;
                return Ok(false);
            }
            Some(false) => {}
        }
        sqlx::query!(
            "WITH ours AS (
                 UPDATE messages SET state = 'sending', sending_at = $2, lease_until = $3,
                     first_attempt_at = coalesce(first_attempt_at, $2), recipient = $4, message_id_header = $5, server = $6,
                     updated_at = $2
                 WHERE id = $1
             )
             INSERT INTO message_contents AS c (message_id, mime) VALUES ($1, $7)
             -- After a try that broke before its end it is written anew: what is kept is what was handed over last.
             ON CONFLICT (company_id, message_id) DO UPDATE SET mime = excluded.mime WHERE c.mime <> excluded.mime",
            claimed.id.0,
            now,
            now + LEASE,
            claimed.recipient.as_str(),
            claimed.message_id_header,
            server,
            mime
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("threads", thread.0).await?;
        Ok(true)
    }

    /// A reply that we cannot write ourselves, unless somebody has taken it back meanwhile.
    pub(super) async fn refuse_reply(&mut self, claimed: &Claimed, thread: ThreadId, reason: &str) -> Result<()> {
        sqlx::query!("SELECT id FROM threads WHERE id = $1 FOR UPDATE", thread.0).fetch_optional(self.t.conn()).await?;
        let ours = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM messages WHERE id = $1 AND state = 'claimed' AND lease_token = $2) AS "ours!""#,
            claimed.id.0,
            claimed.token
        )
        .fetch_one(self.t.conn())
        .await?;
        if ours { self.give_up(claimed.id, thread, MessageState::Failed, reason).await } else { Ok(()) }
    }

    /// A reply of which nothing more comes. Somebody has to look at one that has not arrived; one that was stopped
    /// because nothing may be sent needs no answer.
    pub(super) async fn give_up(
        &mut self,
        id: MessageId,
        thread: ThreadId,
        state: MessageState,
        detail: &str,
    ) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "WITH message AS (
                 UPDATE messages SET state = $3, detail = $4, lease_until = NULL, updated_at = $5,
                     attempts = attempts + CASE WHEN $3 = 'cancelled' THEN 0 ELSE 1 END,
                     unknown_at = CASE WHEN $3 = 'unknown' THEN coalesce(unknown_at, $5) ELSE unknown_at END
                 WHERE id = $1
             )
             UPDATE threads SET state = 'needs_answer', snoozed_until = NULL, unread = true, version = version + 1
             WHERE id = $2 AND $3 <> 'cancelled'",
            id.0,
            thread.0,
            state.as_str(),
            detail,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("threads", thread.0).await
    }

    /// Records what a server said to a reply, once: `token` proves that it is still ours. Nothing happens when there is
    /// no such reply.
    pub(super) async fn record_reply(&mut self, id: MessageId, token: Uuid, outcome: &SendOutcome) -> Result<()> {
        let Some(row) = self.lock_reply(id, token).await? else { return Ok(()) };
        let now = self.t.now();
        match outcome {
            SendOutcome::Unknown { .. } if row.state == MessageState::Unknown => return Ok(()),
            SendOutcome::Unknown { reason } => {
                self.give_up(id, row.thread, MessageState::Unknown, reason).await?;
                self.tell_lead(&row, LeadEventKind::Unknown, reason).await?;
            }
            SendOutcome::Accepted { reply, queue_id } => {
                self.reply_sent(&row, reply, queue_id.as_deref()).await?;
                if row.mailbox_failing {
                    self.t.mailboxes().recovered(row.mailbox).await?;
                }
            }
            SendOutcome::Deferred { reply } if row.first_attempt_at.is_some_and(|at| now - at >= SOFT_BOUNCE_LIMIT) => {
                self.give_up(id, row.thread, MessageState::Failed, reply).await?;
                self.tell_lead(&row, LeadEventKind::Bounced, reply).await?;
            }
            SendOutcome::Deferred { reply } => {
                self.reply_waits(&row, MessageState::Deferred, now + retry_delay(row.attempts + 1), reply).await?;
                self.t.mailboxes().plan_replies(row.mailbox, false).await?;
            }
            SendOutcome::Rejected { reply, hard } => {
                self.give_up(id, row.thread, MessageState::Failed, reply).await?;
                self.tell_lead(&row, LeadEventKind::Bounced, reply).await?;
                if *hard {
                    self.t.mailboxes().came_back(id, CameBack::Bounced).await?;
                    let because = Because {
                        reason: SuppressionReason::Bounced,
                        detail: Some(reply),
                        campaign: None,
                        inbound: None,
                    };
                    self.t.suppressions().suppress(&SuppressionTarget::Address(row.recipient.clone()), because).await?;
                }
            }
            SendOutcome::NotStarted { reason, needs_person } => {
                let back = if row.attempts > 0 { MessageState::Deferred } else { MessageState::Scheduled };
                self.reply_waits(&row, back, now, reason).await?;
                if *needs_person {
                    self.t.mailboxes().set_state(row.mailbox, MailboxState::Reconnect, Some(reason)).await?;
                } else {
                    self.t.mailboxes().back_off(row.mailbox, now, reason).await?;
                }
                self.t.mailboxes().plan_replies(row.mailbox, true).await?;
            }
        }
        if outcome.refusal().is_some_and(is_about_policy) {
            self.t.domains().doubt(row.mailbox).await?;
        }
        self.t.tell("threads", row.thread.0).await
    }

    async fn lock_reply(&mut self, id: MessageId, token: Uuid) -> Result<Option<Row>> {
        sqlx::query!(
            "SELECT id FROM threads WHERE id = (SELECT thread_id FROM replies WHERE message_id = $1) FOR UPDATE",
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(sqlx::query_as!(
            Row,
            r#"SELECT m.id AS "id: MessageId", r.thread_id AS "thread: ThreadId", m.lead_id AS "lead: LeadId",
                      m.mailbox_id AS "mailbox: MailboxId", m.state AS "state: MessageState", m.attempts,
                      m.first_attempt_at, r.recipient AS "recipient: EmailAddress", b.failures > 0 AS "mailbox_failing!"
               FROM messages m
               JOIN replies r ON r.message_id = m.id
               JOIN mailboxes b ON b.id = m.mailbox_id
               WHERE m.id = $1 AND m.lease_token = $2 AND m.state IN ('sending', 'unknown')
               FOR UPDATE OF m"#,
            id.0,
            token
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    async fn reply_sent(&mut self, row: &Row, said: &str, queue_id: Option<&str>) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE messages SET state = 'sent', sent_at = $2, queue_id = $3, detail = $4, attempts = attempts + 1,
                 lease_until = NULL, updated_at = $2
             WHERE id = $1",
            row.id.0,
            now,
            queue_id,
            said
        )
        .execute(self.t.conn())
        .await?;
        self.tell_lead(row, LeadEventKind::Sent, "An answer in the inbox").await
    }

    /// Waits for another try: after “later” of the server, or because nothing was begun.
    async fn reply_waits(&mut self, row: &Row, state: MessageState, at: DateTime<Utc>, detail: &str) -> Result<()> {
        let now = self.t.now();
        let answered = i32::from(at > now);
        sqlx::query!(
            "UPDATE messages SET state = $2, due_at = $3, detail = $4, attempts = attempts + $5,
                 sending_at = CASE WHEN $5 = 0 THEN NULL ELSE sending_at END,
                 lease_token = NULL, lease_until = NULL, updated_at = $6
             WHERE id = $1",
            row.id.0,
            state.as_str(),
            at,
            detail,
            answered,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn tell_lead(&mut self, row: &Row, kind: LeadEventKind, text: &str) -> Result<()> {
        let Some(lead) = row.lead else { return Ok(()) };
        let (id, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "WITH event AS (
                 INSERT INTO lead_events (event_id, lead_id, at, kind, actor, text) VALUES ($1, $2, $3, $4, 'sender', $5)
             )
             UPDATE leads SET last_activity = $4, last_activity_at = $3 WHERE id = $2",
            id,
            lead.0,
            now,
            kind.as_str(),
            text
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}
