//! Every setting, with its default and its meaning, in this one place.
//!
//! A setting is an environment variable `SALESWRIGHT_..`, or a line of `saleswright.toml` in the
//! working directory (another file with `SALESWRIGHT_CONFIG`). The environment wins.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Settings of a process.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Address under which people reach the installation.
    pub public_url: Option<String>,
    /// Address that the web server binds.
    pub bind: String,
    /// Port that the web server binds.
    pub port: u16,
    /// Folder of the private database and the master key.
    pub data_dir: PathBuf,
    /// Folder of the built site.
    pub site_root: String,
    /// The application's database; a private one in the data folder when absent.
    pub database_url: Option<String>,
    /// The owner's database, for `migrate`.
    pub database_owner_url: Option<String>,
    /// 64 hexadecimal digits; made in the data folder when the database is private.
    pub master_key: Option<String>,
    /// Connections of a process to the database.
    pub pool_size: u32,
    /// Port of the sandbox mail server on 127.0.0.1.
    pub sandbox_port: u16,
    /// Mail server of the system itself, `smtp://user:password@host:587`; the sandbox when absent.
    pub smtp_url: Option<String>,
    /// Sender of the system's own mails.
    pub smtp_from: String,
    /// Whether mailboxes may name hosts in private networks.
    pub allow_private_hosts: bool,
    /// Calls an API key may make in a minute.
    pub api_calls_per_minute: u32,
    /// `text` or `json`.
    pub log_format: String,
    /// What is logged, as in `info,service=debug`.
    pub log: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            public_url: None,
            bind: "127.0.0.1".to_owned(),
            port: 3000,
            data_dir: PathBuf::from("data"),
            site_root: "target/site".to_owned(),
            database_url: None,
            database_owner_url: None,
            master_key: None,
            pool_size: 20,
            sandbox_port: 3025,
            smtp_url: None,
            smtp_from: "saleswright@localhost.localdomain".to_owned(),
            allow_private_hosts: false,
            api_calls_per_minute: 600,
            log_format: "text".to_owned(),
            log: "info,sqlx=warn,graphile_worker=warn".to_owned(),
        }
    }
}

impl Config {
    /// Reads file and environment.
    ///
    /// # Errors
    /// Names the setting that is not understood.
    pub fn load() -> Result<Self> {
        let file = variable("SALESWRIGHT_CONFIG").unwrap_or_else(|| "saleswright.toml".to_owned());
        let mut builder = config::Config::builder()
            .add_source(config::File::new(&file, config::FileFormat::Toml).required(false))
            .add_source(config::Environment::with_prefix("SALESWRIGHT").try_parsing(true).ignore_empty(true));
        // Every database tool knows these names.
        for (name, key) in [("DATABASE_URL", "database_url"), ("DATABASE_OWNER_URL", "database_owner_url")] {
            builder = builder.set_override_option(key, variable(name))?;
        }
        builder.build()?.try_deserialize().with_context(|| format!("reading the settings (environment and {file})"))
    }

    /// The address under which people reach the installation, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> String {
        let local = || format!("http://127.0.0.1:{}", self.port);
        self.public_url.clone().unwrap_or_else(local).trim_end_matches('/').to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "settings are read here and nowhere else")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}
