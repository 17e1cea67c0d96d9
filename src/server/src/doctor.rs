//! `saleswright doctor`: looks at everything an installation needs and says, for each thing that
//! is not as it should be, what to do. It changes nothing.

use std::path::Path;

use anyhow::{Context, Result};
use domain::public_url::is_fit_for_mail;
use service::db::{ConnectOptions, Health, check_app_role, inspect};

use crate::{cli, config::Config, installation};

/// The application's clock decides about leases and schedules; beyond this it disturbs other processes.
const CLOCK_TOLERANCE: chrono::Duration = chrono::Duration::seconds(2);
/// Connections that PostgreSQL keeps for superusers, and one for a person with `psql`.
const SPARE_CONNECTIONS: u32 = 4;

/// What was found, as lines for the terminal.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<String>,
    problems: usize,
}

impl Report {
    fn good(&mut self, about: &str, found: impl AsRef<str>) {
        self.lines.push(format!("  ok       {about:<12} {}", found.as_ref()));
    }

    fn bad(&mut self, about: &str, found: impl AsRef<str>, to_do: &str) {
        self.problems += 1;
        self.lines.push(format!("  problem  {about:<12} {}\n{:24}{to_do}", found.as_ref(), ""));
    }

    /// The report as text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }

    /// How many things are not as they should be.
    #[must_use]
    pub fn problems(&self) -> usize {
        self.problems
    }
}

/// Looks at everything.
pub async fn examine(config: &Config) -> Report {
    let mut report = Report::default();
    address(config, &mut report);
    site(config, &mut report);
    database(config, &mut report).await;
    key(config, &mut report);
    match cli::system_mail(config) {
        Ok(Some(mail)) => report.good("system mail", format!("through {}:{}", mail.server.host, mail.server.port)),
        Ok(None) => report.good("system mail", "into the sandbox; SALESWRIGHT_SMTP_URL names a server that sends it"),
        Err(error) => report.bad("system mail", format!("{error:#}"), "Correct SALESWRIGHT_SMTP_URL."),
    }
    report
}

fn address(config: &Config, report: &mut Report) {
    let url = config.public_url();
    let host = url.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned)).unwrap_or_default();
    if host.is_empty() {
        report.bad("address", &url, "SALESWRIGHT_PUBLIC_URL is no address like https://sales.example.");
    } else if is_fit_for_mail(&url) {
        report.good("address", url);
    } else {
        report.bad(
            "address",
            &url,
            "Put a proxy with TLS in front and name its https address in SALESWRIGHT_PUBLIC_URL.",
        );
    }
}

fn site(config: &Config, report: &mut Report) {
    if Path::new(&config.site_root).join("pkg").is_dir() {
        report.good("site", &config.site_root);
    } else {
        let found = format!("{} has no built pages", config.site_root);
        report.bad("site", found, "Build them with bin/run, or name their folder in SALESWRIGHT_SITE_ROOT.");
    }
}

async fn database(config: &Config, report: &mut Report) {
    let is_private = config.database_url.is_none();
    if is_private && !config.data_dir.join("postgres").is_dir() {
        report.good("database", format!("private, made in {} at the first start", config.data_dir.display()));
        return;
    }
    let to_do = if is_private {
        "postgres.log in the data folder says why."
    } else {
        "Check DATABASE_URL, and that the server runs and takes connections from here."
    };
    let (_cluster, app, owner) = match roles(config).await {
        Ok(found) => found,
        Err(error) => return report.bad("database", format!("{error:#}"), to_do),
    };
    match inspect(&app, owner.as_ref()).await {
        Ok(health) => findings(config, &health, report),
        Err(error) => return report.bad("database", format!("{error:#}"), to_do),
    }
    match check_app_role(&app).await {
        Ok(()) => report.good("role", "row-level security holds for it"),
        Err(error) => report.bad("role", format!("{error:#}"), "`saleswright migrate --print-roles` prints the roles."),
    }
}

/// How the application and, where it is known, the owner reach the database.
async fn roles(config: &Config) -> Result<(Option<service::cluster::Cluster>, ConnectOptions, Option<ConnectOptions>)> {
    let Some(url) = &config.database_url else {
        let (cluster, owner) = installation::owner(config).await?;
        let app = cluster.as_ref().context("DATABASE_OWNER_URL is set without DATABASE_URL")?.app();
        return Ok((cluster, app, Some(owner)));
    };
    let owner = match &config.database_owner_url {
        Some(url) => Some(installation::parse(url).context("DATABASE_OWNER_URL")?),
        None => None,
    };
    Ok((None, installation::parse(url).context("DATABASE_URL")?, owner))
}

fn findings(config: &Config, health: &Health, report: &mut Report) {
    report.good("database", format!("PostgreSQL {}", health.version));
    match &health.missing_migrations {
        None => report.good("schema", "not looked at: DATABASE_OWNER_URL is not set"),
        Some(missing) if missing.is_empty() => report.good("schema", "of this version"),
        Some(missing) => {
            report.bad("schema", format!("migrations {missing:?} have not run"), "Run `saleswright migrate`.");
        }
    }
    let ahead = health.clock_ahead;
    if ahead.abs() <= CLOCK_TOLERANCE {
        report.good("clock", "agrees with the database's");
    } else {
        let found = format!("{} seconds away from the database's", ahead.num_seconds());
        report.bad("clock", found, "Let both machines keep time with NTP.");
    }
    let room = health.max_connections.saturating_sub(SPARE_CONNECTIONS);
    if config.pool_size <= room {
        report.good("connections", format!("{} of {} for this process", config.pool_size, health.max_connections));
    } else {
        let found = format!("{} wanted, the server has {}", config.pool_size, health.max_connections);
        report.bad("connections", found, "Lower SALESWRIGHT_POOL_SIZE, or raise max_connections.");
    }
}

fn key(config: &Config, report: &mut Report) {
    match installation::secrets(config) {
        Ok(Some(_)) => report.good("master key", "readable"),
        Ok(None) => report.good("master key", "made in the data folder at the first start"),
        Err(error) => {
            report.bad("master key", format!("{error:#}"), "Without the right key stored passwords stay closed.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fresh_checkout_needs_nothing_but_its_pages() {
        let config = Config { data_dir: "/nonexistent".into(), site_root: "/nonexistent".into(), ..Config::default() };
        let report = examine(&config).await;
        assert_eq!(report.problems(), 1, "{}", report.text());
        assert!(report.text().contains("has no built pages"), "{}", report.text());
    }

    #[tokio::test]
    async fn a_public_address_without_tls_and_a_broken_key_are_problems() {
        let config = Config {
            public_url: Some("http://sales.example".to_owned()),
            master_key: Some("short".to_owned()),
            data_dir: "/nonexistent".into(),
            ..Config::default()
        };
        let text = examine(&config).await.text();
        assert!(text.contains("problem  address"), "{text}");
        assert!(text.contains("problem  master key"), "{text}");
    }
}
