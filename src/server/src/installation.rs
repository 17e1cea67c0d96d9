//! From settings to a working database: the private cluster or the operator's server, the master
//! key, and the check that row-level security holds.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result, bail};
use service::{
    Db, PoolSize, Settings,
    clock::Clock,
    cluster::{Cluster, DATABASE},
    db::{ConnectOptions as Options, bootstrap, check_app_role, migrate},
    secrets::Secrets,
};

use crate::config::Config;

/// An installation that is ready to serve or work.
pub struct Installation {
    /// The database as the application sees it.
    pub db: Db,
    /// Keeps the private cluster running; absent with a server of the operator's own.
    pub cluster: Option<Cluster>,
}

impl Installation {
    /// Starts or finds the database, migrates a private one, and connects as the application.
    ///
    /// # Errors
    /// Says what is missing and what to do.
    pub async fn open(config: &Config) -> Result<Self> {
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
        check_app_role(&app).await?;
        let secrets = match &config.master_key {
            Some(hex) => Secrets::from_hex(hex).context("SALESWRIGHT_MASTER_KEY")?,
            None if cluster.is_some() => private_key(&config.data_dir)?,
            None => bail!(
                "SALESWRIGHT_MASTER_KEY is not set. Every process of the installation needs the same one: \
                 64 hexadecimal digits, as `openssl rand -hex 32` prints them"
            ),
        };
        let db = Db::connect(app, PoolSize(config.pool_size), Clock::system(), secrets, settings(config));
        Ok(Self { db, cluster })
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
#[must_use]
pub fn settings(config: &Config) -> Settings {
    Settings {
        public_url: config.public_url(),
        sandbox_addr: format!("127.0.0.1:{}", config.sandbox_port),
        allow_private_hosts: config.allow_private_hosts,
        api_calls_per_minute: config.api_calls_per_minute,
    }
}

fn parse(url: &str) -> Result<Options> {
    url.parse().context("is not a PostgreSQL address like postgres://user@host/database")
}

/// The master key of a private installation: made once, readable by its owner only.
fn private_key(data_dir: &Path) -> Result<Secrets> {
    let path = data_dir.join("master.key");
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => writeln!(file, "{}", Secrets::generate_hex())?,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("writing {}", path.display())),
    }
    let hex = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    Secrets::from_hex(&hex).with_context(|| path.display().to_string())
}
