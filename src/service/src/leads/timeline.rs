//! What happened to a lead, and the notes about it. An entry and the “last activity” of the lead
//! are always written together.

use domain::{
    CampaignId, EnrolmentId, InboundId, LeadEventId, LeadId, MailboxId, MessageId, NoteId, Page, PageRequest,
    Permission, Problem, StepId, WorkflowId,
    leads::{LeadEvent, LeadEventKind, Note},
    messages::{Evidence, Message, MessageInFull, MessageState},
};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Leads, is_storable, store};
use crate::{Error, Result, cursor, enrolments::Ended};

/// Characters of a note.
const NOTE: usize = 10_000;

impl Leads<'_> {
    /// What happened to a lead, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn timeline(&mut self, id: LeadId, page: &PageRequest) -> Result<Page<LeadEvent>> {
        self.require_there(id).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            LeadEvent,
            r#"
            SELECT e.id AS "id!: LeadEventId", e.at AS "at!", e.kind AS "kind!: LeadEventKind", e.actor AS "actor!",
                   e.text, e.campaign_id AS "campaign_id: CampaignId", c.name AS "campaign_name?",
                   e.inbound_id AS "inbound_id: InboundId", e.why, e.quoted, e.workflow_id AS "workflow_id: WorkflowId"
            FROM (
                (SELECT e.event_id AS id, e.at, e.kind, e.actor, coalesce(e.text, left(i.text, 2000)) AS text, e.campaign_id,
                        e.inbound_id, i.why, left(nullif(i.quoted, ''), 4000) AS quoted, e.workflow_id
                 FROM lead_events e LEFT JOIN inbound_messages i ON i.id = e.inbound_id
                 WHERE e.lead_id = $1 AND ($2::timestamptz IS NULL OR (e.at, e.event_id) < ($2, $3::uuid))
                 ORDER BY e.at DESC, e.event_id DESC LIMIT $4)
                UNION ALL
                -- What campaigns have sent stands in the ledger.
                (SELECT id, sent_at, 'sent', 'sender', 'Step ' || position, campaign_id, NULL, NULL, NULL, NULL
                 FROM messages
                 WHERE lead_id = $1 AND campaign_id IS NOT NULL AND sent_at IS NOT NULL
                   AND ($2::timestamptz IS NULL OR (sent_at, id) < ($2, $3::uuid))
                 ORDER BY sent_at DESC, id DESC LIMIT $4)
                UNION ALL
                -- What is known of its e-mails by their links; it goes before the rest does.
                (SELECT x.event_id, x.at,
                        CASE x.by WHEN 'human' THEN '' ELSE 'machine_' END
                            || CASE x.kind WHEN 'open' THEN 'opened' ELSE 'clicked' END,
                        CASE x.by WHEN 'human' THEN 'recipient' ELSE 'machine' END,
                        coalesce(k.url, m.subject), x.campaign_id, NULL, x.reason, NULL, NULL
                 FROM tracking_events x
                 LEFT JOIN messages m ON m.id = x.message_id
                 LEFT JOIN tracked_links k ON k.message_id = x.message_id AND k.place = x.place
                 WHERE x.lead_id = $1 AND ($2::timestamptz IS NULL OR (x.at, x.event_id) < ($2, $3::uuid))
                 ORDER BY x.at DESC, x.event_id DESC LIMIT $4)
            ) e
            LEFT JOIN campaigns c ON c.id = e.campaign_id
            ORDER BY e.at DESC, e.id DESC
            LIMIT $4
            "#,
            id.0,
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |e| cursor::encode(e.at, e.id.0)))
    }

    /// The e-mails to a lead, the newest plan first, with what is known about the way of each.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn messages(&mut self, id: LeadId, page: &PageRequest) -> Result<Page<MessageInFull>> {
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
            WHERE m.lead_id = $1
              AND ($2::timestamptz IS NULL OR (m.due_at, m.id) < ($2, $3::uuid))
            ORDER BY m.due_at DESC, m.id DESC
            LIMIT $4
            "#,
            id.0,
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        let rows = self.t.messages().in_full(rows).await?;
        Ok(Page::from_rows(rows, limit, false, false, |m| cursor::encode(m.message.due_at, m.message.id.0)))
    }

    /// Writes down what happened to a lead.
    pub(crate) async fn record(
        &mut self,
        id: LeadId,
        kind: LeadEventKind,
        text: Option<&str>,
        campaign: Option<CampaignId>,
    ) -> Result<()> {
        store::add_events(self.t, &[id.0], kind, text, campaign).await?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE leads SET last_activity = $2, last_activity_at = $3 WHERE id = $1",
            id.0,
            kind.as_str(),
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Writes down the same for many leads that the caller has locked, each with the campaign that it has left.
    pub(crate) async fn record_ended(&mut self, kind: LeadEventKind, ended: &[Ended]) -> Result<()> {
        let (leads, campaigns): (Vec<_>, Vec<_>) = ended.iter().map(|one| (one.lead.0, one.campaign.0)).unzip();
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        let workflow = self.t.actor().workflow().map(|workflow| workflow.id.0);
        sqlx::query!(
            "WITH event AS (
                 INSERT INTO lead_events (event_id, lead_id, at, kind, actor, campaign_id, workflow_id)
                 SELECT gen_random_uuid(), lead_id, $3, $4, $5, campaign_id, $6
                 FROM unnest($1::uuid[], $2::uuid[]) AS n (lead_id, campaign_id)
             )
             UPDATE leads SET last_activity = $4, last_activity_at = $3 WHERE id = ANY($1)",
            &leads,
            &campaigns,
            now,
            kind.as_str(),
            actor,
            workflow,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Remembers that leads are or were in a campaign; called by whoever enrols them.
    pub(crate) async fn mark_enrolled(&mut self, ids: &[Uuid]) -> Result<()> {
        // In one order, or two campaigns that are placed at the same time wait for each other.
        sqlx::query!(
            "WITH those AS (SELECT id FROM leads WHERE id = ANY($1) AND NOT ever_enrolled ORDER BY id FOR NO KEY UPDATE)
             UPDATE leads l SET ever_enrolled = true FROM those WHERE l.id = those.id",
            ids
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// The notes about a lead, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn notes(&mut self, id: LeadId) -> Result<Vec<Note>> {
        self.require_there(id).await?;
        Ok(sqlx::query_as!(
            Note,
            r#"SELECT id AS "id: NoteId", body, author, created_at FROM lead_notes
               WHERE lead_id = $1 ORDER BY created_at DESC, id DESC LIMIT 500"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Writes a note. Everybody who edits leads may write one, also about a colleague's lead.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a problem for an empty note or a very long one.
    pub async fn add_note(&mut self, id: LeadId, body: &str) -> Result<Note> {
        self.t.require(Permission::EditLeads).await?;
        self.require_there(id).await?;
        let body = body.trim();
        if body.is_empty() {
            return Err(Problem::field("body", "note_missing", "Write a note first.").into());
        }
        if body.chars().count() > NOTE || !is_storable(body) {
            return Err(Problem::field("body", "note_long", "Use at most 10,000 characters of plain text.").into());
        }
        let (now, author) = (self.t.now(), self.t.actor().to_string());
        let (note, author_id): (NoteId, _) = (self.t.new_id(), self.t.actor().user_id());
        sqlx::query!(
            "INSERT INTO lead_notes (id, lead_id, author_id, author, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            note.0,
            id.0,
            author_id.map(|u| u.0),
            author,
            body,
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.record(id, LeadEventKind::Noted, Some(body), None).await?;
        self.t.tell("leads", id.0).await?;
        Ok(Note { id: note, body: body.to_owned(), author, created_at: now })
    }

    /// A lead as other systems are told of it.
    pub(crate) async fn told_outside(&mut self, id: LeadId) -> Result<Value> {
        let seen = sqlx::query!(
            r#"SELECT l.email, l.first_name, l.last_name, l.status, l.score, a.name AS "account?"
               FROM leads l LEFT JOIN accounts a ON a.id = l.account_id WHERE l.id = $1"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(json!({
            "id": id, "email": seen.email, "first_name": seen.first_name, "last_name": seen.last_name,
            "account": seen.account, "status": seen.status, "score": seen.score,
        }))
    }

    /// Goes on only if the lead exists and the actor may read it.
    pub(crate) async fn require_there(&mut self, id: LeadId) -> Result<()> {
        self.t.require(Permission::Read).await?;
        sqlx::query_scalar!("SELECT 1 FROM leads WHERE id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .map(|_| ())
            .ok_or(Error::NotFound("lead"))
    }
}
