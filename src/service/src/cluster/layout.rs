//! The files of a private cluster and what they say.
//! Invariant: every process that is given the same data folder finds the same socket and locks.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rustix::process::Pid;

use super::account::Account;

/// The name of the folder with the database itself.
pub(super) const CLUSTER: &str = "postgres";

/// A socket's path has to fit into 104 bytes (macOS); its name takes about 20 of them.
const LONGEST_SOCKET_DIR: usize = 80;

/// Where everything lies, and who owns it.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub account: Account,
    pub data: PathBuf,
    pub log: PathBuf,
    pub sockets: PathBuf,
    run: PathBuf,
}

/// What a running server says about itself in `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub pid: Pid,
    pub ready: bool,
}

impl Layout {
    /// Makes the folders around the cluster, but not the cluster.
    pub fn prepare(data_dir: &Path, account: Account) -> Result<Layout> {
        fs::create_dir_all(data_dir)
            .with_context(|| format!("cannot create the data folder {}", data_dir.display()))?;
        let root = data_dir
            .canonicalize()
            .with_context(|| format!("cannot look at the data folder {}", data_dir.display()))?;
        account.check_reaches(&root)?;
        let run = root.join("run");
        let mut sockets = run.clone();
        if sockets.as_os_str().len() > LONGEST_SOCKET_DIR {
            let mut hasher = DefaultHasher::new();
            root.hash(&mut hasher);
            sockets = PathBuf::from(format!("/tmp/saleswright-{:x}", hasher.finish()));
        }
        account.own_folder(&run)?;
        account.own_folder(&sockets)?;
        Ok(Layout { account, data: root.join(CLUSTER), log: root.join("postgres.log"), sockets, run })
    }

    /// The lock of the one process that looks after the server.
    pub fn supervisor_lock(&self) -> Result<File> {
        open_lock(&self.run.join("supervisor.lock"))
    }

    /// The lock that all users of the server share.
    pub fn users_lock(&self) -> Result<File> {
        open_lock(&self.run.join("users.lock"))
    }

    /// Opens the pipe that tells the guard whether anybody is alive. Opened for both directions,
    /// because that never waits for the other side.
    pub fn alive(&self) -> Result<File> {
        let path = self.alive_path();
        if !path.exists() {
            let made = self
                .account
                .command("/bin/sh")
                .args(["-c", "mkfifo -m 600 \"$1\"", "mkfifo"])
                .arg(&path)
                .output()
                .context("cannot run mkfifo")?;
            // Two processes may try at once; one of them is told that it exists.
            ensure!(path.exists(), "mkfifo: {}", String::from_utf8_lossy(&made.stderr).trim());
        }
        File::options().read(true).write(true).open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// The pipe's end for the guard, which must not keep itself alive by it.
    pub fn alive_end(&self) -> Result<File> {
        let path = self.alive_path();
        File::open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    /// The path of the file in which a server names itself.
    pub fn pid_file_path(&self) -> PathBuf {
        self.data.join("postmaster.pid")
    }

    /// What the running server says, or the last one that was killed.
    pub fn pid_file(&self) -> Option<PidFile> {
        parse_pid_file(&fs::read_to_string(self.pid_file_path()).ok()?)
    }

    /// The major version that created the cluster; `None` before it is created.
    pub fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    fn alive_path(&self) -> PathBuf {
        self.run.join("alive")
    }
}

fn open_lock(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// The first line is the process, the eighth its state.
fn parse_pid_file(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = Pid::from_raw(lines.next()?.trim().parse().ok()?)?;
    let ready = lines.nth(6).is_some_and(|state| state.trim() == "ready");
    Some(PidFile { pid, ready })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_when_its_eighth_line_says_so() {
        let head = "4711\n/data\n1700000000\n5432\n/run\n\n  123 456\n";
        let pid = Pid::from_raw(4711).expect("not zero");

        let ready = parse_pid_file(&format!("{head}ready   \n"));
        let starting = parse_pid_file(&format!("{head}starting\n"));
        let writing = parse_pid_file("4711\n/data\n");

        assert_eq!(ready, Some(PidFile { pid, ready: true }));
        assert_eq!(starting, Some(PidFile { pid, ready: false }));
        assert_eq!(writing, Some(PidFile { pid, ready: false }));
        assert_eq!(parse_pid_file(""), None);
    }
}
