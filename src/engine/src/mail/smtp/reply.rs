//! What a server said: code, enhanced code, text, and the queue id hidden in the text.
//! The code alone decides what happens (RFC 5321 section 4.2.1); the text is only for people.

use std::fmt;

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// The three-digit code.
    pub code: u16,
    /// The text of all lines, joined by line feeds, without control characters.
    pub text: String,
}

/// The class of a reply: the first digit of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Positive,
    Intermediate,
    Transient,
    Permanent,
}

impl Reply {
    pub fn class(&self) -> Class {
        match self.code {
            ..300 => Class::Positive,
            300..400 => Class::Intermediate,
            400..500 => Class::Transient,
            500.. => Class::Permanent,
        }
    }

    /// The enhanced code at the beginning of the text (RFC 2034).
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        EnhancedCode::parse(self.text.split_whitespace().next()?)
    }

    /// The name that the server gave the mail in its own queue, for its postmaster.
    pub fn queue_id(&self) -> Option<String> {
        let text = self.text.lines().last().unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let words = match words.split_first() {
            Some((first, rest)) if EnhancedCode::parse(first).is_some() => rest,
            _ => &words[..],
        };
        candidates(words).find_map(clean_id)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// An enhanced status code, `class.subject.detail` (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedCode {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    pub class: u8,
    /// What the code is about: 1 addressing, 2 mailbox, 7 security and policy, ...
    pub subject: u16,
    /// The exact condition within the subject.
    pub detail: u16,
}

impl EnhancedCode {
    /// Reads `5.1.1`; anything else is no code.
    pub fn parse(word: &str) -> Option<Self> {
        let number = |part: &str| {
            let plain = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let mut parts = word.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
        parts.next().is_none().then_some(Self { class, subject, detail })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// Words that may be the queue id, the surest sign first.
fn candidates<'a>(words: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let is = |at: usize, word: &str| words.get(at).is_some_and(|found| found.eq_ignore_ascii_case(word));
    // Postfix: `Ok: queued as 4F2A31C0D2`
    let queued_as = (2..words.len()).find(|&at| is(at - 2, "queued") && is(at - 1, "as"));
    // Haraka: `Message Queued (6D5A...)`
    let queued_in_brackets = (1..words.len()).find(|&at| is(at - 1, "queued") && words[at].starts_with('('));
    // qmail: `ok 1700000000 qp 12345`
    let qmail = (1..words.len()).find(|&at| is(at - 1, "qp"));
    // Sendmail and OpenSMTPD: `32A1B Message accepted for delivery`
    let accepted = (is(1, "message") && is(2, "accepted")).then_some(0);
    // Gmail: `OK 1700000000 a1-20020a05sm123.45 - gsmtp`
    let gmail = (words.len() >= 3 && is(words.len() - 1, "gsmtp")).then(|| words.len() - 3);
    // Amazon and Mailgun: `Ok 0102018abc-1234`
    let lone = (words.len() == 2 && is(0, "ok") && words[1].bytes().any(|b| b.is_ascii_digit())).then_some(1);

    // Exim: `OK id=1qXyZ-0001-AB`; Exchange: `[InternalId=123, Hostname=...`
    let labelled = words.iter().find_map(|word| {
        let word = word.trim_start_matches('[');
        let (label, id) = word.split_once('=')?;
        (label.eq_ignore_ascii_case("id") || label.eq_ignore_ascii_case("internalid")).then_some(id)
    });
    let placed = [queued_as, queued_in_brackets, qmail, accepted, gmail, lone].into_iter().flatten();
    labelled.into_iter().chain(placed.map(|at| words[at]))
}

/// A queue id without the punctuation around it, when it looks like one.
fn clean_id(word: &str) -> Option<String> {
    let id = word.trim_matches(|c: char| "<>()[].,;:\"'".contains(c));
    let plausible = (2..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    plausible.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.to_owned() }
    }

    #[test]
    fn the_queue_id_is_found_in_the_replies_of_common_servers() {
        for (text, id) in [
            ("2.0.0 Ok: queued as 4F2A31C0D2", Some("4F2A31C0D2")),
            ("Ok: queued as <7d1-aa@mx.example>.", Some("7d1-aa@mx.example")),
            ("OK id=1qXyZ4-0001Ab-2f", Some("1qXyZ4-0001Ab-2f")),
            ("2.0.0 3BK9x1c2 Message accepted for delivery", Some("3BK9x1c2")),
            ("2.0.0 5a6b7c8d Message accepted for delivery: it is ours now", Some("5a6b7c8d")),
            ("2.0.0 OK  1700000000 a1-20020a05600c00b7sm2123.45 - gsmtp", Some("a1-20020a05600c00b7sm2123.45")),
            ("2.6.0 <a@b> [InternalId=4711, Hostname=X.prod] Queued mail for delivery", Some("4711")),
            ("Ok 0102018abc-7f-000000", Some("0102018abc-7f-000000")),
            ("ok 1700000000 qp 12345", Some("12345")),
            ("Message Queued (6D5A2F30-1.1)", Some("6D5A2F30-1.1")),
            ("first line\n2.0.0 Ok: queued as LAST1", Some("LAST1")),
            ("2.0.0 Ok", None),
            ("Great success", None),
            ("OK thanks", None),
            ("", None),
        ] {
            assert_eq!(reply(250, text).queue_id().as_deref(), id, "{text:?}");
        }
    }

    #[test]
    fn an_enhanced_code_is_three_numbers_and_nothing_else() {
        assert_eq!(reply(550, "5.1.1 no such user").enhanced().unwrap().to_string(), "5.1.1");
        assert_eq!(reply(550, "5.7.515 denied").enhanced().unwrap().detail, 515);
        for text in ["", "no code", "5.1", "5.1.1.1", "9.1.1", "5.1.1234", "5.+1.1", "127.0.0.1"] {
            assert_eq!(reply(550, text).enhanced(), None, "{text:?}");
        }
    }
}
