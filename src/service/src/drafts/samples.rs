//! Samples: a few e-mails of a step, written for real leads while the campaign is being planned. They are kept
//! beside the step until somebody asks again, and no e-mail is ever made of one.

use chrono::Duration;
use domain::{
    CampaignId, EmailAddress, LeadId, Permission, Refusal, StepId,
    drafts::{DraftCheck, DraftInput, Origin, SAMPLES, Sample, judge},
    leads::display_name,
};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Brief, Drafts, Text, orders::storable};
use crate::{Error, Result, jobs::WriteSamples};

/// How long a writer may take for one.
const LEASE: Duration = Duration::minutes(15);

/// A sample that this worker is to write.
#[derive(Clone, Debug)]
pub struct SampleOrder {
    step: StepId,
    position: i32,
    fence: i64,
    /// What the writer is told.
    pub brief: Brief,
}

impl Drafts<'_> {
    /// The samples of a step, written or on their way.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn samples(&mut self, campaign: CampaignId, step: StepId) -> Result<Vec<Sample>> {
        self.t.require(Permission::Read).await?;
        self.t.campaigns().step(campaign, step).await?;
        let rows = sqlx::query!(
            r#"
            SELECT s.lead_id AS "lead: LeadId", l.first_name, l.last_name, l.email AS "email: EmailAddress", s.asked_at,
                   s.written_at, s.subject, s.body, s.checks AS "checks: Json<Vec<DraftCheck>>",
                   s.origin AS "origin: Json<Origin>", s.notice
            FROM draft_samples s JOIN leads l ON l.id = s.lead_id
            WHERE s.step_id = $1 ORDER BY s.position
            "#,
            step.0
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Sample {
                lead: r.lead,
                lead_name: display_name(
                    r.first_name.as_deref(),
                    r.last_name.as_deref(),
                    r.email.as_ref().map(EmailAddress::as_str),
                ),
                asked_at: r.asked_at,
                text: r.written_at.map(|_| DraftInput { subject: r.subject, body: r.body }),
                checks: r.checks.0,
                origin: r.origin.map(|origin| origin.0),
                notice: r.notice,
            })
            .collect())
    }

    /// Asks for samples of a step, for the first leads of the audience, in the place of older ones. Nothing
    /// happens while some are being written.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a problem when the step has no instructions; [`Error::Refused`] for a fixed text, or
    /// when there is no lead to write for.
    pub async fn ask_for_samples(&mut self, campaign: CampaignId, step: StepId) -> Result<Vec<Sample>> {
        self.t.require(Permission::EditCampaigns).await?;
        let told = self.t.campaigns().email(campaign, step).await?;
        if !told.writing.needs_draft() {
            let words = "This step is a fixed text. The preview shows how it reads.";
            return Err(Refusal::new("step_is_fixed", words, &[]).into());
        }
        let problems = told.problems();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        // Two who ask at once would write each other's rows.
        sqlx::query!("SELECT id FROM campaigns WHERE id = $1 FOR NO KEY UPDATE", campaign.0)
            .fetch_optional(self.t.conn())
            .await?;
        let now = self.t.now();
        let busy = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM draft_samples
                              WHERE step_id = $1 AND written_at IS NULL AND asked_at > $2) AS "busy!""#,
            step.0,
            now - LEASE
        )
        .fetch_one(self.t.conn())
        .await?;
        if busy {
            return self.samples(campaign, step).await;
        }
        let leads = self.t.campaigns().some_of_audience(campaign, SAMPLES).await?;
        if leads.is_empty() {
            let words = "The audience of this campaign has no lead to write for.";
            return Err(Refusal::new("audience_empty", words, &[]).into());
        }
        let leads: Vec<Uuid> = leads.into_iter().map(|(id, _)| id.0).collect();
        let by = self.t.actor().to_string();
        sqlx::query!("DELETE FROM draft_samples WHERE step_id = $1", step.0).execute(self.t.conn()).await?;
        sqlx::query!(
            "INSERT INTO draft_samples (campaign_id, step_id, position, lead_id, asked_by, asked_at)
             SELECT $5, $1, n::int, lead, $3, $4 FROM unnest($2::uuid[]) WITH ORDINALITY AS l (lead, n)",
            step.0,
            &leads,
            by,
            now,
            campaign.0
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue(&WriteSamples { company, step }).await?;
        self.t.tell("samples", step.0).await?;
        self.samples(campaign, step).await
    }

    /// Takes the next sample of a step that is to be written; nothing when all are.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take_sample(&mut self, step: StepId) -> Result<Option<SampleOrder>> {
        let now = self.t.now();
        let taken = sqlx::query!(
            r#"
            UPDATE draft_samples s SET fence = fence + 1, lease_until = $3
            WHERE s.step_id = $1
              AND s.position = (SELECT position FROM draft_samples
                                WHERE step_id = $1 AND written_at IS NULL AND (lease_until IS NULL OR lease_until < $2)
                                ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING s.position, s.fence, s.lead_id AS "lead: LeadId", s.campaign_id AS "campaign: CampaignId"
            "#,
            step.0,
            now,
            now + LEASE
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(taken) = taken else { return Ok(None) };
        let told = self.t.campaigns().email(taken.campaign, step).await?;
        let sender = self.t.campaigns().sender_of(taken.campaign).await?;
        let (prompt, rules) = (self.prompt().await?, self.rules_now().await?);
        let facts = self.known(taken.lead, &told, &sender).await?.unwrap_or_default();
        let brief = Brief { email: told, facts, prompt, forbidden: rules.forbidden_terms, before: None };
        Ok(Some(SampleOrder { step, position: taken.position, fence: taken.fence, brief }))
    }

    /// Keeps what was written for a sample, unless somebody has asked anew.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn keep_sample(&mut self, order: &SampleOrder, text: Text) -> Result<()> {
        let Text { subject, mut sentences, writer, model, usage, notice } = text;
        let checks = judge(&subject, &mut sentences, &order.brief.facts, &order.brief.forbidden);
        let (subject, body) = storable(&subject, &sentences);
        let origin = Origin {
            writer,
            prompt_version: order.brief.prompt.version,
            model,
            tokens_in: usage.tokens_in,
            tokens_out: usage.tokens_out,
            cost_micros: usage.cost_micros,
        };
        let now = self.t.now();
        sqlx::query!(
            "UPDATE draft_samples SET written_at = $4, lease_until = NULL, subject = $5, body = $6, checks = $7, origin = $8,
                 notice = $9
             WHERE step_id = $1 AND position = $2 AND fence = $3 AND written_at IS NULL",
            order.step.0,
            order.position,
            order.fence,
            now,
            subject,
            body,
            Json(&checks) as _,
            Json(&origin) as _,
            notice,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("samples", order.step.0).await
    }

    /// Gives a sample back that cannot be written now.
    ///
    /// # Errors
    /// When the database is away; it goes back when its lease ends.
    pub async fn give_sample_back(&mut self, order: &SampleOrder) -> Result<()> {
        sqlx::query!(
            "UPDATE draft_samples SET lease_until = NULL WHERE step_id = $1 AND position = $2 AND fence = $3",
            order.step.0,
            order.position,
            order.fence
        )
        .execute(self.t.conn())
        .await?;
        let (company, step) = (self.t.actor().company(), order.step);
        self.t.enqueue(&WriteSamples { company, step }).await
    }
}
