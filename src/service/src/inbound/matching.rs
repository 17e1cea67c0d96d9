//! Whom a mail is from or about: by the return path of an e-mail of ours, then by the e-mail that it names, then by a mail
//! of its thread that has come, then by an address that a campaign has written to, then by the firm. A lead that no
//! campaign has written to is not looked for.

use domain::{
    AccountId, CampaignId, EmailAddress, EnrolmentId, LeadId, MailboxId, MessageId,
    inbound::{InboundKind, Judgement, Mail, MatchedBy, unsubscribe_token},
    mailboxes::token_of,
    score::PRIVATE_MAIL,
};
use uuid::Uuid;

use super::{InboundMail, Match};
use crate::{Result, mailboxes::RETURN_PATH, messages::claim::UNSUBSCRIBE};

impl InboundMail<'_> {
    pub(super) async fn find(&mut self, mailbox: MailboxId, mail: &Mail, judgement: &Judgement) -> Result<Match> {
        if let Some(found) = self.by_return_path(mail).await? {
            return Ok(found);
        }
        let ids: Vec<String> = judgement.about.iter().chain(&mail.answers).map(|id| format!("<{id}>")).collect();
        if let Some(found) = self.by_message_id(&ids).await? {
            return Ok(found);
        }
        // A report is about its recipient, never about the server that it comes from.
        let is_report = matches!(judgement.kind, InboundKind::Bounce | InboundKind::Complaint);
        if !is_report && let Some(found) = self.by_thread(mailbox, &mail.answers).await? {
            return Ok(found);
        }
        let address = if is_report { judgement.recipient.as_ref() } else { mail.from.as_ref() };
        let Some(address) = address else { return Ok(Match::default()) };
        if let Some(found) = self.by_address(mailbox, address, is_report).await? {
            return Ok(found);
        }
        if is_report || PRIVATE_MAIL.contains(&address.domain()) {
            return Ok(Match::default());
        }
        self.by_account(mailbox, address.domain()).await
    }

    /// Another mailbox of the company to which the same mail of the same person has come, and where it counts. Whoever
    /// reads the same mail at the same moment waits here.
    pub(super) async fn copy_of(
        &mut self,
        mailbox: MailboxId,
        mail: &Mail,
        kind: InboundKind,
        found: &Match,
    ) -> Result<Option<String>> {
        let Some((lead, id)) = found.lead.zip(mail.message_id.as_deref()) else { return Ok(None) };
        sqlx::query!(
            r#"SELECT pg_advisory_xact_lock(hashtextextended(current_company() || $1, 0)) AS "held: ()""#,
            format!("inbound {id}")
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(sqlx::query_scalar!(
            "SELECT b.address FROM inbound_messages i JOIN mailboxes b ON b.id = i.mailbox_id
             WHERE i.lead_id = $1 AND i.message_id = $2 AND i.mailbox_id <> $3 AND i.kind = $4
             ORDER BY i.arrived_at LIMIT 1",
            lead.0,
            id,
            mailbox.0,
            kind.as_str()
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Whether a mailbox or a member of the company writes, who may stand in a thread without being its lead. A report is
    /// about its recipient, whoever passes it on.
    pub(super) async fn is_from_us(&mut self, mail: &Mail, judgement: &Judgement) -> Result<bool> {
        let is_report = matches!(judgement.kind, InboundKind::Bounce | InboundKind::Complaint);
        let Some(from) = mail.from.as_ref().filter(|_| !is_report) else { return Ok(false) };
        Ok(sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM mailboxes WHERE address = $1)
                   OR EXISTS (SELECT FROM memberships m JOIN users u ON u.id = m.user_id
                              WHERE u.email = $1 AND m.deactivated_at IS NULL) AS "ours!""#,
            from.as_str()
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// The e-mail of ours whose button to unsubscribe has sent this one, if its token is one that we have signed.
    pub(super) async fn leaving(&mut self, mail: &Mail) -> Result<Option<Match>> {
        let token = unsubscribe_token(&mail.subject);
        let secrets = self.t.db().secrets();
        let Some(id) = token.and_then(|token| secrets.read_link_token(UNSUBSCRIBE, token)) else { return Ok(None) };
        self.by_id(id, MatchedBy::MessageId).await
    }

    /// The e-mail of ours to whose return path this mail came, if we have signed it. Programs answer there, too
    /// (RFC 3834, 4).
    async fn by_return_path(&mut self, mail: &Mail) -> Result<Option<Match>> {
        for token in mail.recipients.iter().filter_map(|recipient| token_of(recipient)) {
            let id = self.t.db().secrets().read_address_token(RETURN_PATH, &token);
            if let Some(id) = id
                && let Some(found) = self.by_id(id, MatchedBy::ReturnPath).await?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn by_id(&mut self, id: Uuid, by: MatchedBy) -> Result<Option<Match>> {
        let row = sqlx::query!(
            r#"SELECT m.id AS "message: MessageId", m.campaign_id AS "campaign: CampaignId",
                      m.enrolment_id AS "enrolment: EnrolmentId", m.lead_id AS "lead: LeadId",
                      m.recipient AS "recipient: EmailAddress"
               FROM messages m WHERE m.id = $1"#,
            id
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| Match {
            by: Some(by),
            lead: row.lead,
            account: None,
            campaign: row.campaign,
            enrolment: row.enrolment,
            message: Some(row.message),
            recipient: row.recipient,
        }))
    }

    async fn by_message_id(&mut self, ids: &[String]) -> Result<Option<Match>> {
        let row = sqlx::query!(
            r#"SELECT m.id AS "message: MessageId", m.campaign_id AS "campaign: CampaignId",
                      m.enrolment_id AS "enrolment: EnrolmentId", m.lead_id AS "lead: LeadId",
                      m.recipient AS "recipient: EmailAddress"
               FROM messages m WHERE m.message_id_header = ANY($1)
               ORDER BY array_position($1, m.message_id_header) LIMIT 1"#,
            ids
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| Match {
            by: Some(MatchedBy::MessageId),
            lead: row.lead,
            account: None,
            campaign: row.campaign,
            enrolment: row.enrolment,
            message: Some(row.message),
            recipient: row.recipient,
        }))
    }

    /// The lead of a mail that this one answers, whoever writes: a colleague, or the lead from another address. What it
    /// answers is then the e-mail that the lead has answered.
    async fn by_thread(&mut self, mailbox: MailboxId, ids: &[String]) -> Result<Option<Match>> {
        let row = sqlx::query!(
            r#"SELECT i.lead_id AS "lead!: LeadId", i.campaign_id AS "campaign: CampaignId",
                      i.enrolment_id AS "enrolment: EnrolmentId", i.outgoing_id AS "message: MessageId",
                      m.recipient AS "recipient?: EmailAddress"
               FROM inbound_messages i LEFT JOIN messages m ON m.id = i.outgoing_id
               WHERE i.mailbox_id = $1 AND i.message_id = ANY($2) AND i.lead_id IS NOT NULL
               ORDER BY array_position($2, i.message_id), i.arrived_at DESC, i.id LIMIT 1"#,
            mailbox.0,
            ids
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| Match {
            by: Some(MatchedBy::Thread),
            lead: Some(row.lead),
            account: None,
            campaign: row.campaign,
            enrolment: row.enrolment,
            message: row.message,
            recipient: row.recipient,
        }))
    }

    /// The lead with this address, if we have written to it; the newest e-mail of this mailbox is what it answers, else
    /// that of another one. A report counts against who has sent, so it is never about an e-mail of another mailbox.
    async fn by_address(
        &mut self,
        mailbox: MailboxId,
        address: &EmailAddress,
        is_report: bool,
    ) -> Result<Option<Match>> {
        let row = sqlx::query!(
            r#"SELECT m.id AS "message: MessageId", m.campaign_id AS "campaign: CampaignId",
                      m.enrolment_id AS "enrolment: EnrolmentId", l.id AS "lead: LeadId",
                      m.recipient AS "recipient: EmailAddress"
               FROM leads l JOIN messages m ON m.lead_id = l.id AND m.sending_at IS NOT NULL
               WHERE l.email = $1 AND (m.mailbox_id = $2 OR NOT $3)
               ORDER BY m.mailbox_id = $2 DESC, m.sending_at DESC, m.id LIMIT 1"#,
            address.as_str(),
            mailbox.0,
            is_report
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| Match {
            by: Some(MatchedBy::Address),
            lead: Some(row.lead),
            account: None,
            campaign: row.campaign,
            enrolment: row.enrolment,
            message: Some(row.message),
            recipient: row.recipient,
        }))
    }

    /// The firm with this domain, if this mailbox has written to somebody there.
    async fn by_account(&mut self, mailbox: MailboxId, domain: &str) -> Result<Match> {
        let account = sqlx::query_scalar!(
            r#"SELECT a.id AS "account: AccountId" FROM accounts a
               WHERE a.domain = $1 AND EXISTS (
                   SELECT FROM leads l JOIN messages m ON m.lead_id = l.id
                   WHERE l.account_id = a.id AND m.mailbox_id = $2 AND m.sending_at IS NOT NULL)
               ORDER BY a.id LIMIT 1"#,
            domain,
            mailbox.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(Match { by: account.map(|_| MatchedBy::Account), account, ..Match::default() })
    }
}
