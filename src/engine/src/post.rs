//! From a mailbox of the service to a session with its server: connecting, wording, judging.

use std::{net::SocketAddr, time::Duration};

use domain::{mailboxes::Security as Protection, messages::SendOutcome};
use service::{Db, mailboxes::Connection};

use crate::mail::{
    HostGuard,
    smtp::{ConnectError, Credentials, HandOver, Limits, Password, Security, SmtpClient, SmtpServer},
};

/// Time for a connection test: somebody waits for it.
const PROBE: Duration = Duration::from_secs(15);

/// A client that keeps the rules of this installation.
pub(crate) fn client(db: &Db) -> SmtpClient {
    let settings = db.settings();
    let mut guard = HostGuard::public_only().allow_private(settings.allow_private_hosts);
    if let Ok(sandbox) = settings.sandbox_addr.parse::<SocketAddr>() {
        guard = guard.allow_sandbox(sandbox);
    }
    SmtpClient::new(guard)
}

/// The server of a mailbox.
pub(crate) fn server(connection: &Connection) -> SmtpServer {
    SmtpServer {
        host: connection.host.clone(),
        port: connection.port,
        security: match connection.security {
            Protection::Tls => Security::Tls,
            Protection::StartTls => Security::StartTls,
            Protection::None => Security::None,
        },
        credentials: connection.sign_in.as_ref().map(|(username, password)| Credentials {
            username: username.clone(),
            password: Password::new(password.to_string()),
        }),
    }
}

/// Tests a connection; the error says which step failed, in words for the page.
pub(crate) async fn probe(db: &Db, connection: &Connection) -> Result<(), String> {
    let client = client(db).with_limits(Limits::uniform(PROBE));
    match client.probe(&server(connection)).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// A connection that could not be made, as an outcome.
pub(crate) fn not_started(error: &ConnectError) -> SendOutcome {
    SendOutcome::NotStarted { reason: error.to_string(), sign_in_refused: error.is_wrong_password() }
}

/// What the server made of a mail, in the words of the product.
pub(crate) fn outcome(hand_over: HandOver) -> SendOutcome {
    match hand_over {
        HandOver::Accepted { reply, queue_id } => SendOutcome::Accepted { reply, queue_id },
        HandOver::Deferred { reply, .. } => SendOutcome::Deferred { reply },
        HandOver::Rejected { reply, hard, .. } => SendOutcome::Rejected { reply, hard },
        HandOver::NotStarted { reason } => SendOutcome::NotStarted { reason, sign_in_refused: false },
        HandOver::Unknown { reason } => SendOutcome::Unknown { reason },
    }
}
