//! Test mails: one step, written for one lead, sent to an address that somebody entered.

use domain::{
    CampaignId, EmailAddress, LeadId, MailboxId, Permission, Problem, StepId,
    domains::is_about_policy,
    messages::LEASE,
    steps::{Email, TestMail, TestMailState, letter},
};
use uuid::Uuid;

use super::{Campaigns, Written, render};
use crate::{Error, Result, audit::Entry, jobs::SendTestMail};

/// Everything a worker needs to send a test mail.
#[derive(Clone, Debug)]
pub struct TestMailToSend {
    /// The mailbox it leaves from.
    pub mailbox: MailboxId,
    /// Where it goes.
    pub recipient: EmailAddress,
    /// What it says; the subject is marked.
    pub written: Written,
}

impl Campaigns<'_> {
    /// Asks for a test mail to `to`, in the first wording of its step; a worker sends it.
    ///
    /// # Errors
    /// [`Error::NotFound`] when campaign, step or lead does not exist; a wrong address, a suppressed one,
    /// or a campaign without a mailbox as problems.
    pub async fn request_test_mail(
        &mut self,
        campaign: CampaignId,
        step: StepId,
        lead: Option<LeadId>,
        to: &str,
    ) -> Result<TestMail> {
        self.request_test_of_variant(campaign, step, 0, lead, to).await
    }

    /// The same in one of its wordings: 0 is A.
    ///
    /// # Errors
    /// As [`Self::request_test_mail`]; a problem when the step has no such wording.
    pub async fn request_test_of_variant(
        &mut self,
        campaign: CampaignId,
        step: StepId,
        variant: i16,
        lead: Option<LeadId>,
        to: &str,
    ) -> Result<TestMail> {
        self.t.require(Permission::EditCampaigns).await?;
        let to = EmailAddress::parse(to).map_err(|p| p.on("to"))?;
        let loaded = self.load(campaign, false).await?;
        let email = self.email(campaign, step).await?;
        if !has_variant(&email, variant) {
            return Err(Problem::field("variant", "variant_unknown", "The step has no such wording any more.").into());
        }
        self.facts_for(campaign, lead).await?;
        if loaded.mailboxes.is_empty() {
            return Err(Problem::field("to", "mailbox_missing", "Choose a mailbox for the campaign first.").into());
        }
        let suppressed =
            sqlx::query_scalar!(r#"SELECT is_suppressed($1) AS "s!""#, to.as_str()).fetch_one(self.t.conn()).await?;
        if suppressed {
            return Err(Problem::field("to", "suppressed", "This address asked for no more e-mail.").into());
        }
        let (id, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO test_mails (id, campaign_id, step_id, lead_id, recipient, created_at, variant)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            id,
            campaign.0,
            step.0,
            lead.map(|l| l.0),
            to.as_str(),
            now,
            variant,
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue(&SendTestMail { company, mail: id }).await?;
        self.t.audit().record(Entry::done("campaign.test_mail").on(loaded.name)).await?;
        Ok(TestMail { id, recipient: to.into(), state: TestMailState::Waiting, detail: None, created_at: now })
    }

    /// The last test mails of a campaign.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn test_mails(&mut self, campaign: CampaignId) -> Result<Vec<TestMail>> {
        self.require_there(campaign).await?;
        Ok(sqlx::query_as!(
            TestMail,
            r#"SELECT id, recipient, state AS "state: TestMailState", detail, created_at FROM test_mails
               WHERE campaign_id = $1 ORDER BY created_at DESC LIMIT 5"#,
            campaign.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Takes a waiting test mail; nothing when another worker has it. From here on it is never sent
    /// again; who is not heard of until the lease ends leaves it unknown.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take_test_mail(&mut self, id: Uuid) -> Result<Option<TestMailToSend>> {
        let until = self.t.now() + LEASE;
        let row = sqlx::query!(
            r#"UPDATE test_mails SET state = 'sending', lease_until = $2 WHERE id = $1 AND state = 'waiting'
               RETURNING campaign_id AS "campaign: CampaignId", step_id AS "step: StepId", lead_id AS "lead: LeadId",
                         recipient AS "recipient: EmailAddress", variant"#,
            id,
            until
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let email = self.email(row.campaign, row.step).await?;
        let facts = self.facts_for(row.campaign, row.lead).await?;
        let sender = self.sender_of(row.campaign).await?;
        let mailbox =
            self.load(row.campaign, false).await?.mailboxes.first().copied().ok_or(Error::NotFound("mailbox"))?;
        let now = self.t.now();
        sqlx::query!("UPDATE test_mails SET mailbox_id = $2, sending_at = $3 WHERE id = $1", id, mailbox.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.mailboxes().count_anew(mailbox).await?;
        let url = format!("{}/p/example", self.t.db().settings().public_url);
        // A wording that was taken out meanwhile reads as the first one does, and is called so.
        let variant = if has_variant(&email, row.variant) { row.variant } else { 0 };
        let mut written = render::sample(&email, variant, &facts, &sender, &url);
        let which = usize::try_from(variant).map(letter).ok().filter(|_| !email.variants.is_empty());
        let mark = which.map_or_else(|| "[Test]".to_owned(), |letter| format!("[Test {letter}]"));
        written.subject = format!("{mark} {}", written.subject);
        Ok(Some(TestMailToSend { mailbox, recipient: row.recipient, written }))
    }

    /// What became of a test mail. A refusal for a reason of policy has the domain checked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn finish_test_mail(&mut self, id: Uuid, state: &str, detail: &str) -> Result<()> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"UPDATE test_mails SET state = $2, detail = $3, finished_at = $4 WHERE id = $1
               RETURNING campaign_id, mailbox_id AS "mailbox: MailboxId""#,
            id,
            state,
            detail,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(()) };
        if let Some(mailbox) = row.mailbox.filter(|_| state == "failed" && is_about_policy(detail)) {
            self.t.domains().doubt(mailbox).await?;
        }
        self.t.tell("campaigns", row.campaign_id).await
    }
}

/// Whether an e-mail has this wording: 0 is its own, and those after it are the others.
fn has_variant(email: &Email, variant: i16) -> bool {
    usize::try_from(variant).is_ok_and(|variant| variant <= email.variants.len())
}
