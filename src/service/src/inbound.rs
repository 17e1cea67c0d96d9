//! Inbound mail: stored once, recognised, and acted on in the same transaction. Whoever claims or begins to send
//! after that commit finds the enrolment as the mail has left it.

mod effect;
pub(crate) mod html;
mod junk;
mod matching;
pub mod parse;
mod reading;

use chrono::{DateTime, Utc};
use domain::{
    AccountId, CampaignId, EmailAddress, EnrolmentId, InboundId, LeadId, MailboxId, MessageId,
    inbound::{Confidence, Inbound, InboundKind, Judgement, Mail, MatchedBy, Parts, judge, leaves, split},
};

use sha2::{Digest, Sha256};
use sqlx::types::Json;

use crate::{Error, Result, Tenant, threads::Arrived};

/// Most bytes of a mail that are kept as they came.
const MOST_RAW: usize = 256 * 1024;

/// The mails that have come to the company.
#[derive(Debug)]
pub struct InboundMail<'t> {
    t: &'t mut Tenant,
}

/// A mail as it came.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The mailbox it has come to.
    pub mailbox: MailboxId,
    /// Names it in its mailbox, always the same for the same mail.
    pub uid_key: &'a str,
    /// Its bytes.
    pub raw: &'a [u8],
    /// When it arrived.
    pub at: DateTime<Utc>,
}

/// What a mail belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Match {
    by: Option<MatchedBy>,
    pub lead: Option<LeadId>,
    pub account: Option<AccountId>,
    pub campaign: Option<CampaignId>,
    enrolment: Option<EnrolmentId>,
    message: Option<MessageId>,
    /// The address that was written to.
    recipient: Option<EmailAddress>,
}

impl Tenant {
    /// The mails that have come to the company.
    pub fn inbound(&mut self) -> InboundMail<'_> {
        InboundMail { t: self }
    }
}

impl InboundMail<'_> {
    /// Stores a mail and does what it means; called by whoever reads a mailbox. The same mail once more changes
    /// nothing: then there is no id.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a mailbox; when the database is away, and then nothing is stored.
    pub async fn receive(&mut self, arrival: Arrival<'_>) -> Result<Option<InboundId>> {
        let mail = parse::parse(arrival.raw);
        let mut judgement = judge(&mail, arrival.at.date_naive());
        sqlx::query_scalar!("SELECT 1 FROM mailboxes WHERE id = $1", arrival.mailbox.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("mailbox"))?;
        let mut found = match (judgement.kind, self.leaving(&mail).await?) {
            (InboundKind::Unreadable, _) => Match::default(),
            (_, Some(found)) => {
                judgement = leaves();
                found
            }
            (_, None) if self.is_from_us(&mail, &judgement).await? => {
                judgement.kind = InboundKind::Other;
                judgement.why = "It is from one of your own mailboxes or members.".to_owned();
                Match::default()
            }
            (_, None) => self.find(arrival.mailbox, &mail, &judgement).await?,
        };
        if let Some(other) = self.copy_of(arrival.mailbox, &mail, judgement.kind, &found).await? {
            judgement.kind = InboundKind::Other;
            judgement.bounce = None;
            judgement.why = format!("It is a copy of a mail that came to {other}, too, and counts there.");
            found = Match::default();
        }
        let stranger = judgement.kind == InboundKind::Reply && found.lead.is_none() && found.account.is_none();
        if stranger {
            judgement.kind = InboundKind::Other;
            judgement.why = "No campaign has written to whoever it is from.".to_owned();
        }
        let Some(id) = self.store(&arrival, &mail, &judgement, &found).await? else { return Ok(None) };
        let effects = self.act(id, &mail, &judgement, &found).await?;
        let arrived = Arrived { id, mailbox: arrival.mailbox, at: arrival.at, stranger, effects };
        self.t.threads().keep(&arrived, &mail, &judgement, &found).await?;
        self.t.tell("inbound", id.0).await?;
        Ok(Some(id))
    }

    /// Keeps a mail for a person to look at: reading it, or doing what it means, has failed again and again.
    ///
    /// # Errors
    /// When the database is away, and then nothing is stored.
    pub(crate) async fn set_aside(&mut self, arrival: Arrival<'_>, why: &str) -> Result<()> {
        let mail = Mail { text: parse::headers_of(arrival.raw), ..Mail::default() };
        let judgement = Judgement {
            kind: InboundKind::Unreadable,
            why: why.to_owned(),
            confidence: Confidence::Sure,
            back_on: None,
            bounce: None,
            about: None,
            recipient: None,
        };
        match self.store(&arrival, &mail, &judgement, &Match::default()).await? {
            Some(id) => self.t.tell("inbound", id.0).await,
            None => Ok(()),
        }
    }

    /// Whether a mail of the same octets, or one of the same id that was counted elsewhere, has come to the same
    /// mailbox. If it was counted elsewhere, it is known under its new key from now on.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn is_known(&mut self, arrival: Arrival<'_>, counted_here: &str) -> Result<bool> {
        let known = sqlx::query!(
            r#"SELECT id, starts_with(uid_key, $4) AS "here!" FROM inbound_messages
               WHERE mailbox_id = $1
                 AND (uid_key = $5 OR digest = $2 OR (message_id = $3 AND NOT starts_with(uid_key, $4)))
               ORDER BY 2 DESC, id LIMIT 1"#,
            arrival.mailbox.0,
            digest(arrival.raw),
            parse::parse(arrival.raw).message_id,
            counted_here,
            arrival.uid_key
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(known) = known else { return Ok(false) };
        if !known.here {
            sqlx::query!("UPDATE inbound_messages SET uid_key = $2 WHERE id = $1", known.id, arrival.uid_key)
                .execute(self.t.conn())
                .await?;
        }
        Ok(true)
    }

    async fn store(
        &mut self,
        arrival: &Arrival<'_>,
        mail: &Mail,
        judgement: &Judgement,
        found: &Match,
    ) -> Result<Option<InboundId>> {
        let (id, now): (InboundId, _) = (self.t.new_id(), self.t.now());
        let parts = match judgement.kind {
            InboundKind::Unreadable => Parts { own: mail.text.clone(), quoted: String::new() },
            _ => split(&mail.text),
        };
        let bounce = judgement.bounce.as_ref();
        let stored = sqlx::query!(
            "INSERT INTO inbound_messages (id, mailbox_id, uid_key, arrived_at, stored_at, message_id, answers, from_name,
                                           from_address, subject, text, quoted, raw, kind, why, confidence, bounce, status,
                                           back_on, matched_by, lead_id, account_id, campaign_id, enrolment_id, outgoing_id,
                                           digest, attachments, has_html)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                     $23, $24, $25, $26, $27, $28)
             ON CONFLICT ON CONSTRAINT inbound_messages_once_key DO NOTHING",
            id.0,
            arrival.mailbox.0,
            arrival.uid_key,
            arrival.at,
            now,
            mail.message_id,
            &mail.answers,
            mail.from_name,
            mail.from.as_ref().map(EmailAddress::as_str),
            mail.subject,
            parts.own,
            parts.quoted,
            Some(arrival.raw).filter(|raw| raw.len() <= MOST_RAW),
            judgement.kind.as_str(),
            judgement.why,
            judgement.confidence.as_str(),
            bounce.map(|bounce| bounce.kind.as_str()),
            bounce.and_then(|bounce| bounce.status.as_deref()),
            judgement.back_on,
            found.by.map(MatchedBy::as_str),
            found.lead.map(|id| id.0),
            found.account.map(|id| id.0),
            found.campaign.map(|id| id.0),
            found.enrolment.map(|id| id.0),
            found.message.map(|id| id.0),
            digest(arrival.raw),
            Json(&mail.attachments) as _,
            mail.has_html,
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        Ok((stored == 1).then_some(id))
    }
}

/// By which a mail is known again. All mails of which nothing was read look the same, and are not.
fn digest(raw: &[u8]) -> Option<Vec<u8>> {
    (!raw.is_empty()).then(|| Sha256::digest(raw).to_vec())
}
