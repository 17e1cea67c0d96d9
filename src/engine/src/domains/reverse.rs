//! Asks for the names of a company's own mail servers, as receivers do (RFC 8601, 2.7.3).

use std::{net::IpAddr, time::Duration};

use domain::domains::{Reverse, reverse_name};
use futures::future::join_all;

use crate::{
    dns::{Dns, Unanswered},
    mail::host_guard::is_public,
};

/// For one address: whoever keeps its names may be away, and the rest of a check does not wait for that.
const PATIENCE: Duration = Duration::from_secs(5);
/// Addresses that are looked at. A company with a server of its own has one or two.
const MOST_SERVERS: usize = 8;
/// Names of an address that are looked at: as many as receivers look at (RFC 7208, 5.5).
const MOST_NAMES: usize = 10;

/// A mail server that is the company's own, at one of its public addresses.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

/// The servers among `hosts` that bear the name of the domain or one below it. What has a name of its provider is the
/// provider's.
pub(super) async fn servers(dns: &Dns, domain: &str, hosts: &[String]) -> Result<Vec<Server>, Unanswered> {
    let mut servers: Vec<Server> = Vec::new();
    for host in hosts.iter().map(|host| host.trim_end_matches('.')).filter(|host| is_own(host, domain)) {
        for address in dns.addresses(host).await? {
            if is_public(address) && !servers.iter().any(|known| known.address == address) {
                servers.push(Server { host: host.to_owned(), address });
            }
        }
    }
    servers.truncate(MOST_SERVERS);
    Ok(servers)
}

/// What each of these addresses is called.
pub(super) async fn look(dns: &Dns, servers: &[Server]) -> Vec<Reverse> {
    join_all(servers.iter().map(|server| ask(dns, server))).await
}

fn is_own(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

async fn ask(dns: &Dns, server: &Server) -> Reverse {
    let (names, is_confirmed) = match tokio::time::timeout(PATIENCE, names(dns, server.address)).await {
        Ok(Ok((names, is_confirmed))) => (Some(names), is_confirmed),
        Ok(Err(_)) | Err(_) => (None, false),
    };
    Reverse { host: server.host.clone(), address: server.address, names, is_confirmed }
}

/// The names of an address, and whether one of them leads back to it. Receivers pass over a name that nobody answers
/// for; an address of which no other name leads back is not known.
async fn names(dns: &Dns, address: IpAddr) -> Result<(Vec<String>, bool), Unanswered> {
    let names = dns.names(&reverse_name(address)).await?;
    let (mut is_confirmed, mut unanswered) = (false, None);
    for name in names.iter().take(MOST_NAMES) {
        match dns.addresses(name).await {
            Ok(addresses) => is_confirmed |= addresses.contains(&address),
            Err(error) => unanswered = Some(error),
        }
        if is_confirmed {
            break;
        }
    }
    match unanswered.filter(|_| !is_confirmed) {
        Some(error) => Err(error),
        None => Ok((names, is_confirmed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_the_companys_own_by_its_name() {
        for own in ["halden.example", "mail.halden.example", "a.b.halden.example"] {
            assert!(is_own(own, "halden.example"), "{own}");
        }
        for other in ["nothalden.example", "smtp.gmail.com", "127.0.0.1", "halden.example.com"] {
            assert!(!is_own(other, "halden.example"), "{other}");
        }
    }
}
