//! What a mail does: enrolments end or wait, addresses are suppressed, timelines and triggers are told. It is
//! the transaction that stores the mail, and it locks enrolments before messages, as everybody does.

use std::collections::BTreeSet;

use domain::{
    CampaignId, EmailAddress, EnrolmentId, InboundId, LeadId, MailboxId,
    enrolments::{EndReason, EnrolmentState},
    inbound::{BounceKind, InboundKind, Judgement, Mail, MatchedBy, resume_on},
    leads::{LeadEventKind, LeadStatus},
    suppressions::{SuppressionReason, SuppressionTarget},
    threads::Effect,
    window::day_begins,
};
use uuid::Uuid;

use super::{InboundMail, Match};
use crate::{Result, campaigns::advance::waiting_state, messages::next_slot, suppressions::Because};

/// Characters of the sender's name that a timeline shows.
const NAME: usize = 100;

impl InboundMail<'_> {
    /// Does what a mail means, and tells what that was.
    pub(super) async fn act(
        &mut self,
        id: InboundId,
        mail: &Mail,
        judgement: &Judgement,
        found: &Match,
    ) -> Result<Vec<Effect>> {
        let mut effects = Vec::new();
        if let Some(message) = found.message.filter(|_| found.by == Some(MatchedBy::MessageId)) {
            self.t.messages().proven(message, "An answer names it, so it has arrived.").await?;
        }
        match judgement.kind {
            InboundKind::Reply => self.replied(id, mail, found, &mut effects).await?,
            InboundKind::OutOfOffice => self.away(id, mail, judgement, found, &mut effects).await?,
            InboundKind::AutoReply => self.entry(id, mail, LeadEventKind::AutoReplied, found).await?,
            InboundKind::Bounce => self.bounced(id, mail, judgement, found).await?,
            InboundKind::Complaint => self.suppressed(id, mail, judgement, found, SuppressionReason::Complaint).await?,
            InboundKind::Unsubscribe => {
                self.suppressed(id, mail, judgement, found, SuppressionReason::Unsubscribed).await?;
                effects.push(Effect::SuppressedAddress);
            }
            InboundKind::Other | InboundKind::Unreadable => {}
        }
        if let Some(account) = found.account {
            self.t.tell("accounts", account.0).await?;
        }
        self.told(found).await?;
        Ok(effects)
    }

    /// The person has answered: nothing more is sent to them by itself.
    async fn replied(&mut self, id: InboundId, mail: &Mail, found: &Match, effects: &mut Vec<Effect>) -> Result<()> {
        let Some(lead) = found.lead else { return Ok(()) };
        if self.t.enrolments().end_for_leads(&[lead.0], EnrolmentState::Replied, None).await? > 0 {
            effects.push(Effect::StoppedSequence);
        }
        self.end_afterwards(found, EnrolmentState::Replied, None).await?;
        let status = sqlx::query_scalar!(
            r#"SELECT status AS "status: LeadStatus" FROM leads WHERE id = $1 FOR NO KEY UPDATE"#,
            lead.0
        )
        .fetch_one(self.t.conn())
        .await?;
        if status.after_reply() != status {
            self.t.leads().change_status(&[lead.0], status.after_reply()).await?;
            effects.push(Effect::MarkedReplied);
        }
        self.entry(id, mail, LeadEventKind::Replied, found).await?;
        self.log(found, "replied").await?;
        self.t.triggers().reply_received(lead, found.campaign, id).await
    }

    /// The person is away: what is planned waits until they are back and have had a day.
    async fn away(
        &mut self,
        id: InboundId,
        mail: &Mail,
        judgement: &Judgement,
        found: &Match,
        effects: &mut Vec<Effect>,
    ) -> Result<()> {
        let Some(lead) = found.lead else { return Ok(()) };
        self.entry(id, mail, LeadEventKind::AutoReplied, found).await?;
        let Some(back_on) = judgement.back_on else { return Ok(()) };
        let until = day_begins(resume_on(back_on), self.t.actor().company_time_zone());
        let now = self.t.now();
        let open = sqlx::query!(
            r#"SELECT id AS "id: EnrolmentId", campaign_id AS "campaign: CampaignId" FROM enrolments
               WHERE lead_id = $1 AND state IN ('active', 'waiting_delay', 'waiting_window') ORDER BY id FOR UPDATE"#,
            lead.0
        )
        .fetch_all(self.t.conn())
        .await?;
        for enrolment in open {
            sqlx::query!(
                "UPDATE enrolments SET away_until = greatest(away_until, $2), updated_at = $3 WHERE id = $1",
                enrolment.id.0,
                until,
                now
            )
            .execute(self.t.conn())
            .await?;
            let slot = next_slot(self.t, enrolment.campaign, enrolment.id, until).await?;
            // A claim is taken back: whoever holds it finds that it is not theirs any more.
            let mailboxes = sqlx::query_scalar!(
                r#"UPDATE messages SET due_at = $2, window_ends_at = $3, updated_at = $4, lease_token = NULL,
                       lease_until = NULL, state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'scheduled' END
                   WHERE enrolment_id = $1 AND state IN ('scheduled', 'claimed', 'deferred') AND due_at < $2
                   RETURNING mailbox_id AS "mailbox: MailboxId""#,
                enrolment.id.0,
                slot.due_at,
                slot.ends_at,
                now
            )
            .fetch_all(self.t.conn())
            .await?;
            if !mailboxes.is_empty() {
                if !effects.contains(&Effect::WaitsUntilBack) {
                    effects.push(Effect::WaitsUntilBack);
                }
                sqlx::query!(
                    "UPDATE enrolments SET state = $2 WHERE id = $1",
                    enrolment.id.0,
                    waiting_state(slot, now).as_str()
                )
                .execute(self.t.conn())
                .await?;
                self.t.mailboxes().wake(&mailboxes, slot.due_at).await?;
            }
            self.t.tell("campaigns", enrolment.campaign.0).await?;
        }
        Ok(())
    }

    /// A server has given up, or goes on trying.
    async fn bounced(&mut self, id: InboundId, mail: &Mail, judgement: &Judgement, found: &Match) -> Result<()> {
        let Some(bounce) = &judgement.bounce else { return Ok(()) };
        match bounce.kind {
            BounceKind::Soft => return self.entry(id, mail, LeadEventKind::SoftBounced, found).await,
            BounceKind::Refused => {
                self.end(found, EnrolmentState::Failed, EndReason::Rejected).await?;
                self.entry(id, mail, LeadEventKind::Bounced, found).await?;
            }
            BounceKind::Hard => {
                self.end(found, EnrolmentState::Bounced, EndReason::HardBounce).await?;
                // Only the address that was written to: the lead may have another one by now.
                let target = found.recipient.clone().map(SuppressionTarget::Address);
                let because = because(SuppressionReason::Bounced, &judgement.why, found, id);
                let told = match target {
                    Some(target) => self.t.suppressions().suppress(&target, because).await?,
                    None => false,
                };
                if !told {
                    self.entry(id, mail, LeadEventKind::Bounced, found).await?;
                }
            }
        }
        self.log(found, "bounced").await
    }

    /// The person wants no more, and says so to us or to their provider.
    async fn suppressed(
        &mut self,
        id: InboundId,
        mail: &Mail,
        judgement: &Judgement,
        found: &Match,
        reason: SuppressionReason,
    ) -> Result<()> {
        let mut addresses: BTreeSet<EmailAddress> =
            found.recipient.iter().chain(&judgement.recipient).cloned().collect();
        if let Some(lead) = found.lead {
            let present =
                sqlx::query_scalar!(r#"SELECT email AS "email: EmailAddress" FROM leads WHERE id = $1"#, lead.0)
                    .fetch_one(self.t.conn())
                    .await?;
            addresses.extend(present);
        }
        // A complaint comes from a provider; a wish comes from the person.
        addresses.extend(mail.from.clone().filter(|_| reason == SuppressionReason::Unsubscribed));
        let mut told = false;
        for address in addresses {
            let because = because(reason, &judgement.why, found, id);
            told |= self.t.suppressions().suppress(&SuppressionTarget::Address(address), because).await?;
        }
        let (kind, word) = match reason {
            SuppressionReason::Unsubscribed => (LeadEventKind::Unsubscribed, "unsubscribed"),
            _ => (LeadEventKind::Suppressed, "complained"),
        };
        if !told {
            return self.entry(id, mail, kind, found).await;
        }
        self.log(found, word).await
    }

    /// Ends the enrolment that a mail is about, whether or not all its e-mails have left.
    async fn end(&mut self, found: &Match, state: EnrolmentState, reason: EndReason) -> Result<()> {
        let Some(enrolment) = found.enrolment else { return Ok(()) };
        sqlx::query!("SELECT id FROM enrolments WHERE id = $1 FOR UPDATE", enrolment.0)
            .fetch_optional(self.t.conn())
            .await?;
        self.t.enrolments().end(&[enrolment.0], state, Some(reason)).await?;
        self.end_afterwards(found, state, Some(reason)).await
    }

    /// An answer to the last e-mail comes after the end of the sequence, and says how it has really ended.
    async fn end_afterwards(&mut self, found: &Match, state: EnrolmentState, reason: Option<EndReason>) -> Result<()> {
        let Some(enrolment) = found.enrolment else { return Ok(()) };
        let now = self.t.now();
        sqlx::query!(
            "UPDATE enrolments SET state = $2, end_reason = $3, updated_at = $4 WHERE id = $1 AND state = 'finished'",
            enrolment.0,
            state.as_str(),
            reason.map(EndReason::as_str),
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// An entry of the timeline of the lead. Its text is that of the mail.
    async fn entry(&mut self, id: InboundId, mail: &Mail, kind: LeadEventKind, found: &Match) -> Result<()> {
        let Some(lead) = found.lead else { return Ok(()) };
        let (event, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        let name = Some(mail.from_name.as_str()).filter(|name| !name.is_empty());
        let name = name.or(mail.from.as_ref().map(EmailAddress::as_str)).unwrap_or("nobody that is named");
        sqlx::query!(
            "WITH event AS (
                 INSERT INTO lead_events (id, lead_id, at, kind, actor, campaign_id, inbound_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
             )
             UPDATE leads SET last_activity = $4, last_activity_at = $3 WHERE id = $2",
            event,
            lead.0,
            now,
            kind.as_str(),
            name.chars().take(NAME).collect::<String>(),
            found.campaign.map(|id| id.0),
            id.0,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn log(&mut self, found: &Match, kind: &str) -> Result<()> {
        match found.campaign {
            Some(campaign) => self.t.campaigns().log(campaign, kind, None).await,
            None => Ok(()),
        }
    }

    /// Pages that show the lead or the campaign load anew.
    async fn told(&mut self, found: &Match) -> Result<()> {
        if let Some(LeadId(lead)) = found.lead {
            self.t.tell("leads", lead).await?;
        }
        if let Some(CampaignId(campaign)) = found.campaign {
            self.t.tell("campaigns", campaign).await?;
        }
        Ok(())
    }
}

fn because<'a>(reason: SuppressionReason, detail: &'a str, found: &Match, id: InboundId) -> Because<'a> {
    Because { reason, detail: Some(detail), campaign: found.campaign, inbound: Some(id) }
}
