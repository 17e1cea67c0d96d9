//! What becomes of drafts of campaigns that wait for a person. What is approved is what is sent; an approval, a
//! rejection and the end of an enrolment exclude each other by its lock.

use chrono::{DateTime, Utc};
use domain::{
    DraftId, MailboxId, MessageId, Permission, Refusal,
    drafts::{
        Draft, DraftInput, DraftState, QueueFilter, Rewrite, STALE_AFTER, UNDO, Writer, ground, judge, passes,
        require_approvable,
    },
};
use sqlx::types::Json;

use super::Drafts;
use crate::{Error, Result, audit::Entry};

/// Most drafts that are approved at once.
const AT_ONCE: i64 = 1_000;

impl Drafts<'_> {
    /// Lets the e-mail of a draft leave as it stands here.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] for one that was decided otherwise, that has gaps, or that checks stand
    /// against without their being `acknowledged`; a conflict when `version` is not the newest, or when what it rests
    /// on has changed.
    pub async fn approve(&mut self, id: DraftId, version: Option<i32>, acknowledged: bool) -> Result<Draft> {
        self.t.require(Permission::ApproveDrafts).await?;
        let (draft, _) = self.hold(id, version).await?;
        if draft.state == DraftState::Approved {
            return Ok(draft);
        }
        draft.state.require_open()?;
        let changed = self.changed(id).await?;
        if !changed.is_empty() {
            let words = format!("{} Edit the draft, or ask for another one.", changed.join(" "));
            return Err(Error::conflict("facts_changed", words));
        }
        require_approvable(&draft.checks, acknowledged)?;
        self.decide_about(id, DraftState::Approved, None).await?;
        let earliest = self.t.now() + UNDO;
        self.release(id, earliest).await?;
        self.t.audit().record(Entry::done("draft.approved").on(draft.subject)).await?;
        self.get(id).await
    }

    /// Approves every fresh draft of a filter that no check stands against, that was written until `before` and
    /// that nobody else has open. How many.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn approve_passing(&mut self, filter: &QueueFilter, before: DateTime<Utc>) -> Result<i64> {
        self.t.require(Permission::ApproveDrafts).await?;
        let (now, me) = (self.t.now(), self.t.actor().user_id().map(|id| id.0));
        let (campaign, writer) = (filter.campaign.map(|id| id.0), filter.writer.map(Writer::as_str));
        let (fresh, earliest) = (now - STALE_AFTER, now + UNDO);
        // The enrolments first and in their order, as whoever ends several of them does.
        sqlx::query!(
            "SELECT e.id FROM enrolments e WHERE e.id IN (
                 SELECT m.enrolment_id FROM drafts d JOIN messages m ON m.id = d.message_id
                 WHERE d.state = 'open' AND d.passes AND d.checked_at > $3 AND d.created_at <= $2
                   AND ($1::uuid IS NULL OR m.campaign_id = $1) AND ($5::text IS NULL OR d.writer = $5)
                 ORDER BY d.created_at, d.id LIMIT $4)
             ORDER BY e.id FOR UPDATE",
            campaign,
            before,
            fresh,
            AT_ONCE,
            writer,
        )
        .fetch_all(self.t.conn())
        .await?;
        let ids = sqlx::query_scalar!(
            r#"SELECT d.id AS "id: DraftId" FROM drafts d JOIN messages m ON m.id = d.message_id
               WHERE d.state = 'open' AND d.passes AND d.checked_at > $3 AND d.created_at <= $2
                 AND ($1::uuid IS NULL OR m.campaign_id = $1) AND ($5::text IS NULL OR d.writer = $5)
                 AND (d.held_until IS NULL OR d.held_until <= $6 OR d.held_by = $7)
               ORDER BY d.created_at, d.id LIMIT $4 FOR UPDATE OF d"#,
            campaign,
            before,
            fresh,
            AT_ONCE,
            writer,
            now,
            me,
        )
        .fetch_all(self.t.conn())
        .await?;
        for id in &ids {
            self.decide_about(*id, DraftState::Approved, None).await?;
            self.release(*id, earliest).await?;
        }
        let count = i64::try_from(ids.len()).map_err(Error::internal)?;
        if count > 0 {
            self.t.audit().record(Entry::done("drafts.approved").on(format!("{count} that pass the checks"))).await?;
        }
        Ok(count)
    }

    /// Asks for another draft in the place of this one.
    ///
    /// # Errors
    /// A missing reason; [`Error::NotFound`]; [`Error::Refused`] for one that was decided about.
    pub async fn rewrite(&mut self, id: DraftId, wrong: &Rewrite, version: Option<i32>) -> Result<Draft> {
        self.t.require(Permission::ApproveDrafts).await?;
        let reason = wrong.words()?;
        let (draft, message) = self.hold(id, version).await?;
        draft.state.require_open()?;
        self.decide_about(id, DraftState::Replaced, Some(&reason)).await?;
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO draft_orders (message_id, write_at, reason) VALUES ($1, $2, $3)",
            message.0,
            now,
            reason
        )
        .execute(self.t.conn())
        .await?;
        self.wake_writers().await?;
        self.get(id).await
    }

    /// Other words for a draft of a campaign. Its facts are those of now.
    pub(super) async fn reword(&mut self, draft: Draft, input: DraftInput) -> Result<Draft> {
        let (facts, forbidden) = (self.facts_now(draft.id).await?, self.rules_now().await?.forbidden_terms);
        let mut sentences = ground(&input.body, &facts, &draft.sentences, None);
        let checks = judge(&input.subject, &mut sentences, &facts, &forbidden);
        let (now, editor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "UPDATE drafts SET original_subject = coalesce(original_subject, subject),
                 original_body = coalesce(original_body, body), subject = $2, body = $3, sentences = $4, facts = $5,
                 checks = $6, passes = $7, checked_at = $8, edited_by = $9, notice = NULL, version = version + 1
             WHERE id = $1",
            draft.id.0,
            input.subject,
            input.body,
            Json(&sentences) as _,
            Json(&facts) as _,
            Json(&checks) as _,
            passes(&checks),
            now,
            editor,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("drafts", draft.id.0).await?;
        self.get(draft.id).await
    }

    /// Lets the e-mail of an approved draft be claimed from `earliest` on; that of a paused lead once the lead goes on.
    /// The caller holds the enrolment.
    pub(super) async fn release(&mut self, id: DraftId, earliest: DateTime<Utc>) -> Result<()> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"UPDATE messages m SET waits_for_draft = false, draft_id = d.id, updated_at = $2,
                   due_at = greatest(m.due_at, $3)
               FROM drafts d WHERE d.id = $1 AND m.id = d.message_id AND m.state IN ('scheduled', 'held')
               RETURNING m.mailbox_id AS "mailbox: MailboxId", m.due_at, m.campaign_id AS "campaign_id!""#,
            id.0,
            now,
            earliest,
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(()) };
        self.t.mailboxes().wake(&[row.mailbox], row.due_at).await?;
        self.t.tell("campaigns", row.campaign_id).await
    }

    /// Drafts whose e-mails will not be sent, and orders for such. The caller holds the enrolments.
    pub(crate) async fn withdraw(&mut self, enrolments: &[uuid::Uuid]) -> Result<()> {
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "DELETE FROM draft_orders o USING messages m WHERE m.enrolment_id = ANY($1) AND o.message_id = m.id",
            enrolments
        )
        .execute(self.t.conn())
        .await?;
        let withdrawn = sqlx::query!(
            "UPDATE drafts d SET state = 'withdrawn', decided_at = $2, decided_by = $3, version = d.version + 1
             FROM messages m
             WHERE m.enrolment_id = ANY($1) AND m.state = 'cancelled' AND d.message_id = m.id
               AND d.state IN ('open', 'approved')",
            enrolments,
            now,
            actor,
        )
        .execute(self.t.conn())
        .await?;
        if withdrawn.rows_affected() > 0 {
            self.t.tell("drafts", None).await?;
        }
        Ok(())
    }

    /// The draft of a campaign, with its enrolment locked, and its e-mail.
    pub(super) async fn hold(&mut self, id: DraftId, version: Option<i32>) -> Result<(Draft, MessageId)> {
        let draft = self.lock(id).await?;
        self.require_free(id).await?;
        let message = sqlx::query_scalar!(r#"SELECT message_id AS "id: MessageId" FROM drafts WHERE id = $1"#, id.0)
            .fetch_one(self.t.conn())
            .await?;
        let Some(message) = message else {
            let words = "This draft belongs to no campaign. Take its words, or dismiss it.";
            return Err(Refusal::new("draft_of_lead", words, &["use", "dismiss"]).into());
        };
        if version.is_some_and(|version| version != draft.version) && draft.state == DraftState::Open {
            return Err(Error::stale());
        }
        Ok((draft, message))
    }

    pub(super) async fn decide_about(&mut self, id: DraftId, state: DraftState, reason: Option<&str>) -> Result<()> {
        let (now, actor) = (self.t.now(), self.t.actor().to_string());
        sqlx::query!(
            "UPDATE drafts SET state = $2, decided_at = $3, decided_by = $4, reason = $5, held_by = NULL,
                 held_name = NULL, held_until = NULL, version = version + 1
             WHERE id = $1",
            id.0,
            state.as_str(),
            now,
            actor,
            reason,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("drafts", id.0).await
    }
}
