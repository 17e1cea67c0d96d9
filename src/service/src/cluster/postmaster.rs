//! One running Postgres server process.
//! Invariant: a server that we start has a guard, a process that shuts it down when nobody who
//! uses it is alive any more.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::Durability;
use super::binaries::Binaries;
use super::layout::Layout;

/// Only part of the socket's name: the server has no network.
pub(super) const PORT: u16 = 5432;

const SETTINGS: [&str; 7] = [
    "listen_addresses=",
    // A page, a worker, a listener and a command line of each of a few processes.
    "max_connections=200",
    // Saves more on large reports than it costs; compiling short queries never pays.
    "jit=off",
    "shared_buffers=128MB",
    "log_min_messages=warning",
    // A transaction that waits this long for its client has lost it.
    "idle_in_transaction_session_timeout=60s",
    "timezone=UTC",
];

/// Without these a crash of the machine costs the cluster, and tests take half the time.
const THROWAWAY: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// Longer than recovery takes after a crash on a slow disk.
const START_LIMIT: Duration = Duration::from_secs(300);
/// A fast shutdown ends all sessions and writes a checkpoint.
const FAST_LIMIT: Duration = Duration::from_secs(20);
/// An immediate one only ends the processes.
const IMMEDIATE_LIMIT: Duration = Duration::from_secs(5);
/// Process 1 of some containers takes its time to bury the dead.
const BURIAL_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

// Reads until the pipe ends, then asks the server to shut down fast. The number of a process may
// have gone to another one by then, so the server's own file has the last word.
const GUARD: &str = r#"read -r _; read -r pid < "$2" && [ "$pid" = "$1" ] && kill -INT "$1""#;

/// A server that runs, or has just died.
pub(super) enum Postmaster {
    /// Started by this process.
    Child { server: Child, guard: Child },
    /// Started by a process that has ended since, while others were using it.
    Adopted(Pid),
}

impl Postmaster {
    /// Starts the server and waits until it takes connections.
    pub fn start(layout: &Layout, binaries: &Binaries, durability: Durability) -> Result<Postmaster> {
        wait_for_burial(layout);
        let log = File::options()
            .create(true)
            .append(true)
            .open(&layout.log)
            .with_context(|| format!("cannot write {}", layout.log.display()))?;
        let mut command = layout.account.command(binaries.program("postgres"));
        command.arg("-D").arg(&layout.data);
        command.arg("-c").arg(format!("unix_socket_directories={}", layout.sockets.display()));
        command.arg("-c").arg(format!("port={PORT}"));
        let throwaway: &[&str] = if durability == Durability::Throwaway { &THROWAWAY } else { &[] };
        for setting in SETTINGS.iter().chain(throwaway) {
            command.args(["-c", setting]);
        }
        let mut server = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot share the log with Postgres")?)
            .stderr(log)
            .spawn()
            .context("cannot run postgres")?;
        let guard = start_guard(layout, &server).inspect_err(|_| {
            // Without a guard it might outlive us.
            let _ = server.kill().and_then(|()| server.wait());
        })?;
        let mut started = Postmaster::Child { server, guard };
        started.wait_until_ready(layout)?;
        Ok(started)
    }

    /// The server that another process has started in this cluster, if it takes connections.
    pub fn running(layout: &Layout) -> Option<Postmaster> {
        layout
            .pid_file()
            .filter(|file| file.ready && is_postgres(layout, file.pid))
            .map(|file| Postmaster::Adopted(file.pid))
    }

    /// Ends a server that the death of all its users has left behind.
    pub fn stop_leftover(layout: &Layout) -> Result<()> {
        match layout.pid_file() {
            Some(file) if is_postgres(layout, file.pid) => {
                tracing::warn!("Stopping the database that an earlier process left behind");
                Postmaster::Adopted(file.pid).stop(layout)
            }
            _ => Ok(()),
        }
    }

    /// Whether the server has ended.
    pub fn has_ended(&mut self, layout: &Layout) -> bool {
        match self {
            Postmaster::Child { server, .. } => !matches!(server.try_wait(), Ok(None)),
            Postmaster::Adopted(pid) => !is_postgres(layout, *pid),
        }
    }

    /// Shuts the server down: at first fast, which writes everything down, then at once.
    pub fn stop(mut self, layout: &Layout) -> Result<()> {
        for (signal, limit) in [(Signal::INT, FAST_LIMIT), (Signal::QUIT, IMMEDIATE_LIMIT)] {
            // It may have ended in this moment; that is what the loop finds out.
            let _ = kill_process(self.pid(), signal);
            let asked = Instant::now();
            while asked.elapsed() < limit {
                if self.has_ended(layout) {
                    self.dismiss_guard();
                    return Ok(());
                }
                sleep(POLL);
            }
        }
        bail!("Postgres (process {}) does not stop", self.pid().as_raw_nonzero())
    }

    /// Ends the guard of a server that is gone.
    pub fn dismiss_guard(&mut self) {
        if let Postmaster::Child { guard, .. } = self {
            let _ = guard.kill().and_then(|()| guard.wait());
        }
    }

    fn pid(&self) -> Pid {
        match self {
            Postmaster::Child { server, .. } => Pid::from_child(server),
            Postmaster::Adopted(pid) => *pid,
        }
    }

    fn wait_until_ready(&mut self, layout: &Layout) -> Result<()> {
        let asked = Instant::now();
        let ready = |pid| layout.pid_file().is_some_and(|file| file.ready && file.pid == pid);
        while !ready(self.pid()) {
            if self.has_ended(layout) {
                self.dismiss_guard();
                bail!("Postgres did not start; the end of {}:\n{}", layout.log.display(), tail(layout));
            }
            if asked.elapsed() > START_LIMIT {
                bail!("Postgres is not ready after {START_LIMIT:?}; see {}", layout.log.display());
            }
            sleep(POLL);
        }
        Ok(())
    }
}

fn start_guard(layout: &Layout, server: &Child) -> Result<Child> {
    layout
        .account
        .command("/bin/sh")
        .args(["-c", GUARD, "saleswright-postgres-guard"])
        .arg(server.id().to_string())
        .arg(layout.pid_file_path())
        .stdin(layout.alive_end()?)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the guard of Postgres")
}

/// A dead server keeps its number until its parent has asked for its end, and Postgres does not
/// start while the number of the last server is taken. The parent may be us: as process 1 of a
/// container, or because an earlier use in this process has started it.
fn wait_for_burial(layout: &Layout) {
    let Some(last) = layout.pid_file() else {
        return;
    };
    let cmdline = format!("/proc/{}/cmdline", last.pid.as_raw_nonzero());
    let seen = Instant::now();
    // Only the dead have no arguments.
    while fs::read(&cmdline).is_ok_and(|arguments| arguments.is_empty()) && seen.elapsed() < BURIAL_LIMIT {
        let _ = waitpid(Some(last.pid), WaitOptions::NOHANG);
        sleep(POLL);
    }
}

/// Whether a process is the server of this cluster: after a restart of the machine the number in
/// a leftover file may be anybody's, and a dead process whose parent does not care has one still.
fn is_postgres(layout: &Layout, pid: Pid) -> bool {
    let pid = pid.as_raw_nonzero().to_string();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).or_else(|_| {
        let ps = layout.account.command("ps").args(["-o", "args=", "-p", &pid]).output();
        ps.map(|output| output.stdout)
    });
    arguments.is_ok_and(|arguments| String::from_utf8_lossy(&arguments).contains(&*layout.data.to_string_lossy()))
}

fn tail(layout: &Layout) -> String {
    let log = fs::read_to_string(&layout.log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
