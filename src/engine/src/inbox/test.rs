//! The test of where replies are read: the same way as the reader goes, and a look for the folder of what was sent.

use std::sync::Arc;

use async_imap::imap_proto::{MailboxDatum, MailboxListData, NameAttribute, Response};
use domain::{
    domains::Standing,
    mailboxes::{Protocol, TestStep, TestStepKind, report},
};
use service::inboxes::ImapServer;
use tokio_rustls::rustls::ClientConfig;

use super::{
    ask::{PATIENCE, Server, ask, step},
    session,
};
use crate::mail::HostGuard;

/// Names that servers without special-use attributes (RFC 6154) give to it.
const SENT: [&str; 4] = ["sent", "sent items", "sent messages", "sent mail"];

/// Tests a connection, step by step.
pub(crate) async fn test(guard: HostGuard, tls: Arc<ClientConfig>, at: &ImapServer) -> Vec<TestStep> {
    let mut done = Vec::new();
    let opened = session::open_noting(guard, tls, at, &mut done).await;
    let failure = opened.as_ref().err().map(ToString::to_string);
    let mut steps = report(Protocol::Imap, at.security, &at.host, &done, failure.as_deref());
    if let Ok(opened) = opened {
        let mut server = opened.server;
        steps.push(sent_folder(&mut server).await);
        // Nothing is lost when the server does not hear the good-bye.
        let _unheard = step("Signing out", server.session.logout()).await;
    }
    steps
}

async fn sent_folder(server: &mut Server) -> TestStep {
    let (mut special, mut named) = (None, None);
    let asked = ask(server, "Listing folders", PATIENCE, "LIST \"\" \"*\"", |told| {
        if let Response::MailboxData(MailboxDatum::List(MailboxListData { name_attributes, delimiter, name })) = told {
            let last = delimiter.as_deref().and_then(|between| name.rsplit(between).next()).unwrap_or(name);
            if name_attributes.contains(&NameAttribute::Sent) {
                special = Some(name.to_string());
            } else if SENT.contains(&last.to_lowercase().as_str()) {
                named = Some(name.to_string());
            }
        }
    })
    .await;
    let (standing, message) = match (asked, special.or(named)) {
        (Err(failure), _) => (Standing::Warn, format!("{failure} {}", TestStepKind::Sent.hint())),
        (Ok(()), Some(name)) => (Standing::Pass, format!("What was sent is in “{name}”.")),
        (Ok(()), None) => {
            (Standing::Warn, format!("The server names no folder of what was sent. {}", TestStepKind::Sent.hint()))
        }
    };
    TestStep { protocol: Protocol::Imap, step: TestStepKind::Sent, standing, message }
}
