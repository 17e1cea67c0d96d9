//! A mail as it came over the wire becomes what the rules look at. Nothing is trusted: what cannot be read is
//! left out, characters that cannot be stored are dropped, and a mail that breaks its reader is told from the others.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::{
    EmailAddress,
    inbound::{Attachment, MOST_TEXT, Mail, Report},
};
use mail_parser::{HeaderName, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Most ids that are remembered of the e-mails that a mail answers.
const MOST_IDS: usize = 20;
/// Most characters of a name or a subject.
const MOST_LINE: usize = 500;
/// Most octets of the headers of a mail that could not be read.
const MOST_HEADERS: usize = 16 * 1024;
/// Most files of a mail that are named.
const MOST_FILES: usize = 50;
/// Headers in which servers write down to whom a mail came.
const RECIPIENT: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To"];
/// Headers of programs that answer by themselves, from before RFC 3834.
const AUTO_REPLY: [&str; 4] = ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply"];

/// Takes a mail apart.
#[must_use]
pub fn parse(raw: &[u8]) -> Mail {
    parse_with(raw, take_apart)
}

/// Strangers decide what a reader is given: when it gives up, or breaks, there still is a mail.
fn parse_with(raw: &[u8], reader: impl FnOnce(&[u8]) -> Option<Mail>) -> Mail {
    let unreadable = match catch_unwind(AssertUnwindSafe(|| reader(raw))) {
        Ok(Some(mail)) => return mail,
        Ok(None) => "It has no headers that tell what it is.",
        Err(_) => "It is written so that it cannot be taken apart.",
    };
    Mail { text: headers_of(raw), unreadable: Some(unreadable), ..Mail::default() }
}

/// The headers of a mail as they came; of one without them, its beginning.
pub(super) fn headers_of(raw: &[u8]) -> String {
    let end = raw.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or(raw.len()).min(MOST_HEADERS);
    text_of(&String::from_utf8_lossy(&raw[..end]))
}

fn take_apart(raw: &[u8]) -> Option<Mail> {
    let message = MessageParser::default().parse(raw)?;
    let tells = [HeaderName::From, HeaderName::Subject, HeaderName::Date, HeaderName::MessageId];
    if tells.into_iter().all(|name| message.header(name).is_none()) {
        return None;
    }
    let from = message.from().and_then(|from| from.first());
    let word = |name: &'static str| message.header_raw(name).map(|value| value.trim().to_lowercase());
    Some(Mail {
        message_id: message.message_id().map(id_of),
        answers: answers(&message),
        from_name: line_of(from.and_then(|from| from.name()).unwrap_or_default()),
        from: from.and_then(|from| from.address()).and_then(|address| EmailAddress::parse(address).ok()),
        subject: line_of(message.subject().unwrap_or_default()),
        text: text_of(&message.body_text(0).unwrap_or_default()),
        has_html: message.html_bodies().any(MessagePart::is_text_html),
        auto_submitted: word("Auto-Submitted").map(|word| line_of(&word)),
        precedence: word("Precedence"),
        auto_reply: AUTO_REPLY.iter().any(|name| message.header_raw(*name).is_some()),
        no_return_path: word("Return-Path").is_some_and(|path| path == "<>"),
        recipients: recipients(&message),
        report: report(&message),
        attachments: attachments(&message),
        unreadable: None,
    })
}

/// To whom a mail came: what servers write into it on its way, then what its sender says.
fn recipients(message: &Message<'_>) -> Vec<String> {
    let added =
        message.headers_raw().filter(|(name, _)| RECIPIENT.iter().any(|known| name.eq_ignore_ascii_case(known)));
    let added = added.map(|(_, value)| value.trim().trim_matches(['<', '>']).to_owned());
    let named = message.to().into_iter().flat_map(|to| to.iter());
    let named = named.filter_map(|to| to.address().map(str::to_owned));
    added.chain(named).filter(|address| address.len() <= MOST_LINE).take(MOST_IDS).collect()
}

/// The ids that a mail answers, the nearest first: In-Reply-To, then References from their end.
fn answers(message: &Message<'_>) -> Vec<String> {
    let ids = |value: &HeaderValue<'_>| -> Vec<String> {
        match value {
            HeaderValue::Text(id) => vec![id_of(id)],
            HeaderValue::TextList(ids) => ids.iter().map(|id| id_of(id)).collect(),
            _ => Vec::new(),
        }
    };
    let mut all: Vec<String> = Vec::new();
    for id in ids(message.in_reply_to()).into_iter().chain(ids(message.references()).into_iter().rev()) {
        if !id.is_empty() && !all.contains(&id) {
            all.push(id);
        }
    }
    all.truncate(MOST_IDS);
    all
}

/// Names and sizes of the files of a mail. Mails of servers have parts for machines, which are none.
fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    let files = message.attachments().filter(|part| !matches!(part.body, PartType::Message(_))).take(MOST_FILES);
    files
        .map(|part| Attachment { name: file_name(part), size: part.contents().len().try_into().unwrap_or(0) })
        .collect()
}

/// The name of a file, without anything that leads out of a folder.
fn file_name(part: &MessagePart<'_>) -> String {
    let name = line_of(part.attachment_name().unwrap_or_default());
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    if name.is_empty() { "Unnamed file".to_owned() } else { name.to_owned() }
}

/// The file at a place among those that [`parse`] names, and its name.
pub(crate) fn file_of(raw: &[u8], place: usize) -> Option<(Attachment, Vec<u8>)> {
    let read = || {
        let message = MessageParser::default().parse(raw)?;
        let mut files =
            message.attachments().filter(|part| !matches!(part.body, PartType::Message(_))).take(MOST_FILES);
        let part = files.nth(place)?;
        let bytes = part.contents().to_vec();
        Some((Attachment { name: file_name(part), size: bytes.len().try_into().unwrap_or(0) }, bytes))
    };
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// Whether the headers of a mail say that a program reports something (RFC 6522).
pub(super) fn is_report(headers: &[u8]) -> bool {
    let read = || Some(is(MessageParser::default().parse(headers)?.root_part(), "multipart", "report"));
    catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or(false)
}

/// The text of an e-mail of ours, as it left.
pub(crate) fn text_of_mail(raw: &[u8]) -> String {
    let message = MessageParser::default().parse(raw);
    message.and_then(|message| Some(text_of(&message.body_text(0)?))).unwrap_or_default()
}

/// What a server reports: the machine's part, and the headers of the e-mail that came back.
fn report(message: &Message<'_>) -> Option<Report> {
    let fields = |kind: &str| message.parts.iter().find(|part| is(part, "message", kind)).map(content);
    let returned = message
        .parts
        .iter()
        .find(|part| matches!(part.body, PartType::Message(_)) || is(part, "text", "rfc822-headers"))
        .map(content)
        .unwrap_or_default();
    let returned = returned.split("\n\n").next().unwrap_or_default();
    if let Some(fields) = fields("delivery-status").or_else(|| fields("global-delivery-status")) {
        return Some(Report::delivery(fields.trim_start(), returned));
    }
    fields("feedback-report").map(|fields| Report::feedback(&fields, returned))
}

fn is(part: &MessagePart<'_>, kind: &str, sub: &str) -> bool {
    part.content_type().is_some_and(|this| {
        this.ctype().eq_ignore_ascii_case(kind) && this.subtype().is_some_and(|this| this.eq_ignore_ascii_case(sub))
    })
}

fn content(part: &MessagePart<'_>) -> String {
    let bytes = match &part.body {
        PartType::Message(inner) => inner.raw_message().to_vec(),
        _ => part.contents().to_vec(),
    };
    storable(&String::from_utf8_lossy(&bytes)).replace("\r\n", "\n")
}

fn id_of(id: &str) -> String {
    line_of(id.trim().trim_matches(['<', '>']))
}

fn line_of(text: &str) -> String {
    storable(text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_LINE).collect()
}

fn text_of(text: &str) -> String {
    storable(text).replace("\r\n", "\n").chars().take(MOST_TEXT).collect()
}

/// Postgres keeps every character but one.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use domain::inbound::{InboundKind, judge};

    use super::*;

    #[test]
    fn a_reply_is_taken_apart() {
        let mail = parse(
            b"Return-Path: <ines@corvus.example>\r\nFrom: =?utf-8?q?In=C3=A9s?= <Ines@Corvus.example>\r\nTo: nora@halden.example\r\n\
              Message-ID: <two@corvus.example>\r\nIn-Reply-To: <one@halden.example>\r\n\
              References: <zero@halden.example>\r\n <one@halden.example>\r\nSubject: =?utf-8?q?Re=3A_Gr=C3=BC=C3=9Fe?=\r\n\
              Content-Type: text/html; charset=utf-8\r\n\r\n<p>Yes, <b>please</b>.</p>",
        );
        assert_eq!(mail.answers, ["one@halden.example", "zero@halden.example"]);
        assert_eq!(mail.message_id.as_deref(), Some("two@corvus.example"));
        assert_eq!((mail.from_name.as_str(), mail.subject.as_str()), ("Inés", "Re: Grüße"));
        assert_eq!(mail.from.as_ref().map(EmailAddress::as_str), Some("ines@corvus.example"));
        assert_eq!(mail.text.trim(), "Yes, please.");
        assert!(mail.has_html && !mail.no_return_path && mail.report.is_none());
    }

    #[test]
    fn a_delivery_report_is_found_in_its_parts() {
        let mail = parse(
            b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
              Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
              Sorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
              Final-Recipient: rfc822; ines@corvus.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n\
              Content-Type: message/rfc822\r\n\r\nMessage-ID: <one@halden.example>\r\nSubject: Hello\r\n\r\nHi\r\n--b--\r\n",
        );
        let Some(Report::Delivery(report)) = &mail.report else { panic!("{mail:?}") };
        assert_eq!((report.action.as_str(), report.status.as_deref()), ("failed", Some("5.1.1")));
        assert_eq!(report.message_id.as_deref(), Some("one@halden.example"));
        let judged = judge(&mail, "2026-11-20".parse().expect("a date"));
        assert_eq!(judged.kind, InboundKind::Bounce);
    }

    #[test]
    fn a_report_is_known_by_its_headers_alone() {
        let of = |kind: &str| format!("From: a@mx.example\r\nSubject: x\r\nContent-Type: {kind}\r\n\r\n");
        for (kind, is) in [
            ("multipart/report; report-type=delivery-status; boundary=b", true),
            ("Multipart/Report; boundary=\"b\"", true),
            ("multipart/mixed; boundary=b", false),
            ("text/plain", false),
        ] {
            assert_eq!(is_report(of(kind).as_bytes()), is, "{kind}");
        }
        assert!(!is_report(b""));
    }

    #[test]
    fn files_are_named_and_found_again() {
        let raw = b"From: ines@corvus.example\r\nSubject: Plan\r\nMIME-Version: 1.0\r\n\
              Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\n\
              Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"../../etc/plan.pdf\"\r\n\r\n%PDF-\r\n--b\r\n\
              Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n<script>1</script>\r\n--b--\r\n";
        let mail = parse(raw);
        assert_eq!(mail.text.trim(), "See the file.");
        assert!(!mail.has_html, "a file is no layout");
        let names: Vec<_> = mail.attachments.iter().map(|file| (file.name.as_str(), file.size)).collect();
        assert_eq!(names, [("plan.pdf", 5), ("Unnamed file", 18)]);
        let (file, bytes) = file_of(raw, 0).expect("there");
        assert_eq!((file.name.as_str(), bytes.as_slice()), ("plan.pdf", b"%PDF-".as_slice()));
        assert!(file_of(raw, 2).is_none() && file_of(b"", 0).is_none());
    }

    #[test]
    fn nothing_is_too_odd_to_be_read() {
        for raw in
            [b"".as_slice(), b"\0\0\xff\xfe", b"From: \r\nSubject\r\n\r\n", b"Content-Type: multipart/report\r\n\r\n--"]
        {
            assert!(!parse(raw).text.contains('\0'));
        }
        assert!(parse(b"").unreadable.is_some() && parse(b"From: a@x.example\r\n\r\nHi").unreadable.is_none());
    }

    #[test]
    fn a_mail_that_breaks_its_reader_is_its_headers() {
        let raw = b"From: a@x.example\r\nX-Odd: \xff\r\n\r\nThe body is not looked at.";
        for mail in [parse_with(raw, |_| None), parse_with(raw, |_| panic!("what nobody has thought of"))] {
            assert_eq!(mail.text, "From: a@x.example\nX-Odd: \u{fffd}");
            assert_eq!(judge(&mail, "2026-11-20".parse().expect("a date")).kind, InboundKind::Unreadable);
        }
    }
}
