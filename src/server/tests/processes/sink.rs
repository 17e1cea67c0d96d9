//! A mail server that is not ours: Postfix's `smtp-sink`, which writes every e-mail into a file.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// The running server and its folder.
pub struct Sink {
    process: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl Sink {
    /// Starts it on a free port, with a folder below `home`.
    pub fn start(home: &Path) -> Self {
        let folder = home.join("mails");
        fs::create_dir(&folder).expect("a folder for the mails");
        // As root it insists on another user, who must be able to write.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("open to all");
        let address = free_port();
        let mut command = Command::new(program("smtp-sink"));
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.arg("-d").arg(folder.join("mail.")).arg(address.to_string()).arg("100");
        let log = fs::File::create(home.join("sink.log")).expect("a log");
        let process = command.stdin(Stdio::null()).stderr(log).spawn().expect("smtp-sink starts");
        let sink = Self { process, folder, address };
        for _ in 0..500 {
            if TcpStream::connect(address).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("smtp-sink does not listen on {address}");
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often each recipient was mailed.
    pub fn mails(&self) -> BTreeMap<String, usize> {
        let mut mails = BTreeMap::new();
        for file in fs::read_dir(&self.folder).expect("the folder is there") {
            let path = file.expect("the folder is readable").path();
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a mail is readable")).into_owned();
            let recipient = text.lines().find_map(|line| line.strip_prefix("X-Rcpt-Args: <")?.strip_suffix('>'));
            // Before the final dot a file is without its end; when the conversation breaks there, it goes.
            let is_whole = text.trim_end().ends_with("--");
            if let Some(recipient) = recipient.filter(|_| is_whole) {
                *mails.entry(recipient.to_owned()).or_default() += 1;
            }
        }
        mails
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An address that nobody listens on.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port")
}

/// A mail tool of Postfix.
pub fn program(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/opt/homebrew/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is missing; `bin/test unit` installs it, the package is called postfix"))
}
