//! What other programs read out of the mails we write.

use chrono::TimeZone;
use mail_parser::MessageParser;

use super::*;

fn mail() -> OutgoingMail {
    OutgoingMail {
        from_name: "Ana Müller, Corvus".into(),
        from_address: "ana@corvus.example".into(),
        to_name: "Žofie \"Zoe\" O'Neil".into(),
        to_address: "zoe@lark.example".into(),
        reply_to: Some("replies@corvus.example".into()),
        subject: "Grüße – a question about Lark’s onboarding, and one more thing that makes this subject long".into(),
        text: "Hi Zoe,\n\nnaïve text with a long line: ".to_owned() + &"x".repeat(2_000) + "\n.\n",
        html: Some(html_from_text("Hi Zoe,\n\nsee https://corvus.example/a?b=1&c=2")),
        message_id: "0198c5f0@mail.corvus.example".into(),
        in_reply_to: Some("<first@mail.corvus.example>".into()),
        references: vec!["<first@mail.corvus.example>".into(), "broken".into()],
        unsubscribe_url: Some(format!("https://app.corvus.example/p/{}", "t".repeat(120))),
        unsubscribe_mailto: Some("unsubscribe@corvus.example?subject=stop".into()),
        date: Utc.with_ymd_and_hms(2026, 3, 2, 9, 30, 0).unwrap(),
    }
}

fn raw(mail: &OutgoingMail) -> String {
    String::from_utf8(mail.build().unwrap()).unwrap()
}

#[test]
fn another_parser_reads_what_was_meant() {
    let built = mail().build().unwrap();
    let parsed = MessageParser::default().parse(&built).unwrap();
    let from = parsed.from().unwrap().first().unwrap();
    let to = parsed.to().unwrap().first().unwrap();

    assert_eq!((from.name().unwrap(), from.address().unwrap()), ("Ana Müller, Corvus", "ana@corvus.example"));
    assert_eq!((to.name().unwrap(), to.address().unwrap()), ("Žofie \"Zoe\" O'Neil", "zoe@lark.example"));
    assert_eq!(parsed.reply_to().unwrap().first().unwrap().address().unwrap(), "replies@corvus.example");
    assert_eq!(parsed.subject().unwrap(), mail().subject);
    assert_eq!(parsed.message_id().unwrap(), "0198c5f0@mail.corvus.example");
    assert_eq!(parsed.in_reply_to().as_text().unwrap(), "first@mail.corvus.example");
    assert_eq!(parsed.references().as_text().unwrap(), "first@mail.corvus.example");
    assert_eq!(parsed.date().unwrap().to_rfc3339(), "2026-03-02T09:30:00Z");
    assert_eq!(parsed.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), mail().text.trim_end());
    let html = parsed.body_html(0).unwrap();
    assert!(html.contains("<a href=\"https://corvus.example/a?b=1&amp;c=2\">"), "{html}");
}

#[test]
fn the_mail_is_ascii_in_short_lines_and_always_the_same() {
    let built = mail().build().unwrap();

    assert!(built.is_ascii());
    assert!(built.split(|&b| b == b'\n').all(|line| line.len() <= 999));
    let text = String::from_utf8(built.clone()).unwrap();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    assert_eq!(text.matches('\r').count(), text.matches("\r\n").count());
    assert_eq!(built, mail().build().unwrap());
}

#[test]
fn unsubscribing_stands_on_one_line_with_one_click() {
    let text = raw(&mail());
    let line = text.lines().find(|line| line.starts_with("List-Unsubscribe:")).unwrap();

    let url = mail().unsubscribe_url.unwrap();
    assert_eq!(line, format!("List-Unsubscribe: <{url}>, <mailto:unsubscribe@corvus.example?subject=stop>"));
    assert!(text.contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));

    let by_mail_only = raw(&OutgoingMail { unsubscribe_url: None, ..mail() });
    assert!(by_mail_only.contains("\r\nList-Unsubscribe: <mailto:"));
    assert!(!by_mail_only.contains("List-Unsubscribe-Post"));
}

#[test]
fn no_field_can_begin_a_new_header() {
    let text = raw(&OutgoingMail {
        from_name: "Ana\r\nBcc: a@evil.example".into(),
        to_name: "Zoe\nX-Evil: 1".into(),
        subject: "Hello\r\n\r\nBcc: b@evil.example\0".into(),
        ..mail()
    });

    let headers = text.split("\r\n\r\n").next().unwrap();
    assert!(!headers.lines().any(|line| line.starts_with("Bcc") || line.starts_with("X-Evil")), "{headers}");
    let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
    assert!(parsed.bcc().is_none());
    assert_eq!(parsed.to().unwrap().iter().count(), 1);
}

#[test]
fn bad_addresses_are_named() {
    for bad in ["", "zoe", "zoe@", "zoe@lark.example\r\nBcc: x@y.example", "zoe@lark.example>, <x@y.example"] {
        let refused = OutgoingMail { to_address: bad.into(), ..mail() }.build();
        assert_eq!(refused, Err(MimeError::Address(bad.into())));
    }
}

#[test]
fn a_text_alone_has_one_part() {
    let text = raw(&OutgoingMail { html: None, text: "Hello\r\nthere\x07\rend".into(), ..mail() });

    assert!(text.contains("Content-Type: text/plain; charset=utf-8\r\n"));
    assert!(!text.contains("multipart"));
    assert!(text.ends_with("\r\n\r\nHello\r\nthere\r\nend\r\n"), "{text}");
}
