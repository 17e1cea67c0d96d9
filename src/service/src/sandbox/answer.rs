//! Answers to caught mails, so that replies can be tried without anybody outside. An answer is a real mail
//! (RFC 5322) and goes the way of every mail that comes to a mailbox.

use chrono::{DateTime, Utc};
use domain::{CompanyId, InboundId, MailboxId, Permission, Problem, SandboxMailId, inbound::AnswerAs};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, message_id::MessageId, raw::Raw},
    mime::MimePart,
};
use mail_parser::MessageParser;

use super::Sandbox;
use crate::{Db, Error, Result, inbound::Arrival, leads::is_storable};

/// Most characters of an answer.
const MOST: usize = 10_000;
/// What people say who answer by themselves.
const ANSWERS: [&str; 5] = [
    "Thank you, this comes at the right time. Could you call me next week?",
    "Which wavelengths do your reference standards cover? And could you send me a price list?",
    "Thanks, but we have no budget for this before April.",
    "Danke, klingt gut. Rufen Sie mich am Donnerstag an, am besten vormittags.",
    "I have passed this on to my colleague in quality assurance.",
];
/// Domain of the servers that answer here.
const SERVER: &str = "sandbox.example";

/// What an answer needs of the mail that it answers.
struct Caught {
    mailbox: MailboxId,
    from: String,
    /// Name, which may be empty, and address.
    to: (String, String),
    subject: String,
    message_id: String,
    text: String,
}

impl Sandbox<'_> {
    /// Whoever a caught mail was sent to, as they are named in it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict for a mail of the system, whose answers nobody reads.
    pub async fn recipient(&mut self, id: SandboxMailId) -> Result<String> {
        self.t.require(Permission::Read).await?;
        let (name, address) = self.caught(id).await?.to;
        Ok(if name.is_empty() { address } else { name })
    }

    /// Answers a caught mail in the place of its recipient.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a problem of the text; a conflict for a mail of the system.
    pub async fn answer(&mut self, id: SandboxMailId, how: AnswerAs, text: &str) -> Result<()> {
        self.t.require(Permission::EditCampaigns).await?;
        let caught = self.caught(id).await?;
        let text = text.trim();
        if text.is_empty() && how != AnswerAs::Bounce {
            return Err(Problem::field("text", "text_missing", "Write what they answer.").into());
        }
        if text.chars().count() > MOST || !is_storable(text) {
            return Err(Problem::field("text", "text_long", "Use at most 10,000 characters of plain text.").into());
        }
        let answer: InboundId = self.t.new_id();
        self.deliver(&caught, how, text, &answer.to_string()).await
    }

    async fn deliver(&mut self, caught: &Caught, how: AnswerAs, text: &str, name: &str) -> Result<()> {
        let now = self.t.now();
        let raw = caught.answer(how, text, name, now).map_err(Error::internal)?;
        let key = format!("sandbox:{name}");
        self.t.inbound().receive(Arrival { mailbox: caught.mailbox, uid_key: &key, raw: &raw, at: now }).await?;
        Ok(())
    }

    async fn caught(&mut self, id: SandboxMailId) -> Result<Caught> {
        let row = sqlx::query!(
            r#"SELECT mailbox_id AS "mailbox: MailboxId", mail_from, recipients, raw FROM sandbox_mails WHERE id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("mail"))?;
        let nobody =
            || Error::conflict("no_mailbox", "No mailbox has sent this mail, so nobody reads an answer to it.");
        let mailbox = row.mailbox.ok_or_else(nobody)?;
        let parsed = MessageParser::default().parse(&row.raw).unwrap_or_default();
        let to = parsed.to().and_then(|to| to.first());
        let address = row.recipients.first().cloned().unwrap_or_default();
        Ok(Caught {
            mailbox,
            from: row.mail_from,
            to: (to.and_then(|to| to.name()).unwrap_or_default().to_owned(), address),
            subject: parsed.subject().unwrap_or_default().to_owned(),
            message_id: parsed.message_id().unwrap_or_default().to_owned(),
            text: parsed.body_text(0).unwrap_or_default().replace("\r\n", "\n"),
        })
    }
}

impl Db {
    /// Answers a caught mail by itself, once however often it is called: its recipient is one that does.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn answer_sandbox_mail(&self, company: CompanyId, mail: SandboxMailId, how: AnswerAs) -> Result<()> {
        let actor = self.platform().system_actor(company, "sandbox").await?;
        let mut t = self.tenant(&actor).await?;
        let caught = match t.sandbox().caught(mail).await {
            // The mail was swept, or no mailbox has sent it.
            Err(Error::NotFound(_) | Error::Conflict(_)) => return Ok(()),
            other => other?,
        };
        let back = (t.now() + chrono::Duration::days(14)).format("%-d %B %Y");
        let text = match how {
            AnswerAs::OutOfOffice => format!("Thank you for your mail. I am out of the office until {back}."),
            AnswerAs::Reply | AnswerAs::Bounce => of_their_own(&caught.to.1).to_owned(),
        };
        t.sandbox().deliver(&caught, how, &text, &mail.to_string()).await?;
        t.commit().await
    }
}

/// What a recipient says who answers by itself: always the same, and not what all others say.
fn of_their_own(address: &str) -> &'static str {
    let sum: usize = address.bytes().map(usize::from).sum();
    ANSWERS[sum % ANSWERS.len()]
}

/// An answer as the programs of people lay it out.
fn as_html(text: &str, wrote: &str, quoted: &str) -> String {
    let lines = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('\n', "<br>");
    let (text, wrote, quoted) = (lines(text), lines(wrote), lines(quoted));
    format!(
        "<html><body style=\"font-family:sans-serif\"><p>{text}</p><p style=\"color:#666666\">{wrote}</p>\
         <blockquote style=\"margin-left:8px;padding-left:8px;border-left:2px solid #cccccc\">{quoted}</blockquote>\
         </body></html>"
    )
}

impl Caught {
    /// The mail that answers this one.
    fn answer(&self, how: AnswerAs, text: &str, name: &str, at: DateTime<Utc>) -> std::io::Result<Vec<u8>> {
        let (person, address) = (self.to.0.as_str(), self.to.1.as_str());
        let domain = address.rsplit_once('@').map_or(SERVER, |(_, domain)| domain);
        let mail = MessageBuilder::new()
            .to(self.from.as_str())
            .date(at.timestamp())
            .message_id(format!("{name}@{domain}"))
            .in_reply_to(self.message_id.as_str())
            .references(MessageId::new(self.message_id.as_str()));
        let sender = Address::new_address(Some(person).filter(|name| !name.is_empty()), address);
        let quoted: String = self.text.lines().map(|line| format!("> {line}\n")).collect();
        match how {
            AnswerAs::Reply => {
                let wrote = format!("On {}, {} wrote:", at.format("%-d %B %Y"), self.from);
                mail.from(sender)
                    .subject(format!("Re: {}", self.subject))
                    .html_body(as_html(text, &wrote, &self.text))
                    .text_body(format!("{text}\n\n{wrote}\n{quoted}"))
                    .write_to_vec()
            }
            AnswerAs::OutOfOffice => mail
                .from(sender)
                .subject(format!("Automatic reply: {}", self.subject))
                .header("Auto-Submitted", Raw::new("auto-replied"))
                .text_body(text)
                .write_to_vec(),
            AnswerAs::Bounce => {
                let words = format!("{text}\n\n<{address}>: 550 5.1.1 No such mailbox here\n");
                let status = format!(
                    "Reporting-MTA: dns; {SERVER}\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: failed\r\n\
                     Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 No such mailbox here\r\n"
                );
                let returned = format!("Message-ID: <{}>\r\nTo: {address}\r\n", self.message_id);
                let kind = ContentType::new("multipart/report").attribute("report-type", "delivery-status");
                let parts = vec![
                    MimePart::new("text/plain", words),
                    MimePart::new("message/delivery-status", status).transfer_encoding("7bit"),
                    MimePart::new("text/rfc822-headers", returned).transfer_encoding("7bit"),
                ];
                mail.from(format!("mailer-daemon@{SERVER}"))
                    .subject("Undelivered Mail Returned to Sender")
                    .header("Auto-Submitted", Raw::new("auto-replied"))
                    .body(MimePart::new(kind, parts))
                    .write_to_vec()
            }
        }
    }
}
