//! What a mail does: enrolments end or wait, addresses are suppressed, timelines and triggers are told. It is
//! the transaction that stores the mail, and it locks enrolments before messages, as everybody does.

use std::collections::BTreeSet;

use chrono::Duration;
use domain::{
    AccountId, CampaignId, EmailAddress, EnrolmentId, InboundId, LeadId,
    campaigns::{OnColleague, OnReply, Rules},
    enrolments::{EndReason, EnrolmentState},
    inbound::{BounceKind, InboundKind, Judgement, Mail, MatchedBy, resume_on},
    leads::{LeadEventKind, LeadStatus},
    messages::{Evidence, SOFT_BOUNCE_LIMIT, SOFT_BOUNCES},
    suppressions::{SuppressionReason, SuppressionTarget},
    threads::Effect,
    window::day_begins,
};
use sqlx::types::Json;
use uuid::Uuid;

use super::{InboundMail, Match};
use crate::{Result, campaigns::Concerning, mailboxes::CameBack, suppressions::Because};

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
        if let Some(message) =
            found.message.filter(|_| matches!(found.by, Some(MatchedBy::MessageId | MatchedBy::ReturnPath)))
        {
            self.t.messages().proven(message, Evidence::Answer, "An answer names it, so it has arrived.").await?;
        }
        match judgement.kind {
            InboundKind::Reply => self.replied(id, mail, found, &mut effects).await?,
            InboundKind::OutOfOffice => self.away(id, mail, judgement, found, &mut effects).await?,
            InboundKind::AutoReply => self.entry(id, mail, LeadEventKind::AutoReplied, found).await?,
            InboundKind::Bounce => self.bounced(id, mail, judgement, found).await?,
            InboundKind::Complaint => {
                self.came_back(found, CameBack::Complained).await?;
                self.suppressed(id, mail, judgement, found, SuppressionReason::Complaint).await?;
            }
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
        let Some(lead) = found.lead else {
            // Somebody of the firm, who is no lead: those who are have heard of it all the same.
            return match found.account {
                Some(account) => self.colleague_answered(account, None).await,
                None => Ok(()),
            };
        };
        if self.answered(lead, found).await? {
            effects.push(Effect::StoppedSequence);
        }
        let account =
            sqlx::query_scalar!(r#"SELECT account_id AS "account: AccountId" FROM leads WHERE id = $1"#, lead.0)
                .fetch_one(self.t.conn())
                .await?;
        if let Some(account) = account {
            self.colleague_answered(account, Some(lead)).await?;
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
        self.t.campaigns().look_again(&[lead.0]).await?;
        self.t.events().reply_received(lead, found.campaign, id).await
    }

    /// What an answer does to the sequences of the one who has written it, as each campaign says. Whether one ended.
    async fn answered(&mut self, lead: LeadId, found: &Match) -> Result<bool> {
        let open = sqlx::query!(
            r#"SELECT e.id, e.campaign_id, c.rules AS "rules: Json<Rules>"
               FROM enrolments e JOIN campaigns c ON c.id = e.campaign_id
               WHERE e.lead_id = $1 AND e.is_open ORDER BY e.id FOR UPDATE OF e"#,
            lead.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let of = |what| open.iter().filter(|e| e.rules.0.on_reply == what).map(|e| e.id).collect::<Vec<_>>();
        let stopped = of(OnReply::Stop);
        self.t.enrolments().end(&stopped, EnrolmentState::Replied, None).await?;
        self.t.enrolments().put_on_hold(&of(OnReply::Pause), "the lead has answered").await?;
        for enrolment in &open {
            self.t.tell("campaigns", enrolment.campaign_id).await?;
        }
        let now = self.t.now();
        if let Some(message) = found.message {
            sqlx::query!("UPDATE messages SET replied_at = coalesce(replied_at, $2) WHERE id = $1", message.0, now)
                .execute(self.t.conn())
                .await?;
        }
        Ok(!stopped.is_empty())
    }

    /// What it does to those who work for the account, but for the one who has answered, as each campaign says.
    async fn colleague_answered(&mut self, account: AccountId, lead: Option<LeadId>) -> Result<()> {
        let colleagues = sqlx::query_scalar!(
            "SELECT id FROM leads WHERE account_id = $1 AND id IS DISTINCT FROM $2",
            account.0,
            lead.map(|lead| lead.0)
        )
        .fetch_all(self.t.conn())
        .await?;
        // Looked up one by one: an account has some, and a campaign has thousands.
        let found = sqlx::query_scalar!(
            r#"SELECT e.id AS "id!" FROM by_key($1) k
               CROSS JOIN LATERAL (SELECT id, campaign_id FROM enrolments WHERE lead_id = k.id AND is_open OFFSET 0) e
               JOIN campaigns c ON c.id = e.campaign_id AND coalesce(c.rules ->> 'on_colleague', 'nothing') <> 'nothing'"#,
            &colleagues
        )
        .fetch_all(self.t.conn())
        .await?;
        if found.is_empty() {
            return Ok(());
        }
        let open = sqlx::query!(
            r#"SELECT e.id AS "id: EnrolmentId", e.campaign_id AS "campaign: CampaignId", c.rules AS "rules: Json<Rules>"
               FROM by_key($1) k JOIN enrolments e USING (id) JOIN campaigns c ON c.id = e.campaign_id
               WHERE e.is_open ORDER BY e.id FOR UPDATE OF e"#,
            &found
        )
        .fetch_all(self.t.conn())
        .await?;
        let now = self.t.now();
        for enrolment in open {
            let rules = enrolment.rules.0;
            match rules.on_colleague {
                OnColleague::Nothing => {}
                OnColleague::Delay => {
                    let until = now + Duration::days(i64::from(rules.colleague_delay_days));
                    let (id, campaign) = (enrolment.id, enrolment.campaign);
                    self.t.enrolments().wait_until(id, campaign, until).await.map(|_| ())?;
                }
                OnColleague::Stop => {
                    let why = Some(EndReason::AccountReplied);
                    self.t.enrolments().end(&[enrolment.id.0], EnrolmentState::Stopped, why).await?;
                    self.t.tell("campaigns", enrolment.campaign.0).await?;
                }
            }
        }
        Ok(())
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
        let open = sqlx::query!(
            r#"SELECT id AS "id: EnrolmentId", campaign_id AS "campaign: CampaignId" FROM enrolments
               WHERE lead_id = $1 AND is_open ORDER BY id FOR UPDATE"#,
            lead.0
        )
        .fetch_all(self.t.conn())
        .await?;
        for enrolment in open {
            let waits = self.t.enrolments().wait_until(enrolment.id, enrolment.campaign, until).await?;
            if waits && !effects.contains(&Effect::WaitsUntilBack) {
                effects.push(Effect::WaitsUntilBack);
            }
        }
        Ok(())
    }

    /// A server has given up, or goes on trying.
    async fn bounced(&mut self, id: InboundId, mail: &Mail, judgement: &Judgement, found: &Match) -> Result<()> {
        let Some(bounce) = &judgement.bounce else { return Ok(()) };
        match bounce.kind {
            BounceKind::Soft if !self.is_out_of_reach(found).await? => {
                return self.entry(id, mail, LeadEventKind::SoftBounced, found).await;
            }
            BounceKind::Refused => {
                self.came_back(found, CameBack::Bounced).await?;
                self.end(found, EnrolmentState::Failed, EndReason::Rejected).await?;
                self.entry(id, mail, LeadEventKind::Bounced, found).await?;
            }
            BounceKind::Hard | BounceKind::Soft => {
                let (reason, detail) = match bounce.kind {
                    BounceKind::Hard => (EndReason::HardBounce, judgement.why.clone()),
                    _ => {
                        let words = format!("{SOFT_BOUNCES} reports within {} hours.", SOFT_BOUNCE_LIMIT.num_hours());
                        (EndReason::SoftExhausted, format!("{words} {}", judgement.why))
                    }
                };
                self.came_back(found, CameBack::Bounced).await?;
                self.end(found, EnrolmentState::Bounced, reason).await?;
                // Only the address that was written to: the lead may have another one by now.
                let target = found.recipient.clone().map(SuppressionTarget::Address);
                let because = because(SuppressionReason::Bounced, &detail, found, id);
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

    /// Whether servers have said again and again that the one who was written to cannot be reached.
    async fn is_out_of_reach(&mut self, found: &Match) -> Result<bool> {
        let (Some(lead), Some(recipient)) = (found.lead, &found.recipient) else { return Ok(false) };
        let since = self.t.now() - SOFT_BOUNCE_LIMIT;
        let reports = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM inbound_messages i JOIN messages m ON m.id = i.outgoing_id
               WHERE i.lead_id = $1 AND i.bounce = 'soft' AND i.arrived_at > $2 AND m.recipient = $3
                 AND NOT EXISTS (SELECT FROM inbound_messages r WHERE r.lead_id = $1 AND r.arrived_at >= i.arrived_at
                                   AND r.from_address = $3)"#,
            lead.0,
            since,
            recipient.as_str()
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(reports >= SOFT_BOUNCES)
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

    /// Counts against the mailbox that has sent the e-mail. Enrolments and threads are locked before messages.
    async fn came_back(&mut self, found: &Match, how: CameBack) -> Result<()> {
        let Some(message) = found.message else { return Ok(()) };
        if how == CameBack::Bounced {
            self.t.threads().answer_came_back(message).await?;
        }
        if let Some(enrolment) = found.enrolment {
            sqlx::query!("SELECT id FROM enrolments WHERE id = $1 FOR UPDATE", enrolment.0)
                .fetch_optional(self.t.conn())
                .await?;
        }
        self.t.mailboxes().came_back(message, how).await
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
                 INSERT INTO lead_events (event_id, lead_id, at, kind, actor, campaign_id, inbound_id)
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
        let Some(campaign) = found.campaign else { return Ok(()) };
        let about = Concerning { lead: found.lead, message: found.message, ..Concerning::default() };
        self.t.campaigns().log_of(campaign, kind, None, about).await
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
