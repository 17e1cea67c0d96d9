//! Opens sessions: name look-up, connection, encryption, greeting, EHLO, sign-in.
//! Every failure names its phase; none of them can have handed a mail over.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use domain::mailboxes::TestStepKind;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::{
    HandOver, Limits, Phase, Security, Session, SmtpServer,
    features::Features,
    reply::{Class, Reply},
    sign_in::sign_in,
    wire::{Stream, Wire},
};
use crate::mail::{
    host_guard::{HostGuard, is_public},
    tls,
};

/// Opens sessions with mail servers.
#[derive(Clone)]
pub struct SmtpClient {
    guard: HostGuard,
    limits: Limits,
    tls: Arc<ClientConfig>,
    hello_name: Option<String>,
}

/// Why no session could be opened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ConnectError {
    /// The step that failed.
    pub phase: Phase,
    /// What happened, with the server's own words where it said something.
    pub message: String,
    /// The code of the reply that refused the step.
    pub code: Option<u16>,
}

impl ConnectError {
    pub(super) fn new(phase: Phase, message: impl fmt::Display) -> Self {
        Self { phase, message: message.to_string(), code: None }
    }

    pub(super) fn refused(phase: Phase, reply: &Reply) -> Self {
        Self { phase, message: format!("the server answered: {reply}"), code: Some(reply.code) }
    }

    /// Whether user name or password are wrong, so that trying again changes nothing until a person changes them.
    pub fn is_wrong_password(&self) -> bool {
        self.phase == Phase::SignIn && self.code.is_some_and(|code| code >= 500)
    }
}

impl From<ConnectError> for HandOver {
    fn from(error: ConnectError) -> Self {
        Self::NotStarted { reason: format!("{} ({})", error.message, error.phase) }
    }
}

/// What a connection test found.
#[derive(Debug, Clone)]
pub struct ProbeReport {
    /// The name by which the server calls itself.
    pub server_name: String,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// Whether somebody signed in.
    pub signed_in: bool,
    /// The largest mail the server takes, in octets, where it says so.
    pub max_size: Option<u64>,
    /// How long the test took.
    pub took: Duration,
}

impl SmtpClient {
    /// A client that trusts the web's certificate authorities and waits as long as RFC 5321 asks.
    pub fn new(guard: HostGuard) -> Self {
        Self { guard, limits: Limits::default(), tls: tls::web(), hello_name: None }
    }

    /// Waits differently.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Encrypts differently, for an installation with its own certificate authority.
    pub fn with_tls(self, tls: Arc<ClientConfig>) -> Self {
        Self { tls, ..self }
    }

    /// Says this host name in EHLO. Without one the client gives its address (RFC 5321 section 4.1.4).
    pub fn with_hello_name(self, name: String) -> Self {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        Self { hello_name: is_name.then_some(name), ..self }
    }

    /// The waits of this client's sessions.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Opens a session, signed in and ready for mail.
    pub async fn connect(&self, server: &SmtpServer) -> Result<Session, ConnectError> {
        self.connect_noting(server, &mut Vec::new()).await
    }

    /// The same, with the steps that were done: an error is about the next one.
    pub async fn connect_noting(
        &self,
        server: &SmtpServer,
        done: &mut Vec<TestStepKind>,
    ) -> Result<Session, ConnectError> {
        let (socket, peer) = self.open(server, done).await?;
        let hello_name = self.hello_name(&socket);
        let mut stream: Box<dyn Stream> = Box::new(socket);
        if server.security == Security::Tls {
            stream = self.encrypt(stream, &server.host, done).await?;
        }
        let mut wire = Wire::new(stream);
        self.greeting(&mut wire).await?;
        let mut features = self.hello(&mut wire, &hello_name).await?;
        done.push(TestStepKind::Greeting);
        if server.security == Security::StartTls {
            wire = self.start_tls(wire, &features, &server.host, done).await?;
            // What was announced in the clear is forgotten (RFC 3207 section 4.2).
            features = self.hello(&mut wire, &hello_name).await?;
        }
        if let Some(credentials) = &server.credentials {
            if server.security == Security::None && is_public(peer.ip()) {
                return Err(ConnectError::new(
                    Phase::SignIn,
                    "a password is not sent over the internet without encryption: choose TLS or STARTTLS",
                ));
            }
            sign_in(&mut wire, &features, credentials, &self.limits).await?;
        }
        done.push(TestStepKind::SignIn);
        Ok(Session::new(wire, features, self.limits))
    }

    /// Tests a server up to the sign-in, without a mail.
    pub async fn probe(&self, server: &SmtpServer) -> Result<ProbeReport, ConnectError> {
        let started = Instant::now();
        let session = self.connect(server).await?;
        let report = ProbeReport {
            server_name: session.features().name.clone(),
            encrypted: server.security != Security::None,
            signed_in: server.credentials.is_some(),
            max_size: session.features().size.flatten(),
            took: started.elapsed(),
        };
        session.quit().await;
        Ok(report)
    }

    async fn open(
        &self,
        server: &SmtpServer,
        done: &mut Vec<TestStepKind>,
    ) -> Result<(TcpStream, SocketAddr), ConnectError> {
        let lookup = self.guard.resolve(&server.host, server.port);
        let addresses = timeout(self.limits.connect, lookup)
            .await
            .map_err(|_| ConnectError::new(Phase::NameLookup, "the name server did not answer in time"))?
            .map_err(|error| ConnectError::new(Phase::NameLookup, format_args!("`{}`: {error}", server.host)))?;
        done.push(TestStepKind::NameLookup);
        let mut failure = ConnectError::new(Phase::Connect, "the name has no address");
        for address in addresses {
            match timeout(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(socket)) => {
                    // Small writes that wait for an acknowledgement cost 40 ms each with Nagle's algorithm.
                    socket.set_nodelay(true).map_err(|error| ConnectError::new(Phase::Connect, error))?;
                    done.push(TestStepKind::Connect);
                    return Ok((socket, address));
                }
                Ok(Err(error)) => failure.message = format!("{address}: {error}"),
                Err(_) => failure.message = format!("{address} did not answer in time"),
            }
        }
        Err(failure)
    }

    async fn encrypt(
        &self,
        stream: Box<dyn Stream>,
        host: &str,
        done: &mut Vec<TestStepKind>,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| ConnectError::new(Phase::Tls, format_args!("`{host}` is no name a certificate can have")))?;
        let handshake = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream);
        match timeout(self.limits.tls, handshake).await {
            Ok(Ok(encrypted)) => {
                done.extend([TestStepKind::Tls, TestStepKind::Certificate]);
                Ok(Box::new(encrypted))
            }
            Ok(Err(error)) if tls::is_about_certificate(&error) => {
                done.push(TestStepKind::Tls);
                Err(ConnectError::new(Phase::Tls, format_args!("the certificate does not hold: {error}")))
            }
            Ok(Err(error)) => Err(ConnectError::new(Phase::Tls, format_args!("encryption failed: {error}"))),
            Err(_) => Err(ConnectError::new(Phase::Tls, "the server did not answer the TLS handshake in time")),
        }
    }

    async fn greeting(&self, wire: &mut Wire) -> Result<(), ConnectError> {
        match wire.read_reply(self.limits.greeting).await {
            Ok(reply) if reply.code == 220 => Ok(()),
            Ok(reply) => Err(ConnectError::refused(Phase::Greeting, &reply)),
            Err(error) => Err(ConnectError::new(Phase::Greeting, error)),
        }
    }

    /// EHLO, or HELO for a server that does not know it (RFC 5321 section 3.2).
    async fn hello(&self, wire: &mut Wire, name: &str) -> Result<Features, ConnectError> {
        let failed = |error| ConnectError::new(Phase::Hello, error);
        let mut reply = wire.command(&format!("EHLO {name}"), self.limits.command).await.map_err(failed)?;
        if matches!(reply.code, 500 | 501 | 502 | 504) {
            reply = wire.command(&format!("HELO {name}"), self.limits.command).await.map_err(failed)?;
        }
        match reply.class() {
            Class::Positive => Ok(Features::from_reply(&reply)),
            _ => Err(ConnectError::refused(Phase::Hello, &reply)),
        }
    }

    async fn start_tls(
        &self,
        mut wire: Wire,
        features: &Features,
        host: &str,
        done: &mut Vec<TestStepKind>,
    ) -> Result<Wire, ConnectError> {
        if !features.start_tls {
            return Err(ConnectError::new(Phase::Tls, "the server does not offer STARTTLS"));
        }
        let failed = |error| ConnectError::new(Phase::Tls, error);
        let reply = wire.command("STARTTLS", self.limits.command).await.map_err(failed)?;
        if reply.code != 220 {
            return Err(ConnectError::refused(Phase::Tls, &reply));
        }
        let stream = wire.into_stream().map_err(failed)?;
        Ok(Wire::new(self.encrypt(stream, host, done).await?))
    }

    fn hello_name(&self, socket: &TcpStream) -> String {
        match (&self.hello_name, socket.local_addr().map(|address| address.ip())) {
            (Some(name), _) => name.clone(),
            (None, Ok(IpAddr::V4(address))) => format!("[{address}]"),
            (None, Ok(IpAddr::V6(address))) => format!("[IPv6:{address}]"),
            (None, Err(_)) => "localhost".to_owned(),
        }
    }
}
