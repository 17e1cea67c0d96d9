//! Judges what others say about the domain and its servers: the names of their addresses, blocklists, and the registry.

use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, Duration, Utc};

use crate::domains::{DnsRecord, RecordCheck, RecordKind, Standing};

/// Receivers look twice at what comes from a domain that is younger.
const YOUNG: Duration = Duration::days(30);
/// Top-level names that nobody can register (RFC 2606, 2; RFC 6761, 6).
const RESERVED: [&str; 4] = ["example", "invalid", "localhost", "test"];

/// What the DNS says about an address of a mail server that is the company’s own.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// The name of the server.
    pub host: String,
    /// One of its addresses.
    pub address: IpAddr,
    /// The names of the address; absent when nobody answered.
    pub names: Option<Vec<String>>,
    /// One of these names leads back to the address (RFC 8601, 2.7.3).
    pub is_confirmed: bool,
}

/// What a blocklist says about a domain or an address (RFC 5782).
#[derive(Clone, Debug)]
pub struct Listing {
    /// The name of the list.
    pub list: String,
    /// The domain or the address.
    pub subject: String,
    /// The addresses that it answers with; absent when it did not answer.
    pub codes: Option<Vec<Ipv4Addr>>,
    /// Why it is listed, in the words of the list.
    pub reasons: Vec<String>,
}

impl Listing {
    /// Whether the list names it. An answer outside of 127.0.0.0/8 is not one of a list (RFC 5782, 2.1).
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.codes.iter().flatten().any(|code| code.is_loopback() && !is_refusal(*code))
    }

    /// Whether the list said neither yes nor no.
    fn is_silent(&self) -> bool {
        !self.is_listed() && self.codes.as_ref().is_none_or(|codes| codes.iter().any(|code| is_refusal(*code)))
    }
}

/// What the registry says about the domain, or about the one above it that is registered.
#[derive(Clone, Debug)]
pub struct Age {
    /// The name that is registered.
    pub name: String,
    /// Since when.
    pub registered_at: DateTime<Utc>,
}

/// Whether a domain is below a top-level name that nobody can register. No list and no registry knows it.
#[must_use]
pub fn is_reserved(domain: &str) -> bool {
    RESERVED.contains(&domain.rsplit('.').next().unwrap_or_default())
}

/// An address as it stands in front of the name of a list: octets or nibbles, the last first (RFC 5782, 2.1 and 2.4).
#[must_use]
pub fn reversed(address: IpAddr) -> String {
    let mut labels: Vec<String> = match address {
        IpAddr::V4(v4) => v4.octets().iter().map(ToString::to_string).collect(),
        IpAddr::V6(v6) => v6.octets().iter().flat_map(|octet| [octet >> 4, octet & 15]).map(nibble).collect(),
    };
    labels.reverse();
    labels.join(".")
}

/// Where the names of an address are found (RFC 1035, 3.5; RFC 3596, 2.5).
#[must_use]
pub fn reverse_name(address: IpAddr) -> String {
    let zone = if address.is_ipv4() { "in-addr.arpa" } else { "ip6.arpa" };
    format!("{}.{zone}", reversed(address))
}

fn nibble(value: u8) -> String {
    format!("{value:x}")
}

/// What lists say to a resolver that they do not serve: that of an open service, or one that asks too often.
fn is_refusal(code: Ipv4Addr) -> bool {
    code.octets()[..3] == [127, 255, 255]
}

/// Nothing where the company has no server of its own.
pub(super) fn reverse(answers: &[Reverse]) -> Option<RecordCheck> {
    let hosts = distinct(answers.iter().map(|one| one.host.as_str()));
    if hosts.is_empty() {
        return None;
    }
    let found = distinct(answers.iter().flat_map(|one| one.names.iter().flatten()).map(String::as_str));
    let check = |standing, message, publish| RecordCheck {
        kind: RecordKind::Ptr,
        standing,
        message,
        found: found.iter().map(ToString::to_string).collect(),
        publish,
    };
    let bad = answers.iter().filter(|one| !one.is_confirmed).find_map(|one| Some((one, one.names.as_ref()?)));
    if let Some((one, names)) = bad {
        let (address, host) = (one.address, &one.host);
        let fault = match names.first() {
            None => format!("{address} of {host} has no name"),
            Some(name) => format!("{address} of {host} is called {name}, which does not lead back to it"),
        };
        let words =
            format!("{fault}, so receivers refuse its mails. Whoever gives out the address publishes the record.");
        let publish = DnsRecord { kind: "PTR".to_owned(), name: reverse_name(address), value: host.clone() };
        return Some(check(Standing::Fail, words, Some(publish)));
    }
    Some(match answers.iter().find(|one| one.names.is_none()) {
        Some(one) => {
            let words = format!("No name server says what {} of {} is called.", one.address, one.host);
            check(Standing::Warn, words, None)
        }
        None => {
            let words = format!("Every address of {} has a name that leads back to it.", hosts.join(", "));
            check(Standing::Pass, words, None)
        }
    })
}

/// Nothing where no list was asked.
pub(super) fn blocklists(answers: &[Listing]) -> Option<RecordCheck> {
    if answers.is_empty() {
        return None;
    }
    let (listed, others): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.is_listed());
    let silent = distinct(others.iter().filter(|one| one.is_silent()).map(|one| one.list.as_str()));
    let clean = distinct(others.iter().map(|one| one.list.as_str()).filter(|list| !silent.contains(list)));
    let (standing, mut sentences) = if !listed.is_empty() {
        let places: Vec<_> = listed.iter().map(|one| format!("{} is in {}", one.subject, one.list)).collect();
        let words =
            "Receivers refuse what stands there. Mend the cause, then ask for its removal at the site of the list.";
        (Standing::Fail, vec![format!("{}.", places.join(", ")), words.to_owned()])
    } else if clean.is_empty() {
        (Standing::Warn, Vec::new())
    } else {
        (Standing::Pass, vec![format!("Not in {}.", clean.join(", "))])
    };
    if !silent.is_empty() {
        sentences.push(format!("{} did not answer.", silent.join(", ")));
    }
    if standing == Standing::Warn {
        let words = "Lists answer no open resolver; whoever runs this installation names one of its own.";
        sentences.push(words.to_owned());
    }
    let found = distinct(listed.iter().flat_map(|one| &one.reasons).map(String::as_str));
    Some(RecordCheck {
        kind: RecordKind::Blocklist,
        standing,
        message: sentences.join(" "),
        found: found.into_iter().map(ToOwned::to_owned).collect(),
        publish: None,
    })
}

pub(super) fn age(age: &Age, now: DateTime<Utc>) -> RecordCheck {
    let since = format!("{} was registered on {}", age.name, age.registered_at.format("%-d %B %Y"));
    let (standing, message) = if now - age.registered_at < YOUNG {
        let words = "Receivers filter what comes from young domains. Begin with few e-mails a day.";
        (Standing::Warn, format!("{since}, less than {} days ago. {words}", YOUNG.num_days()))
    } else {
        (Standing::Pass, format!("{since}."))
    };
    RecordCheck { kind: RecordKind::Age, standing, message, found: Vec::new(), publish: None }
}

/// Each once, in their order.
fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known = Vec::new();
    for text in texts {
        if !known.contains(&text) {
            known.push(text);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str, names: Option<&[&str]>, is_confirmed: bool) -> Reverse {
        Reverse {
            host: "mail.halden.example".into(),
            address: address.parse().expect("an address"),
            names: names.map(|names| names.iter().map(ToString::to_string).collect()),
            is_confirmed,
        }
    }

    fn listing(list: &str, codes: Option<&[&str]>) -> Listing {
        Listing {
            list: list.into(),
            subject: "halden.example".into(),
            codes: codes.map(|codes| codes.iter().map(|code| code.parse().expect("an address")).collect()),
            reasons: vec!["Sends to traps.".into()],
        }
    }

    #[test]
    fn an_address_is_turned_round_for_names_and_lists() {
        assert_eq!(reverse_name("192.0.2.10".parse().expect("v4")), "10.2.0.192.in-addr.arpa");
        let nibbles = reversed("2001:db8::1f".parse().expect("v6"));
        assert!(nibbles.starts_with("f.1.0.0.") && nibbles.ends_with(".8.b.d.0.1.0.0.2"), "{nibbles}");
        assert_eq!(nibbles.split('.').count(), 32);
    }

    #[test]
    fn names_that_nobody_can_register_are_known() {
        for reserved in ["halden.example", "mail.halden.test", "localhost", "x.invalid"] {
            assert!(is_reserved(reserved), "{reserved}");
        }
        for other in ["example.com", "test.de", "halden.examples"] {
            assert!(!is_reserved(other), "{other}");
        }
    }

    #[test]
    fn every_address_of_an_own_server_has_a_name_that_leads_back() {
        assert!(reverse(&[]).is_none(), "no server of its own");
        let good = server("198.51.100.7", Some(&["mail.halden.example"]), true);
        let check = reverse(std::slice::from_ref(&good)).expect("judged");
        assert_eq!((check.standing, check.publish), (Standing::Pass, None));
        assert_eq!(check.found, ["mail.halden.example"]);

        for (bad, words) in [
            (server("198.51.100.8", Some(&[]), false), "198.51.100.8 of mail.halden.example has no name,"),
            (
                server("198.51.100.8", Some(&["x.isp.example"]), false),
                "is called x.isp.example, which does not lead back",
            ),
        ] {
            let check = reverse(&[good.clone(), bad]).expect("judged");
            assert!(check.standing == Standing::Fail && check.message.contains(words), "{check:?}");
            let publish = check.publish.expect("a record");
            let told = (publish.kind.as_str(), publish.name.as_str(), publish.value.as_str());
            assert_eq!(told, ("PTR", "8.100.51.198.in-addr.arpa", "mail.halden.example"));
        }
        let check = reverse(&[good, server("198.51.100.8", None, false)]).expect("judged");
        assert!(check.standing == Standing::Warn && check.message.contains("198.51.100.8"), "{check:?}");
    }

    #[test]
    fn a_listing_is_told_from_a_list_that_does_not_answer() {
        assert!(blocklists(&[]).is_none(), "no list is asked");
        let clean = || listing("one.example", Some(&[]));
        for (two, message) in [
            (listing("two.example", Some(&[])), "Not in one.example, two.example."),
            (listing("two.example", Some(&["192.0.2.1"])), "Not in one.example, two.example."),
            (listing("two.example", Some(&["127.255.255.254"])), "Not in one.example. two.example did not answer."),
            (listing("two.example", None), "Not in one.example. two.example did not answer."),
        ] {
            let check = blocklists(&[clean(), two]).expect("judged");
            assert_eq!((check.standing, check.message.as_str()), (Standing::Pass, message));
            assert!(check.found.is_empty(), "{check:?}");
        }
        let check = blocklists(&[clean(), listing("two.example", Some(&["127.0.1.2"]))]).expect("judged");
        assert!(check.message.starts_with("halden.example is in two.example. "), "{check:?}");
        assert_eq!((check.standing, check.found), (Standing::Fail, vec!["Sends to traps.".to_owned()]));
        let silent = blocklists(&[listing("one.example", None)]).expect("judged");
        assert!(silent.standing == Standing::Warn && silent.message.contains("did not answer"), "{silent:?}");
    }

    #[test]
    fn a_domain_is_young_for_thirty_days() {
        let now: DateTime<Utc> = "2026-11-20T10:00:00Z".parse().expect("a time");
        let of = |days| age(&Age { name: "halden.example".into(), registered_at: now - Duration::days(days) }, now);
        let young = of(29);
        assert_eq!(young.standing, Standing::Warn);
        assert!(
            young.message.starts_with("halden.example was registered on 22 October 2026, less than 30"),
            "{young:?}"
        );
        let old = of(30);
        assert_eq!(
            (old.standing, old.message.as_str()),
            (Standing::Pass, "halden.example was registered on 21 October 2026.")
        );
    }
}
