//! The sandbox: a mail server inside the product, where campaigns can be tried without a mail leaving the machine.
//! Every mail is kept for the mailbox that signed in (RFC 4954); without signing in nothing is taken.
//!
//! It speaks SMTP as other servers do (RFC 5321, with PIPELINING, SIZE, 8BITMIME, SMTPUTF8 and enhanced codes),
//! keeps the content octet by octet, adds no headers, and passes nothing on.
//!
//! Recipients whose local part is one of these words, alone or followed by `+` and anything, let a person and a
//! test see what else can happen; the domain does not matter:
//!
//! | Recipient | What the server does |
//! |--|--|
//! | `bounce@` | refuses the recipient for good: `550 5.1.1` |
//! | `full@` | refuses the recipient because its mailbox is full: `552 5.2.2` |
//! | `defer@` | refuses the recipient for now: `451 4.7.1` |
//! | `slow@` | takes the mail, and two seconds for it |
//! | `silent@` | takes the mail, and hangs up without an answer |
//! | `reply@` | takes the mail, and a person answers it |
//! | `away@` | takes the mail, and a program answers that the person is away for two weeks |
//! | `gone@` | takes the mail, and reports later that there is no such address |

mod auth;
mod command;
mod content;
mod keep;
mod session;
mod special;
mod store;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use keep::DbStore;
pub use store::SandboxStore;

/// How long to wait after a connection could not be accepted: the usual reason is that all file handles are in
/// use, and trying again at once would only keep a processor busy.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a sandbox allows.
#[derive(Debug, Clone, Copy)]
pub struct SandboxLimits {
    /// How many connections may be open at the same time.
    pub connections: usize,
    /// The largest mail, in octets.
    pub mail_size: usize,
    /// The most recipients of one mail (RFC 5321 section 4.5.3.1.8 asks for 100).
    pub recipients: usize,
    /// How long a client may be silent.
    pub idle: Duration,
    /// How long a client may take for the content of one mail.
    pub content: Duration,
    /// How long the server lets open sessions finish when it is stopped.
    pub drain: Duration,
    /// How long a mail to `slow@` takes.
    pub slow: Duration,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self {
            connections: 200,
            mail_size: 25 * 1024 * 1024,
            recipients: 100,
            idle: Duration::from_secs(5 * 60),
            content: Duration::from_secs(10 * 60),
            drain: Duration::from_secs(5),
            slow: Duration::from_secs(2),
        }
    }
}

/// A sandbox mail server, bound to its address.
pub struct Sandbox<S> {
    listener: TcpListener,
    store: Arc<S>,
    limits: SandboxLimits,
}

impl<S: SandboxStore> Sandbox<S> {
    /// Takes the address. Passwords come unencrypted, so it should be one of this machine.
    pub async fn bind(address: SocketAddr, store: Arc<S>, limits: SandboxLimits) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, store, limits })
    }

    /// The address, with the port that was chosen where none was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`; then takes no more connections and lets the mails under way finish.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((socket, _)) => {
                    let place = Arc::clone(&places).try_acquire_owned().ok();
                    let (store, limits, stop) = (Arc::clone(&self.store), self.limits, stop.clone());
                    tracker.spawn(async move {
                        let served = match &place {
                            Some(_) => serve(socket, store, limits, stop).await,
                            None => session::turn_away(socket).await,
                        };
                        if let Err(error) = served {
                            tracing::debug!(error.message = %error, "A sandbox connection ended early");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(error.message = %error, "The sandbox could not accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        tracker.close();
        if timeout(self.limits.drain, tracker.wait()).await.is_err() {
            tracing::warn!(sandbox.sessions = tracker.len(), "The sandbox stopped with sessions still open");
        }
    }
}

async fn serve<S: SandboxStore>(
    socket: TcpStream,
    store: Arc<S>,
    limits: SandboxLimits,
    stop: CancellationToken,
) -> io::Result<()> {
    socket.set_nodelay(true)?;
    session::Session::new(socket, store, limits, stop).run().await
}
