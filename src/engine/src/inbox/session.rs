//! A signed-in connection to an IMAP server (RFC 9051) with its INBOX open for reading only. Every failure names
//! its step, and what to do where that is known.

use std::{fmt, net::SocketAddr, sync::Arc};

use async_imap::{
    Client, Session,
    error::Error,
    imap_proto::{Capability, Response, ResponseCode},
};
use domain::mailboxes::{Security, TestStepKind};
use service::inboxes::ImapServer;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::ask::{Failure, PATIENCE, Server, ask, step, words_of};
use crate::mail::{
    host_guard::{HostGuard, is_public},
    tls,
};

/// A connection, encrypted or not.
pub(super) trait Line: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Line for T {}

/// A session with a server.
pub(super) type Imap = Session<Box<dyn Line>>;

/// The INBOX as it is now.
pub(super) struct Opened {
    pub server: Server,
    pub uid_validity: u32,
    /// Whether the server tells by itself what is new (RFC 2177).
    pub tells: bool,
    /// Whether it can be asked which folder is for what (RFC 5258 and RFC 6154).
    pub marks: bool,
}

/// Connects, signs in and opens the INBOX.
pub(super) async fn open(guard: HostGuard, tls: Arc<ClientConfig>, source: &ImapServer) -> Result<Opened, Failure> {
    open_noting(guard, tls, source, &mut Vec::new()).await
}

/// The same, with the steps that were done: after a failure, the next one is what failed.
pub(super) async fn open_noting(
    guard: HostGuard,
    tls: Arc<ClientConfig>,
    source: &ImapServer,
    done: &mut Vec<TestStepKind>,
) -> Result<Opened, Failure> {
    let stream = connect(guard, source, done).await?;
    let client = match source.security {
        Security::Tls => greeted(encrypt(tls, Box::new(stream), &source.host, done).await?, done).await?,
        Security::None => greeted(Box::new(stream), done).await?,
        Security::StartTls => {
            let mut client = greeted(Box::new(stream), done).await?;
            let asked = step("Encrypting", client.run_command_and_check_ok("STARTTLS", None)).await;
            asked.map_err(|failure| failure.hint("The server may not offer STARTTLS: choose TLS."))?;
            // What the server has said in the clear is forgotten (RFC 9051, 6.2.1).
            Client::new(encrypt(tls, client.into_inner(), &source.host, done).await?)
        }
    };
    let mut server = Server { session: sign_in(client, source).await?, news: false };
    done.push(TestStepKind::SignIn);
    let (mut validity, mut tells, mut marks) = (None, false, false);
    ask(&mut server, "Asking what the server can do", PATIENCE, "CAPABILITY", |told| {
        if let Response::Capabilities(list) = told {
            let can = |what: &str| {
                list.iter().any(|it| matches!(it, Capability::Atom(name) if name.eq_ignore_ascii_case(what)))
            };
            (tells, marks) = (can("IDLE"), can("LIST-EXTENDED") && can("SPECIAL-USE"));
        }
    })
    .await?;
    ask(&mut server, "Opening INBOX", PATIENCE, "EXAMINE INBOX", |told| {
        if let Response::Data { outcome, .. } = told
            && let Some(ResponseCode::UidValidity(it)) = outcome.code
        {
            validity = Some(it);
        }
    })
    .await?;
    let uid_validity = validity.ok_or_else(|| Failure::new("Opening INBOX: the server gives no UIDVALIDITY."))?;
    done.push(TestStepKind::Inbox);
    Ok(Opened { server, uid_validity, tells, marks })
}

async fn connect(guard: HostGuard, source: &ImapServer, done: &mut Vec<TestStepKind>) -> Result<TcpStream, Failure> {
    let lookup = guard.resolve(&source.host, source.port);
    let addresses = timeout(PATIENCE, lookup)
        .await
        .map_err(|_| Failure::new("Looking up the name: the name server did not answer in time."))?
        .map_err(|error| Failure::new(format!("Looking up the name: `{}`: {error}. Check the host.", source.host)))?;
    done.push(TestStepKind::NameLookup);
    let mut failure = String::new();
    for address in addresses {
        if source.security == Security::None && is_public(address.ip()) {
            failure = "a password is not sent over the internet without encryption: choose TLS or STARTTLS".into();
            continue;
        }
        match timeout(PATIENCE, line(address)).await {
            Ok(Ok(stream)) => {
                done.push(TestStepKind::Connect);
                return Ok(stream);
            }
            Ok(Err(error)) => failure = format!("{address}: {error}"),
            Err(_) => failure = format!("{address} did not answer in time"),
        }
    }
    Err(Failure::new(format!("Connecting: {failure}. Check host and port.")))
}

/// A command is written in parts, and each but the first would wait for what the server says of the one before: 40 ms,
/// eight times for each mail (RFC 896).
async fn line(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn encrypt(
    config: Arc<ClientConfig>,
    stream: Box<dyn Line>,
    host: &str,
    done: &mut Vec<TestStepKind>,
) -> Result<Box<dyn Line>, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| Failure::new(format!("Encrypting: `{host}` is no name a certificate can have.")))?;
    match timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(encrypted)) => {
            done.extend([TestStepKind::Tls, TestStepKind::Certificate]);
            Ok(Box::new(encrypted))
        }
        Ok(Err(error)) if tls::is_about_certificate(&error) => {
            done.push(TestStepKind::Tls);
            Err(Failure::new(format!("Encrypting: {error}. Check the host.")))
        }
        Ok(Err(error)) => Err(Failure::new(format!("Encrypting: {error}. Check the port and how it is protected."))),
        Err(_) => Err(Failure::new("Encrypting: the server did not answer in time. Check the port.")),
    }
}

async fn greeted(stream: Box<dyn Line>, done: &mut Vec<TestStepKind>) -> Result<Client<Box<dyn Line>>, Failure> {
    let mut client = Client::new(stream);
    match timeout(PATIENCE, client.read_response()).await {
        Ok(Ok(Some(_))) => {
            done.push(TestStepKind::Greeting);
            Ok(client)
        }
        Ok(Ok(None)) => Err(Failure::new("Connecting: the server hung up. Check the port.")),
        Ok(Err(error)) => Err(Failure::new(format!("Connecting: {}. Check the port.", words_of(&error.into())))),
        Err(_) => Err(Failure::new("Connecting: the server did not greet in time. Check the port and its protection.")),
    }
}

async fn sign_in(client: Client<Box<dyn Line>>, source: &ImapServer) -> Result<Imap, Failure> {
    let asked = timeout(PATIENCE, client.login(&source.username, source.password.as_str())).await;
    match asked {
        Ok(Ok(session)) => Ok(session),
        Ok(Err((error, _))) => {
            let failure = Failure::new(format!("Signing in: {}.", words_of(&error)));
            Err(match error {
                Error::No(_) | Error::Bad(_) => failure.hint("Check the user name and the password."),
                _ => failure,
            })
        }
        Err(_) => Err(Failure::new("Signing in: the server did not answer in time.")),
    }
}
