//! The host name that the links of a company’s e-mails lead over: whose it is, and whether it leads here.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    LinkHostId, Problem,
    domains::{DnsRecord, DomainInput},
};

/// Where a host name that leads here tells so.
pub const PROOF_PATH: &str = "/.well-known/saleswright-links";

/// A host name of the company for links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkHost {
    /// Id.
    pub id: LinkHostId,
    /// The name, in ASCII.
    pub name: String,
    /// It belongs to the company and leads here, by the last check.
    pub passes: bool,
    /// New e-mails use it: of those that pass, the one that was added last. The others still serve e-mails that were
    /// sent with them.
    pub is_used: bool,
    /// Sentence for people: what the last check has found, and what to do.
    pub message: Option<String>,
    /// The records to publish.
    pub publish: Vec<DnsRecord>,
    /// When it was checked.
    pub checked_at: Option<DateTime<Utc>>,
    /// Why the last check could not be made.
    pub error: Option<String>,
    /// When it is checked next.
    pub next_check_at: DateTime<Utc>,
}

/// What is entered to add a host name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkHostInput {
    /// Its name, as in `links.example.com`.
    pub name: String,
}

impl LinkHostInput {
    /// The name, in lower case.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self) -> Result<String, Problem> {
        let words = "Enter a host name below your own domain, as in links.example.com, without https://.";
        let wrong = || Problem::field("name", "host_invalid", words);
        let name = DomainInput { name: self.name }.check().map_err(|_| wrong())?;
        let is_label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // A name alone, as example.com, is that of the company’s own pages.
        let is_host = name.split('.').count() >= 3 && name.split('.').all(is_label);
        let is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if is_host && !is_number { Ok(name) } else { Err(wrong()) }
    }
}

/// The records of a host name: where it leads, and whose it is.
#[must_use]
pub fn records_of(name: &str, installation: &str, proof: &str) -> Vec<DnsRecord> {
    // An alias leads to a name, never to an address.
    let kind = match installation.parse() {
        Ok(IpAddr::V4(_)) => "A",
        Ok(IpAddr::V6(_)) => "AAAA",
        Err(_) => "CNAME",
    };
    vec![
        DnsRecord { kind: kind.to_owned(), name: name.to_owned(), value: installation.to_owned() },
        DnsRecord {
            kind: "TXT".to_owned(),
            name: format!("_saleswright.{name}"),
            value: format!("saleswright-links={proof}"),
        },
    ]
}

/// What a check has heard.
#[derive(Clone, Debug)]
pub struct HostAnswers {
    /// The texts at `_saleswright.` and the name.
    pub texts: Vec<String>,
    /// What was read at [`PROOF_PATH`] over https, or why nothing was.
    pub told: Result<String, String>,
}

/// Whether a host name passes, and what is to be said. `proof` is what its record must say, `here` what this
/// installation tells under that name.
///
/// Without the record another company of this installation, to whose machine the name leads too, could use it.
#[must_use]
pub fn judge_host(name: &str, proof: &str, here: &str, answers: &HostAnswers) -> (bool, String) {
    let wanted = format!("saleswright-links={proof}");
    if !answers.texts.iter().any(|text| text.trim() == wanted) {
        let words = format!("The TXT record at _saleswright.{name} is missing or says something else. Publish it.");
        return (false, words);
    }
    match &answers.told {
        Ok(told) if told.trim() == here => (true, format!("https://{name} leads here and is yours.")),
        Ok(_) => {
            let words = "answers, but not from this installation. Let it lead here, with the host name as it was \
                         asked for.";
            (false, format!("https://{name} {words}"))
        }
        Err(why) => {
            let words = "Publish the record that leads here, and have whoever runs this installation add the name to its \
                         certificate.";
            (false, format!("https://{name} could not be opened: {why}. {words}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_stands_below_a_domain() {
        let check = |name: &str| LinkHostInput { name: name.into() }.check();
        assert_eq!(check(" Links.Halden.Example. ").expect("good"), "links.halden.example");
        for bad in [
            "",
            "halden.example",
            "https://links.halden.example",
            "links.halden.example/x",
            "10.0.0.1",
            "a_b.c.example",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_leads_to_a_name_or_an_address() {
        let kind = |installation: &str| records_of("links.x.example", installation, "p")[0].kind.clone();
        assert_eq!(
            [kind("sales.example"), kind("192.0.2.1"), kind("2001:db8::1")],
            ["CNAME".to_owned(), "A".to_owned(), "AAAA".to_owned()]
        );
    }

    #[test]
    fn it_passes_when_it_is_ours_and_leads_here() {
        let judged = |text: &str, told: Result<&str, &str>| {
            let told = told.map(str::to_owned).map_err(str::to_owned);
            judge_host("links.x.example", "p", "h", &HostAnswers { texts: vec![text.to_owned()], told })
        };
        assert!(judged("saleswright-links=p", Ok("h\n")).0);
        for (text, told, words) in [
            ("saleswright-links=q", Ok("h"), "TXT record at _saleswright.links.x.example"),
            ("saleswright-links=p", Ok("else"), "not from this installation"),
            ("saleswright-links=p", Err("Nobody listens there"), "Nobody listens there"),
        ] {
            let (passes, said) = judged(text, told);
            assert!(!passes && said.contains(words), "{said}");
        }
    }
}
