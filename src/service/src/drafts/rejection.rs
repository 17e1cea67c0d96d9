//! Rejections, and the way back from a decision. What follows from a rejection happens when nobody can take it
//! back any more, so taking it back has nothing to repair.

use domain::{
    CampaignId, CompanyId, DraftId, EnrolmentId, MessageId, Permission, Refusal, StepId,
    drafts::{Draft, DraftState, Rejection, UNDO, check_reason},
    enrolments::{EndReason, EnrolmentState},
};

use super::Drafts;
use crate::{
    Db, Error, Result,
    audit::Entry,
    campaigns::walk::At,
    jobs::{AdvanceCampaign, CarryOutRejection},
};

/// What the timeline says about an e-mail that was skipped.
const SKIPPED: &str = "its draft was rejected";

/// Carries out the rejection of a draft that nobody took back. Safe to call at any time, twice and at once.
///
/// # Errors
/// When the database is away; a worker looks again within a minute.
pub async fn carry_out(db: &Db, company: CompanyId, draft: DraftId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    match t.drafts().carry_out(draft).await {
        // Its lead was deleted in the meantime.
        Err(Error::NotFound(_)) => Ok(()),
        Ok(()) => t.commit().await,
        other => other,
    }
}

/// The e-mail of a rejected draft.
struct Rejected {
    rejection: Rejection,
    message: MessageId,
    waits: bool,
    /// What comes after its step.
    next: Option<StepId>,
    nothing_sent: bool,
    campaign: CampaignId,
    enrolment: EnrolmentId,
    version: i32,
}

impl Drafts<'_> {
    /// The e-mail is not sent. What else follows is up to `rejection`, and happens after the time to undo.
    ///
    /// # Errors
    /// A missing reason; [`Error::NotFound`]; [`Error::Refused`] for one that was decided about; a conflict when
    /// somebody else has it open.
    pub async fn reject(
        &mut self,
        id: DraftId,
        rejection: Rejection,
        reason: &str,
        version: Option<i32>,
    ) -> Result<Draft> {
        self.t.require(Permission::ApproveDrafts).await?;
        let reason = check_reason(reason)?;
        let (draft, _) = self.hold(id, version).await?;
        draft.state.require_open()?;
        self.decide_about(id, DraftState::Rejected, Some(&reason)).await?;
        let at = self.t.now() + UNDO;
        sqlx::query!(
            "UPDATE drafts SET rejection = $2, takes_effect_at = $3 WHERE id = $1",
            id.0,
            rejection.as_str(),
            at
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue_at(&CarryOutRejection { company, draft: id }, at).await?;
        self.t.audit().record(Entry::done("draft.rejected").on(draft.subject).details(reason)).await?;
        self.get(id).await
    }

    /// Takes an approval or a rejection back; nothing happens when the draft waits already.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Refused`] when the time to undo is over, or the lead has left the campaign.
    pub async fn undo(&mut self, id: DraftId) -> Result<Draft> {
        self.t.require(Permission::ApproveDrafts).await?;
        let draft = self.lock(id).await?;
        if draft.state == DraftState::Open {
            return Ok(draft);
        }
        let over = |words: &str| Error::from(Refusal::new("undo_over", words, &[]));
        let now = self.t.now();
        if draft.undo_until().is_none_or(|until| until <= now) {
            return Err(over("A decision can be taken back for 10 seconds. They are over."));
        }
        // The claim locks the message too, so an e-mail is either back here or on its way, never both.
        let back = sqlx::query!(
            "UPDATE messages m SET waits_for_draft = true, draft_id = NULL, updated_at = $2
             FROM drafts d, enrolments e
             WHERE d.id = $1 AND m.id = d.message_id AND m.state IN ('scheduled', 'held') AND m.attempts = 0
               AND e.id = m.enrolment_id AND e.is_open",
            id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        if back.rows_affected() == 0 {
            return Err(over("This e-mail is on its way, or its lead has left the campaign."));
        }
        sqlx::query!(
            "UPDATE drafts SET state = 'open', decided_at = NULL, decided_by = NULL, reason = NULL, rejection = NULL,
                 takes_effect_at = NULL, version = version + 1
             WHERE id = $1",
            id.0
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("drafts", id.0).await?;
        self.t.audit().record(Entry::done("draft.undone").on(draft.subject)).await?;
        self.get(id).await
    }

    async fn carry_out(&mut self, id: DraftId) -> Result<()> {
        self.lock(id).await?;
        let Some(rejected) = self.due_rejection(id).await? else { return Ok(()) };
        sqlx::query!("UPDATE drafts SET takes_effect_at = NULL WHERE id = $1", id.0).execute(self.t.conn()).await?;
        if !rejected.waits {
            return Ok(());
        }
        let (enrolment, campaign) = (rejected.enrolment, rejected.campaign);
        match (rejected.rejection, rejected.next) {
            (Rejection::SkipStep, Some(next)) => self.skip(&rejected, next).await?,
            (Rejection::SkipStep, None) if !rejected.nothing_sent => {
                self.t.enrolments().end(&[enrolment.0], EnrolmentState::Finished, None).await?;
            }
            (Rejection::SkipStep | Rejection::LeaveCampaign, _) => {
                let end = if rejected.nothing_sent { EnrolmentState::Skipped } else { EnrolmentState::Stopped };
                self.t.enrolments().end(&[enrolment.0], end, Some(EndReason::DraftRejected)).await?;
            }
        }
        self.t.tell("campaigns", campaign.0).await?;
        let company = self.t.actor().company();
        // It may have been the last that the campaign waited for.
        self.t.enqueue(&AdvanceCampaign { company, campaign }).await
    }

    async fn due_rejection(&mut self, id: DraftId) -> Result<Option<Rejected>> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"
            SELECT d.rejection AS "rejection!: Rejection", m.id AS "message: MessageId",
                   m.state = 'scheduled' AND e.is_open AS "waits!",
                   m.campaign_id AS "campaign!: CampaignId", e.id AS "enrolment: EnrolmentId", m.step_id AS "step!: StepId",
                   e.version_number,
                   NOT EXISTS (SELECT FROM messages g WHERE g.enrolment_id = e.id AND g.state = 'sent') AS "nothing_sent!"
            FROM drafts d
            JOIN messages m ON m.id = d.message_id
            JOIN enrolments e ON e.id = m.enrolment_id
            WHERE d.id = $1 AND d.takes_effect_at <= $2 AND m.state <> 'held'
            "#,
            id.0,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let sequence = self.t.campaigns().sequence(row.campaign, row.version_number).await?;
        Ok(Some(Rejected {
            rejection: row.rejection,
            message: row.message,
            waits: row.waits,
            next: sequence.after(row.step).map(|step| step.id),
            nothing_sent: row.nothing_sent,
            campaign: row.campaign,
            enrolment: row.enrolment,
            version: row.version_number,
        }))
    }

    /// What follows and is no e-mail is left to the worker, who does it while the campaign runs.
    async fn skip(&mut self, rejected: &Rejected, next: StepId) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE messages SET state = 'cancelled', detail = $2, updated_at = $3 WHERE id = $1",
            rejected.message.0,
            SKIPPED,
            now
        )
        .execute(self.t.conn())
        .await?;
        let from = [(rejected.enrolment, At::Later(next))];
        self.t.campaigns().walk_on(rejected.campaign, rejected.version, &from).await
    }
}
