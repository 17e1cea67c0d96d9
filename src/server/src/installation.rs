//! From settings to a working database: the private cluster or the operator's server, the master
//! key, and the check that row-level security holds.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use domain::{domains::Blocklist, public_url::check_endpoint};
use service::{
    Db, PoolSize, Settings,
    clock::Clock,
    cluster::{Cluster, DATABASE},
    db::{ConnectOptions as Options, bootstrap, check_app_role, is_away, migrate},
    secrets::Secrets,
};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Where a private installation keeps its master key, in the data folder.
const KEY_FILE: &str = "master.key";
/// For the operator whose database is not there.
const WHAT_TO_DO: &str = "Check DATABASE_URL, and that its server runs and takes connections from here";
/// The longest wait for an answer of the database, and between two tries to reach it.
const ANSWER: Duration = Duration::from_secs(10);

/// An installation: its database, and for a private one the cluster.
pub struct Installation {
    /// The database as the application sees it.
    pub db: Db,
    /// Keeps the private cluster running; absent with a server of the operator's own.
    pub cluster: Option<Cluster>,
    app: Options,
}

impl Installation {
    /// An installation that is ready to serve or work.
    ///
    /// # Errors
    /// Says what is missing and what to do.
    pub async fn open(config: &Config) -> Result<Self> {
        let installation = Self::prepare(config).await?;
        match installation.check().await {
            Err(error) if is_away(&error) => {
                Err(error.context(format!("the database cannot be reached. {WHAT_TO_DO}")))
            }
            other => other.map(|()| installation),
        }
    }

    /// Starts or finds a private database and migrates it. A server of the operator's own is not
    /// asked yet: nothing may be served or worked on before [`Self::wait`].
    ///
    /// # Errors
    /// Says what is missing and what to do.
    pub async fn prepare(config: &Config) -> Result<Self> {
        let settings = settings(config)?;
        let (cluster, app) = match &config.database_url {
            Some(url) => (None, parse(url).context("DATABASE_URL")?),
            None => {
                let dir = config.data_dir.clone();
                let cluster = tokio::task::spawn_blocking(move || Cluster::start_or_attach(&dir)).await??;
                bootstrap(&cluster.superuser("postgres"), DATABASE).await?;
                migrate(&cluster.owner()).await?;
                let app = cluster.app();
                (Some(cluster), app)
            }
        };
        let secrets = match secrets(config)? {
            Some(secrets) => secrets,
            None => new_private_key(&config.data_dir)?,
        };
        let db = Db::connect(app.clone(), PoolSize(config.pool_size), Clock::system(), secrets, settings);
        Ok(Self { db, cluster, app })
    }

    /// Waits until the database can be reached and row-level security is seen to hold. False when
    /// it was asked to stop before.
    ///
    /// # Errors
    /// When the role is above row-level security, or the database refuses it: waiting does not help.
    pub async fn wait(&self, stop: &CancellationToken) -> Result<bool> {
        let mut pause = Duration::from_secs(1);
        loop {
            match self.check().await {
                Ok(()) => return Ok(true),
                Err(error) if is_away(&error) => {
                    tracing::warn!(
                        "The database cannot be reached ({error:#}). {WHAT_TO_DO}. Trying again in {pause:?}"
                    );
                }
                Err(error) => return Err(error.context("DATABASE_URL")),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(false),
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(ANSWER),
            }
        }
    }

    async fn check(&self) -> Result<()> {
        match tokio::time::timeout(ANSWER, check_app_role(&self.app)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
}

/// How the owner reaches the database, for `migrate`.
///
/// # Errors
/// When DATABASE_OWNER_URL is missing beside DATABASE_URL.
pub async fn owner(config: &Config) -> Result<(Option<Cluster>, Options)> {
    match (&config.database_url, &config.database_owner_url) {
        (_, Some(url)) => Ok((None, parse(url).context("DATABASE_OWNER_URL")?)),
        (Some(_), None) => bail!("DATABASE_OWNER_URL is not set: migrations run as the owner of the schema"),
        (None, None) => {
            let dir = config.data_dir.clone();
            let cluster = tokio::task::spawn_blocking(move || Cluster::start_or_attach(&dir)).await??;
            bootstrap(&cluster.superuser("postgres"), DATABASE).await?;
            let owner = cluster.owner();
            Ok((Some(cluster), owner))
        }
    }
}

/// The settings that all processes share.
///
/// # Errors
/// Names the setting that is not understood.
pub fn settings(config: &Config) -> Result<Settings> {
    Ok(Settings {
        public_url: config.public_url(),
        has_mail_server: config.smtp_url.is_some(),
        sandbox_addr: format!("127.0.0.1:{}", config.sandbox_port),
        allow_private_hosts: config.allow_private_hosts,
        dns_server: config.dns_server,
        domain_blocklists: blocklists(&config.domain_blocklists).context("SALESWRIGHT_DOMAIN_BLOCKLISTS")?,
        address_blocklists: blocklists(&config.address_blocklists).context("SALESWRIGHT_ADDRESS_BLOCKLISTS")?,
        rdap_url: rdap_url(&config.rdap_url).context("SALESWRIGHT_RDAP_URL")?,
        mcp_commands: listed(&config.mcp_commands),
        api_calls_per_minute: config.api_calls_per_minute,
    })
}

fn blocklists(text: &str) -> Result<Vec<Blocklist>> {
    listed(text).iter().map(|word| Blocklist::parse(word).map_err(|problem| anyhow!(problem.message))).collect()
}

/// The address of a directory, if there is one.
fn rdap_url(text: &str) -> Result<Option<String>> {
    let url = Some(text.trim()).filter(|url| !url.is_empty());
    url.map(|url| check_endpoint(url).map_err(|problem| anyhow!(problem.message))).transpose()
}

/// The words of a list with commas between.
fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

/// A database address.
///
/// # Errors
/// When it is none.
pub fn parse(url: &str) -> Result<Options> {
    url.parse().context("is not a PostgreSQL address like postgres://user@host/database")
}

/// The master key as it was set or made before; nothing before the first start of a private
/// installation.
///
/// # Errors
/// When a database of the operator's own has no key with it, or the key is not one.
pub fn secrets(config: &Config) -> Result<Option<Secrets>> {
    if let Some(hex) = &config.master_key {
        return Secrets::from_hex(hex).context("SALESWRIGHT_MASTER_KEY").map(Some);
    }
    if config.database_url.is_some() {
        bail!(
            "SALESWRIGHT_MASTER_KEY is not set. Every process of the installation needs the same one: \
             64 hexadecimal digits, as `openssl rand -hex 32` prints them"
        );
    }
    let path = config.data_dir.join(KEY_FILE);
    match fs::read_to_string(&path) {
        Ok(hex) => Secrets::from_hex(&hex).with_context(|| path.display().to_string()).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

/// Makes the master key of a private installation, readable by its owner only.
fn new_private_key(data_dir: &Path) -> Result<Secrets> {
    let path = data_dir.join(KEY_FILE);
    let hex = Secrets::generate_hex();
    // Written whole beside its place and then linked: two first starts at once agree on one key,
    // and nobody reads half of it.
    let unfinished = data_dir.join(format!("{KEY_FILE}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .with_context(|| format!("writing {}", unfinished.display()))?;
    writeln!(file, "{hex}")?;
    file.sync_all()?;
    let linked = fs::hard_link(&unfinished, &path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(error).with_context(|| format!("writing {}", path.display()))
        }
        _ => Secrets::from_hex(&fs::read_to_string(&path)?).with_context(|| path.display().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn lists_and_the_directory_are_names_that_can_be_asked_or_nobody_is() {
        let with = |lists: &str, url: &str| {
            let lists = lists.to_owned();
            settings(&Config { address_blocklists: lists, rdap_url: url.to_owned(), ..Config::default() })
        };
        let good = settings(&Config::default()).expect("the defaults are good");
        let shown = |lists: &[Blocklist]| lists.iter().map(|list| list.name.clone()).collect::<Vec<_>>();
        assert_eq!(shown(&good.domain_blocklists), ["dbl.spamhaus.org"]);
        assert_eq!(good.rdap_url.as_deref(), Some("https://rdap.org"));
        let two = with(" Zen.Spamhaus.org, bl.example.com. ,", "").expect("two lists, no directory");
        assert_eq!(shown(&two.address_blocklists), ["zen.spamhaus.org", "bl.example.com"]);
        let paid = with("zen.spamhaus.org=k3y.zen.dq.spamhaus.net", "").expect("a list with a key");
        assert_eq!(paid.address_blocklists[0].zone, "k3y.zen.dq.spamhaus.net");
        assert!(!format!("{paid:?}").contains("k3y"), "a key is not logged");
        assert_eq!(two.rdap_url, None);
        assert!(with("", "").expect("nobody").address_blocklists.is_empty());
        for (lists, url, name) in [
            ("https://zen.spamhaus.org", "", "SALESWRIGHT_ADDRESS_BLOCKLISTS"),
            ("zen", "", "SALESWRIGHT_ADDRESS_BLOCKLISTS"),
            ("zen.spamhaus.org=k3y", "", "SALESWRIGHT_ADDRESS_BLOCKLISTS"),
            ("", "rdap.org", "SALESWRIGHT_RDAP_URL"),
            ("", "http://rdap.example.com", "SALESWRIGHT_RDAP_URL"),
        ] {
            let fault = format!("{:#}", with(lists, url).expect_err("refused"));
            assert!(fault.starts_with(name) && !fault.contains("k3y"), "{fault}");
        }
    }

    #[test]
    fn first_starts_at_once_agree_on_one_key_that_only_the_owner_reads() {
        let dir = std::env::temp_dir().join(format!("saleswright-key-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a folder");
        let config = Config { data_dir: dir.clone(), ..Config::default() };
        assert!(secrets(&config).expect("no fault").is_none(), "there is none before the first start");

        let made = [new_private_key(&dir), new_private_key(&dir)].map(|key| key.expect("a key"));

        let found = secrets(&config).expect("readable").expect("made");
        for key in &made {
            assert_eq!(key.derived_password("x"), found.derived_password("x"));
        }
        let mode = fs::metadata(dir.join(KEY_FILE)).expect("the file is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_dir_all(&dir).expect("the folder goes");
    }
}
