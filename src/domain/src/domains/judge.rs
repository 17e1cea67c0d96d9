//! Judges what a resolver has answered. Pure: who asks, and when, is not known here.

mod reputation;

use chrono::{DateTime, Utc};

use super::{DnsRecord, RecordCheck, RecordKind, Standing, key_record};
use crate::words::plural;

pub use reputation::{Age, Listing, Reverse, is_reserved, reverse_name, reversed};

/// The most look-ups that a receiver makes for an SPF record (RFC 7208, 4.6.4).
const MOST_LOOKUPS: usize = 10;
/// Below, receivers ignore a key (RFC 8301, 3.2).
const LEAST_BITS: usize = 1024;
/// What is recommended today.
const GOOD_BITS: usize = 2048;

/// What the domain should have.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Where the public key is found.
    pub selector: Option<String>,
    /// The public key in Base64, where we hold its private half.
    pub public_key: Option<String>,
    /// The hosts that mails of the domain are handed over to.
    pub hosts: Vec<String>,
}

/// What the DNS says about a domain, and what lists and the registry say.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// SPF.
    pub spf: Spf,
    /// DKIM, where a selector is known.
    pub dkim: Option<Dkim>,
    /// DMARC.
    pub dmarc: Dmarc,
    /// Where mail to it goes.
    pub mx: Mx,
    /// Where links lead to.
    pub links: Links,
    /// Each address of the mail servers that are the company’s own.
    pub reverse: Vec<Reverse>,
    /// What each blocklist says about the domain and these addresses.
    pub listings: Vec<Listing>,
    /// Since when it is registered, where that is known.
    pub age: Option<Age>,
}

/// What the DNS says about SPF.
#[derive(Clone, Debug, Default)]
pub struct Spf {
    /// The records of SPF.
    pub records: Vec<String>,
    /// Look-ups that a receiver needs, those of what is included among them.
    pub lookups: usize,
    /// The domains that are included, directly or by others.
    pub includes: Vec<String>,
    /// Why receivers cannot make sense of it, in words.
    pub broken: Option<String>,
    /// What its last mechanism says about everybody else: `-`, `~`, `?`, `+`, or nothing at all.
    pub everybody: Option<char>,
}

/// What the DNS says at a selector.
#[derive(Clone, Debug, Default)]
pub struct Dkim {
    /// The records there.
    pub records: Vec<String>,
    /// The key, where it can be read.
    pub key: Option<PublishedKey>,
}

/// A key as it is published.
#[derive(Clone, Debug)]
pub struct PublishedKey {
    /// The key in Base64, without spaces; empty when it was withdrawn.
    pub text: String,
    /// Bits of an RSA key; none of another kind.
    pub bits: Option<usize>,
    /// Its owner is still trying it out (`t=y`).
    pub testing: bool,
}

/// What the DNS says about DMARC.
#[derive(Clone, Debug, Default)]
pub struct Dmarc {
    /// The name at which it was found: of the domain, or of one above (RFC 9989, 4.10).
    pub name: String,
    /// The records there.
    pub records: Vec<String>,
    /// What is asked of receivers: `none`, `quarantine`, `reject`. Absent when it cannot be read.
    pub policy: Option<String>,
}

/// What the DNS says about mail to the domain.
#[derive(Clone, Debug, Default)]
pub struct Mx {
    /// The hosts, the preferred first; a single dot says that it takes no mail (RFC 7505).
    pub hosts: Vec<String>,
    /// Without hosts, the domain has an address of its own (RFC 5321, 5.1).
    pub has_address: bool,
}

/// What the DNS says about the name in links.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// The name.
    pub host: String,
    /// Its addresses; absent for a name of this machine, or an address, which nobody looks up.
    pub addresses: Option<Vec<String>>,
    /// They begin with https.
    pub is_encrypted: bool,
}

/// What is to be said at `now` about each record of a domain, and about its reputation where somebody was asked.
#[must_use]
pub fn judge(domain: &str, expected: &Expected, answers: &Answers, now: DateTime<Utc>) -> Vec<RecordCheck> {
    let (spf, dkim) = (spf(domain, expected, &answers.spf), dkim(domain, expected, answers.dkim.as_ref()));
    let is_aligned = [&spf, &dkim].iter().any(|check| check.standing != Standing::Fail);
    let dmarc = dmarc(domain, &answers.dmarc, is_aligned);
    let mut checks = vec![spf, dkim, dmarc, mx(domain, &answers.mx), links(&answers.links)];
    checks.extend(reputation::reverse(&answers.reverse));
    checks.extend(reputation::blocklists(&answers.listings));
    checks.extend(answers.age.as_ref().map(|age| reputation::age(age, now)));
    checks
}

fn spf(domain: &str, expected: &Expected, spf: &Spf) -> RecordCheck {
    let needs = needed(expected);
    let missing: Vec<_> = needs.iter().filter(|(_, include)| !spf.includes.iter().any(|i| i == include)).collect();
    let check = |standing, message: String, publish: Option<String>| RecordCheck {
        kind: RecordKind::Spf,
        standing,
        message,
        found: spf.records.clone(),
        publish: publish.map(|value| DnsRecord::txt(domain, value)),
    };
    let fail = |message, publish| check(Standing::Fail, message, publish);
    let suggested = joined(&spf.records, expected);
    let Some(record) = spf.records.first() else {
        return fail(
            "There is no SPF record, so anybody may send as this domain. Publish one.".into(),
            Some(suggested),
        );
    };
    if spf.records.len() > 1 {
        let words = format!("There are {} SPF records, which receivers take as none. Join them.", spf.records.len());
        return fail(words, Some(suggested));
    }
    if let Some(words) = &spf.broken {
        return fail(format!("Receivers cannot use this record: {words}."), None);
    }
    if spf.lookups > MOST_LOOKUPS {
        let words = format!(
            "The record needs more than the {MOST_LOOKUPS} look-ups that receivers make. Remove what no longer sends."
        );
        return fail(words, None);
    }
    if let Some((host, include)) = missing.first() {
        return fail(format!("Mails leave by {host}, so the record must include {include}."), Some(suggested));
    }
    match spf.everybody {
        Some('+') => fail("The record lets everybody send (+all). End it with ~all.".into(), Some(suggested)),
        None | Some('?') if !record.contains("redirect=") => {
            let words = "The record says nothing about everybody else. End it with ~all.";
            check(Standing::Warn, words.into(), Some(suggested))
        }
        _ => check(Standing::Pass, spf_words(expected, spf), None),
    }
}

fn spf_words(expected: &Expected, spf: &Spf) -> String {
    let mut words = format!("One record, {} of {MOST_LOOKUPS} look-ups", spf.lookups);
    if !spf.includes.is_empty() {
        words += &format!(", with {}", spf.includes.join(", "));
    }
    words.push('.');
    let unknown: Vec<_> =
        expected.hosts.iter().filter(|host| super::spf_include(host).is_none()).map(String::as_str).collect();
    if !unknown.is_empty() {
        words +=
            &format!(" Make sure that it covers {}: what that server needs is not known here.", unknown.join(", "));
    }
    words
}

/// The hosts whose needs are known, and what to include for them.
fn needed(expected: &Expected) -> Vec<(&str, &'static str)> {
    expected.hosts.iter().filter_map(|host| Some((host.as_str(), super::spf_include(host)?))).collect()
}

/// One record with everything that the records say, and what the hosts need.
fn joined(records: &[String], expected: &Expected) -> String {
    let mut terms: Vec<String> = Vec::new();
    let mut all = "~all";
    for term in records.iter().flat_map(|record| record.split_ascii_whitespace().skip(1)) {
        match term.to_ascii_lowercase().as_str() {
            "-all" => all = "-all",
            "~all" | "?all" | "+all" | "all" => {}
            _ if terms.iter().any(|known| known == term) => {}
            _ => terms.push(term.to_owned()),
        }
    }
    for host in &expected.hosts {
        let term = match super::spf_include(host) {
            Some(include) => format!("include:{include}"),
            // A guess that is right for a server that sends by itself; with records it is not for us to guess.
            None if records.is_empty() => format!("a:{host}"),
            None => continue,
        };
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    if terms.is_empty() {
        terms.push("mx".to_owned());
    }
    format!("v=spf1 {} {all}", terms.join(" "))
}

fn dkim(domain: &str, expected: &Expected, dkim: Option<&Dkim>) -> RecordCheck {
    let ours = match (&expected.selector, &expected.public_key) {
        (Some(selector), Some(key)) => Some(key_record(domain, selector, key)),
        _ => None,
    };
    let found = dkim.map(|dkim| dkim.records.clone()).unwrap_or_default();
    let check = |standing, message: String, publish| RecordCheck {
        kind: RecordKind::Dkim,
        standing,
        message,
        found: found.clone(),
        publish,
    };
    let fail = |message: String| check(Standing::Fail, message, ours.clone());
    let (Some(selector), Some(dkim)) = (&expected.selector, dkim) else {
        let words = "Nobody is known to sign. Make a key here, or enter the selector of your provider.";
        return fail(words.into());
    };
    let at = format!("{selector}._domainkey.{domain}");
    if dkim.records.is_empty() {
        return fail(format!("There is no record at {at}. Publish it; a provider shows the value for its own keys."));
    }
    if dkim.records.len() > 1 {
        return fail(format!("There are {} records at {at}. Leave one.", dkim.records.len()));
    }
    let Some(key) = &dkim.key else { return fail(format!("The record at {at} is not one of a key.")) };
    if key.text.is_empty() {
        return fail(format!("The key at {at} was withdrawn."));
    }
    if expected.public_key.as_ref().is_some_and(|ours| *ours != key.text) {
        return fail(format!("The record at {at} has another key than the one that signs here."));
    }
    match key.bits {
        Some(bits) if bits < LEAST_BITS => {
            fail(format!("The key at {at} has {bits} bits. Receivers ask for {LEAST_BITS}, better {GOOD_BITS}."))
        }
        _ if key.testing => {
            check(Standing::Warn, format!("The record at {at} says that it is a test (t=y). Remove that."), ours)
        }
        Some(bits) if bits < GOOD_BITS => {
            check(Standing::Warn, format!("The key at {at} has {bits} bits. {GOOD_BITS} are recommended."), None)
        }
        Some(bits) => check(Standing::Pass, format!("A key of {bits} bits at {at}."), None),
        None => check(Standing::Pass, format!("A key at {at}."), None),
    }
}

fn dmarc(domain: &str, dmarc: &Dmarc, is_aligned: bool) -> RecordCheck {
    let suggested = || Some(DnsRecord::txt(format!("_dmarc.{domain}"), "v=DMARC1; p=none"));
    let check = |standing, message: String, publish| RecordCheck {
        kind: RecordKind::Dmarc,
        standing,
        message,
        found: dmarc.records.clone(),
        publish,
    };
    match (dmarc.records.len(), &dmarc.policy) {
        (0, _) => check(Standing::Fail, "There is no DMARC record. Publish one; p=none is enough.".into(), suggested()),
        (2.., _) => {
            let words =
                format!("There are {} records at {}, which count as none. Leave one.", dmarc.records.len(), dmarc.name);
            check(Standing::Fail, words, None)
        }
        (_, None) => {
            let words = format!("The record at {} cannot be read.", dmarc.name);
            check(Standing::Fail, words, suggested().filter(|publish| publish.name == dmarc.name))
        }
        (_, Some(policy)) if !is_aligned => {
            let words = format!(
                "The record at {} says p={policy}, but neither SPF nor DKIM passes, so nothing is aligned with the sender.",
                dmarc.name
            );
            check(Standing::Fail, words, None)
        }
        (_, Some(policy)) => {
            let words = format!(
                "p={policy} at {}. Sender and signature are of this domain, so what passes is aligned.",
                dmarc.name
            );
            check(Standing::Pass, words, None)
        }
    }
}

fn mx(domain: &str, mx: &Mx) -> RecordCheck {
    let (standing, message) = match (mx.hosts.as_slice(), mx.has_address) {
        ([only], _) if only == "." => {
            (Standing::Fail, format!("{domain} says that it takes no mail, so nobody can answer."))
        }
        ([], false) => {
            (Standing::Fail, "There is no MX record, so nobody can answer. Publish that of your provider.".into())
        }
        ([], true) => (Standing::Warn, "There is no MX record; answers go to the address of the domain itself.".into()),
        (hosts, _) => {
            let n = i64::try_from(hosts.len()).unwrap_or(i64::MAX);
            (Standing::Pass, format!("Answers go to {}.", plural(n, "server", "servers")))
        }
    };
    RecordCheck { kind: RecordKind::Mx, standing, message, found: mx.hosts.clone(), publish: None }
}

fn links(links: &Links) -> RecordCheck {
    let host = &links.host;
    let (standing, message, found) = match &links.addresses {
        None => {
            (Standing::Warn, format!("Links lead to {host}, which only this machine or network can open."), Vec::new())
        }
        Some(none) if none.is_empty() => {
            (Standing::Fail, format!("Links lead to {host}, which has no address."), Vec::new())
        }
        Some(addresses) if !links.is_encrypted => {
            let words = format!(
                "Links lead to {host} without https, which one-click unsubscribing asks for. Whoever runs this \
                 installation sets its public address."
            );
            (Standing::Warn, words, addresses.clone())
        }
        Some(addresses) => (Standing::Pass, format!("Links lead to {host}."), addresses.clone()),
    };
    RecordCheck { kind: RecordKind::Links, standing, message, found, publish: None }
}

#[cfg(test)]
mod tests;
