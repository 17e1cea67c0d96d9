//! Every setting, with its default and its meaning, in this one place.
//!
//! A setting is an environment variable `SALESWRIGHT_..`, or a line of `saleswright.toml` in the
//! working directory (another file with `SALESWRIGHT_CONFIG`). The environment wins.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

const PREFIX: &str = "SALESWRIGHT";
const FILE_VARIABLE: &str = "SALESWRIGHT_CONFIG";
const FILE: &str = "saleswright.toml";
/// Settings whose variables have no prefix.
const UNPREFIXED: [&str; 2] = ["database_url", "database_owner_url"];
/// Settings whose empty variables mean that nobody is asked. Any other empty variable is taken for absent.
const MAY_BE_EMPTY: [&str; 3] = ["domain_blocklists", "address_blocklists", "rdap_url"];

/// The settings of a process, their defaults, and the list of both with their meanings.
macro_rules! settings {
    ($($(#[doc = $meaning:literal])+ $name:ident: $kind:ty = $default:expr,)+) => {
        /// Settings of a process.
        #[derive(Clone, Debug, Deserialize)]
        #[serde(default)]
        pub struct Config {
            $($(#[doc = $meaning])+ pub $name: $kind,)+
        }

        impl Default for Config {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Name, default and meaning of every setting.
        fn every_setting() -> Vec<(String, String, String)> {
            let defaults = Config::default();
            vec![$((variable_of(stringify!($name)), defaults.$name.shown(), [$($meaning),+].concat().trim().to_owned()),)+]
        }
    };
}

settings! {
    /// Address under which people reach the installation; `http://127.0.0.1:{port}` when absent.
    public_url: Option<String> = None,
    /// Address that the web server binds.
    bind: String = "127.0.0.1".to_owned(),
    /// Port that the web server binds.
    port: u16 = 3000,
    /// Addresses and networks of proxies whose `X-Forwarded-For` is believed, as in `127.0.0.1, 10.0.0.0/8`.
    trusted_proxies: String = "127.0.0.1, ::1".to_owned(),
    /// Folder of the private database and the master key.
    data_dir: PathBuf = PathBuf::from("data"),
    /// Folder of the built site.
    site_root: String = "target/site".to_owned(),
    /// The application's database, as `saleswright_app`; a private one in the data folder when absent.
    database_url: Option<String> = None,
    /// The same database as `saleswright_owner`, for `migrate`.
    database_owner_url: Option<String> = None,
    /// 64 hexadecimal digits, the same for every process; made in the data folder for a private database.
    master_key: Option<String> = None,
    /// Connections of a process to the database; all processes together stay below `max_connections`.
    pool_size: u32 = 20,
    /// Port of the sandbox mail server on 127.0.0.1.
    sandbox_port: u16 = 3025,
    /// Mail server of the system itself, `smtp://user:password@host:587`; the sandbox and the terminal when absent.
    smtp_url: Option<String> = None,
    /// Sender of the system's own mails.
    smtp_from: String = "saleswright@localhost.localdomain".to_owned(),
    /// Whether mailboxes may name hosts in private networks.
    allow_private_hosts: bool = false,
    /// Resolver that checks of sending domains ask, as in `127.0.0.1:53`; those of the machine when absent.
    dns_server: Option<SocketAddr> = None,
    /// Blocklists that are asked about sending domains, with commas between; empty for none. That of Spamhaus answers no
    /// open resolver. One that is asked with a key is `name=zone`: companies see the name only.
    domain_blocklists: String = "dbl.spamhaus.org".to_owned(),
    /// Blocklists that are asked about the addresses of mail servers that companies run themselves; empty for none.
    address_blocklists: String = "zen.spamhaus.org".to_owned(),
    /// Where it is asked by RDAP since when a sending domain is registered; empty for nowhere.
    rdap_url: String = "https://rdap.org".to_owned(),
    /// Programs that connectors may start, as names or paths with commas between; each has the rights of the worker.
    mcp_commands: String = String::new(),
    /// Calls an API key may make in a minute.
    api_calls_per_minute: u32 = 600,
    /// What is logged, as in `info,service=debug`.
    log: String = "info,sqlx=warn,graphile_worker=warn".to_owned(),
    /// How it is logged: `text` or `json`.
    log_format: String = "text".to_owned(),
}

impl Config {
    /// Reads file and environment.
    ///
    /// # Errors
    /// Names the setting that is not understood.
    pub fn load() -> Result<Self> {
        let file = variable(FILE_VARIABLE).unwrap_or_else(|| FILE.to_owned());
        let mut builder = config::Config::builder()
            .add_source(config::File::new(&file, config::FileFormat::Toml).required(false))
            .add_source(config::Environment::with_prefix(PREFIX).try_parsing(true).ignore_empty(true));
        for setting in UNPREFIXED {
            builder = builder.set_override_option(setting, variable(&variable_of(setting)))?;
        }
        for setting in MAY_BE_EMPTY {
            builder = builder.set_override_option(setting, set_variable(&variable_of(setting)))?;
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

/// Every setting as a table, which README has too.
#[must_use]
pub fn table() -> String {
    let mut rows = vec![("setting".to_owned(), "default".to_owned(), "meaning".to_owned())];
    rows.push((FILE_VARIABLE.to_owned(), FILE.to_owned(), "File with settings.".to_owned()));
    rows.extend(every_setting());
    let mut lines: Vec<_> = rows
        .into_iter()
        .map(|(name, default, meaning)| format!("| {name:<32} | {default:<35} | {meaning} |"))
        .collect();
    lines.insert(1, "|--|--|--|".to_owned());
    lines.join("\n")
}

/// The environment variable of a setting. Every database tool knows the names without the prefix.
fn variable_of(setting: &str) -> String {
    let name = setting.to_uppercase();
    if UNPREFIXED.contains(&setting) { name } else { format!("{PREFIX}_{name}") }
}

/// A default as people read it; nothing for a setting that is absent.
trait Shown {
    fn shown(&self) -> String;
}

impl<T: ToString> Shown for Option<T> {
    fn shown(&self) -> String {
        self.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

macro_rules! shown_as_text {
    ($($kind:ty),+) => {
        $(impl Shown for $kind {
            fn shown(&self) -> String {
                self.to_string()
            }
        })+
    };
}
shown_as_text!(String, bool, u16, u32);

fn variable(name: &str) -> Option<String> {
    set_variable(name).filter(|v| !v.is_empty())
}

/// A variable that is set, if only to nothing.
#[expect(clippy::disallowed_methods, reason = "settings are read here and nowhere else")]
fn set_variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_every_setting_and_its_default() {
        let readme = include_str!("../../../README.md");
        assert!(readme.contains(&table()), "put the output of `saleswright settings` into README.md:\n{}", table());
    }
}
