//! Single mails: the test of a connection, test mails of campaigns, mails of the system itself. Each
//! is taken, committed, and only then handed over, so none leaves twice.

use anyhow::Result;
use domain::messages::SendOutcome;
use service::{
    Db,
    jobs::{SendSystemMail, SendTestMail, TestMailbox},
};
use uuid::Uuid;

use crate::{
    mail::{
        OutgoingMail, html_from_text,
        smtp::{Credentials, Password, Security, SmtpClient, SmtpServer},
    },
    post,
    worker::SystemMailServer,
};

/// Tests the connection of a mailbox and says which step failed.
pub(crate) async fn test_mailbox(db: &Db, job: &TestMailbox) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let connection = match t.mailboxes().connection(job.mailbox).await {
        Err(service::Error::NotFound(_)) => return Ok(()),
        other => other?,
    };
    t.commit().await?;
    let outcome = post::probe(db, &connection).await;
    let mut t = db.tenant(&actor).await?;
    t.mailboxes().record_test(job.mailbox, outcome).await?;
    Ok(t.commit().await?)
}

/// Sends a test mail of a campaign.
pub(crate) async fn send_test(db: &Db, job: &SendTestMail) -> Result<()> {
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
    let outcome = hand_over(
        &post::client(db),
        &post::server(&connection),
        connection.address.as_str(),
        mail.recipient.as_str(),
        &message,
    )
    .await;
    let (state, words) = in_words(outcome, "failed");
    let mut t = db.tenant(&actor).await?;
    t.campaigns().finish_test_mail(job.mail, state, &words).await?;
    Ok(t.commit().await?)
}

/// Sends a mail of the system: through the operator's server, or into the sandbox.
pub(crate) async fn send_system(db: &Db, own: Option<&SystemMailServer>, job: &SendSystemMail) -> Result<()> {
    let actor = db.platform().system_actor(job.company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(mail) = t.take_system_mail(job.mail).await? else { return Ok(()) };
    t.commit().await?;
    let (client, server, from) = match own {
        Some(own) => (post::system_client(), own.server.clone(), own.from.clone()),
        None => (post::client(db), sandbox(db, job.company)?, "saleswright@sandbox.example".to_owned()),
    };
    let message = OutgoingMail {
        from_name: "Saleswright".to_owned(),
        from_address: from.clone(),
        to_name: String::new(),
        to_address: mail.recipient.clone(),
        reply_to: None,
        subject: mail.subject,
        html: Some(html_from_text(&mail.body)),
        text: mail.body,
        message_id: message_id(job.mail, from.rsplit_once('@').map_or("localhost", |(_, domain)| domain)),
        in_reply_to: None,
        references: Vec::new(),
        unsubscribe_url: None,
        unsubscribe_mailto: None,
        date: db.clock().now(),
    };
    let outcome = hand_over(&client, &server, &from, &mail.recipient, &message).await;
    let (state, words) = in_words(outcome, "waiting");
    let mut t = db.tenant(&actor).await?;
    t.finish_system_mail(job.mail, state, &words).await?;
    Ok(t.commit().await?)
}

async fn hand_over(client: &SmtpClient, server: &SmtpServer, from: &str, to: &str, mail: &OutgoingMail) -> SendOutcome {
    let mime = match mail.build() {
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
