//! Builds the mail as it goes over the wire and stays for ever: headers, text, and HTML beside it.
//! The same input gives the same octets, all ASCII, in lines below the 998 octets of RFC 5322 section 2.1.1.

mod headers;
mod html;

use chrono::{DateTime, Utc};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use sha2::{Digest, Sha256};

pub use html::{html_from_text, html_with_links};

/// A mail ready to be written down.
#[derive(Debug, Clone)]
pub struct OutgoingMail {
    /// The sender's name as people read it; may be empty.
    pub from_name: String,
    /// The sender's address.
    pub from_address: String,
    /// The recipient's name; may be empty.
    pub to_name: String,
    /// The recipient's address.
    pub to_address: String,
    /// Where answers go when not to the sender.
    pub reply_to: Option<String>,
    /// The subject.
    pub subject: String,
    /// The text, with any line ends.
    pub text: String,
    /// The same as HTML: what stands inside `<body>`, as [`html_from_text`] makes it.
    pub html: Option<String>,
    /// The mail's own id, with or without angle brackets.
    pub message_id: String,
    /// The id of the mail that this one follows.
    pub in_reply_to: Option<String>,
    /// The ids of all mails before it, the oldest first.
    pub references: Vec<String>,
    /// The address of one-click unsubscribing (RFC 8058): https, or http on this machine.
    pub unsubscribe_url: Option<String>,
    /// A mail address that unsubscribes, with `?subject=...` if it needs one.
    pub unsubscribe_mailto: Option<String>,
    /// When it was written.
    pub date: DateTime<Utc>,
}

/// Why a mail cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MimeError {
    /// An address that no mail server would take.
    #[error("`{0}` is not a mail address")]
    Address(String),
    /// A message id that is not `<something@somewhere>`.
    #[error("`{0}` is not a message id")]
    MessageId(String),
    /// An unsubscribe address that mail programs could not follow.
    #[error("`{0}` cannot be an unsubscribe address")]
    Unsubscribe(String),
    /// It cannot be signed for its domain.
    #[error("the e-mail cannot be signed: {0}")]
    Signature(String),
    /// The builder refused the rest.
    #[error("the mail cannot be built: {0}")]
    Refused(String),
}

impl MimeError {
    /// Whether another lead's mail might be built. The others come from the mailbox or the installation.
    pub fn is_about_the_lead(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Refused(_))
    }
}

impl OutgoingMail {
    /// Writes the mail down.
    pub fn build(&self) -> Result<Vec<u8>, MimeError> {
        let message_id = headers::message_id(&self.message_id)?;
        let mut builder = Message::builder()
            .from(mailbox(&self.from_name, &self.from_address)?)
            .to(mailbox(&self.to_name, &self.to_address)?)
            .subject(one_line(&self.subject))
            .date(self.date.into());
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(mailbox("", reply_to)?);
        }
        for header in headers::threading(&message_id, self.in_reply_to.as_deref(), &self.references) {
            builder = builder.raw_header(header);
        }
        for header in headers::unsubscribe(self.unsubscribe_url.as_deref(), self.unsubscribe_mailto.as_deref())? {
            builder = builder.raw_header(header);
        }
        let text = SinglePart::plain(clean_text(&self.text));
        let built = match &self.html {
            None => builder.singlepart(text),
            Some(html) => builder.multipart(
                MultiPart::alternative()
                    .boundary(boundary(&message_id))
                    .singlepart(text)
                    .singlepart(SinglePart::html(html::document(&clean_text(html)))),
            ),
        };
        Ok(built.map_err(|error| MimeError::Refused(error.to_string()))?.formatted())
    }
}

fn mailbox(name: &str, address: &str) -> Result<Mailbox, MimeError> {
    let email = address.parse().map_err(|_| MimeError::Address(address.to_owned()))?;
    let name = one_line(name);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), email))
}

/// Text for a header: without line ends and other control characters, so that it cannot begin a new header.
fn one_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.trim().to_owned()
}

/// Text for a body: line feeds as line ends, and no control characters that mail programs could take for orders.
fn clean_text(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    unified.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect()
}

/// The boundary between the parts. A hash of the id cannot stand in a text written by somebody else.
fn boundary(message_id: &str) -> String {
    let hash = Sha256::digest(message_id.as_bytes());
    hash[..16].iter().fold(String::from("part-"), |text, octet| format!("{text}{octet:02x}"))
}

#[cfg(test)]
mod tests;
