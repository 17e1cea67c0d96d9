//! Reads the records of DKIM and DMARC.

use domain::domains::{Dkim, Dmarc, PublishedKey};
use mail_auth::{
    common::{parse::TxtRecordParser, verify::DomainKey},
    dmarc::{Dmarc as Record, Policy},
};

use crate::dns::{Dns, Unanswered};

/// Labels of the longest name that is asked for when those above a domain are (RFC 9989, 4.10).
const LONGEST_WALK: usize = 7;

/// What the DNS says at a selector.
pub(super) async fn dkim(dns: &Dns, domain: &str, selector: &str) -> Result<Dkim, Unanswered> {
    let records = dns.texts(&format!("{selector}._domainkey.{domain}")).await?;
    let key = records.first().and_then(|text| read_key(text));
    Ok(Dkim { records, key })
}

/// The key of a record, or nothing when it has none that receivers could use.
fn read_key(text: &str) -> Option<PublishedKey> {
    let tag = |name: &str| {
        text.split(';').find_map(|tag| {
            let (key, value) = tag.split_once('=')?;
            (key.trim() == name).then(|| value.split_ascii_whitespace().collect::<String>())
        })
    };
    let key = PublishedKey {
        text: tag("p")?,
        bits: None,
        testing: tag("t").is_some_and(|flags| flags.split(':').any(|flag| flag == "y")),
    };
    if key.text.is_empty() {
        return Some(key);
    }
    let parsed = DomainKey::parse(text.as_bytes()).ok()?;
    match tag("k").as_deref() {
        None | Some("rsa") => {
            let bits = parsed.p.public_key_bits();
            (bits > 0).then_some(PublishedKey { bits: Some(bits), ..key })
        }
        _ => Some(key),
    }
}

/// The record of a domain, or of the next one above it that has one.
pub(super) async fn dmarc(dns: &Dns, domain: &str) -> Result<Dmarc, Unanswered> {
    let labels: Vec<_> = domain.split('.').collect();
    // A top-level domain alone says nothing about who is below it.
    let above = (1..labels.len().saturating_sub(1)).filter(|from| labels.len() - from <= LONGEST_WALK);
    for from in [0].into_iter().chain(above) {
        let name = format!("_dmarc.{}", labels[from..].join("."));
        let records: Vec<_> =
            dns.texts(&name).await?.into_iter().filter(|text| text.trim_start().starts_with("v=DMARC1")).collect();
        if let Some(first) = records.first() {
            let policy = policy(first, from > 0);
            return Ok(Dmarc { name, records, policy });
        }
    }
    Ok(Dmarc { name: format!("_dmarc.{domain}"), ..Dmarc::default() })
}

/// What a record asks of receivers, for its own domain or for one below.
fn policy(text: &str, is_below: bool) -> Option<String> {
    let record = Record::parse(text.as_bytes()).ok()?;
    let policy = match record.sp {
        Policy::Unspecified => record.p,
        below if is_below => below,
        _ => record.p,
    };
    match policy {
        Policy::None => Some("none".to_owned()),
        Policy::Quarantine => Some("quarantine".to_owned()),
        Policy::Reject => Some("reject".to_owned()),
        Policy::Unspecified => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_a_key_is_read_or_it_is_none() {
        assert!(read_key("hello").is_none());
        assert!(read_key("v=DKIM1; p=nonsense").is_none(), "no key in it");
        assert_eq!(read_key("v=DKIM1; p=").expect("withdrawn").text, "");
        let ed = read_key("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=").expect("a key");
        assert_eq!(ed.bits, None);
    }

    #[test]
    fn a_policy_for_those_below_counts_for_those_below() {
        assert_eq!(policy("v=DMARC1; p=none; sp=reject", false).as_deref(), Some("none"));
        assert_eq!(policy("v=DMARC1; p=none; sp=reject", true).as_deref(), Some("reject"));
        assert_eq!(policy("v=DMARC1; p=quarantine", true).as_deref(), Some("quarantine"));
        assert_eq!(policy("v=DMARC1", false), None);
    }
}
