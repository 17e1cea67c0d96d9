//! Orders: drafts that are to be written. A worker takes one for a while and delivers a text; whoever comes with
//! an older fence, or after the lead has left its campaign, delivers nothing.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, DraftId, EnrolmentId, LeadId, MessageId, StepId,
    drafts::{Draft, DraftInput, DraftState, Fact, Sentence, judge, passes},
    runs::Usage,
    steps::{Email, Writing},
};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Drafts, Prompt};
use crate::{Result, campaigns::Sender, jobs::WriteDrafts};

/// Drafts of one company that are written at the same time.
pub(super) const WRITERS: i64 = 3;
/// How long a writer may take; longer than all its questions to models together.
const LEASE: Duration = Duration::minutes(15);
/// A draft is asked for so long before its e-mail is due.
const AHEAD: &str = "1 day";
/// An e-mail may leave so much later than it is due, because a model is busy.
const MAY_BE_LATE: Duration = Duration::hours(1);
/// Who has approved what leaves by itself.
const CHECKS: &str = "the checks";

/// A draft that this worker is to write.
#[derive(Clone, Debug)]
pub struct Order {
    message: MessageId,
    enrolment: EnrolmentId,
    campaign: CampaignId,
    lead: LeadId,
    writing: Writing,
    fence: i64,
    revision: i32,
    /// What the writer is told.
    pub brief: Brief,
}

/// What a writer is told.
#[derive(Clone, Debug)]
pub struct Brief {
    /// What is to be written, and the template of the built-in writer.
    pub email: Email,
    /// What is known.
    pub facts: Vec<Fact>,
    /// What writers are told in general.
    pub prompt: Prompt,
    /// Words that must not be used.
    pub forbidden: Vec<String>,
    /// The draft before and what was wrong with it.
    pub before: Option<(DraftInput, String)>,
}

/// What a writer has written.
#[derive(Clone, Debug)]
pub struct Text {
    /// Subject.
    pub subject: String,
    /// The text in sentences.
    pub sentences: Vec<Sentence>,
    /// With what.
    pub writer: domain::drafts::Writer,
    /// Name of the model, also of one whose answer was of no use.
    pub model: Option<String>,
    /// Tokens and cost of all questions.
    pub usage: Usage,
    /// Why no model wrote it, when one was asked.
    pub notice: Option<String>,
}

impl Drafts<'_> {
    /// Orders the drafts that the e-mails of these enrolments wait for, whether their leads are paused or not.
    pub(crate) async fn order(&mut self, enrolments: &[Uuid]) -> Result<()> {
        sqlx::query!(
            "INSERT INTO draft_orders (message_id, write_at)
             SELECT m.id, m.due_at - $2::text::interval FROM messages m
             WHERE m.enrolment_id = ANY($1) AND m.state IN ('scheduled', 'held') AND m.waits_for_draft
             ON CONFLICT DO NOTHING",
            enrolments,
            AHEAD
        )
        .execute(self.t.conn())
        .await?;
        self.wake_writers().await
    }

    pub(super) async fn wake_writers(&mut self) -> Result<()> {
        let company = self.t.actor().company();
        self.t.enqueue(&WriteDrafts { company }).await
    }

    /// Takes the order that has waited longest. Nothing when none is due, or when the company has as many
    /// writers as it may.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take(&mut self) -> Result<Option<Order>> {
        let now = self.t.now();
        // One at a time in a company, or two would take the last free place.
        sqlx::query!("SELECT FROM companies FOR NO KEY UPDATE").execute(self.t.conn()).await?;
        let taken = sqlx::query!(
            r#"
            UPDATE draft_orders SET fence = fence + 1, lease_until = $2
            WHERE message_id = (
                    SELECT o.message_id FROM draft_orders o
                    JOIN messages m ON m.id = o.message_id
                    JOIN campaigns c ON c.id = m.campaign_id AND c.state = 'running'
                    WHERE o.write_at <= $1 AND (o.lease_until IS NULL OR o.lease_until < $1)
                    ORDER BY o.write_at LIMIT 1
                    FOR UPDATE OF o SKIP LOCKED)
              AND (SELECT count(*) FROM draft_orders WHERE lease_until > $1) < $3
            RETURNING message_id AS "message: MessageId", fence, reason
            "#,
            now,
            now + LEASE,
            WRITERS,
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(taken) = taken else { return Ok(None) };
        let (prompt, rules) = (self.prompt().await?, self.rules_now().await?);
        let Some(about) = self.about(taken.message).await? else { return Ok(None) };
        let facts = self.known(about.lead, &about.email, &about.sender).await?.unwrap_or_default();
        let before = sqlx::query!(
            "SELECT subject, body, revision FROM drafts WHERE message_id = $1 ORDER BY revision DESC LIMIT 1",
            taken.message.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(Some(Order {
            message: taken.message,
            enrolment: about.enrolment,
            campaign: about.campaign,
            lead: about.lead,
            writing: about.email.writing,
            fence: taken.fence,
            revision: before.as_ref().map_or(1, |draft| draft.revision + 1),
            brief: Brief {
                email: about.email,
                facts,
                prompt,
                forbidden: rules.forbidden_terms,
                before: before
                    .zip(taken.reason)
                    .map(|(draft, reason)| (DraftInput { subject: draft.subject, body: draft.body }, reason)),
            },
        }))
    }

    /// Keeps what was written and judges it. The draft, unless it is not wanted any more.
    ///
    /// # Errors
    /// When the database is away; the order is then taken again.
    pub async fn deliver(&mut self, order: &Order, text: Text) -> Result<Option<Draft>> {
        let now = self.t.now();
        let open = sqlx::query_scalar!(
            r#"SELECT is_open AS "open!" FROM enrolments WHERE id = $1 FOR UPDATE"#,
            order.enrolment.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let ours =
            sqlx::query!("DELETE FROM draft_orders WHERE message_id = $1 AND fence = $2", order.message.0, order.fence)
                .execute(self.t.conn())
                .await?
                .rows_affected();
        if open != Some(true) || ours == 0 {
            return Ok(None);
        }
        let Text { subject, mut sentences, writer, model, usage, notice } = text;
        for sentence in &mut sentences {
            sentence.text.retain(|c| c != '\0');
        }
        let checks = judge(&subject, &mut sentences, &order.brief.facts, &order.brief.forbidden);
        let (passes, id): (_, DraftId) = (passes(&checks), self.t.new_id());
        // Who has asked for another draft wants to see it.
        let by_itself = order.writing == Writing::Auto && passes && order.brief.before.is_none();
        let state = if by_itself { DraftState::Approved } else { DraftState::Open };
        let (subject, body) = storable(&subject, &sentences);
        let author = self.t.actor().to_string();
        sqlx::query!(
            "INSERT INTO drafts (id, lead_id, message_id, revision, subject, body, sentences, facts, checks, passes,
                                 writer, prompt_version, model, tokens_in, tokens_out, cost_micros, notice, state, author,
                                 created_at, checked_at, decided_at, decided_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20,
                     CASE WHEN $21 THEN $20::timestamptz END, CASE WHEN $21 THEN $22 END)",
            id.0,
            order.lead.0,
            order.message.0,
            order.revision,
            subject,
            body,
            Json(&sentences) as _,
            Json(&order.brief.facts) as _,
            Json(&checks) as _,
            passes,
            writer.as_str(),
            order.brief.prompt.version,
            model,
            usage.tokens_in,
            usage.tokens_out,
            usage.cost_micros,
            notice,
            state.as_str(),
            author,
            now,
            by_itself,
            CHECKS,
        )
        .execute(self.t.conn())
        .await?;
        if by_itself {
            self.release(id, now).await?;
        }
        self.t.tell("drafts", id.0).await?;
        self.t.tell("campaigns", order.campaign.0).await?;
        Ok(self.load(&[id.0]).await?.pop())
    }

    /// Gives an order back that cannot be filled now.
    ///
    /// # Errors
    /// When the database is away; it goes back when its lease ends.
    pub async fn give_back(&mut self, order: &Order) -> Result<()> {
        sqlx::query!(
            "UPDATE draft_orders SET lease_until = NULL WHERE message_id = $1 AND fence = $2",
            order.message.0,
            order.fence
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Gives an order back that is to be filled later, unless its e-mail cannot wait so long, or a person waits for
    /// it who wants it anew. Whether it was.
    ///
    /// # Errors
    /// When the database is away; it goes back when its lease ends.
    pub async fn put_off(&mut self, order: &Order, until: DateTime<Utc>) -> Result<bool> {
        let put_off = sqlx::query!(
            "UPDATE draft_orders o SET lease_until = NULL, write_at = $3 FROM messages m
             WHERE o.message_id = $1 AND o.fence = $2 AND m.id = o.message_id AND m.due_at >= $4
               AND o.reason IS NULL",
            order.message.0,
            order.fence,
            until,
            until - MAY_BE_LATE
        )
        .execute(self.t.conn())
        .await?;
        Ok(put_off.rows_affected() > 0)
    }

    /// What an e-mail is about; nothing when its lead is gone.
    pub(super) async fn about(&mut self, message: MessageId) -> Result<Option<About>> {
        let row = sqlx::query!(
            r#"
            SELECT m.campaign_id AS "campaign!: CampaignId", m.enrolment_id AS "enrolment!: EnrolmentId",
                   m.lead_id AS "lead: LeadId", m.step_id AS "step!: StepId", m.variant, e.version_number,
                   b.from_name, b.address, f.name AS company, f.postal_address
            FROM messages m
            JOIN enrolments e ON e.id = m.enrolment_id
            JOIN mailboxes b ON b.id = m.mailbox_id
            CROSS JOIN companies f
            WHERE m.id = $1
            "#,
            message.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some((row, lead)) = row.and_then(|row| row.lead.map(|lead| (row, lead))) else { return Ok(None) };
        let sequence = self.t.campaigns().sequence(row.campaign, row.version_number).await?;
        let Some(mut email) = sequence.get(row.step).and_then(|step| step.email()).cloned() else { return Ok(None) };
        let (subject, body) = email.wording(row.variant);
        (email.subject, email.body) = (subject.to_owned(), body.to_owned());
        Ok(Some(About {
            campaign: row.campaign,
            enrolment: row.enrolment,
            lead,
            email,
            sender: Sender {
                name: row.from_name,
                address: row.address,
                company: row.company,
                postal_address: row.postal_address,
            },
        }))
    }
}

/// What an e-mail is about.
pub(super) struct About {
    pub campaign: CampaignId,
    pub enrolment: EnrolmentId,
    pub lead: LeadId,
    pub email: Email,
    pub sender: Sender,
}

/// What a model writes is bounded before it is kept; the checks say what is too long.
pub(super) fn storable(subject: &str, sentences: &[Sentence]) -> (String, String) {
    let bounded = |text: String, most: usize, empty: &str| -> String {
        let text: String = text.trim().chars().take(most).collect();
        if text.is_empty() { empty.to_owned() } else { text }
    };
    let subject = subject.replace('\0', "").split_whitespace().collect::<Vec<_>>().join(" ");
    (
        bounded(subject, domain::drafts::MAX_SUBJECT, "No subject"),
        bounded(domain::drafts::join(sentences), domain::drafts::MAX_BODY, "No text"),
    )
}
