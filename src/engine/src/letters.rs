//! Single mails: the test of a connection, test mails of campaigns, mails of the system itself. Each
//! is taken, committed, and only then handed over, so none leaves twice.

use std::sync::Arc;

use anyhow::Result;
use domain::messages::SendOutcome;
use service::{
    Db,
    jobs::{SendSignUpMail, SendSystemMail, SendTestMail, TestMailbox},
    people::SystemMail,
};
use tokio_rustls::rustls::ClientConfig;
use uuid::Uuid;

use crate::{
    inbox,
    mail::{
        MimeError, OutgoingMail, html_from_text,
        smtp::{Credentials, Password, Security, SmtpClient, SmtpServer},
        tls,
    },
    post,
    worker::{SystemMailServer, SystemPost},
};

/// Tests the connections of a mailbox, step by step: to the server that sends, and to the one that is read.
///
/// # Errors
/// When the database is away.
pub async fn test_mailbox(db: &Db, job: &TestMailbox) -> Result<()> {
    test_mailbox_with(db, tls::web(), job).await
}

/// The same, for an installation with its own certificate authority.
///
/// # Errors
/// When the database is away.
pub async fn test_mailbox_with(db: &Db, tls: Arc<ClientConfig>, job: &TestMailbox) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let connection = match t.mailboxes().connection(job.mailbox).await {
        Err(service::Error::NotFound(_)) => return Ok(()),
        other => other?,
    };
    let replies = t.inboxes().server(job.mailbox).await?;
    t.commit().await?;
    let mut steps = post::probe(db, &connection).await;
    if let Some(replies) = replies {
        steps.extend(inbox::test(post::guard(db), tls, &replies).await);
    }
    let mut t = db.tenant(&actor).await?;
    t.mailboxes().record_test(job.mailbox, steps).await?;
    Ok(t.commit().await?)
}

/// Sends a test mail of a campaign.
///
/// # Errors
/// When the database is away.
pub async fn send_test(db: &Db, job: &SendTestMail) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(mail) = t.campaigns().take_test_mail(job.mail).await? else { return Ok(()) };
    let connection = t.mailboxes().connection(mail.mailbox).await?;
    t.commit().await?;
    let message = OutgoingMail {
        from_name: connection.from_name.clone(),
        from_address: connection.address.to_string(),
        to_name: String::new(),
        to_address: mail.recipient.to_string(),
        reply_to: None,
        subject: mail.written.subject,
        html: Some(html_from_text(&mail.written.text)),
        text: mail.written.text,
        message_id: message_id(job.mail, connection.address.domain()),
        in_reply_to: None,
        references: Vec::new(),
        unsubscribe_url: None,
        unsubscribe_mailto: None,
        date: db.clock().now(),
    };
    let mime = post::signer(&connection).and_then(|signer| post::write_down(&message, signer.as_ref()));
    let server = post::server(&connection);
    let outcome =
        hand_over(&post::client(db), &server, connection.address.as_str(), mail.recipient.as_str(), mime).await;
    let (state, words) = in_words(outcome, "failed");
    let mut t = db.tenant(&actor).await?;
    t.campaigns().finish_test_mail(job.mail, state, &words).await?;
    Ok(t.commit().await?)
}

/// Sends a mail of the system: through the operator's server, or into the sandbox.
pub(crate) async fn send_system(db: &Db, post: &SystemPost, job: &SendSystemMail) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(mail) = t.take_system_mail(job.mail).await? else { return Ok(()) };
    t.commit().await?;
    let outcome = match post {
        SystemPost::Server(own) => through(own, job.mail, mail, db).await,
        SystemPost::Kept(_) => {
            let (server, from) = (sandbox(db, job.company)?, "saleswright@sandbox.example");
            let message = in_an_envelope(from, job.mail, mail, db);
            hand_over(&post::client(db), &server, from, &message.to_address, message.build()).await
        }
    };
    let (state, words) = in_words(outcome, "waiting");
    let mut t = db.tenant(&actor).await?;
    t.finish_system_mail(job.mail, state, &words).await?;
    Ok(t.commit().await?)
}

/// Sends the mail of a sign-up. No company's sandbox may show it, so without a server of the operator it
/// is told at the terminal.
pub(crate) async fn send_sign_up(db: &Db, post: &SystemPost, job: &SendSignUpMail) -> Result<()> {
    let people = db.people();
    let Some(mail) = people.take_sign_up_mail(job.sign_up).await? else { return Ok(()) };
    let (state, words) = match post {
        SystemPost::Server(own) => in_words(through(own, job.sign_up, mail, db).await, "waiting"),
        SystemPost::Kept(tell) => {
            tell(&format!("\nA mail to {}: {}\n\n{}\n", mail.recipient, mail.subject, mail.body));
            ("sent", "told at the terminal".to_owned())
        }
    };
    Ok(people.finish_sign_up_mail(job.sign_up, state, &words).await?)
}

/// Hands a mail of the system to the operator's server.
async fn through(own: &SystemMailServer, id: Uuid, mail: SystemMail, db: &Db) -> SendOutcome {
    let message = in_an_envelope(&own.from, id, mail, db);
    hand_over(&post::system_client(), &own.server, &own.from, &message.to_address, message.build()).await
}

fn in_an_envelope(from: &str, id: Uuid, mail: SystemMail, db: &Db) -> OutgoingMail {
    OutgoingMail {
        from_name: "Saleswright".to_owned(),
        from_address: from.to_owned(),
        to_name: String::new(),
        to_address: mail.recipient,
        reply_to: None,
        subject: mail.subject,
        html: Some(html_from_text(&mail.body)),
        text: mail.body,
        message_id: message_id(id, from.rsplit_once('@').map_or("localhost", |(_, domain)| domain)),
        in_reply_to: None,
        references: Vec::new(),
        unsubscribe_url: None,
        unsubscribe_mailto: None,
        date: db.clock().now(),
    }
}

async fn hand_over(
    client: &SmtpClient,
    server: &SmtpServer,
    from: &str,
    to: &str,
    mime: Result<Vec<u8>, MimeError>,
) -> SendOutcome {
    let mime = match mime {
        Ok(mime) => mime,
        Err(error) => return SendOutcome::Rejected { reply: error.to_string(), hard: false },
    };
    match client.connect(server).await {
        Err(error) => post::not_started(&error),
        Ok(mut session) => {
            let outcome = post::outcome(session.hand_over(from, to, &mime).await);
            session.quit().await;
            outcome
        }
    }
}

/// State and words of an outcome; `later` is the state of what was surely not taken.
fn in_words(outcome: SendOutcome, later: &'static str) -> (&'static str, String) {
    match outcome {
        SendOutcome::Accepted { reply, .. } => ("sent", reply),
        SendOutcome::Deferred { reply } => (later, reply),
        SendOutcome::NotStarted { reason, .. } => (later, reason),
        SendOutcome::Rejected { reply, .. } => ("failed", reply),
        SendOutcome::Unknown { reason } => ("unknown", reason),
    }
}

fn sandbox(db: &Db, company: domain::CompanyId) -> Result<SmtpServer> {
    let address = &db.settings().sandbox_addr;
    let (host, port) = address
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .ok_or_else(|| anyhow::anyhow!("the sandbox address {address} is not host:port"))?;
    let (username, password) = db.sandbox_sign_in_for(company);
    Ok(SmtpServer {
        host,
        port,
        security: Security::None,
        credentials: Some(Credentials { username, password: Password::new(password) }),
    })
}

fn message_id(id: Uuid, domain: &str) -> String {
    format!("<{id}@{domain}>")
}
