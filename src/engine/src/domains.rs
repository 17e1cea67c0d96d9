//! Checks sending domains: asks the DNS what receivers will ask it, and writes down what that means.

mod age;
mod blocklists;
mod records;
mod reverse;
mod spf;

use std::{net::IpAddr, time::Duration};

use anyhow::Result;
use domain::domains::{Answers, Links, Mx, RecordCheck, judge};
use reqwest::Url;
use service::{Db, domains::ToCheck, jobs::CheckDomain};

use crate::dns::{Dns, Unanswered};

/// A whole check: a worker has others to look after.
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks a domain, and keeps what was found.
///
/// # Errors
/// When the database is away.
pub async fn check(db: &Db, job: &CheckDomain) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(domain) = t.domains().to_check(job.domain).await? else { return Ok(()) };
    t.commit().await?;
    let outcome = match tokio::time::timeout(PATIENCE, look(db, &domain)).await {
        Ok(Ok(records)) => Ok(records),
        Ok(Err(error)) => Err(format!("The check could not be made: {error}. It is tried again by itself.")),
        Err(_) => Err("The check took more than a minute. It is tried again by itself.".to_owned()),
    };
    let mut t = db.tenant(&actor).await?;
    t.domains().record_check(job.domain, &domain.expected, outcome).await?;
    t.commit().await?;
    // Apart, because whoever sends holds a campaign first and then looks at the domain.
    let mut t = db.tenant(&actor).await?;
    t.domains().hold_campaigns(job.domain).await?;
    t.domains().wake_mailboxes(job.domain).await?;
    Ok(t.commit().await?)
}

async fn look(db: &Db, domain: &ToCheck) -> Result<Vec<RecordCheck>, Unanswered> {
    let dns = Dns::new(db.settings().dns_server)?;
    let (name, expected) = (domain.name.as_str(), &domain.expected);
    let dkim = match &expected.selector {
        Some(selector) => Some(records::dkim(&dns, name, selector).await?),
        None => None,
    };
    let answers = Answers {
        spf: spf::look(&dns, name).await?,
        dkim,
        dmarc: records::dmarc(&dns, name).await?,
        mx: mx(&dns, name).await?,
        links: links(&dns, &db.settings().public_url).await?,
        ..Answers::default()
    };
    let servers = reverse::servers(&dns, name, &expected.hosts).await?;
    // These have nothing to do with the domain's own name servers: each knows by itself how long it waits.
    let (reverse, listings, age) = tokio::join!(
        reverse::look(&dns, &servers),
        blocklists::look(&dns, db.settings(), name, &servers),
        age::look(db, name),
    );
    let answers = Answers { reverse, listings, age, ..answers };
    Ok(judge(name, expected, &answers, db.clock().now()))
}

async fn mx(dns: &Dns, name: &str) -> Result<Mx, Unanswered> {
    let hosts = dns.mail_hosts(name).await?;
    let has_address = hosts.is_empty() && !dns.addresses(name).await?.is_empty();
    Ok(Mx { hosts, has_address })
}

async fn links(dns: &Dns, public_url: &str) -> Result<Links, Unanswered> {
    let url = Url::parse(public_url).ok();
    let is_encrypted = url.as_ref().is_some_and(|url| url.scheme() == "https");
    let host = url.and_then(|url| url.host_str().map(ToOwned::to_owned)).unwrap_or_default();
    let is_own = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() || !host.contains('.');
    let addresses = match is_own {
        true => None,
        false => Some(dns.addresses(&host).await?.iter().map(ToString::to_string).collect()),
    };
    Ok(Links { host, addresses, is_encrypted })
}
