//! A mailbox with an inbox at a real server, and the worker that reads it.

use std::sync::Arc;

use domain::{
    MailboxId, PageRequest,
    inbound::Inbound,
    inboxes::{Inbox, InboxInput},
    mailboxes::{MailboxInput, MailboxKind, Security},
};
use service::Db;
use testing::{TestCompany, TestDb};
use tokio::task::JoinHandle;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tokio_util::sync::CancellationToken;

use crate::dovecot::{Dovecot, USER};

/// A mailbox with an inbox, and a worker that reads it.
pub struct Desk<'d> {
    pub test: &'d TestDb,
    pub db: Db,
    pub company: TestCompany<'d>,
    pub server: Dovecot,
    pub mailbox: MailboxId,
    pub stop: CancellationToken,
    pub reader: Option<JoinHandle<()>>,
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// How a client encrypts that trusts this certificate alone.
pub fn trusting(certificate: CertificateDer<'static>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("usual versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(tls)
}

impl<'d> Desk<'d> {
    pub async fn at(test: &'d TestDb) -> Self {
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
        let (server, stop) = (Dovecot::start(), CancellationToken::new());
        Self { test, db, company, server, mailbox, stop, reader: None }
    }

    pub async fn set(&self, password: &str) {
        self.set_with(Security::None, password).await;
    }

    pub async fn set_with(&self, security: Security, password: &str) {
        self.set_at(self.server.address.port(), security, password).await;
    }

    /// Sets the inbox to a server at another port, as one behind a proxy has.
    pub async fn set_at(&self, port: u16, security: Security, password: &str) {
        let input = InboxInput {
            host: "127.0.0.1".into(),
            port: Some(port.into()),
            security: Some(security),
            username: USER.into(),
            password: Some(password.into()),
        };
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inboxes().set(self.mailbox, input).await.expect("set");
        t.commit().await.expect("kept");
    }

    pub fn read(&mut self) {
        self.reader = Some(tokio::spawn(engine::inbox::run(self.db.clone(), self.stop.clone())));
    }

    /// Reads with a server whose certificate is trusted.
    pub fn read_trusting(&mut self, trusted: CertificateDer<'static>) {
        let (db, stop) = (self.db.clone(), self.stop.clone());
        self.reader = Some(tokio::spawn(engine::inbox::run_with(db, trusting(trusted), stop)));
    }

    /// The worker ends, as at a restart; the next one has a stop of its own.
    pub async fn end(&mut self) {
        self.stop.cancel();
        self.stop = CancellationToken::new();
        self.reader.take().expect("it reads").await.expect("it ends");
    }

    pub async fn compare(&self) {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inboxes().compare(self.mailbox).await.expect("asked");
        t.commit().await.expect("kept");
    }

    pub async fn inbox(&self) -> Inbox {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inboxes().get(self.mailbox).await.expect("there")
    }

    pub async fn inbound(&self) -> Vec<Inbound> {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        let page = PageRequest { per: Some(100), ..PageRequest::default() };
        t.inbound().list(None, &page).await.expect("a list").items
    }

    pub async fn unreadable(&self) -> Vec<Inbound> {
        let mut t = self.db.tenant(&self.company.owner).await.expect("open");
        t.inbound().unreadable(self.mailbox, &PageRequest::default()).await.expect("a list").items
    }

    /// Waits for a failure whose words begin like this, and then for the time of the next try.
    pub async fn fails(&self, step: &str) {
        let now = self.test.clock().now();
        self.until(step, |inbox, _| {
            inbox.error.as_ref().is_some_and(|error| error.starts_with(step)) && inbox.next_read_at > now
        })
        .await;
        let next = self.inbox().await.next_read_at;
        self.test.clock().advance(next - now);
    }

    /// Comes back once the inbox is as `right` wants it.
    pub async fn until(&self, what: &str, right: impl Fn(&Inbox, &[Inbound]) -> bool) {
        for _ in 0..4_800 {
            if right(&self.inbox().await, &self.inbound().await) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        panic!("{what}: {:?} {}", self.inbox().await, self.inbound().await.len());
    }
}

/// A mail like the others, with a number.
pub fn mail(n: usize) -> String {
    format!(
        "From: Ines <ines@corvus.example>\nTo: nora@halden.example\nMessage-ID: <m{n}@corvus.example>\nSubject: Mail {n}\n\nHello {n}.\n"
    )
}
