//! The private Postgres cluster that Saleswright brings along when no database is configured.
//! Invariant: the cluster runs as long as any process uses it and no longer, and at most one of
//! those processes, its supervisor, starts, restarts or stops the server.
//!
//! Everything lies below the data folder: the database itself (`postgres`), its log
//! (`postgres.log`) and `run`, a folder that only the user of the database may enter and that
//! holds the socket, two lock files and a pipe:
//!
//! - `supervisor.lock` is held by the one process that looks after the server. The others wait
//!   for it, so that the next one takes over when the supervisor ends.
//! - `users.lock` is shared by every process; who gets it alone is the last one and stops the
//!   server.
//! - `alive` is a pipe that every process keeps open. When the last of them is gone, even by
//!   `kill -9`, the pipe ends and a small guard process shuts the server down.
//!
//! There is no network socket and no password: who may enter `run` may connect.

mod account;
mod binaries;
mod create;
mod layout;
mod monitor;
mod postmaster;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use sqlx::postgres::PgConnectOptions;

use account::Account;
use layout::Layout;
use monitor::Monitor;

/// The database in the cluster that belongs to Saleswright.
pub const DATABASE: &str = "saleswright";
/// The role that owns the schema and migrates it.
pub const OWNER_ROLE: &str = "saleswright_owner";
/// The role of `serve` and `work`, bound by row-level security.
pub const APP_ROLE: &str = "saleswright_app";

/// A use of the private cluster; the server stops when the last use, in any process, is dropped.
pub struct Cluster {
    sockets: PathBuf,
    stop: Option<mpsc::Sender<()>>,
    monitor: Option<JoinHandle<()>>,
}

/// What a crash may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Committed is committed.
    Full,
    /// For tests: several times faster, but a crash loses the last moments and a power cut all.
    Throwaway,
}

impl Cluster {
    /// Starts the cluster in `data_dir`, creating it where it does not exist, or attaches to it
    /// when another process runs it already. Blocks for some seconds the first time.
    pub fn start_or_attach(data_dir: &Path) -> Result<Cluster> {
        Self::open(data_dir, Durability::Full)
    }

    /// The cluster that all test processes of this machine share, in a cache folder.
    pub fn throwaway() -> Result<Cluster> {
        Self::open(&account::cache_dir()?.join("test-pg"), Durability::Throwaway)
    }

    fn open(data_dir: &Path, durability: Durability) -> Result<Cluster> {
        let account = Account::for_cluster(data_dir)?;
        let layout = Layout::prepare(data_dir, account)?;
        let (stop, stopped) = mpsc::channel();
        let (ready, outcome) = mpsc::channel();
        let monitor = std::thread::Builder::new()
            .name("postgres-monitor".into())
            .spawn(move || match Monitor::open(layout, durability) {
                Ok(mut monitor) => {
                    // The opener may have gone; then `stopped` is closed too and `run` returns.
                    let _ = ready.send(Ok(monitor.sockets().to_owned()));
                    monitor.run(&stopped);
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            })
            .context("the thread that looks after Postgres cannot be started")?;
        let sockets = outcome.recv().context("the thread that looks after Postgres has ended")??;
        Ok(Cluster { sockets, stop: Some(stop), monitor: Some(monitor) })
    }

    /// Connects as the superuser `postgres`: creates roles and the database, nothing else.
    pub fn superuser(&self, database: &str) -> PgConnectOptions {
        self.connect("postgres", database)
    }

    /// Connects as the owner of the schema, for migrations.
    pub fn owner(&self) -> PgConnectOptions {
        self.connect(OWNER_ROLE, DATABASE)
    }

    /// Connects as the role of the running application.
    pub fn app(&self) -> PgConnectOptions {
        self.connect(APP_ROLE, DATABASE)
    }

    /// Connects as any role to any database of the cluster.
    pub fn connect(&self, role: &str, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(&self.sockets)
            .port(postmaster::PORT)
            .username(role)
            .database(database)
    }

    /// The folder with the socket, as `psql -h` takes it.
    pub fn socket_dir(&self) -> &Path {
        &self.sockets
    }
}

impl Drop for Cluster {
    /// Blocks until the server has stopped, if this was its last use.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(monitor) = self.monitor.take()
            && monitor.join().is_err()
        {
            tracing::error!("the thread that looks after Postgres has panicked");
        }
    }
}
