//! Mail that its provider has taken for spam. What answers an e-mail of ours, or comes from a lead that we have written
//! to, is told from what strangers send before anything of it is stored.

use chrono::{DateTime, Utc};
use domain::{
    MailboxId,
    inbound::{InboundKind, Mail, MatchedBy, judge},
};

use super::{InboundMail, parse};
use crate::Result;

impl InboundMail<'_> {
    /// Whether a mail that arrived then may be for us, by its headers. A report of a server tells only in its body what it
    /// is about.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn may_be_ours(&mut self, mailbox: MailboxId, headers: &[u8], at: DateTime<Utc>) -> Result<bool> {
        let mail = parse::parse(headers);
        let is_report = parse::is_report(headers) || judge(&mail, at.date_naive()).kind == InboundKind::Bounce;
        Ok(is_report || self.is_expected(mailbox, &mail, at).await?)
    }

    /// The same of a whole mail.
    ///
    /// # Errors
    /// When the database is away.
    pub(crate) async fn is_ours(&mut self, mailbox: MailboxId, raw: &[u8], at: DateTime<Utc>) -> Result<bool> {
        self.is_expected(mailbox, &parse::parse(raw), at).await
    }

    /// That somebody writes from a firm that we know is not enough: spam is sent in the name of every firm. Nor is a mail of
    /// a lead that is older than what we have written to it.
    async fn is_expected(&mut self, mailbox: MailboxId, mail: &Mail, at: DateTime<Utc>) -> Result<bool> {
        let judgement = judge(mail, at.date_naive());
        if judgement.kind == InboundKind::Unreadable {
            return Ok(false);
        }
        if self.leaving(mail).await?.is_some() {
            return Ok(true);
        }
        if self.is_from_us(mail, &judgement).await? {
            return Ok(false);
        }
        let found = self.find(mailbox, mail, &judgement).await?;
        match (found.by, found.lead) {
            (None | Some(MatchedBy::Account), _) => Ok(false),
            (Some(MatchedBy::Address), Some(lead)) => Ok(sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM messages WHERE lead_id = $1 AND sending_at <= $2) AS "written!""#,
                lead.0,
                at
            )
            .fetch_one(self.t.conn())
            .await?),
            (Some(_), _) => Ok(true),
        }
    }
}
