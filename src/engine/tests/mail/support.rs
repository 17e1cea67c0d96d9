//! What the tests share: a client, a server that follows a script, and storage in memory.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use engine::{
    mail::{Credentials, HostGuard, Limits, Password, Security, SmtpClient, SmtpServer},
    sandbox::{Sandbox, SandboxLimits, SandboxStore},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

pub const FROM: &str = "ana@corvus.example";
pub const TO: &str = "zoe@lark.example";
pub const MIME: &[u8] = b"Subject: hello\r\n\r\none\r\n.\r\n..two\r\n.three\r\n";

/// Long enough never to matter on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn client() -> SmtpClient {
    impatient_client(PATIENCE)
}

pub fn impatient_client(wait: Duration) -> SmtpClient {
    SmtpClient::new(HostGuard::public_only().allow_private(true)).with_limits(Limits::uniform(wait))
}

pub fn server_at(address: SocketAddr) -> SmtpServer {
    SmtpServer { host: address.ip().to_string(), port: address.port(), security: Security::None, credentials: None }
}

pub fn signed_in_at(address: SocketAddr, username: &str, password: &str) -> SmtpServer {
    let credentials = Credentials { username: username.into(), password: Password::new(password.into()) };
    SmtpServer { credentials: Some(credentials), ..server_at(address) }
}

/// One step of a scripted server.
#[derive(Debug, Clone)]
pub enum Act {
    /// Writes these octets.
    Say(Vec<u8>),
    /// Reads a line that begins with this.
    Hear(&'static str),
    /// Reads up to the final dot.
    HearContent,
    /// Keeps the connection open and does nothing.
    Hang,
}

pub fn say(text: &str) -> Act {
    Act::Say(format!("{text}\r\n").into_bytes())
}

pub fn hear(line: &'static str) -> Act {
    Act::Hear(line)
}

/// A server that follows the script for one connection, then closes it.
pub async fn scripted(script: Vec<Act>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(socket);
        for act in script {
            match act {
                Act::Say(octets) => stream.write_all(&octets).await.unwrap(),
                Act::Hear(expected) => {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.unwrap();
                    assert!(line.starts_with(expected), "wanted {expected:?}, heard {line:?}");
                }
                Act::HearContent => {
                    let mut line = Vec::new();
                    while line != b".\r\n" {
                        line.clear();
                        assert_ne!(stream.read_until(b'\n', &mut line).await.unwrap(), 0, "no final dot came");
                    }
                }
                Act::Hang => std::future::pending().await,
            }
        }
    });
    (address, task)
}

/// A mail as the sandbox kept it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub mailbox: String,
    pub from: String,
    pub to: Vec<String>,
    pub raw: Vec<u8>,
}

/// Storage in memory. The password of every user is `secret`; `broken` can sign in but nothing is kept for it.
#[derive(Default)]
pub struct MemoryStore {
    kept: Mutex<Vec<Kept>>,
}

impl MemoryStore {
    pub fn kept(&self) -> Vec<Kept> {
        self.kept.lock().unwrap().clone()
    }
}

#[async_trait]
impl SandboxStore for MemoryStore {
    type Mailbox = String;

    async fn sign_in(&self, username: &str, password: &str) -> anyhow::Result<Option<String>> {
        Ok((password == "secret").then(|| username.to_owned()))
    }

    async fn keep(&self, mailbox: &String, from: &str, to: &[String], raw: &[u8]) -> anyhow::Result<String> {
        anyhow::ensure!(mailbox != "broken", "the disk is full");
        let mut kept = self.kept.lock().unwrap();
        kept.push(Kept { mailbox: mailbox.clone(), from: from.into(), to: to.to_vec(), raw: raw.to_vec() });
        Ok(format!("BOX-{}", kept.len()))
    }
}

/// A sandbox under test.
pub struct Running {
    pub address: SocketAddr,
    pub store: Arc<MemoryStore>,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

pub async fn sandbox() -> Running {
    sandbox_with(SandboxLimits { slow: Duration::from_millis(20), ..SandboxLimits::default() }).await
}

pub async fn sandbox_with(limits: SandboxLimits) -> Running {
    let store = Arc::new(MemoryStore::default());
    let server = Sandbox::bind("127.0.0.1:0".parse().unwrap(), Arc::clone(&store), limits).await.unwrap();
    let (address, stop) = (server.local_addr().unwrap(), CancellationToken::new());
    let task = tokio::spawn(server.run(stop.clone()));
    Running { address, store, stop, task }
}

/// Sends everything in one piece and returns all that comes back until the server closes.
pub async fn converse(address: SocketAddr, input: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(input).await.unwrap();
    let mut output = String::new();
    tokio::time::timeout(PATIENCE, socket.read_to_string(&mut output)).await.expect("the server closes").unwrap();
    output
}

/// The codes of a conversation, one for each line.
pub fn codes(output: &str) -> Vec<&str> {
    output.lines().map(|line| &line[..3]).collect()
}
