//! The rules that say what a mail is, the surest sign first: reports, headers, subjects, and only then the
//! sender's own words. When nothing speaks against it, a person has answered.

mod words;

use chrono::NaiveDate;

use super::{
    Bounce, BounceKind, Confidence, DeliveryReport, InboundKind, Judgement, Mail, Report, away::back_on, quote::split,
};
use words::{
    AUTO_SUBJECTS, AWAY_SUBJECTS, AWAY_WORDS, BOUNCE_SUBJECTS, DELAYED, NO_SUCH_USER, NOT_STOP, SERVERS, STOP,
    STOP_WORDS,
};

/// A token of ours has at least so many characters; what is shorter is a word.
const TOKEN: usize = 24;
/// A reply of more words has something else to say.
const SHORT: usize = 15;

/// Says what a mail is that arrived on `today`.
#[must_use]
pub fn judge(mail: &Mail, today: NaiveDate) -> Judgement {
    if let Some(why) = mail.unreadable {
        return found(InboundKind::Unreadable, Confidence::Sure, why);
    }
    let own = split(&mail.text).own;
    reported(mail)
        .or_else(|| bounced_in_words(mail))
        .or_else(|| automatic(mail, today))
        .or_else(|| unsubscribes(mail, &own))
        .unwrap_or_else(|| {
            found(InboundKind::Reply, Confidence::Likely, "It is written by a person: nothing in it says otherwise.")
        })
}

/// The token in the subject of a mail that leaves a list, as the header of an e-mail of ours asks for it.
#[must_use]
pub fn unsubscribe_token(subject: &str) -> Option<&str> {
    let mut words = subject.split_whitespace();
    let (first, token) = (words.next()?, words.next()?);
    let is_token = token.len() >= TOKEN && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    (first.eq_ignore_ascii_case("unsubscribe") && is_token && words.next().is_none()).then_some(token)
}

/// The judgement of a mail whose token is ours. It says nothing else, whoever sends it and however.
#[must_use]
pub fn leaves() -> Judgement {
    let why = "It is what a mail program sends when somebody presses its button to unsubscribe.";
    found(InboundKind::Unsubscribe, Confidence::Sure, why)
}

fn found(kind: InboundKind, confidence: Confidence, why: impl Into<String>) -> Judgement {
    Judgement { kind, why: why.into(), confidence, back_on: None, bounce: None, about: None, recipient: None }
}

/// A report for machines, by its type.
fn reported(mail: &Mail) -> Option<Judgement> {
    let report = match mail.report.clone()? {
        Report::Feedback { message_id, recipient } => {
            let why = "The provider of the recipient reports a complaint.";
            let complaint = found(InboundKind::Complaint, Confidence::Sure, why);
            return Some(Judgement { about: message_id, recipient, ..complaint });
        }
        Report::Delivery(report) => report,
    };
    let DeliveryReport { message_id, recipient, action, status, diagnostic } = report;
    let class = status.as_deref().and_then(|status| status.chars().next());
    let bounce = match (action.as_str(), class) {
        ("delivered" | "relayed" | "expanded", _) | (_, Some('2')) => {
            let why = "A server reports that an e-mail was delivered.";
            return Some(Judgement { about: message_id, ..found(InboundKind::Other, Confidence::Sure, why) });
        }
        ("delayed", _) | (_, Some('4')) => BounceKind::Soft,
        _ => given_up(status.as_deref(), diagnostic.as_deref().unwrap_or_default()),
    };
    let words = diagnostic.or_else(|| status.clone()).unwrap_or_else(|| "no words".to_owned());
    let why = match bounce {
        BounceKind::Soft => format!("A server could not deliver an e-mail yet: {words}"),
        _ => format!("A server could not deliver an e-mail: {words}"),
    };
    let bounce = Some(Bounce { kind: bounce, status });
    Some(Judgement { bounce, about: message_id, recipient, ..found(InboundKind::Bounce, Confidence::Sure, why) })
}

/// Whether the address is to blame for a failure that is final. What a server thinks of the sender would
/// otherwise cost a good address.
fn given_up(status: Option<&str>, words: &str) -> BounceKind {
    let words = words.to_lowercase();
    let unknown = NO_SUCH_USER.iter().any(|text| words.contains(text));
    match status {
        // RFC 3463, 3.2 and 3.3: addresses that are bad, have moved or are disabled; RFC 7505 for 5.1.10.
        Some("5.1.1" | "5.1.2" | "5.1.3" | "5.1.4" | "5.1.6" | "5.1.10" | "5.2.1") => BounceKind::Hard,
        Some("5.0.0" | "550") | None if unknown => BounceKind::Hard,
        _ => BounceKind::Refused,
    }
}

/// A bounce that is written for people only.
fn bounced_in_words(mail: &Mail) -> Option<Judgement> {
    let local = mail.from.as_ref().and_then(|from| from.as_str().split('@').next());
    let from_server = local.is_some_and(|local| SERVERS.contains(&local));
    let subject = mail.subject.trim().to_lowercase();
    let is_bounce = from_server || (mail.no_return_path && begins(&subject, &BOUNCE_SUBJECTS));
    if !is_bounce {
        return None;
    }
    let text = mail.text.to_lowercase();
    let status = code(&text);
    let delayed = DELAYED.iter().any(|words| subject.contains(words) || text.contains(words));
    let kind = match status.as_deref() {
        Some(status) if status.starts_with('4') => BounceKind::Soft,
        None if delayed => BounceKind::Soft,
        status => given_up(status, &text),
    };
    let why = format!("It comes from a mail server and says {}.", status.as_deref().unwrap_or("that an e-mail failed"));
    // Whom it is about stands somewhere in the text, between angle brackets or alone.
    let own = mail.from.as_ref();
    let addresses = text.split(|c: char| c.is_whitespace() || "<>:;,()\"'".contains(c));
    let recipient = addresses
        .filter(|word| word.contains('@'))
        .filter_map(|word| crate::EmailAddress::parse(word.trim_end_matches('.')).ok())
        .find(|address| Some(address) != own);
    let bounce = Some(Bounce { kind, status });
    Some(Judgement { bounce, recipient, ..found(InboundKind::Bounce, Confidence::Likely, why) })
}

/// The first code of a server in a text: the enhanced one, or the plain one.
fn code(text: &str) -> Option<String> {
    let words = || text.split(|c: char| c.is_whitespace() || "#()-:;,[]".contains(c));
    let enhanced = words().map(|word| word.trim_end_matches('.')).find(|word| {
        let parts: Vec<&str> = word.split('.').collect();
        let digits = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        parts.len() == 3 && matches!(parts[0], "4" | "5") && parts.iter().all(digits)
    });
    let is_plain = |word: &&str| word.len() == 3 && matches!(word.as_bytes(), [b'4' | b'5', b'0'..=b'7', b'0'..=b'9']);
    enhanced.or_else(|| words().find(is_plain)).map(str::to_owned)
}

/// A program has answered: RFC 3834, what came before it, and the subjects that programs use.
fn automatic(mail: &Mail, today: NaiveDate) -> Option<Judgement> {
    let subject = mail.subject.trim().to_lowercase();
    let away_subject = begins(&subject, &AWAY_SUBJECTS);
    let (confidence, sign) = if let Some(word) = mail.auto_submitted.as_deref().filter(|word| !word.starts_with("no")) {
        (Confidence::Sure, format!("Its header says Auto-Submitted: {word}"))
    } else if mail.auto_reply {
        (Confidence::Sure, "Its header says that a program has written it".to_owned())
    } else if let Some(word) = mail.precedence.as_deref().filter(|word| ["bulk", "auto_reply", "junk"].contains(word)) {
        (Confidence::Sure, format!("Its header says Precedence: {word}"))
    } else if mail.no_return_path {
        (Confidence::Likely, "It has no return path, as automatic mails have none".to_owned())
    } else if away_subject || begins(&subject, &AUTO_SUBJECTS) {
        (Confidence::Likely, "Its subject is that of an automatic reply".to_owned())
    } else {
        return None;
    };
    // Programs often quote the mail they answer, and whoever wrote that may have been away as well.
    let own = split(&mail.text).own;
    let text = own.to_lowercase();
    if !away_subject && !AWAY_WORDS.iter().any(|words| text.contains(words)) {
        return Some(found(InboundKind::AutoReply, confidence, format!("{sign}.")));
    }
    let back_on = back_on(&format!("{}\n{own}", mail.subject), today);
    let why = match back_on {
        Some(day) => format!("{sign}, and the person is back on {}.", day.format("%-d %B %Y")),
        None => format!("{sign}, and the person is away."),
    };
    Some(Judgement { back_on, ..found(InboundKind::OutOfOffice, confidence, why) })
}

/// A short mail whose own words ask for no more.
fn unsubscribes(mail: &Mail, own: &str) -> Option<Judgement> {
    let kind = InboundKind::Unsubscribe;
    let subject = mail.subject.trim();
    if (subject.eq_ignore_ascii_case("unsubscribe") || unsubscribe_token(subject).is_some())
        && own.split_whitespace().count() <= SHORT
    {
        return Some(found(kind, Confidence::Sure, "Its subject is “unsubscribe”."));
    }
    let plain: String = own
        .to_lowercase()
        .replace('’', "'")
        .chars()
        .filter(|c| !matches!(c, '.' | ',' | '!' | '"' | '“' | '”'))
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let plain = words.join(" ");
    if words.len() > SHORT || plain.contains('?') || NOT_STOP.iter().any(|text| plain.contains(text)) {
        return None;
    }
    let said =
        STOP.iter().find(|text| plain == **text).or_else(|| STOP_WORDS.iter().find(|text| plain.contains(*text)))?;
    Some(found(kind, Confidence::Likely, format!("It is short and says “{said}”.")))
}

fn begins(subject: &str, list: &[&str]) -> bool {
    list.iter().any(|words| subject.starts_with(words))
}

#[cfg(test)]
mod tests;
