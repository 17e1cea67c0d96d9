//! Why a server could not be asked, in words that name the step, and whether trying again can help. What the
//! library says may hold what was sent, so only what we know of it is passed on.

use std::{error::Error, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use rmcp::{
    ServiceError,
    service::ClientInitializeError,
    transport::{streamable_http_client::StreamableHttpError, worker::WorkerQuitReason},
};
use tokio_rustls::rustls;

use crate::http;

type HttpError = StreamableHttpError<reqwest::Error>;

/// Characters of what a server says of an error.
const SAID: usize = 500;
/// Characters of what it asks of whoever signs in.
const CHALLENGE: usize = 4_096;

/// Why it could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Why.
    pub words: String,
    /// Whether somebody has to sign in, or to enter another secret.
    pub needs_sign_in: bool,
    /// Whether it knows who calls, and wants more rights than were given.
    pub wants_more: bool,
    /// What the server asks of whoever signs in.
    pub challenge: Option<String>,
    /// Try again after this; nothing when trying again cannot help.
    pub again: Option<Duration>,
    /// Whether the server has refused, so that nothing was done.
    pub refused: bool,
    /// Whether what was asked for may have been done.
    pub in_doubt: bool,
}

impl Fault {
    /// A fault that trying again does not mend.
    pub(super) fn broken(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            needs_sign_in: false,
            wants_more: false,
            challenge: None,
            again: None,
            refused: false,
            in_doubt: false,
        }
    }

    /// The server knows nobody.
    pub(super) fn unknown_here(words: impl Into<String>) -> Self {
        Self { needs_sign_in: true, refused: true, ..Self::broken(words) }
    }

    /// A fault that may pass by itself.
    fn passing(words: impl Into<String>, wait: Duration) -> Self {
        Self { again: Some(wait), ..Self::broken(words) }
    }

    /// Whether a token that was renewed may be taken where this one was not.
    pub(super) const fn may_renew(&self) -> bool {
        self.needs_sign_in && !self.wants_more
    }

    /// The same, that came of trying once more after `before`.
    pub(super) fn after(self, before: Option<Self>) -> Self {
        let challenge = self.challenge.or(before.and_then(|fault| fault.challenge));
        Self { challenge, ..self }
    }

    /// The same, with what the server asks of whoever signs in.
    fn with_challenge(self, header: &str) -> Self {
        Self { challenge: Some(header.chars().take(CHALLENGE).collect()), ..self }
    }

    /// Why no session came about.
    pub(super) fn of_start(error: &ClientInitializeError, now: DateTime<Utc>) -> Self {
        match error {
            ClientInitializeError::JsonRpcError(said) => {
                Self::broken(format!("initialize: The server says “{}”.", short(&said.message)))
            }
            ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
                Self::broken("initialize: The server speaks no revision of the protocol that is known here.")
            }
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => Self::of_start(fallback, now),
            // The library names no cause of this one.
            ClientInitializeError::TransportError { error, .. } => Self::of("initialize", error.error.as_ref(), now),
            other => Self::of("initialize", other, now),
        }
    }

    /// Why a question brought no answer; `step` names the question.
    pub(super) fn of_question(step: &str, error: &ServiceError, now: DateTime<Utc>) -> Self {
        match error {
            ServiceError::McpError(said) => {
                Self::broken(format!("{step}: The server says “{}”.", short(&said.message)))
            }
            ServiceError::TransportSend(error) => Self::of(step, error.error.as_ref(), now),
            other => Self::of(step, other, now),
        }
    }

    fn of(step: &str, error: &(dyn Error + 'static), now: DateTime<Utc>) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(fault) = known(step, error, now) {
                return fault;
            }
            cause = error.source();
        }
        Self::passing(
            format!("{step}: The connection broke off, or what the server says can't be read."),
            Duration::ZERO,
        )
    }
}

/// What an error of the transport means.
fn known(step: &str, error: &(dyn Error + 'static), now: DateTime<Utc>) -> Option<Fault> {
    let error = match error.downcast_ref::<WorkerQuitReason<HttpError>>() {
        Some(WorkerQuitReason::Fatal { error, .. }) => Some(error),
        _ => error.downcast_ref::<HttpError>(),
    }?;
    Some(match error {
        HttpError::AuthRequired(asked) => {
            Fault::unknown_here("The server asks who calls (401). Sign in, or enter a secret.")
                .with_challenge(&asked.www_authenticate_header)
        }
        HttpError::InsufficientScope(asked) => {
            let words = "The server wants more rights for this than were given (403). Sign in again to give them.";
            Fault { wants_more: true, ..Fault::unknown_here(words) }.with_challenge(&asked.www_authenticate_header)
        }
        HttpError::UnexpectedServerResponse(said) if said.starts_with("HTTP 401") || said.starts_with("HTTP 403") => {
            Fault::unknown_here("The server refuses the secret. Enter one that works.")
        }
        HttpError::HttpStatus(status) => {
            let wait = status.retry_after.as_deref().and_then(|text| http::retry_after(text, now)).unwrap_or_default();
            let words = match StatusCode::from_u16(status.status) {
                Ok(StatusCode::TOO_MANY_REQUESTS) => format!("{step}: It asks to wait (429)."),
                _ => format!("{step}: It is out of order ({}).", status.status),
            };
            Fault { refused: true, ..Fault::passing(words, wait) }
        }
        HttpError::ResponseBodyTooLarge { .. } => Fault::broken(format!("{step}: The answer is too large.")),
        HttpError::UnexpectedServerResponse(_) | HttpError::UnexpectedContentType(_) | HttpError::Deserialize(_) => {
            Fault::broken(format!("{step}: There is no server of the Model Context Protocol at this address."))
        }
        HttpError::Client(error) => of_the_way(step, error),
        _ => return None,
    })
}

/// A fault on the way to the server.
fn of_the_way(step: &str, error: &reqwest::Error) -> Fault {
    if let Some(status) = error.status() {
        return Fault::broken(format!("{step}: The server answers {}.", status.as_u16()));
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        // An error of a connection carries that of TLS inside of one of reading and writing.
        let io = inner.downcast_ref::<std::io::Error>();
        let tls = io.and_then(|io| io.get_ref()).is_some_and(|inner| inner.is::<rustls::Error>());
        if tls || inner.is::<rustls::Error>() {
            return Fault::broken(format!("TLS: The server can't prove who it is. {}.", http::words(error)));
        }
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::PermissionDenied) {
            return Fault::broken("address: It leads to a private network, which this installation does not allow.");
        }
        cause = inner.source();
    }
    if error.is_connect() {
        return Fault::passing(
            format!("connection: The server was not reached. {}.", http::words(error)),
            Duration::ZERO,
        );
    }
    Fault::passing(format!("{step}: The connection broke off."), Duration::ZERO)
}

/// What a server says, on one line.
pub(super) fn short(said: &str) -> String {
    said.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SAID).collect()
}
