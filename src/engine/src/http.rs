//! The client for addresses that companies name: it keeps away from private networks, follows no redirects,
//! uses no proxy, and does not wait for ever.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};
use service::Db;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::mail::HostGuard;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent in the middle of an answer.
const SILENCE: Duration = Duration::from_secs(60);

/// A client that keeps the rules of this installation.
///
/// # Errors
/// When the TLS library does not start.
pub(crate) fn client(db: &Db) -> anyhow::Result<Client> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Guarded(guard(db)))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .user_agent("Saleswright")
        .build()?)
}

/// Refuses an address whose host is a number that this installation does not allow. The resolver looks
/// after names, and is not asked about numbers.
///
/// # Errors
/// Words for the person who entered it.
pub(crate) fn check(db: &Db, url: &str) -> Result<(), String> {
    let url = Url::parse(url).map_err(|error| format!("The address can't be read: {error}."))?;
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    // This machine, by the name that everybody gives it.
    let host = if host.eq_ignore_ascii_case("localhost") { "127.0.0.1" } else { host };
    match host.parse::<IpAddr>() {
        Ok(ip) if !guard(db).allows(SocketAddr::new(ip, url.port_or_known_default().unwrap_or_default())) => {
            Err("The address is in a private network, which this installation does not allow.".to_owned())
        }
        _ => Ok(()),
    }
}

/// How long a server asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

/// Why the client did not get through, in a few words: its first cause, without what was sent or where to.
pub(crate) fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "It took too long".to_owned();
    }
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "Nobody listens there".to_owned(),
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => "The connection broke off".to_owned(),
        _ => cause.to_string(),
    }
}

fn guard(db: &Db) -> HostGuard {
    HostGuard::public_only().allow_private(db.settings().allow_private_hosts)
}

/// Looks names up, and passes on what the guard allows.
#[derive(Debug)]
struct Guarded(HostGuard);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.0;
        Box::pin(async move {
            let found: io::Result<Vec<SocketAddr>> = guard.resolve(name.as_str(), 0).await;
            Ok(Box::new(found?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_long_to_wait_in_seconds_or_as_a_date() {
        let now = "2026-11-21T08:00:00Z".parse().expect("a time");
        let wait = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(wait("45"), Some(45));
        assert_eq!(wait("Sat, 21 Nov 2026 08:01:30 GMT"), Some(90));
        assert_eq!(wait("Sat, 21 Nov 2026 07:00:00 GMT"), Some(0), "it is over");
        assert_eq!(wait("soon"), None);
    }
}
