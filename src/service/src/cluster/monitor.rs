//! Looks after the server for as long as this process uses it.
//! Invariant: whoever holds the supervisor's lock, and nobody else, starts the server, and
//! brings it back when it dies.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Durability;
use super::binaries::Binaries;
use super::create::create;
use super::layout::Layout;
use super::postmaster::Postmaster;

/// How soon a dead server, or a supervisor that has gone, is noticed.
const LOOK: Duration = Duration::from_millis(200);
/// Longer than any start of the server takes in another process.
const ATTACH_LIMIT: Duration = Duration::from_secs(330);
const POLL: Duration = Duration::from_millis(20);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// This process's hold on the cluster; runs in a thread of its own.
pub(super) struct Monitor {
    layout: Layout,
    durability: Durability,
    supervisor: File,
    users: File,
    /// Open for as long as we live; its end is how the guard learns of our death.
    _alive: File,
    role: Role,
}

enum Role {
    /// Another process looks after the server.
    Attached,
    /// This one does; `None` between two servers.
    Supervisor(Option<Postmaster>),
}

impl Monitor {
    /// Becomes the supervisor and starts the server, or attaches to the one of another process.
    pub fn open(layout: Layout, durability: Durability) -> Result<Monitor> {
        let mut monitor = Monitor {
            supervisor: layout.supervisor_lock()?,
            users: layout.users_lock()?,
            _alive: layout.alive()?,
            role: Role::Attached,
            layout,
            durability,
        };
        let asked = Instant::now();
        while !monitor.try_supervise()? {
            // Waits while a process that is the last one stops the server.
            monitor.users.lock_shared().context("cannot lock the cluster for use")?;
            if Postmaster::running(&monitor.layout).is_some() {
                break;
            }
            if asked.elapsed() > ATTACH_LIMIT {
                bail!("another process is starting the database and does not get ready");
            }
            sleep(POLL);
        }
        Ok(monitor)
    }

    /// The folder with the socket.
    pub fn sockets(&self) -> &Path {
        &self.layout.sockets
    }

    /// Looks after the server until the other end of the channel is dropped.
    pub fn run(&mut self, stopped: &Receiver<()>) {
        let mut pause = FIRST_PAUSE;
        let mut wait = LOOK;
        while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            wait = match self.look() {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    LOOK
                }
                Err(error) => {
                    tracing::error!("The database does not come back: {error:#}");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    pause
                }
            };
        }
        if let Err(error) = self.leave() {
            tracing::error!("The database was not shut down: {error:#}");
        }
    }

    /// One look: takes over from a supervisor that has gone, brings back a server that has died.
    fn look(&mut self) -> Result<()> {
        let Role::Supervisor(slot) = &mut self.role else {
            return self.try_supervise().map(|_| ());
        };
        if let Some(server) = slot {
            if !server.has_ended(&self.layout) {
                return Ok(());
            }
            tracing::warn!("The database has died; starting it again");
            server.dismiss_guard();
            *slot = None;
        }
        self.role = Role::Supervisor(Some(self.bring_up()?));
        tracing::info!("The database is back");
        Ok(())
    }

    /// Takes the supervisor's lock, if it is free, and sees to it that a server runs.
    fn try_supervise(&mut self) -> Result<bool> {
        if !taken(self.supervisor.try_lock())? {
            return Ok(false);
        }
        self.role = Role::Supervisor(None);
        if taken(self.users.try_lock())? {
            // Nobody uses it, so a server that still runs is about to be shut down by its guard.
            Postmaster::stop_leftover(&self.layout)?;
        }
        self.users.lock_shared().context("cannot lock the cluster for use")?;
        self.role = Role::Supervisor(Some(self.bring_up()?));
        Ok(true)
    }

    /// The server that the last supervisor has left to us, or a new one.
    fn bring_up(&self) -> Result<Postmaster> {
        match Postmaster::running(&self.layout) {
            Some(server) => Ok(server),
            None => self.start(),
        }
    }

    fn start(&self) -> Result<Postmaster> {
        let begun = Instant::now();
        let major = self.layout.major();
        let binaries = Binaries::find(major)?;
        if major.is_none() {
            create(&self.layout, &binaries, self.durability)?;
        }
        let server = Postmaster::start(&self.layout, &binaries, self.durability)?;
        tracing::info!("Started the database in {} ms", begun.elapsed().as_millis());
        Ok(server)
    }

    /// Gives the cluster up; the last one stops the server.
    fn leave(&mut self) -> Result<()> {
        if !taken(self.users.try_lock())? {
            return Ok(());
        }
        let server = match &mut self.role {
            Role::Supervisor(server) => server.take(),
            Role::Attached => Postmaster::running(&self.layout),
        };
        match server {
            Some(server) => server.stop(&self.layout),
            None => Ok(()),
        }
    }
}

/// Whether a lock was free and is ours now.
fn taken(tried: Result<(), TryLockError>) -> Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error).context("the data folder is on a file system without locks"),
    }
}
