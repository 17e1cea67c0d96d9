//! The sandbox: mails that were caught instead of sent. A mail belongs to the company whose mailbox
//! signed in, whatever its envelope says.

mod answer;

use chrono::{DateTime, Utc};
use domain::{CompanyId, MailboxId, Page, PageRequest, Permission, SandboxMailId, inbound::AnswerAs};

use crate::{Db, Error, Result, Tenant, cursor, jobs::AnswerSandboxMail};

/// Prefix of the user name of a sandbox mailbox.
const MAILBOX: &str = "mailbox-";
/// Prefix of the user name under which the system itself mails for a company.
const SYSTEM: &str = "system-";

/// A mail as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxMail {
    /// Id.
    pub id: SandboxMailId,
    /// Envelope sender.
    pub mail_from: String,
    /// Envelope recipients.
    pub recipients: Vec<String>,
    /// Subject, decoded.
    pub subject: Option<String>,
    /// When it was caught.
    pub received_at: DateTime<Utc>,
}

/// Who signed in to the sandbox server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxUser {
    company: CompanyId,
    mailbox: Option<MailboxId>,
}

/// The caught mails of the company.
#[derive(Debug)]
pub struct Sandbox<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The caught mails.
    pub fn sandbox(&mut self) -> Sandbox<'_> {
        Sandbox { t: self }
    }
}

impl Sandbox<'_> {
    /// The mails, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self, page: &PageRequest) -> Result<Page<SandboxMail>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            SandboxMail,
            r#"
            SELECT id AS "id: SandboxMailId", mail_from, recipients, subject, received_at
            FROM sandbox_mails
            WHERE $1::timestamptz IS NULL OR (received_at, id) < ($1, $2::uuid)
            ORDER BY received_at DESC, id DESC
            LIMIT $3
            "#,
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |m| cursor::encode(m.received_at, m.id.0)))
    }

    /// The bytes of a mail, as they came over the wire.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn raw(&mut self, id: SandboxMailId) -> Result<Vec<u8>> {
        self.t.require(Permission::Read).await?;
        sqlx::query_scalar!("SELECT raw FROM sandbox_mails WHERE id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("mail"))
    }
}

impl Db {
    /// User name and password with which the system itself mails for a company through the sandbox.
    #[must_use]
    pub fn sandbox_sign_in_for(&self, company: CompanyId) -> (String, String) {
        let name = format!("{SYSTEM}{company}");
        let password = self.secrets().derived_password(&name);
        (name, password)
    }

    /// Checks a sign-in to the sandbox server. The name tells whose mails they are; the password
    /// can only come from us.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sandbox_sign_in(&self, username: &str, password: &str) -> Result<Option<SandboxUser>> {
        let expected = self.secrets().derived_password(username);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), password.as_bytes())) {
            return Ok(None);
        }
        if let Some(id) = username.strip_prefix(MAILBOX).and_then(|id| id.parse::<MailboxId>().ok()) {
            let company = self.platform().sandbox_mailbox_company(id).await?;
            return Ok(company.map(|company| SandboxUser { company, mailbox: Some(id) }));
        }
        let company = username.strip_prefix(SYSTEM).and_then(|id| id.parse().ok());
        Ok(company.map(|company| SandboxUser { company, mailbox: None }))
    }

    /// Keeps a mail that the sandbox server caught, and sees to its answer, if its recipient is one that answers.
    ///
    /// # Errors
    /// When the database is away; the client is told to come back.
    pub async fn keep_sandbox_mail(
        &self,
        user: SandboxUser,
        mail_from: &str,
        recipients: &[String],
        subject: Option<&str>,
        raw: &[u8],
        answer: Option<AnswerAs>,
    ) -> Result<SandboxMailId> {
        let actor = self.platform().system_actor(user.company, "sandbox").await?;
        let mut t = self.tenant(&actor).await?;
        let (id, now): (SandboxMailId, _) = (t.new_id(), t.now());
        sqlx::query!(
            "INSERT INTO sandbox_mails (id, mailbox_id, mail_from, recipients, subject, raw, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            id.0,
            user.mailbox.map(|m| m.0),
            mail_from,
            recipients,
            subject,
            raw,
            now,
        )
        .execute(t.conn())
        .await?;
        if let Some(how) = answer {
            t.enqueue(&AnswerSandboxMail { company: user.company, mail: id, how }).await?;
        }
        t.tell("sandbox", None).await?;
        t.commit().await?;
        Ok(id)
    }
}

/// A mail taken apart for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadMail {
    /// Subject, decoded.
    pub subject: String,
    /// Headers as they came, in their order.
    pub headers: Vec<(String, String)>,
    /// Its plain text.
    pub text: String,
    /// Web addresses in its text, each once.
    pub links: Vec<String>,
}

/// Takes a mail apart. What cannot be read is shown as it came.
#[must_use]
pub fn read(raw: &[u8]) -> ReadMail {
    let parsed = mail_parser::MessageParser::default().parse(raw);
    let text = parsed
        .as_ref()
        .and_then(|m| m.body_text(0))
        .map_or_else(|| String::from_utf8_lossy(raw).into_owned(), |t| t.replace("\r\n", "\n"));
    let mut links: Vec<String> = text
        .split_whitespace()
        .filter(|w| w.starts_with("https://") || w.starts_with("http://"))
        .map(|w| w.trim_end_matches(['.', ',', ')']).to_owned())
        .collect();
    links.dedup();
    let headers = parsed
        .as_ref()
        .map(|m| m.headers_raw().map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
        .unwrap_or_default();
    let subject = parsed.as_ref().and_then(|m| m.subject()).unwrap_or("No subject").to_owned();
    ReadMail { subject, headers, text, links }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_taken_apart() {
        let mail =
            read(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: a@b.example\r\n\r\nSee https://x.example/p/t.\r\n");
        assert_eq!(mail.subject, "Grüße");
        assert_eq!(mail.links, ["https://x.example/p/t"]);
        assert_eq!(mail.headers[1], ("From".to_owned(), "a@b.example".to_owned()));
    }
}
