//! Sending domains: what the DNS says about the domains of mailboxes, and the keys that sign for them.
//!
//! Receivers judge an e-mail by records of its sender's domain: SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 9989).

mod judge;
mod providers;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{DomainId, EmailAddress, Problem, problem::Problems, wire::wire_enum};

pub use judge::{
    Age, Answers, Dkim, Dmarc, Expected, Links, Listing, Mx, PublishedKey, Reverse, Spf, is_reserved, judge,
    reverse_name, reversed,
};
pub use providers::spf_include;

wire_enum! {
    /// What is looked at of a domain.
    pub enum RecordKind {
        /// Which servers may send for it.
        Spf = "spf",
        /// The key that its signatures are checked with.
        Dkim = "dkim",
        /// What receivers do with mails that pass neither.
        Dmarc = "dmarc",
        /// Where mail to it goes, replies among them.
        Mx = "mx",
        /// The name that the links of its e-mails lead to.
        Links = "links",
        /// The names of the addresses of its own mail server, where it has one.
        Ptr = "ptr",
        /// Lists of those whose mail is refused.
        Blocklist = "blocklist",
        /// How long it is registered.
        Age = "age",
    }
}

impl RecordKind {
    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Spf => "SPF",
            Self::Dkim => "DKIM",
            Self::Dmarc => "DMARC",
            Self::Mx => "MX",
            Self::Links => "Links",
            Self::Ptr => "Reverse DNS",
            Self::Blocklist => "Blocklists",
            Self::Age => "Age of the domain",
        }
    }

    /// Whether campaigns wait until it is good. Links are judged by a check of their own, and a young domain only has to
    /// begin slowly. They wait for the name of an address, because Gmail (5.7.25) and Yahoo refuse mails of one without,
    /// and for blocklists, because most receivers refuse what stands there: each refusal counts against the domain.
    #[must_use]
    pub const fn is_needed(self) -> bool {
        !matches!(self, Self::Links | Self::Age)
    }

    /// Whether every check that could be made says something about it. The others depend on who sends, and on whether
    /// anybody was asked and answered.
    #[must_use]
    pub const fn is_always_judged(self) -> bool {
        !matches!(self, Self::Ptr | Self::Blocklist | Self::Age)
    }
}

wire_enum! {
    /// What a look at a record has found.
    pub enum Standing {
        /// Good.
        Pass = "pass",
        /// It works, and should be better.
        Warn = "warn",
        /// Receivers will hold it against the sender.
        Fail = "fail",
    }
}

/// A record to publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DnsRecord {
    /// Its type: `TXT`, say.
    pub kind: String,
    /// Its full name.
    pub name: String,
    /// Its value, in one piece. Text above 255 octets is split into strings by whoever publishes it.
    pub value: String,
}

impl DnsRecord {
    fn txt(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind: "TXT".to_owned(), name: name.into(), value: value.into() }
    }
}

/// What was found about one record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordCheck {
    /// Which.
    pub kind: RecordKind,
    /// How it stands.
    pub standing: Standing,
    /// Sentence for people: what is there, and what to do.
    pub message: String,
    /// What is published now.
    pub found: Vec<String>,
    /// The record to publish instead, where it is known.
    pub publish: Option<DnsRecord>,
}

/// A domain that e-mails are sent from. Its private key is never given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendingDomain {
    /// Id.
    pub id: DomainId,
    /// Its name, in ASCII.
    pub name: String,
    /// Where receivers find the public key: at `{selector}._domainkey.{name}`.
    pub selector: Option<String>,
    /// Its e-mails are signed here. Otherwise the provider of the mailbox signs them, or nobody.
    pub signs: bool,
    /// When the record of the key was first seen. A key that replaces another begins to sign then.
    pub key_seen_at: Option<DateTime<Utc>>,
    /// The record of the key, where it is kept here.
    pub key_record: Option<DnsRecord>,
    /// What the last check found; empty before the first.
    pub records: Vec<RecordCheck>,
    /// When that was.
    pub checked_at: Option<DateTime<Utc>>,
    /// Why the last check could not be made, and what to do.
    pub error: Option<String>,
    /// When it is checked next.
    pub next_check_at: DateTime<Utc>,
    /// Mailboxes whose addresses are of this domain.
    pub mailboxes: i64,
    /// Version; grows with every change that a person makes.
    pub version: i64,
}

/// What keeps campaigns from starting: the needed records that fail, or before the first check all that are always
/// judged.
#[must_use]
pub fn failing(records: &[RecordCheck]) -> Vec<RecordKind> {
    let fails = |kind: RecordKind| match records.iter().find(|record| record.kind == kind) {
        Some(record) => record.standing == Standing::Fail,
        None => kind.is_always_judged(),
    };
    RecordKind::ALL.iter().copied().filter(|kind| kind.is_needed() && fails(*kind)).collect()
}

/// What keeps the mailboxes of a domain from sending, and what to do, as a sentence that goes on.
#[must_use]
pub fn failing_words(name: &str, kinds: &[RecordKind]) -> String {
    let to_do = match kinds.contains(&RecordKind::Blocklist) {
        true => "Do what Settings, Domains says",
        false => "Publish the records that Settings, Domains shows",
    };
    let kinds: Vec<_> = kinds.iter().copied().map(RecordKind::label).collect();
    format!("{name} fails {}, so receivers would refuse its e-mails. {to_do}", kinds.join(", "))
}

/// The record of a public key in Base64 (RFC 6376, 3.6.1).
#[must_use]
pub fn key_record(domain: &str, selector: &str, public_key: &str) -> DnsRecord {
    DnsRecord::txt(format!("{selector}._domainkey.{domain}"), format!("v=DKIM1; k=rsa; p={public_key}"))
}

/// What is entered to add a domain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DomainInput {
    /// Its name, as in `example.com`.
    pub name: String,
}

impl DomainInput {
    /// The name, in lower case.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self) -> Result<String, Problem> {
        let name = self.name.trim().trim_end_matches('.').to_lowercase();
        let words = "Enter a domain, as in example.com; one with other letters as xn--…, as your provider shows it.";
        let as_address = EmailAddress::parse(&format!("x@{name}"));
        let is_good = name.is_ascii() && name.contains('.') && as_address.is_ok_and(|a| a.domain() == name);
        if is_good { Ok(name) } else { Err(Problem::field("name", "domain_invalid", words)) }
    }
}

/// A blocklist as an installation asks it (RFC 5782).
#[derive(Clone, PartialEq, Eq)]
pub struct Blocklist {
    /// What people read.
    pub name: String,
    /// Where it is asked. That of a paid list holds the key of whoever pays, which nobody else may see.
    pub zone: String,
}

impl Blocklist {
    /// One list: its zone, as `dbl.spamhaus.org`, or what people read instead, `=`, and the zone.
    ///
    /// # Errors
    /// When a part is not the name of a list; the error does not tell a zone that has a name.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let host = |word: &str| DomainInput { name: word.to_owned() }.check();
        let words = "is not the name of a list, as dbl.spamhaus.org is one";
        let refuse = |what: String| Problem::new("blocklist_invalid", format!("{what} {words}"));
        match text.split_once('=') {
            None => {
                let zone = host(text).map_err(|_| refuse(format!("“{text}”")))?;
                Ok(Self { name: zone.clone(), zone })
            }
            Some((name, zone)) => Ok(Self {
                name: host(name).map_err(|_| refuse(format!("“{name}”")))?,
                zone: host(zone).map_err(|_| refuse(format!("What stands behind “{name}=”")))?,
            }),
        }
    }
}

impl fmt::Debug for Blocklist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocklist").field("name", &self.name).finish_non_exhaustive()
    }
}

wire_enum! {
    /// Who signs the e-mails of a domain.
    pub enum Signer {
        /// We do, with a key that is made here.
        NewKey = "new_key",
        /// We do, with a key that is entered.
        OwnKey = "own_key",
        /// The provider of the mailbox does; only its record is checked.
        Provider = "provider",
    }
}

/// Who signs the e-mails of a domain, and with which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SigningInput {
    /// Who.
    pub signer: Signer,
    /// Where the public key is found. Needed with `provider`; a new name is taken when absent.
    #[serde(default)]
    pub selector: Option<String>,
    /// An RSA key of 2048 to 4096 bits as PEM, PKCS #8 or PKCS #1, for `own_key`. Kept encrypted, never shown.
    #[serde(default)]
    pub private_key: Option<String>,
}

impl SigningInput {
    /// Checks and tidies what was entered, except for the key itself.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        self.selector = self.selector.map(|s| s.trim().to_lowercase()).filter(|s| !s.is_empty());
        match &self.selector {
            Some(selector) if !is_selector(selector) => {
                let words = "Use letters, digits, hyphens and dots, as in google or s1.mail.";
                problems.push(Problem::field("selector", "selector_invalid", words));
            }
            None if self.signer != Signer::NewKey => {
                let words = "Enter the selector: the word in front of ._domainkey in the name of the record.";
                problems.push(Problem::field("selector", "selector_missing", words));
            }
            _ => {}
        }
        self.private_key = self.private_key.filter(|key| !key.trim().is_empty());
        if self.signer == Signer::OwnKey && self.private_key.is_none() {
            let words = "Paste the private key, from -----BEGIN to -----END.";
            problems.push(Problem::field("private_key", "key_missing", words));
        }
        problems.finish()?;
        Ok(self)
    }
}

/// Labels of a host name with dots between (RFC 6376, 3.1).
fn is_selector(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 100 && text.split('.').all(is_label)
}

/// Whether the reply of a server is about who may send and whether that can be proven: `5.7` or `4.7` in its
/// enhanced code (RFC 3463, 3.8; RFC 7372; 5.7.515 and others of providers).
#[must_use]
pub fn is_about_policy(reply: &str) -> bool {
    reply.split(|c: char| c.is_whitespace() || c == '-').take(6).any(|word| {
        let mut parts = word.trim_end_matches([':', ',', ';']).split('.');
        let [class, subject, detail] = [parts.next(), parts.next(), parts.next()];
        let is_detail = detail.is_some_and(|d| !d.is_empty() && d.len() <= 3 && d.bytes().all(|b| b.is_ascii_digit()));
        matches!(class, Some("4" | "5")) && subject == Some("7") && is_detail && parts.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_a_name_with_a_dot() {
        let check = |name: &str| DomainInput { name: name.into() }.check();
        assert_eq!(check(" Halden.Example. ").expect("good"), "halden.example");
        for bad in ["", "halden", "ines@halden.example", "https://halden.example", "hälden.example", "a b.example"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_missing_to_sign_is_told_by_field() {
        let input = |signer, selector: Option<&str>| SigningInput {
            signer,
            selector: selector.map(Into::into),
            private_key: None,
        };
        let fields = |input: SigningInput| match input.check() {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().filter_map(|p| p.field).collect(),
        };
        assert!(fields(input(Signer::NewKey, None)).is_empty());
        assert!(fields(input(Signer::Provider, Some(" Google "))).is_empty());
        assert_eq!(fields(input(Signer::Provider, None)), ["selector"]);
        assert_eq!(fields(input(Signer::OwnKey, Some("-x"))), ["selector", "private_key"]);
        assert_eq!(fields(input(Signer::NewKey, Some("a..b"))), ["selector"]);
    }

    #[test]
    fn replies_about_policy_are_told_from_others() {
        for about in [
            "550 5.7.26 This mail has been blocked because the sender is unauthenticated",
            "550-5.7.26 unauthenticated",
            "550 5.7.515 Access denied, sending domain halden.example does not meet the required authentication level",
            "the server answered: 421 4.7.0 try later",
            "554 5.7.1: refused",
        ] {
            assert!(is_about_policy(about), "{about}");
        }
        for other in ["550 5.1.1 no such user", "550 no", "552 5.2.2 full", "250 2.0.0 ok 5.7", "450 10.5.7.1 x"] {
            assert!(!is_about_policy(other), "{other}");
        }
    }

    #[test]
    fn before_the_first_check_everything_that_is_needed_fails() {
        assert_eq!(failing(&[]), [RecordKind::Spf, RecordKind::Dkim, RecordKind::Dmarc, RecordKind::Mx]);
        let record =
            |kind, standing| RecordCheck { kind, standing, message: String::new(), found: Vec::new(), publish: None };
        let records = [
            record(RecordKind::Spf, Standing::Pass),
            record(RecordKind::Dkim, Standing::Warn),
            record(RecordKind::Dmarc, Standing::Fail),
            record(RecordKind::Mx, Standing::Pass),
            record(RecordKind::Links, Standing::Fail),
        ];
        assert_eq!(failing(&records), [RecordKind::Dmarc]);
        let asked = [RecordKind::Ptr, RecordKind::Blocklist, RecordKind::Age].map(|kind| record(kind, Standing::Fail));
        let all = [&records[..], &asked[..]].concat();
        let held = [RecordKind::Dmarc, RecordKind::Ptr, RecordKind::Blocklist];
        assert_eq!(failing(&all), held, "a young domain holds nothing up");
    }

    #[test]
    fn what_is_no_record_is_not_published() {
        let words = |kinds: &[RecordKind]| failing_words("halden.example", kinds);
        assert!(words(&[RecordKind::Ptr]).ends_with("Publish the records that Settings, Domains shows"));
        let listed = words(&[RecordKind::Spf, RecordKind::Blocklist]);
        assert!(listed.starts_with("halden.example fails SPF, Blocklists, so"), "{listed}");
        assert!(listed.ends_with("Do what Settings, Domains says"), "{listed}");
    }
}
