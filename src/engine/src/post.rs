//! From a mailbox of the service to a session with its server: connecting, wording, judging.

use std::{net::SocketAddr, time::Duration};

use domain::{
    domains::Standing,
    mailboxes::{Protocol, Security as Protection, TestStep, TestStepKind, one_more, report},
    messages::SendOutcome,
};
use service::{Db, mailboxes::Connection};
use uuid::Uuid;

use crate::mail::{
    HostGuard, MimeError, OutgoingMail, Session, Signer,
    smtp::{ConnectError, Credentials, HandOver, Limits, Password, Phase, Security, SmtpClient, SmtpServer},
};

/// Time for a connection test: somebody waits for it.
const PROBE: Duration = Duration::from_secs(15);

/// A client for the server of the operator, who may well have it in the own network.
pub(crate) fn system_client() -> SmtpClient {
    SmtpClient::new(HostGuard::public_only().allow_private(true))
}

/// A client for servers that companies name; it keeps the rules of this installation.
pub(crate) fn client(db: &Db) -> SmtpClient {
    SmtpClient::new(guard(db))
}

/// Where servers that companies name may be.
pub(crate) fn guard(db: &Db) -> HostGuard {
    let settings = db.settings();
    let mut guard = HostGuard::public_only().allow_private(settings.allow_private_hosts);
    if let Ok(sandbox) = settings.sandbox_addr.parse::<SocketAddr>() {
        guard = guard.allow_sandbox(sandbox);
    }
    guard
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

/// Who signs the mails of a mailbox; nobody when its domain has no key here.
pub(crate) fn signer(connection: &Connection) -> Result<Option<Signer>, MimeError> {
    let key = connection.signing.as_ref();
    key.map(|key| Signer::new(&key.domain, &key.selector, &key.private)).transpose()
}

/// A mail as it goes over the wire, with its signature.
pub(crate) fn write_down(mail: &OutgoingMail, signer: Option<&Signer>) -> Result<Vec<u8>, MimeError> {
    let mime = mail.build()?;
    match signer {
        Some(signer) => signer.sign(&mime),
        None => Ok(mime),
    }
}

/// Tests the way out of a mailbox, step by step, without a mail.
pub(crate) async fn probe(db: &Db, connection: &Connection) -> Vec<TestStep> {
    let (host, security) = (connection.host.as_str(), connection.security);
    let mut done = Vec::new();
    let client = client(db).with_limits(Limits::uniform(PROBE));
    let failure = match client.connect_noting(&server(connection), &mut done).await {
        Err(error) => Some(error.to_string()),
        Ok(mut session) => {
            let said = session.try_sender(connection.address.as_str()).await;
            let own = connection.own_return_paths && matches!(said, HandOver::Accepted { .. });
            let own_path = if own { Some(try_return_path(db, connection, &mut session).await) } else { None };
            session.quit().await;
            match said {
                HandOver::Accepted { .. } => {
                    done.push(TestStepKind::Sender);
                    if let Some(step) = own_path {
                        let mut steps = report(Protocol::Smtp, security, host, &done, None);
                        steps.push(step);
                        return steps;
                    }
                    None
                }
                // Busy is not refused.
                HandOver::Deferred { reply, .. } => {
                    let mut steps = report(Protocol::Smtp, security, host, &done, None);
                    let message = format!("The server wants no mail just now: {reply}");
                    let step = TestStepKind::Sender;
                    steps.push(TestStep { protocol: Protocol::Smtp, step, standing: Standing::Warn, message });
                    return steps;
                }
                HandOver::Rejected { reply, .. } => Some(format!("the server answered: {reply}")),
                HandOver::NotStarted { reason } | HandOver::Unknown { reason } => Some(reason),
            }
        }
    };
    report(Protocol::Smtp, security, host, &done, failure.as_deref())
}

/// Whether the server takes mails from and to a return path of its own.
async fn try_return_path(db: &Db, connection: &Connection, session: &mut Session) -> TestStep {
    let path = connection.return_path(db, Uuid::nil());
    let step = |failure: Option<&str>| one_more(Protocol::Smtp, &connection.host, TestStepKind::ReturnPath, failure);
    match session.try_address(&path).await {
        HandOver::Accepted { .. } => step(None),
        HandOver::Rejected { reply, .. } => step(Some(&format!("the server answered: {reply}"))),
        // Busy is not refused.
        HandOver::Deferred { reply, .. } => TestStep {
            standing: Standing::Warn,
            message: format!("The server does not say just now whether it takes them: {reply}"),
            ..step(None)
        },
        HandOver::NotStarted { reason } | HandOver::Unknown { reason } => step(Some(&reason)),
    }
}

/// A connection that could not be made, as an outcome.
pub(crate) fn not_started(error: &ConnectError) -> SendOutcome {
    SendOutcome::NotStarted { reason: error.to_string(), needs_person: error.is_wrong_password() }
}

/// What the server made of a mail, in the words of the product.
///
/// A refusal of MAIL is about who sends, not about who is written to: the mailbox waits, and asks for a
/// person when waiting cannot help. 552 alone is about the mail, which is too large (RFC 1870 section 6.1).
pub(crate) fn outcome(hand_over: HandOver) -> SendOutcome {
    match hand_over {
        HandOver::Deferred { reply, phase: Phase::Sender, .. } => {
            SendOutcome::NotStarted { reason: reply, needs_person: false }
        }
        HandOver::Rejected { reply, phase: Phase::Sender, code, .. } if code != 552 => {
            SendOutcome::NotStarted { reason: reply, needs_person: true }
        }
        HandOver::Accepted { reply, queue_id } => SendOutcome::Accepted { reply, queue_id },
        HandOver::Deferred { reply, .. } => SendOutcome::Deferred { reply },
        HandOver::Rejected { reply, hard, .. } => SendOutcome::Rejected { reply, hard },
        HandOver::NotStarted { reason } => SendOutcome::NotStarted { reason, needs_person: false },
        HandOver::Unknown { reason } => SendOutcome::Unknown { reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_sender_is_the_mailboxs_and_not_the_leads() {
        let rejected =
            |phase, code| HandOver::Rejected { code, enhanced: None, reply: "no".into(), hard: false, phase };
        let deferred = |phase| HandOver::Deferred { code: 451, reply: "later".into(), phase };
        let person = |needs_person| SendOutcome::NotStarted {
            reason: if needs_person { "no" } else { "later" }.into(),
            needs_person,
        };
        assert_eq!(outcome(rejected(Phase::Sender, 550)), person(true));
        assert_eq!(outcome(deferred(Phase::Sender)), person(false));
        let lead = SendOutcome::Rejected { reply: "no".into(), hard: false };
        assert_eq!(outcome(rejected(Phase::Sender, 552)), lead, "too large");
        assert_eq!(outcome(rejected(Phase::Recipient, 550)), lead);
        assert_eq!(outcome(deferred(Phase::Recipient)), SendOutcome::Deferred { reply: "later".into() });
    }
}
