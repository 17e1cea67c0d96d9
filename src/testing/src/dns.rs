//! A name server that is not ours: dnsmasq, on a port of this machine, with the records that a test names.

use std::{
    fmt::Write as _,
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

static NEXT: AtomicU32 = AtomicU32::new(1);

/// What it knows everything about: names that nobody has, and the names of addresses.
const LOCAL: &str = "local=/example/example.com/in-addr.arpa/\n";

/// A running name server. It knows everything below `.example` and `example.com` and what addresses are called, and
/// answers for nothing else.
#[derive(Debug)]
pub struct NameServer {
    process: Child,
    config: PathBuf,
    address: SocketAddr,
}

/// A record: its type, its name, its value. Mail hosts are `MX`, a preference and a name.
pub type Record<'a> = (&'a str, &'a str, &'a str);

impl NameServer {
    /// Starts one.
    ///
    /// # Panics
    /// When dnsmasq is not installed.
    #[must_use]
    pub fn start(records: &[Record<'_>]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port");
        Self::start_at(address, &written(address.port(), records))
    }

    /// The same server with other records, as after a change.
    #[must_use]
    pub fn publish(mut self, records: &[Record<'_>]) -> Self {
        let address = self.address;
        self.end();
        Self::start_at(address, &written(address.port(), records))
    }

    /// The same server in trouble: it refuses every question.
    #[must_use]
    pub fn refuse(mut self) -> Self {
        let address = self.address;
        self.end();
        Self::start_at(address, &written(address.port(), &[]).replace(LOCAL, ""))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn start_at(address: SocketAddr, settings: &str) -> Self {
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let config = std::env::temp_dir().join(format!("saleswright-dns-{}-{n}.conf", std::process::id()));
        fs::write(&config, settings).expect("written");
        let process = Command::new(program())
            .arg("--keep-in-foreground")
            .arg(format!("--conf-file={}", config.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("dnsmasq starts: apt-get install dnsmasq-base");
        let server = Self { process, config, address };
        for _ in 0..1_000 {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("dnsmasq does not listen on {address}");
    }

    fn end(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
        let _left = fs::remove_file(&self.config);
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.end();
    }
}

fn written(port: u16, records: &[Record<'_>]) -> String {
    let user = if rustix::process::geteuid().is_root() { "user=root\ngroup=root\n" } else { "" };
    let mut text = format!(
        "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\nno-poll\n{LOCAL}pid-file=\n{user}"
    );
    for (kind, name, value) in records {
        let line = match *kind {
            // A string of a record has at most 255 octets.
            "TXT" => {
                let parts: Vec<_> = value.as_bytes().chunks(200).map(|part| String::from_utf8_lossy(part)).collect();
                format!("txt-record={name},\"{}\"", parts.join("\",\""))
            }
            "MX" => {
                let (preference, host) = value.split_once(' ').expect("a preference and a host");
                format!("mx-host={name},{host},{preference}")
            }
            "A" => format!("address=/{name}/{value}"),
            "PTR" => format!("ptr-record={name},{value}"),
            other => panic!("no record of {other}"),
        };
        writeln!(text, "{line}").expect("a text takes more");
    }
    text
}

fn program() -> &'static Path {
    let usual = Path::new("/usr/sbin/dnsmasq");
    if usual.exists() { usual } else { Path::new("dnsmasq") }
}
