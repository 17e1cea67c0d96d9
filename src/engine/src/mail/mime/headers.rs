//! The headers that the library must not fold or encode: message ids and List-Unsubscribe.
//! Every value is checked to be one line of printable ASCII before it is passed on as it is.

use domain::public_url::is_fit_for_mail;
use lettre::message::header::{HeaderName, HeaderValue};

use super::MimeError;

/// RFC 5322 section 2.1.1, less the header's name and the angle brackets.
const MAX_VALUE: usize = 900;
/// How many ancestors of a thread are named: the first and the latest ones are what mail programs look at.
const MAX_REFERENCES: usize = 20;

/// The id in angle brackets.
pub(super) fn message_id(raw: &str) -> Result<String, MimeError> {
    let bare = raw.strip_prefix('<').and_then(|raw| raw.strip_suffix('>')).unwrap_or(raw);
    let parts = bare.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
    if parts && is_token(bare) { Ok(format!("<{bare}>")) } else { Err(MimeError::MessageId(raw.to_owned())) }
}

/// Message-ID, In-Reply-To and References. Ids of other mails come from outside; bad ones are left out.
pub(super) fn threading(own: &str, in_reply_to: Option<&str>, references: &[String]) -> Vec<HeaderValue> {
    let mut headers = vec![plain(HeaderName::new_from_ascii_str("Message-ID"), own.to_owned())];
    if let Some(parent) = in_reply_to.and_then(|id| message_id(id).ok()) {
        headers.push(plain(HeaderName::new_from_ascii_str("In-Reply-To"), parent));
    }
    let mut known: Vec<String> = references.iter().filter_map(|id| message_id(id).ok()).collect();
    if known.len() > MAX_REFERENCES {
        known.drain(1..=known.len() - MAX_REFERENCES);
    }
    if !known.is_empty() {
        // One id a line keeps every line short.
        let name = HeaderName::new_from_ascii_str("References");
        headers.push(HeaderValue::dangerous_new_pre_encoded(name, known.join(" "), known.join("\r\n ")));
    }
    headers
}

/// List-Unsubscribe on one line, since folding it broke signatures elsewhere, and List-Unsubscribe-Post (RFC 8058).
pub(super) fn unsubscribe(url: Option<&str>, mailto: Option<&str>) -> Result<Vec<HeaderValue>, MimeError> {
    let mut ways = Vec::new();
    if let Some(url) = url {
        if !is_fit_for_mail(url) || !is_token(url) {
            return Err(MimeError::Unsubscribe(url.to_owned()));
        }
        ways.push(format!("<{url}>"));
    }
    if let Some(mailto) = mailto {
        let address = mailto.strip_prefix("mailto:").unwrap_or(mailto);
        if !address.contains('@') || !is_token(address) {
            return Err(MimeError::Unsubscribe(mailto.to_owned()));
        }
        ways.push(format!("<mailto:{address}>"));
    }
    let value = ways.join(", ");
    if value.len() > MAX_VALUE {
        return Err(MimeError::Unsubscribe(value));
    }
    let mut headers = Vec::new();
    if !ways.is_empty() {
        headers.push(plain(HeaderName::new_from_ascii_str("List-Unsubscribe"), value));
    }
    if url.is_some() {
        let name = HeaderName::new_from_ascii_str("List-Unsubscribe-Post");
        headers.push(plain(name, "List-Unsubscribe=One-Click".to_owned()));
    }
    Ok(headers)
}

/// A header that is written as it stands.
fn plain(name: HeaderName, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value)
}

/// Printable ASCII that ends neither the angle brackets nor the line.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_VALUE && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\",".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_click_needs_encryption_except_on_this_machine() {
        for good in
            ["https://app.example/p/t0ken", "http://localhost:3000/p/t", "http://127.0.0.1/p/t", "http://[::1]:3000/p"]
        {
            assert_eq!(unsubscribe(Some(good), None).unwrap().len(), 2, "{good}");
        }
        for bad in [
            "http://app.example/p/t",
            "http://localhost.evil.example/p",
            "http://127.0.0.1@evil.example/p",
            "ftp://x/y",
            "https://app.example/p\r\nBcc: x@y",
            "https://app.example/a b",
            "https://app.example/>,<x",
            "",
        ] {
            assert!(unsubscribe(Some(bad), None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_message_id_is_one_word_with_an_at() {
        assert_eq!(message_id("<a@b>").unwrap(), "<a@b>");
        assert_eq!(message_id("a@b").unwrap(), "<a@b>");
        for bad in ["", "a", "<a@b", "a@b\r\nBcc: x", "a b@c", "@b", "a@"] {
            assert!(message_id(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_long_thread_names_its_beginning_and_its_end() {
        let ids: Vec<String> = (0..50).map(|n| format!("{n}@x")).collect();
        let headers = threading("<own@x>", Some("49@x"), &ids);
        let references = headers.last().unwrap();

        assert_eq!(headers.len(), 3);
        let text = format!("{references:?}");
        assert!(text.contains("<0@x>") && text.contains("<31@x>") && text.contains("<49@x>"));
        assert!(!text.contains("<30@x>"));
    }
}
