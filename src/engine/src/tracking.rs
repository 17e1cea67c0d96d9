//! Opens and clicks: what is put into an e-mail for them, and whether a host name for links leads here.

use std::time::Duration;

use anyhow::Result;
use domain::tracking::{HostAnswers, MOST_LINKS, PROOF_PATH, judge_host};
use reqwest::{Client, Url};
use service::{Db, jobs::CheckLinkHost, messages::Claimed, tracking::HostToCheck};

use crate::{
    dns::{Dns, Unanswered},
    http,
    mail::html_with_links,
};

/// A whole check: a worker has others to look after.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer of a host that is read.
const MOST: usize = 1024;

/// What stands inside `<body>`, and where its links lead, by their places from 1.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) html: String,
    pub(crate) links: Vec<String>,
}

/// The text of an e-mail as HTML. Where clicks are told, links lead over the company’s host name; the way out never
/// does, and the plain text keeps its links, so that everybody can see where one leads.
pub(crate) fn body(text: &str, claimed: &Claimed) -> Body {
    let mut links: Vec<String> = Vec::new();
    let tracked = claimed.tracked.as_ref();
    let mut html = html_with_links(text, |link| {
        let tracked = tracked.filter(|tracked| tracked.wants().clicks)?;
        if Some(link) == claimed.unsubscribe_url.as_deref() {
            return None;
        }
        // As a header of the answer will carry it: a host with other letters in ASCII, the rest encoded.
        let url = Url::parse(link).ok()?.to_string();
        let place = match links.iter().position(|known| *known == url) {
            Some(place) => place,
            None if links.len() < MOST_LINKS => {
                links.push(url);
                links.len() - 1
            }
            None => return None,
        };
        Some(tracked.link(i16::try_from(place + 1).ok()?))
    });
    if let Some(tracked) = tracked.filter(|tracked| tracked.wants().opens) {
        html += &format!("<img src=\"{}\" width=\"1\" height=\"1\" alt=\"\" border=\"0\">\n", tracked.picture());
    }
    Body { html, links }
}

/// Checks a host name for links, and keeps what was found.
///
/// # Errors
/// When the database is away.
pub async fn check_host(db: &Db, job: &CheckLinkHost) -> Result<()> {
    check_host_by(db, job, &http::client(db)?).await
}

/// The same with a client of the caller’s.
///
/// # Errors
/// When the database is away.
pub async fn check_host_by(db: &Db, job: &CheckLinkHost, client: &Client) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(host) = t.link_hosts().to_check(job.host).await? else { return Ok(()) };
    t.commit().await?;
    let outcome = match tokio::time::timeout(PATIENCE, look(db, &host, client)).await {
        Ok(Ok(answers)) => Ok(judge_host(&host.name, &host.proof, &db.link_host_word(&host.name), &answers)),
        Ok(Err(error)) => Err(format!("The check could not be made: {error}. It is tried again by itself.")),
        Err(_) => Err("The check took more than half a minute. It is tried again by itself.".to_owned()),
    };
    let mut t = db.tenant(&actor).await?;
    t.link_hosts().record_check(job.host, outcome).await?;
    Ok(t.commit().await?)
}

async fn look(db: &Db, host: &HostToCheck, client: &Client) -> Result<HostAnswers, Unanswered> {
    let dns = Dns::new(db.settings().dns_server)?;
    let texts = dns.texts(&format!("_saleswright.{}", host.name)).await?;
    let told = ask(&format!("https://{}{PROOF_PATH}", host.name), client).await;
    Ok(HostAnswers { texts, told })
}

/// What is told at an address, or why nothing is, in a few words.
async fn ask(url: &str, client: &Client) -> Result<String, String> {
    let mut answer = client.get(url).send().await.map_err(|error| http::words(&error))?;
    if !answer.status().is_success() {
        return Err(format!("It answers {}", answer.status().as_u16()));
    }
    let mut told = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| http::words(&error))? {
        told.extend_from_slice(&part);
        if told.len() > MOST {
            return Err("It tells more than we asked for".to_owned());
        }
    }
    Ok(String::from_utf8_lossy(&told).into_owned())
}
