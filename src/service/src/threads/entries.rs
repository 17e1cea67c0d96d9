//! The mails of a thread: those that came, and those of the company to the same person from the same mailbox.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    AccountId, CampaignId, EnrolmentId, InboundId, LeadId, MailboxId, MessageId, Permission, ThreadId,
    inbound::{Attachment, BounceKind, Confidence, Inbound, InboundKind, MatchedBy},
    messages::MessageState,
    threads::{ClassifiedBy, Correction, Effect, Received, Thread, ThreadClass, ThreadEntry, Written},
};
use sqlx::types::Json;

use super::Threads;
use crate::{
    Error, Result,
    inbound::{
        html::html_of,
        parse::{file_of, text_of_mail},
    },
};

/// Most mails that are shown with a thread.
const MOST: i64 = 50;

impl Threads<'_> {
    /// The newest mails, the oldest of them first, and whether there are older ones.
    pub(super) async fn entries(&mut self, thread: &Thread) -> Result<(Vec<ThreadEntry>, bool)> {
        let mut entries = self.received(thread.id).await?;
        entries.extend(self.written(thread).await?);
        entries.extend(self.replies_of(thread.id).await?);
        // Of two at the same moment the answer is the later one.
        entries.sort_by_key(|entry| (entry.at(), matches!(entry, ThreadEntry::In(_))));
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let earlier = entries.len() > most;
        Ok((entries.split_off(entries.len().saturating_sub(most)), earlier))
    }

    /// A file of a mail that has come, and its bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a mail that was too large to be kept.
    pub async fn file(&mut self, mail: InboundId, place: usize) -> Result<(Attachment, Vec<u8>)> {
        self.t.require(Permission::Read).await?;
        self.raw(mail).await?.and_then(|raw| file_of(&raw, place)).ok_or(Error::NotFound("file"))
    }

    /// A mail that has come as its sender has laid it out, made harmless for a frame that runs nothing. Pictures that came
    /// with it are in it; those on the servers of others are named only with `remote`.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for a mail that was too large to be kept; a conflict when it cannot be taken apart.
    pub async fn html(&mut self, mail: InboundId, remote: bool) -> Result<String> {
        self.t.require(Permission::Read).await?;
        let raw = self.raw(mail).await?.ok_or(Error::NotFound("mail"))?;
        // Strangers decide how long this takes.
        let html = tokio::task::spawn_blocking(move || html_of(&raw, remote)).await.map_err(Error::internal)?;
        let words = "This mail is written so that it can’t be shown as it was sent. Read its text instead.";
        html.ok_or_else(|| Error::conflict("mail_not_shown", words))
    }

    /// The bytes of a mail, if they were kept.
    async fn raw(&mut self, mail: InboundId) -> Result<Option<Vec<u8>>> {
        Ok(sqlx::query_scalar!("SELECT raw FROM inbound_messages WHERE id = $1", mail.0)
            .fetch_optional(self.t.conn())
            .await?
            .flatten())
    }

    /// The classes that people have corrected, the newest first.
    pub(super) async fn corrections(&mut self, id: ThreadId) -> Result<Vec<Correction>> {
        Ok(sqlx::query_as!(
            Correction,
            r#"SELECT inbound_id AS "inbound: InboundId", at, by_name AS "by", was AS "was: ThreadClass",
                      was_confidence AS "was_confidence: Confidence", was_by AS "was_by: ClassifiedBy",
                      became AS "became: ThreadClass"
               FROM thread_corrections WHERE thread_id = $1 ORDER BY at DESC LIMIT 20"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    async fn received(&mut self, id: ThreadId) -> Result<Vec<ThreadEntry>> {
        let rows = sqlx::query!(
            r#"
            SELECT i.id AS "id: InboundId", i.mailbox_id AS "mailbox: MailboxId",
                   i.arrived_at AS "arrived_at: DateTime<Utc>", i.from_name, i.from_address, i.subject, i.text, i.quoted,
                   i.kind AS "kind: InboundKind", i.why, i.confidence AS "confidence: Confidence",
                   i.bounce AS "bounce: BounceKind", i.status, i.back_on AS "back_on: NaiveDate",
                   i.matched_by AS "matched_by: MatchedBy", i.lead_id AS "lead: LeadId",
                   coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email) AS lead_name,
                   i.account_id AS "account: AccountId", i.campaign_id AS "campaign: CampaignId",
                   i.enrolment_id AS "enrolment: EnrolmentId", i.outgoing_id AS "message: MessageId",
                   i.effects, i.attachments AS "attachments: Json<Vec<Attachment>>", i.raw IS NOT NULL AS "has_files!",
                   i.has_html AND i.raw IS NOT NULL AS "has_html!"
            FROM inbound_messages i LEFT JOIN leads l ON l.id = i.lead_id
            WHERE i.thread_id = $1
            ORDER BY i.arrived_at DESC, i.id DESC
            LIMIT $2
            "#,
            id.0,
            MOST + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| {
                ThreadEntry::In(Box::new(Received {
                    mail: Inbound {
                        id: r.id,
                        mailbox: r.mailbox,
                        arrived_at: r.arrived_at,
                        from_name: r.from_name,
                        from_address: r.from_address,
                        subject: r.subject,
                        text: r.text,
                        quoted: r.quoted,
                        kind: r.kind,
                        why: r.why,
                        confidence: r.confidence,
                        bounce: r.bounce,
                        status: r.status,
                        back_on: r.back_on,
                        matched_by: r.matched_by,
                        lead: r.lead,
                        lead_name: r.lead_name,
                        account: r.account,
                        campaign: r.campaign,
                        enrolment: r.enrolment,
                        message: r.message,
                    },
                    effects: r.effects.iter().filter_map(|effect| Effect::parse(effect)).collect(),
                    attachments: r.attachments.0,
                    has_files: r.has_files,
                    has_html: r.has_html,
                }))
            })
            .collect())
    }

    async fn written(&mut self, thread: &Thread) -> Result<Vec<ThreadEntry>> {
        let Some(lead) = thread.lead else { return Ok(Vec::new()) };
        let rows = sqlx::query!(
            r#"
            SELECT m.id AS "id: MessageId", coalesce(m.sent_at, m.sending_at, m.due_at) AS "at!", m.subject,
                   m.state AS "state: MessageState", m.detail, m.campaign_id AS "campaign: CampaignId", k.mime AS "mime?",
                   b.why AS "came_back?"
            FROM messages m
            LEFT JOIN message_contents k ON k.message_id = m.id
            LEFT JOIN LATERAL (SELECT i.why FROM inbound_messages i
                               WHERE i.outgoing_id = m.id AND i.bounce IN ('hard', 'refused')
                               ORDER BY i.arrived_at DESC, i.id DESC LIMIT 1) b ON true
            WHERE m.lead_id = $1 AND m.mailbox_id = $2 AND m.sending_at IS NOT NULL AND m.campaign_id IS NOT NULL
            ORDER BY m.sending_at DESC, m.id DESC
            LIMIT $3
            "#,
            lead.0,
            thread.mailbox.0,
            MOST + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| {
                ThreadEntry::Out(Written {
                    id: r.id,
                    at: r.at,
                    subject: r.subject,
                    text: r.mime.as_deref().map(text_of_mail).unwrap_or_default(),
                    state: r.state,
                    detail: r.detail,
                    came_back: r.came_back,
                    campaign: r.campaign,
                    author: None,
                })
            })
            .collect())
    }

    /// What people have written in the inbox, also what has not left yet; not what its author has taken back.
    async fn replies_of(&mut self, id: ThreadId) -> Result<Vec<ThreadEntry>> {
        let rows = sqlx::query!(
            r#"
            SELECT m.id AS "id: MessageId",
                   -- One that will never leave stands where it was given up, not at the time for which it was planned.
                   CASE m.state WHEN 'cancelled' THEN m.updated_at
                        ELSE coalesce(m.sent_at, m.sending_at, m.due_at) END AS "at!",
                   r.subject, r.body, m.state AS "state: MessageState", m.detail, b.why AS "came_back?", r.author
            FROM replies r
            JOIN messages m ON m.id = r.message_id
            LEFT JOIN LATERAL (SELECT i.why FROM inbound_messages i
                               WHERE i.outgoing_id = m.id AND i.bounce IN ('hard', 'refused')
                               ORDER BY i.arrived_at DESC, i.id DESC LIMIT 1) b ON true
            WHERE r.thread_id = $1 AND r.taken_back_at IS NULL
            ORDER BY 2 DESC, r.message_id DESC
            LIMIT $2
            "#,
            id.0,
            MOST + 1
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| {
                ThreadEntry::Out(Written {
                    id: r.id,
                    at: r.at,
                    subject: Some(r.subject),
                    text: r.body,
                    state: r.state,
                    detail: r.detail,
                    came_back: r.came_back,
                    campaign: None,
                    author: Some(r.author),
                })
            })
            .collect())
    }
}
