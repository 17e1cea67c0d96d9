//! Asks blocklists about a domain and its own mail servers (RFC 5782). A list that does not answer fails no check.

use std::time::Duration;

use domain::domains::{Blocklist, Listing, is_reserved, reversed};
use futures::future::join_all;
use service::Settings;

use super::reverse::Server;
use crate::dns::{Dns, Unanswered};

/// For one answer of a list.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the lists of this installation say; nothing about a domain that nobody can register.
pub(super) async fn look(dns: &Dns, settings: &Settings, domain: &str, servers: &[Server]) -> Vec<Listing> {
    if is_reserved(domain) {
        return Vec::new();
    }
    let mut asked = Vec::new();
    for list in &settings.domain_blocklists {
        asked.push(ask(dns, list, domain.to_owned(), format!("{domain}.{}", list.zone)));
    }
    for list in &settings.address_blocklists {
        for server in servers {
            let name = format!("{}.{}", reversed(server.address), list.zone);
            asked.push(ask(dns, list, server.address.to_string(), name));
        }
    }
    join_all(asked).await
}

/// Asks `list` about `subject`, which it knows by `name`.
async fn ask(dns: &Dns, list: &Blocklist, subject: String, name: String) -> Listing {
    let codes = in_time(dns.ipv4_addresses(&name)).await;
    let mut listing = Listing { list: list.name.clone(), subject, codes, reasons: Vec::new() };
    if listing.is_listed() {
        listing.reasons = in_time(dns.texts(&name)).await.unwrap_or_default();
    }
    listing
}

/// The answer, where there is one.
async fn in_time<T>(answer: impl Future<Output = Result<T, Unanswered>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}
