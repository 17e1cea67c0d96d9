//! The log of a campaign: what it was told to do, what became of its e-mails, and what their recipients did. Each is kept
//! where it happens; here they are read in one order, by time and id.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    CampaignEventId, CampaignId, LeadId, MailboxId, MessageId, Page, PageRequest, Permission, StepId,
    campaigns::{CampaignEvent, EventFilter, event_label},
};
use futures::{Stream, stream};
use serde_json::Value;

use super::Campaigns;
use crate::{
    Actor, Db, Error, Result,
    cursor::{self, After},
    enrolments::Ended,
    imports::harmless,
};

/// Leads whose entries are looked up one by one. Words that more leads have are tested along the order of the log, which
/// soon fills a page.
const MOST_LEADS: i64 = 5_000;

/// Entries of one piece of the file.
const PIECE: i64 = 2_000;

/// The head of the file.
const HEAD: [&str; 10] = ["at", "kind", "what", "step", "mailbox", "lead_id", "lead", "email", "who", "text"];

/// An entry with what a page shows beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// The entry.
    pub event: CampaignEvent,
    /// Address of the mailbox.
    pub mailbox: Option<String>,
    /// Address that the lead has now.
    pub email: Option<String>,
    /// As it is stored; of an e-mail, what the ledger knows of it.
    pub record: Value,
}

/// What an entry is about, besides its campaign.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Concerning {
    /// This lead.
    pub lead: Option<LeadId>,
    /// This step.
    pub step: Option<StepId>,
    /// This e-mail; its mailbox is that of the entry, and so is its step unless one is given.
    pub message: Option<MessageId>,
}

/// The entries that match as a file for spreadsheets, piece by piece, the newest first. Each piece has a transaction of its
/// own: none waits for a slow reader.
pub fn read(
    db: Db,
    actor: Actor,
    id: CampaignId,
    filter: EventFilter,
) -> impl Stream<Item = Result<Vec<u8>>> + Send + 'static {
    let first = Some(After::default());
    stream::try_unfold((db, actor, filter, first), move |(db, actor, filter, after)| async move {
        let Some(after) = after else { return Ok(None) };
        let mut t = db.tenant(&actor).await?;
        let (bytes, next) = t.campaigns().log_piece(id, &filter, after).await?;
        t.commit().await?;
        Ok(Some((bytes, (db, actor, filter, next))))
    })
}

impl Campaigns<'_> {
    /// The log of a campaign, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn events(&mut self, id: CampaignId, page: &PageRequest) -> Result<Page<CampaignEvent>> {
        Ok(self.log_entries(id, &EventFilter::default(), page).await?.map(|entry| entry.event))
    }

    /// The entries that match, newest first, each with its record.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn log_entries(
        &mut self,
        id: CampaignId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<LogEntry>> {
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = self.log_after(id, filter, after, limit + 1).await?;
        Ok(Page::from_rows(rows, limit, false, false, |e| cursor::encode(e.event.at, e.event.id.0)))
    }

    /// Goes on only for whoever may take the log of a campaign away: it has the address of every lead in it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to run campaigns; [`Error::NotFound`].
    pub async fn log_to_read(&mut self, id: CampaignId) -> Result<()> {
        self.t.require(Permission::RunCampaigns).await?;
        self.require_there(id).await
    }

    /// The next entries of the file, and after which entry the rest follows; nothing after the last.
    async fn log_piece(
        &mut self,
        id: CampaignId,
        filter: &EventFilter,
        after: After,
    ) -> Result<(Vec<u8>, Option<After>)> {
        self.t.require(Permission::RunCampaigns).await?;
        let rows = self.log_after(id, filter, after, PIECE).await?;
        let version = self.load(id, false).await?.sequence_version;
        let steps = self.version(id, version).await?;
        let mut csv = csv::Writer::from_writer(Vec::new());
        if after.id.is_none() {
            csv.write_record(HEAD).map_err(Error::internal)?;
        }
        for entry in &rows {
            let step = entry.event.step_id.and_then(|id| steps.get(id)).map(|step| step.position);
            csv.write_record(entry.record_in_file(step)).map_err(Error::internal)?;
        }
        let is_full = i64::try_from(rows.len()).is_ok_and(|n| n == PIECE);
        let next =
            rows.last().filter(|_| is_full).map(|last| After { at: Some(last.event.at), id: Some(last.event.id.0) });
        let bytes = csv.into_inner().map_err(|error| Error::internal(error.into_error()))?;
        Ok((bytes, next))
    }

    /// The entries that match and follow `after`, `most` of them at most.
    async fn log_after(
        &mut self,
        id: CampaignId,
        filter: &EventFilter,
        after: After,
        most: i64,
    ) -> Result<Vec<LogEntry>> {
        self.t.require(Permission::Read).await?;
        // Nothing has happened to it before it was there, so older months are not asked.
        let since: DateTime<Utc> = sqlx::query_scalar!("SELECT created_at FROM campaigns WHERE id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("campaign"))?;
        let leads = self.t.leads().named(filter.lead.as_deref().unwrap_or_default(), MOST_LEADS).await?;
        // A plan for all filters and pages at once would find no entry by the index of what is asked for.
        sqlx::query!("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
            .fetch_one(self.t.conn())
            .await?;
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id!: CampaignEventId", e.at AS "at!", e.kind AS "kind!", e.actor AS "actor!", e.text,
                   e.lead_id AS "lead_id: LeadId", e.step_id AS "step_id: StepId", e.mailbox_id AS "mailbox_id: MailboxId",
                   CASE WHEN l.id IS NOT NULL
                        THEN coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email, 'Unnamed lead')
                   END AS lead_name,
                   l.email AS "email?", b.address AS "mailbox?", e.record AS "record!"
            FROM (
                (SELECT v.event_id AS id, v.at, v.kind, v.actor, v.text, v.lead_id, v.step_id, v.mailbox_id,
                        to_jsonb(v) - 'company_id' AS record
                 FROM campaign_events v
                 WHERE v.campaign_id = $1 AND v.at >= $5
                   AND ($2::timestamptz IS NULL OR (v.at <= $2 AND (v.at, v.event_id) < ($2, $3::uuid)))
                   AND ($6::text IS NULL OR v.kind = $6)
                   AND ($7::uuid IS NULL OR v.step_id = $7)
                   AND ($8::uuid IS NULL OR v.mailbox_id = $8)
                   AND ($9::uuid[] IS NULL OR v.lead_id = ANY($9))
                   AND ($10::text[] IS NULL OR EXISTS (
                           SELECT FROM leads w WHERE w.id = v.lead_id
                             AND NOT EXISTS (SELECT FROM unnest($10) AS n (part) WHERE strpos(w.search_text, n.part) = 0)))
                 ORDER BY v.at DESC, v.event_id DESC LIMIT $4)
                UNION ALL
                -- By the time of the hand-over, along the indexes of outcomes. What was found out later has an entry.
                (SELECT m.id, m.sending_at, 'sent', 'sender', 'Step ' || m.position, m.lead_id, m.step_id, m.mailbox_id,
                        jsonb_build_object('message_id', m.id, 'enrolment_id', m.enrolment_id, 'lead_id', m.lead_id,
                            'step_id', m.step_id, 'variant', m.variant, 'mailbox_id', m.mailbox_id,
                            'recipient', m.recipient, 'subject', m.subject, 'message_id_header', m.message_id_header,
                            'due_at', m.due_at, 'sending_at', m.sending_at, 'sent_at', m.sent_at, 'attempts', m.attempts,
                            'server', m.server, 'queue_id', m.queue_id, 'detail', m.detail)
                 FROM messages m
                 WHERE m.campaign_id = $1 AND m.state = 'sent' AND m.sending_at IS NOT NULL AND m.evidence IS NULL
                   AND ($2::timestamptz IS NULL OR (m.sending_at <= $2 AND (m.sending_at, m.id) < ($2, $3::uuid)))
                   AND ($6::text IS NULL OR $6 = 'sent')
                   AND ($7::uuid IS NULL OR m.step_id = $7)
                   AND ($8::uuid IS NULL OR m.mailbox_id = $8)
                   AND ($9::uuid[] IS NULL OR m.lead_id = ANY($9))
                   AND ($10::text[] IS NULL OR EXISTS (
                           SELECT FROM leads w WHERE w.id = m.lead_id
                             AND NOT EXISTS (SELECT FROM unnest($10) AS n (part) WHERE strpos(w.search_text, n.part) = 0)))
                 ORDER BY m.sending_at DESC, m.id DESC LIMIT $4)
                UNION ALL
                -- What people did with their e-mails; it goes before the rest does. What programs did is a figure.
                (SELECT x.event_id, x.at, CASE x.kind WHEN 'open' THEN 'opened' ELSE 'clicked' END, 'recipient', k.url,
                        x.lead_id, x.step_id, m.mailbox_id, to_jsonb(x) - 'company_id'
                 FROM tracking_events x
                 LEFT JOIN messages m ON m.id = x.message_id
                 LEFT JOIN tracked_links k ON k.message_id = x.message_id AND k.place = x.place
                 WHERE x.campaign_id = $1 AND x.by = 'human' AND x.at >= $5
                   AND ($2::timestamptz IS NULL OR (x.at <= $2 AND (x.at, x.event_id) < ($2, $3::uuid)))
                   AND ($6::text IS NULL OR x.kind = CASE $6 WHEN 'opened' THEN 'open' WHEN 'clicked' THEN 'click' END)
                   AND ($7::uuid IS NULL OR x.step_id = $7)
                   AND ($8::uuid IS NULL OR m.mailbox_id = $8)
                   AND ($9::uuid[] IS NULL OR x.lead_id = ANY($9))
                   AND ($10::text[] IS NULL OR EXISTS (
                           SELECT FROM leads w WHERE w.id = x.lead_id
                             AND NOT EXISTS (SELECT FROM unnest($10) AS n (part) WHERE strpos(w.search_text, n.part) = 0)))
                 ORDER BY x.at DESC, x.event_id DESC LIMIT $4)
            ) e
            LEFT JOIN leads l ON l.id = e.lead_id
            LEFT JOIN mailboxes b ON b.id = e.mailbox_id
            ORDER BY e.at DESC, e.id DESC
            LIMIT $4
            "#,
            id.0,
            after.at,
            after.id,
            most,
            since,
            filter.kind.as_deref(),
            filter.step.map(|step| step.0),
            filter.mailbox.map(|mailbox| mailbox.0),
            leads.few.as_deref(),
            leads.many.as_deref(),
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| LogEntry {
                event: CampaignEvent {
                    id: r.id,
                    at: r.at,
                    kind: r.kind,
                    actor: r.actor,
                    text: r.text,
                    lead_id: r.lead_id,
                    lead_name: r.lead_name,
                    step_id: r.step_id,
                    mailbox_id: r.mailbox_id,
                },
                mailbox: r.mailbox,
                email: r.email,
                record: r.record,
            })
            .collect())
    }

    /// Writes an entry about the campaign as a whole.
    pub(crate) async fn log(&mut self, id: CampaignId, kind: &str, text: Option<&str>) -> Result<()> {
        self.log_of(id, kind, text, Concerning::default()).await
    }

    /// Writes an entry that is about a lead.
    pub(crate) async fn log_lead(
        &mut self,
        id: CampaignId,
        kind: &str,
        text: Option<&str>,
        lead: LeadId,
    ) -> Result<()> {
        self.log_of(id, kind, text, Concerning { lead: Some(lead), ..Concerning::default() }).await
    }

    /// Writes an entry for each enrolment that has ended, into the log of its campaign.
    pub(crate) async fn log_ended(&mut self, kind: &str, ended: &[Ended]) -> Result<()> {
        let (leads, campaigns): (Vec<_>, Vec<_>) = ended.iter().map(|one| (one.lead.0, one.campaign.0)).unzip();
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "INSERT INTO campaign_events (event_id, campaign_id, at, kind, actor, lead_id)
             SELECT gen_random_uuid(), campaign_id, $3, $4, $5, lead_id
             FROM unnest($1::uuid[], $2::uuid[]) AS n (lead_id, campaign_id)",
            &leads,
            &campaigns,
            now,
            kind,
            actor,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Writes an entry and what it is about.
    pub(crate) async fn log_of(
        &mut self,
        id: CampaignId,
        kind: &str,
        text: Option<&str>,
        about: Concerning,
    ) -> Result<()> {
        let event: CampaignEventId = self.t.new_id();
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "INSERT INTO campaign_events (event_id, campaign_id, at, kind, actor, text, lead_id, step_id, mailbox_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, (SELECT step_id FROM messages WHERE id = $9)),
                     (SELECT mailbox_id FROM messages WHERE id = $9))",
            event.0,
            id.0,
            now,
            kind,
            actor,
            text,
            about.lead.map(|lead| lead.0),
            about.step.map(|step| step.0),
            about.message.map(|message| message.0),
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}

impl LogEntry {
    /// Its line in the file; `step` is its place in the sequence that leads get.
    fn record_in_file(&self, step: Option<i32>) -> [String; HEAD.len()] {
        let event = &self.event;
        let text = |value: &Option<String>| harmless(value.as_deref().unwrap_or_default());
        [
            event.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            event.kind.clone(),
            event_label(&event.kind).unwrap_or_default().to_owned(),
            step.map(|place| place.to_string()).unwrap_or_default(),
            text(&self.mailbox),
            event.lead_id.map(|id| id.to_string()).unwrap_or_default(),
            text(&event.lead_name),
            text(&self.email),
            harmless(&event.actor),
            text(&event.text),
        ]
    }
}
