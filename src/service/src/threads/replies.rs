//! Replies: what people write in a thread. A reply is a message without a campaign, so it leaves by the same protocol:
//! claimed under the lock of its mailbox, frozen, marked before its first byte, and judged once.

use chrono::{DateTime, Utc};
use domain::{
    EmailAddress, InboundId, LeadId, MailboxId, MessageId, Permission, ThreadId,
    mailboxes::MailboxState,
    replies::{Reply, ReplyDraft, ReplyInput, UNDO, answer_subject, quote},
    threads::{ThreadState, require_version},
};
use uuid::Uuid;

use super::{Threads, texts::below};
use crate::{Error, Result};

/// Most characters of the answered mail that a reply repeats.
const QUOTED: usize = 10_000;

/// What a reply needs to know of its thread.
pub(super) struct Answered {
    mailbox: MailboxId,
    pub(super) lead: Option<LeadId>,
    recipient: EmailAddress,
    pub(super) inbound: InboundId,
    /// Ids of the mails before the reply, the oldest first.
    answers: Vec<String>,
    subject: String,
    quoted: String,
    /// Nothing may be sent to them, not even an answer.
    barred: bool,
    mailbox_address: String,
    mailbox_state: MailboxState,
}

impl Threads<'_> {
    /// Writes a reply to the newest mail of a thread. It leaves after some seconds, in which it can be taken back, or
    /// when its author has said. The same `request` once more changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems of the input; a conflict when nothing can be answered, the address gets no more
    /// e-mail, the mailbox cannot send, or the thread was changed since version `seen`.
    pub async fn reply(
        &mut self,
        id: ThreadId,
        input: ReplyInput,
        request: Option<Uuid>,
        seen: Option<i64>,
    ) -> Result<Reply> {
        self.t.require(Permission::EditCampaigns).await?;
        let now = self.t.now();
        let thread = self.lock(id).await?;
        if let Some(written) = self.written_before(id, request).await? {
            // Whoever posts it once more has kept the same words as a draft.
            self.forget_draft(id, true).await?;
            return Ok(written);
        }
        require_version(thread.version, seen)?;
        let input = input.check(now)?;
        let answered = self.answered(id).await?;
        may_leave(&answered)?;
        let subject = input.subject.unwrap_or_else(|| answer_subject(&answered.subject));
        let message: MessageId = self.t.new_id();
        let send_at = input.send_at.unwrap_or(now + UNDO);
        let author = self.t.actor().name().to_owned();
        sqlx::query!(
            "WITH message AS (
                 INSERT INTO messages (id, lead_id, mailbox_id, due_at, window_ends_at, plan_shift, subject, created_at,
                                       updated_at)
                 VALUES ($1, $2, $3, $4, $4, 0, $5, $6, $6)
             )
             INSERT INTO replies (message_id, thread_id, inbound_id, request, subject, body, quoted, recipient, answers,
                                  author_id, author, then_done, created_at)
             VALUES ($1, $7, $8, $9, $5, $10, $11, $12, $13, $14, $15, $16, $6)",
            message.0,
            answered.lead.map(|id| id.0),
            answered.mailbox.0,
            send_at,
            subject,
            now,
            id.0,
            answered.inbound.0,
            request,
            input.body,
            if input.quotes { answered.quoted.as_str() } else { "" },
            answered.recipient.as_str(),
            &answered.answers,
            self.t.actor().user_id().map(|id| id.0),
            author,
            input.then_done,
        )
        .execute(self.t.conn())
        .await?;
        self.t.mailboxes().plan_replies(answered.mailbox, false).await?;
        if input.then_done {
            self.set_state(id, ThreadState::Done, None).await?;
        }
        self.forget_draft(id, true).await?;
        self.let_go(None).await?;
        self.changed(id).await?;
        Ok(Reply { id: message, send_at, subject, body: input.body })
    }

    /// Takes a reply back that has not begun to leave; its words become the draft of whoever takes it back. Its thread
    /// needs an answer again.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when it is on its way.
    pub async fn take_back(&mut self, id: ThreadId, message: MessageId) -> Result<Reply> {
        self.t.require(Permission::EditCampaigns).await?;
        self.lock(id).await?;
        let (now, name) = (self.t.now(), self.t.actor().name().to_owned());
        let row = sqlx::query!(
            "SELECT r.subject, r.body, r.quoted <> '' AS \"quotes!\", m.due_at, r.created_at
             FROM replies r JOIN messages m ON m.id = r.message_id
             WHERE r.thread_id = $1 AND r.message_id = $2",
            id.0,
            message.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("reply"))?;
        let taken = sqlx::query!(
            "WITH message AS (
                 UPDATE messages SET state = 'cancelled', detail = $2, lease_token = NULL, lease_until = NULL, updated_at = $3
                 WHERE id = $1 AND state IN ('scheduled', 'claimed', 'deferred') RETURNING id
             )
             UPDATE replies r SET taken_back_at = $3 FROM message m WHERE r.message_id = m.id",
            message.0,
            format!("{name} took it back."),
            now
        )
        .execute(self.t.conn())
        .await?;
        if taken.rows_affected() == 0 {
            return Err(Error::conflict("reply_left", "This reply is on its way, so it can’t be taken back any more."));
        }
        self.set_state(id, ThreadState::NeedsAnswer, None).await?;
        // What somebody has begun to write meanwhile stays below.
        let begun = self.draft(id).await?.map(|draft| draft.body).filter(|body| !body.trim().is_empty());
        let body = begun.map_or_else(|| row.body.clone(), |begun| format!("{}\n\n{begun}", row.body));
        let planned = Some(row.due_at).filter(|at| *at > row.created_at + UNDO);
        let draft =
            ReplyDraft { subject: row.subject.clone(), body, quotes: row.quotes, send_at: planned, arrived: true };
        self.keep_draft(id, &draft).await?;
        self.changed(id).await?;
        Ok(Reply { id: message, send_at: row.due_at, subject: row.subject, body: row.body })
    }

    /// What the person has begun to write, or an empty draft with the subject of an answer; nothing when there is
    /// nobody to answer.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn draft(&mut self, id: ThreadId) -> Result<Option<ReplyDraft>> {
        let answered = match self.answered(id).await {
            Err(Error::Conflict(_)) => return Ok(None),
            other => other?,
        };
        let me = self.t.actor().user_id().map(|id| id.0);
        let kept = sqlx::query!(
            "SELECT subject, body, quotes, send_at, arrived FROM reply_drafts WHERE thread_id = $1 AND user_id = $2",
            id.0,
            me
        )
        .fetch_optional(self.t.conn())
        .await?;
        let kept = kept.map(|row| ReplyDraft {
            subject: row.subject,
            arrived: row.arrived.is_some(),
            body: row.arrived.map_or_else(|| row.body.clone(), |text| below(&row.body, &text)),
            quotes: row.quotes,
            send_at: row.send_at,
        });
        let empty = || ReplyDraft { subject: answer_subject(&answered.subject), quotes: true, ..ReplyDraft::default() };
        Ok(Some(kept.unwrap_or_else(empty)))
    }

    /// Keeps what the person has begun to write, cut to what fits. What an agent has drafted and they have not seen stays
    /// beside it. A key writes no drafts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn keep_draft(&mut self, id: ThreadId, draft: &ReplyDraft) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let Some(me) = self.t.actor().user_id() else { return Ok(()) };
        self.get(id).await?;
        let now = self.t.now();
        let cut = |text: &str, most: usize| text.replace('\0', "").chars().take(most).collect::<String>();
        sqlx::query!(
            "INSERT INTO reply_drafts (thread_id, user_id, subject, body, quotes, send_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (company_id, thread_id, user_id) DO UPDATE SET subject = excluded.subject, body = excluded.body,
                 quotes = excluded.quotes, send_at = excluded.send_at, updated_at = excluded.updated_at,
                 arrived = CASE WHEN NOT $8 THEN reply_drafts.arrived END",
            id.0,
            me.0,
            // Twice of what may be sent: what is too long is told, not lost.
            cut(&draft.subject, 2 * domain::drafts::MAX_SUBJECT),
            cut(&draft.body, 2 * domain::drafts::MAX_BODY),
            draft.quotes,
            draft.send_at,
            now,
            draft.arrived
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Throws away what the person has begun to write.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn drop_draft(&mut self, id: ThreadId) -> Result<()> {
        self.forget_draft(id, false).await
    }

    async fn forget_draft(&mut self, id: ThreadId, used: bool) -> Result<()> {
        self.decide_draft(id, used).await?;
        let me = self.t.actor().user_id().map(|id| id.0);
        sqlx::query!("DELETE FROM reply_drafts WHERE thread_id = $1 AND user_id = $2", id.0, me)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    async fn written_before(&mut self, id: ThreadId, request: Option<Uuid>) -> Result<Option<Reply>> {
        Ok(sqlx::query_as!(
            Reply,
            r#"SELECT r.message_id AS "id: MessageId", m.due_at AS send_at, r.subject, r.body
               FROM replies r JOIN messages m ON m.id = r.message_id
               WHERE r.thread_id = $1 AND r.request = $2 AND r.taken_back_at IS NULL"#,
            id.0,
            request
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// The newest mail of a thread that can be answered, and who writes to whom.
    pub(super) async fn answered(&mut self, id: ThreadId) -> Result<Answered> {
        let row = sqlx::query!(
            r#"
            SELECT t.mailbox_id AS "mailbox: MailboxId", t.lead_id AS "lead: LeadId", i.id AS "inbound: InboundId",
                   i.message_id, i.answers, i.subject, i.text, i.from_name,
                   lower(i.from_address) AS "from_address!: EmailAddress", i.arrived_at AS "at: DateTime<Utc>",
                   answer_barred(t.id, lower(i.from_address)) AS "barred!",
                   b.address AS mailbox_address, b.state AS "mailbox_state: MailboxState"
            FROM threads t
            JOIN inbound_messages i ON i.thread_id = t.id AND i.kind IN ('reply', 'other', 'unsubscribe')
            JOIN mailboxes b ON b.id = t.mailbox_id
            WHERE t.id = $1 AND i.from_address IS NOT NULL
            ORDER BY i.arrived_at DESC, i.id DESC LIMIT 1
            "#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let words = "No person has written in this conversation yet, so there is nobody to answer.";
        let row = row.ok_or_else(|| Error::conflict("nothing_to_answer", words))?;
        let name = if row.from_name.is_empty() { row.from_address.to_string() } else { row.from_name };
        let text: String = row.text.chars().take(QUOTED).collect();
        // The nearest is the first of those that it answers, and comes twice when it is in both headers.
        let mut answers: Vec<_> = row.answers.into_iter().rev().chain(row.message_id).collect();
        answers.dedup();
        Ok(Answered {
            mailbox: row.mailbox,
            lead: row.lead,
            recipient: row.from_address,
            inbound: row.inbound,
            answers,
            subject: row.subject,
            quoted: quote(&name, &row.at.format("%-d %B %Y").to_string(), &text),
            barred: row.barred,
            mailbox_address: row.mailbox_address,
            mailbox_state: row.mailbox_state,
        })
    }
}

/// What keeps a reply from being written says so before anything is promised.
pub(super) fn may_leave(answered: &Answered) -> Result<()> {
    if answered.barred {
        let words = format!(
            "{} gets no more e-mail: the address is on the suppression list. You can answer once they have written again \
             and this conversation is not marked “Unsubscribe”.",
            answered.recipient
        );
        return Err(Error::conflict("recipient_suppressed", words));
    }
    if answered.mailbox_state != MailboxState::Connected {
        let words = format!(
            "{} sends nothing at present. Look at its state in the settings, and answer then; what you wrote is kept.",
            answered.mailbox_address
        );
        return Err(Error::conflict("mailbox_not_sending", words));
    }
    Ok(())
}
