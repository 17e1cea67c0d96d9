//! Reading replies from a real IMAP server: each mail once, at once, through whatever goes wrong on the way.

mod dovecot;

use std::sync::Arc;

use domain::{
    MailboxId, PageRequest,
    inbound::{Inbound, InboundKind},
    inboxes::{Inbox, InboxInput},
    mailboxes::{MailboxInput, MailboxKind, Security},
};
use service::{Db, Error};
use testing::{TestCompany, TestDb};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_util::sync::CancellationToken;

use dovecot::{Dovecot, PASSWORD, USER};

/// A mailbox with an inbox, and a worker that reads it.
struct Desk<'d> {
    db: Db,
    company: TestCompany<'d>,
    server: Dovecot,
    mailbox: MailboxId,
    stop: CancellationToken,
    reader: Option<JoinHandle<()>>,
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl<'d> Desk<'d> {
    async fn at(test: &'d TestDb) -> Self {
        let company = test.company("Halden").await;
        let mut t = test.tenant(&company.owner).await.expect("open");
        let smtp = MailboxInput {
            kind: Some(MailboxKind::Smtp),
            from_name: Some("Nora Berg".into()),
            address: Some("nora@halden.example".into()),
            host: Some("127.0.0.1".into()),
            ..MailboxInput::default()
        };
        let mailbox = t.mailboxes().create(smtp).await.expect("connected").id;
        t.commit().await.expect("kept");
        let db = test.with_private_hosts();
        Self { db, company, server: Dovecot::start(), mailbox, stop: CancellationToken::new(), reader: None }
    }

    async fn set(&self, password: &str) {
        self.set_with(Security::None, password).await;
    }

    async fn set_with(&self, security: Security, password: &str) {
        let input = InboxInput {
            host: "127.0.0.1".into(),
            port: Some(self.server.address.port().into()),
            security: Some(security),
            username: USER.into(),
            password: Some(password.into()),
        };
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inboxes().set(self.mailbox, input).await.expect("set");
        t.commit().await.expect("kept");
    }

    fn read(&mut self) {
        self.reader = Some(tokio::spawn(engine::inbox::run(self.db.clone(), self.stop.clone())));
    }

    async fn compare(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inboxes().compare(self.mailbox).await.expect("asked");
        t.commit().await.expect("kept");
    }

    async fn inbox(&self) -> Inbox {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inboxes().get(self.mailbox).await.expect("there")
    }

    async fn inbound(&self) -> Vec<Inbound> {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        let page = PageRequest { per: Some(100), ..PageRequest::default() };
        t.inbound().list(None, &page).await.expect("a list").items
    }

    /// Comes back once the inbox is as `right` wants it.
    async fn until(&self, what: &str, right: impl Fn(&Inbox, &[Inbound]) -> bool) {
        for _ in 0..1_200 {
            if right(&self.inbox().await, &self.inbound().await) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{what}: {:?} {}", self.inbox().await, self.inbound().await.len());
    }
}

fn mail(n: usize) -> String {
    format!(
        "From: Ines <ines@corvus.example>\nTo: nora@halden.example\nMessage-ID: <m{n}@corvus.example>\nSubject: Mail {n}\n\nHello {n}.\n"
    )
}

#[tokio::test]
async fn what_is_there_is_read_and_what_comes_is_seen_at_once() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    desk.server.deliver(&mail(1));
    desk.server.deliver(&mail(2));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("both are read", |inbox, mails| mails.len() == 2 && inbox.read_at.is_some()).await;
    // The reader waits at the server by now; nobody looks again before two minutes are over.
    desk.server.deliver(&mail(3));
    desk.until("the third is seen", |_, mails| mails.len() == 3).await;
    let mails = desk.inbound().await;
    let newest = mails.iter().find(|mail| mail.subject == "Mail 3").expect("stored");
    assert_eq!((newest.text.as_str(), newest.kind), ("Hello 3.", InboundKind::Other));
    assert_eq!(newest.from_address.as_deref(), Some("ines@corvus.example"));
}

#[tokio::test]
async fn a_wrong_password_is_told_with_its_step() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    desk.set("wrong").await;
    desk.read();
    desk.until("it is told", |inbox, _| inbox.error.is_some()).await;
    let error = desk.inbox().await.error.expect("told");
    assert!(error.starts_with("Signing in:") && error.contains("Check the user name and the password."), "{error}");
    assert!(!error.contains("wrong"), "{error}");
    desk.server.deliver(&mail(1));
    desk.set(PASSWORD).await;
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.error.is_none()).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_step() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    let input = InboxInput {
        host: "127.0.0.1".into(),
        port: Some(1),
        username: USER.into(),
        password: Some("x".into()),
        ..InboxInput::default()
    };
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    t.inboxes().set(desk.mailbox, input).await.expect("set");
    t.commit().await.expect("kept");
    desk.read();
    desk.until("it is told", |inbox, _| inbox.error.as_ref().is_some_and(|error| error.starts_with("Connecting:")))
        .await;
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_before_the_password() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    let (server, trusted) = Dovecot::start_encrypted();
    desk.server = server;
    desk.server.deliver(&mail(1));
    desk.set_with(Security::Tls, PASSWORD).await;
    desk.read();
    desk.until("it is told", |inbox, _| {
        inbox.error.as_ref().is_some_and(|error| error.starts_with("Encrypting:") && error.contains("certificate"))
    })
    .await;
    desk.stop.cancel();
    desk.reader.take().expect("it reads").await.expect("it ends");

    let mut roots = RootCertStore::empty();
    roots.add(trusted).expect("a certificate");
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("usual versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    desk.stop = CancellationToken::new();
    desk.reader = Some(tokio::spawn(engine::inbox::run_with(desk.db.clone(), Arc::new(tls), desk.stop.clone())));
    desk.set_with(Security::Tls, PASSWORD).await;
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.error.is_none()).await;
}

#[tokio::test]
async fn a_reader_that_is_killed_loses_nothing_and_doubles_nothing() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    const MAILS: usize = 60;
    (0..MAILS).for_each(|n| desk.server.deliver(&mail(n)));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("some are read", |_, mails| mails.len() > 5).await;
    desk.reader.take().expect("it reads").abort();
    desk.stop.cancel();
    desk.stop = CancellationToken::new();
    test.clock().advance(chrono::Duration::minutes(4));
    desk.read();
    desk.until("all are read", |inbox, mails| mails.len() >= MAILS && inbox.read_at.is_some()).await;
    let mut subjects: Vec<_> = desk.inbound().await.into_iter().map(|mail| mail.subject).collect();
    subjects.sort();
    subjects.dedup();
    assert_eq!((subjects.len(), desk.inbound().await.len()), (MAILS, MAILS));
}

#[tokio::test]
async fn a_server_that_counts_anew_doubles_nothing() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    desk.server.deliver(&mail(1));
    desk.server.deliver(&mail(2));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("both are read", |inbox, mails| mails.len() == 2 && inbox.read_at.is_some()).await;
    desk.stop.cancel();
    desk.reader.take().expect("it reads").await.expect("it ends");
    desk.server.count_anew();
    desk.server.deliver(&mail(3));
    desk.stop = CancellationToken::new();
    test.clock().advance(chrono::Duration::minutes(4));
    desk.read();
    desk.until("the third is read", |_, mails| mails.iter().any(|mail| mail.subject == "Mail 3")).await;
    assert_eq!(desk.inbound().await.len(), 3);
}

#[tokio::test]
async fn a_comparison_finds_and_reads_what_is_missing() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("all are read", |inbox, mails| mails.len() == 3 && inbox.compared_at.is_some()).await;
    assert_eq!(desk.inbox().await.missing, 0);
    testing::forget_a_mail(&test.superuser()).await;
    assert_eq!(desk.inbound().await.len(), 2);
    desk.compare().await;
    desk.until("it is read again", |inbox, mails| mails.len() == 3 && inbox.missing == 1).await;
}

#[tokio::test]
async fn of_a_mail_that_is_too_large_the_beginning_is_read() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    let line = "x".repeat(70) + "\n";
    desk.server.deliver(&format!("{}{}", mail(1), line.repeat(11 * 1024 * 1024 / line.len())));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.read_at.is_some()).await;
    let mail = desk.inbound().await.remove(0);
    assert!(mail.text.starts_with("Hello 1.") && mail.text.len() <= domain::inbound::MOST_TEXT);
}

#[tokio::test]
async fn a_sandbox_mailbox_has_no_inbox_and_another_company_sees_none() {
    let test = testing::db().await;
    let desk = Desk::at(&test).await;
    desk.set(PASSWORD).await;
    let sandbox = desk.company.mailbox().await;
    let input = || InboxInput {
        host: "127.0.0.1".into(),
        username: "x".into(),
        password: Some("x".into()),
        ..InboxInput::default()
    };
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    assert!(matches!(t.inboxes().set(sandbox, input()).await, Err(Error::Conflict(_))));
    let moved = InboxInput { password: None, ..input() };
    assert!(matches!(t.inboxes().set(desk.mailbox, moved).await, Err(Error::Invalid(_))), "the password is asked for");
    let other = test.company("Other").await;
    let mut t = test.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.inboxes().get(desk.mailbox).await, Err(Error::NotFound(_))));
    assert!(matches!(t.inboxes().set(desk.mailbox, input()).await, Err(Error::NotFound(_))));
}
