//! A signed-in connection to an IMAP server (RFC 9051) with its INBOX open for reading only. Every failure names
//! its step, and what to do where that is known.

use std::{fmt, sync::Arc, time::Duration};

use async_imap::{Client, Session, error::Error};
use domain::mailboxes::Security;
use service::inboxes::Source;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use crate::mail::host_guard::{HostGuard, is_public};

/// How long a step may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection, encrypted or not.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Line for T {}

/// A session with a server.
pub(super) type Imap = Session<Box<dyn Line>>;

/// Why replies cannot be read, in words for the page of the mailbox.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Failure(pub String);

/// The INBOX as it is now.
pub(super) struct Opened {
    pub session: Imap,
    pub uid_validity: u32,
    /// Whether the server tells by itself what is new (RFC 2177).
    pub tells: bool,
}

/// Connects, signs in and opens the INBOX.
pub(super) async fn open(guard: HostGuard, tls: Arc<ClientConfig>, source: &Source) -> Result<Opened, Failure> {
    let stream = connect(guard, source).await?;
    let client = match source.security {
        Security::Tls => greeted(encrypt(tls, Box::new(stream), &source.host).await?).await?,
        Security::None => greeted(Box::new(stream)).await?,
        Security::StartTls => {
            let mut client = greeted(Box::new(stream)).await?;
            let asked = step("Encrypting", client.run_command_and_check_ok("STARTTLS", None)).await;
            asked.map_err(|failure| Failure(format!("{failure} The server may not offer STARTTLS: choose TLS.")))?;
            // What the server has said in the clear is forgotten (RFC 9051, 6.2.1).
            Client::new(encrypt(tls, client.into_inner(), &source.host).await?)
        }
    };
    let mut session = sign_in(client, source).await?;
    let inbox = step("Opening INBOX", session.examine("INBOX")).await?;
    let validity =
        inbox.uid_validity.ok_or_else(|| Failure("Opening INBOX: the server gives no UIDVALIDITY.".into()))?;
    let capabilities = step("Asking what the server can do", session.capabilities()).await?;
    Ok(Opened { session, uid_validity: validity, tells: capabilities.has_str("IDLE") })
}

async fn connect(guard: HostGuard, source: &Source) -> Result<TcpStream, Failure> {
    let lookup = guard.resolve(&source.host, source.port);
    let addresses = timeout(PATIENCE, lookup)
        .await
        .map_err(|_| Failure("Looking up the name: the name server did not answer in time.".into()))?
        .map_err(|error| Failure(format!("Looking up the name: `{}`: {error}. Check the host.", source.host)))?;
    let mut failure = String::new();
    for address in addresses {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) if source.security == Security::None && is_public(address.ip()) => {
                failure = "a password is not sent over the internet without encryption: choose TLS or STARTTLS".into();
            }
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = format!("{address}: {error}"),
            Err(_) => failure = format!("{address} did not answer in time"),
        }
    }
    Err(Failure(format!("Connecting: {failure}. Check host and port.")))
}

async fn encrypt(tls: Arc<ClientConfig>, stream: Box<dyn Line>, host: &str) -> Result<Box<dyn Line>, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| Failure(format!("Encrypting: `{host}` is no name a certificate can have.")))?;
    match timeout(PATIENCE, TlsConnector::from(tls).connect(name, stream)).await {
        Ok(Ok(encrypted)) => Ok(Box::new(encrypted)),
        Ok(Err(error)) => Err(Failure(format!("Encrypting: {error}. Check the port and how it is protected."))),
        Err(_) => Err(Failure("Encrypting: the server did not answer in time. Check the port.".into())),
    }
}

async fn greeted(stream: Box<dyn Line>) -> Result<Client<Box<dyn Line>>, Failure> {
    let mut client = Client::new(stream);
    match timeout(PATIENCE, client.read_response()).await {
        Ok(Ok(Some(_))) => Ok(client),
        Ok(Ok(None)) => Err(Failure("Connecting: the server hung up. Check the port.".into())),
        Ok(Err(error)) => Err(Failure(format!("Connecting: the server does not speak IMAP: {error}. Check the port."))),
        Err(_) => {
            Err(Failure("Connecting: the server did not greet in time. Check the port and its protection.".into()))
        }
    }
}

async fn sign_in(client: Client<Box<dyn Line>>, source: &Source) -> Result<Imap, Failure> {
    let asked = timeout(PATIENCE, client.login(&source.username, source.password.as_str())).await;
    match asked {
        Ok(Ok(session)) => Ok(session),
        Ok(Err((error, _))) => Err(Failure(format!("Signing in: {error}. Check the user name and the password."))),
        Err(_) => Err(Failure("Signing in: the server did not answer in time.".into())),
    }
}

/// One exchange with the server, within its time.
pub(super) async fn step<T>(name: &str, exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Failure(format!("{name}: {error}."))),
        Err(_) => Err(Failure(format!("{name}: the server did not answer in time."))),
    }
}
