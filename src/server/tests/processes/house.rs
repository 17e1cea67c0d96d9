//! An installation with a private cluster of its own, and real processes on it.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use server::{config::Config, installation::Installation};
use service::{
    Db,
    cluster::{APP_ROLE, Cluster, DATABASE},
    db::ConnectOptions,
};

use crate::sink::free_port;

static NEXT: AtomicU32 = AtomicU32::new(1);

/// The installation. This process keeps the cluster running, so a worker that is killed does not
/// take the database with it.
pub struct House {
    installation: Option<Installation>,
    config: Config,
    /// Its folder.
    pub home: PathBuf,
}

impl House {
    pub async fn build() -> Self {
        let name = format!("saleswright-house-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let home = std::env::temp_dir().join(name);
        fs::create_dir(&home).expect("a folder");
        fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).expect("the database may enter");
        let config = Config {
            data_dir: home.join("data"),
            sandbox_port: free_port().port(),
            allow_private_hosts: true,
            ..Config::default()
        };
        let installation = Installation::open(&config).await.expect("PostgreSQL 15 or newer is installed");
        Self { installation: Some(installation), config, home }
    }

    /// The database, as the application role.
    pub fn db(&self) -> &Db {
        &self.installation().db
    }

    pub fn superuser(&self) -> ConnectOptions {
        self.cluster().superuser(DATABASE)
    }

    /// A worker process. It finds database and key in the data folder, as a second one of an
    /// operator would.
    pub fn work(&self) -> Process {
        self.start(&["work"])
    }

    /// A web server process, and its address. It may take a moment to listen.
    pub fn serve(&self) -> (Process, SocketAddr) {
        let address = free_port();
        (self.start(&["serve", "--port", &address.port().to_string()]), address)
    }

    /// What a command prints, with nothing on its standard input.
    pub fn ask(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).stdout(Stdio::piped()).output().expect("the binary starts");
        assert!(output.status.success(), "{}", self.log());
        String::from_utf8(output.stdout).expect("it prints text")
    }

    /// A process that comes to the database as to an operator's server, through a door that is
    /// closed until [`Self::open_door`].
    pub fn through_door(&self, arguments: &[&str]) -> Process {
        let key = fs::read_to_string(self.config.data_dir.join("master.key")).expect("the key is made");
        let url = format!("postgres://{APP_ROLE}@localhost/{DATABASE}?host={}", self.door().display());
        let mut command = self.command(arguments);
        spawn(command.env("DATABASE_URL", url).env("SALESWRIGHT_MASTER_KEY", key.trim()))
    }

    /// The database can be reached through the door.
    pub fn open_door(&self) {
        std::os::unix::fs::symlink(self.cluster().socket_dir(), self.door()).expect("it was closed");
    }

    fn door(&self) -> PathBuf {
        self.home.join("door")
    }

    /// Ends the database at once, as a crash does; this process starts it again.
    pub fn crash_database(&self) {
        self.end_database(Signal::QUIT);
    }

    /// Ends the database as a fast restart does: transactions are rolled back and connections closed, then it is
    /// shut down in order. This process starts it again.
    pub fn restart_database(&self) {
        self.end_database(Signal::INT);
    }

    fn end_database(&self, how: Signal) {
        let file = self.config.data_dir.join("postgres/postmaster.pid");
        let text = fs::read_to_string(file).expect("the database runs");
        let pid = text.lines().next().and_then(|pid| Pid::from_raw(pid.trim().parse().ok()?)).expect("a number");
        kill_process(pid, how).expect("the database can be asked to end");
    }

    /// The last lines of what the processes have logged.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn start(&self, arguments: &[&str]) -> Process {
        spawn(&mut self.command(arguments))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let log = fs::File::options().create(true).append(true).open(self.home.join("log")).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_saleswright"));
        command
            .args(arguments)
            .current_dir(&self.home)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("NO_COLOR", "1")
            .env("SALESWRIGHT_DATA_DIR", &self.config.data_dir)
            .env("SALESWRIGHT_SANDBOX_PORT", self.config.sandbox_port.to_string())
            .env("SALESWRIGHT_ALLOW_PRIVATE_HOSTS", "true")
            // Nobody answers there: what the tests say about domains stays.
            .env("SALESWRIGHT_DNS_SERVER", "127.0.0.1:9")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        command
    }

    fn cluster(&self) -> &Cluster {
        self.installation().cluster.as_ref().expect("the cluster is private")
    }

    fn installation(&self) -> &Installation {
        self.installation.as_ref().expect("it is there until the end")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("The processes have logged:\n{}", self.log());
        }
        drop(self.installation.take());
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn spawn(command: &mut Command) -> Process {
    Process(command.spawn().expect("the binary starts"))
}

/// A child process; ends with the test.
pub struct Process(pub Child);

impl Process {
    /// SIGKILL: nothing of it runs on, nothing is said to anybody.
    pub fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }

    /// SIGSTOP: it stands still in the middle of whatever it does, and keeps its connections.
    pub fn freeze(&self) {
        kill_process(Pid::from_child(&self.0), Signal::STOP).expect("it runs");
    }

    /// SIGCONT: it goes on, and does not know how long it has stood still.
    pub fn thaw(&self) {
        kill_process(Pid::from_child(&self.0), Signal::CONT).expect("it is there");
    }

    /// SIGTERM, as an operator stops it.
    pub async fn stop(mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("it runs");
        for _ in 0..600 {
            if let Some(status) = self.0.try_wait().expect("it can be asked") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the process does not stop");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
