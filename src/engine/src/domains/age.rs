//! Asks the registry since when a domain is registered, by RDAP (RFC 9082, RFC 9083). Who gets no answer knows nothing.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use domain::domains::{Age, is_reserved};
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ACCEPT, LOCATION},
};
use serde::Deserialize;
use service::Db;

use crate::http;

/// For everything that is asked about a domain.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MOST: usize = 256 * 1024;
/// A directory leads to the registry, and a registry may lead on to the registrar.
const MOST_REDIRECTS: usize = 5;
/// Labels of the longest name that is asked for: registries take three at most, as in `halden.co.uk`, and some four.
const LONGEST: usize = 4;

/// What is read of an answer.
#[derive(Deserialize)]
struct Registration {
    #[serde(default)]
    events: Vec<Event>,
}

/// Something that has happened to a domain.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_action: String,
    event_date: Option<String>,
}

/// Since when the domain is registered, or the next one above it that is. Nobody is asked about a name that nobody can
/// register.
pub(super) async fn look(db: &Db, domain: &str) -> Option<Age> {
    let base = db.settings().rdap_url.as_deref()?;
    if is_reserved(domain) {
        return None;
    }
    match tokio::time::timeout(PATIENCE, search(db, base, domain)).await {
        Ok(Ok(age)) => age,
        Ok(Err(error)) => {
            tracing::debug!(domain.name = domain, "The registry says nothing about `{domain}`: {error:#}");
            None
        }
        Err(_) => {
            tracing::debug!(domain.name = domain, "The registry took too long to say something about `{domain}`");
            None
        }
    }
}

async fn search(db: &Db, base: &str, domain: &str) -> Result<Option<Age>> {
    let client = http::client(db)?;
    let labels: Vec<_> = domain.split('.').collect();
    // A top-level domain is older than everything below it, and says nothing.
    for from in labels.len().saturating_sub(LONGEST)..labels.len().saturating_sub(1) {
        let name = labels[from..].join(".");
        let url = Url::parse(&format!("{base}/domain/{name}"))?;
        if let Some(registered_at) = ask(db, &client, url).await? {
            return Ok(Some(Age { name, registered_at }));
        }
    }
    Ok(None)
}

/// Since when a name is registered; nothing when the registry does not know it.
async fn ask(db: &Db, client: &Client, mut url: Url) -> Result<Option<DateTime<Utc>>> {
    for _ in 0..=MOST_REDIRECTS {
        http::check(db, url.as_str()).map_err(anyhow::Error::msg)?;
        let request = client.get(url.clone()).header(ACCEPT, "application/rdap+json");
        let answer = request.send().await.map_err(|error| anyhow::Error::msg(http::words(&error)))?;
        let status = answer.status();
        if status.is_redirection() {
            let to = answer.headers().get(LOCATION).context("it leads nowhere")?.to_str()?;
            let next = url.join(to)?;
            ensure!(next.scheme() == "https" || url.scheme() == "http", "it leads to where everybody can read along");
            url = next;
        } else if status.is_success() {
            return registered_at(&read(answer).await?).map(Some);
        } else if matches!(status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND) {
            // Some say that they do not know a name, others that it is none of theirs (RFC 7480, 5.3 and 5.4).
            return Ok(None);
        } else {
            bail!("it answers {}", status.as_u16());
        }
    }
    bail!("it leads on and on")
}

async fn read(mut answer: Response) -> Result<Vec<u8>> {
    let mut told = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| anyhow::Error::msg(http::words(&error)))? {
        told.extend_from_slice(&part);
        ensure!(told.len() <= MOST, "it tells more than we asked for");
    }
    Ok(told)
}

fn registered_at(told: &[u8]) -> Result<DateTime<Utc>> {
    let registration: Registration = serde_json::from_slice(told)?;
    let event = registration.events.iter().find(|event| event.event_action == "registration");
    let date = event.and_then(|event| event.event_date.as_deref()).context("it names no date")?;
    Ok(DateTime::parse_from_rfc3339(date)?.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_registration_is_told_from_other_days() {
        let told = br#"{"objectClassName": "domain", "events": [
            {"eventAction": "last changed", "eventDate": "2026-01-01T00:00:00Z"},
            {"eventAction": "registration", "eventDate": "1995-08-14T06:00:00+02:00"},
            {"eventAction": "expiration"}]}"#;
        assert_eq!(registered_at(told).expect("a day").to_rfc3339(), "1995-08-14T04:00:00+00:00");
        let last: &[u8] = br#"{"events": [{"eventAction": "last changed", "eventDate": "2026-01-01T00:00:00Z"}]}"#;
        for none in
            [last, b"{}", b"<html>", br#"{"events": [{"eventAction": "registration", "eventDate": "long ago"}]}"#]
        {
            assert!(registered_at(none).is_err(), "{}", String::from_utf8_lossy(none));
        }
    }
}
