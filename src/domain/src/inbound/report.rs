//! Reports of servers about e-mails: delivery status (RFC 3464) and complaints (RFC 5965). A field that is not
//! there stays unknown; nothing is guessed.

use crate::EmailAddress;

/// What a server reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// What became of an e-mail.
    Delivery(DeliveryReport),
    /// Somebody has complained about one.
    Feedback {
        /// Id of the e-mail.
        message_id: Option<String>,
        /// Whom it went to.
        recipient: Option<EmailAddress>,
    },
}

/// What became of an e-mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Id of the e-mail.
    pub message_id: Option<String>,
    /// Whom it went to.
    pub recipient: Option<EmailAddress>,
    /// `failed`, `delayed`, `delivered`, `relayed` or `expanded`.
    pub action: String,
    /// Enhanced code of RFC 3463.
    pub status: Option<String>,
    /// Words of the server that refused it.
    pub diagnostic: Option<String>,
}

impl Report {
    /// Reads the machine's part of a delivery report, and the headers of the e-mail that came back with it.
    #[must_use]
    pub fn delivery(fields: &str, returned: &str) -> Self {
        // One block for the mail, then one for each recipient: the one that failed counts.
        let blocks: Vec<&str> = fields.split("\n\n").collect();
        let failed = |block: &&str| field(block, "action").is_some_and(|action| action.eq_ignore_ascii_case("failed"));
        let told = |block: &&str| field(block, "action").is_some();
        let block = blocks.iter().copied().find(failed).or_else(|| blocks.iter().copied().find(told)).unwrap_or(fields);
        let recipient = ["original-recipient", "final-recipient"].iter().find_map(|name| address(&field(block, name)?));
        Self::Delivery(DeliveryReport {
            message_id: id(returned),
            recipient: recipient.or_else(|| address(&field(returned, "to")?)),
            action: field(block, "action").unwrap_or_default().to_lowercase(),
            status: field(block, "status").and_then(|status| status.split_whitespace().next().map(str::to_owned)),
            diagnostic: field(block, "diagnostic-code").map(|words| after_type(&words).to_owned()),
        })
    }

    /// Reads the machine's part of a complaint, and the headers of the e-mail it is about.
    #[must_use]
    pub fn feedback(fields: &str, returned: &str) -> Self {
        let recipient =
            ["original-rcpt-to", "removal-recipient"].iter().find_map(|name| address(&field(fields, name)?));
        Self::Feedback { message_id: id(returned), recipient: recipient.or_else(|| address(&field(returned, "to")?)) }
    }
}

/// The value of a header field, its folded lines joined.
fn field(text: &str, name: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for line in text.lines() {
        match &mut value {
            Some(value) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            Some(_) => break,
            None => {
                let this = line.split_once(':').filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
                value = this.map(|(_, rest)| rest.trim().to_owned());
            }
        }
    }
    value.filter(|value| !value.is_empty())
}

fn id(headers: &str) -> Option<String> {
    let value = field(headers, "message-id")?;
    let id = value.trim().trim_matches(['<', '>']);
    (!id.is_empty()).then(|| id.to_owned())
}

/// `rfc822; ana@x.example`, `<ana@x.example>` or `Ana <ana@x.example>`.
fn address(value: &str) -> Option<EmailAddress> {
    let value = after_type(value);
    let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest.split('>').next().unwrap_or_default());
    EmailAddress::parse(inner).ok()
}

fn after_type(value: &str) -> &str {
    value.split_once(';').map_or(value, |(_, rest)| rest).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_report_is_read_by_the_recipient_that_failed() {
        let fields = "Reporting-MTA: dns; mx.corvus.example\n\nFinal-Recipient: rfc822; ok@corvus.example\nAction: delivered\n\
            Status: 2.0.0\n\nFinal-Recipient: RFC822; Ines@corvus.example\nAction: failed\nStatus: 5.1.1 (no user)\n\
            Diagnostic-Code: smtp; 550 5.1.1 no\n such user";
        let returned = "From: nora@halden.example\nMessage-ID:\n <one@halden.example>\nSubject: Hello";
        let Report::Delivery(report) = Report::delivery(fields, returned) else { panic!("a delivery report") };
        assert_eq!(report.recipient.as_ref().map(EmailAddress::as_str), Some("ines@corvus.example"));
        assert_eq!((report.action.as_str(), report.status.as_deref()), ("failed", Some("5.1.1")));
        assert_eq!(report.diagnostic.as_deref(), Some("550 5.1.1 no such user"));
        assert_eq!(report.message_id.as_deref(), Some("one@halden.example"));
    }

    #[test]
    fn a_complaint_names_the_e_mail_and_perhaps_the_recipient() {
        let returned = "To: Ines Albrecht <ines@corvus.example>\nMessage-ID: <one@halden.example>";
        let feedback = Report::feedback("Feedback-Type: abuse\nUser-Agent: x/1", returned);
        let ines = EmailAddress::parse("ines@corvus.example").expect("an address");
        let expected = Report::Feedback { message_id: Some("one@halden.example".into()), recipient: Some(ines) };
        assert_eq!(feedback, expected);
        assert_eq!(Report::feedback("", ""), Report::Feedback { message_id: None, recipient: None });
    }
}
