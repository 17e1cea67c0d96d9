//! Reading replies from a real IMAP server: each mail once, at once, through whatever goes wrong on the way.

mod connections;
mod copies;
mod desk;
mod dovecot;
mod faults;
mod junk;
mod proxy;
mod replies;

use chrono::Duration;
use domain::{inbound::InboundKind, inboxes::InboxInput, mailboxes::Security};
use service::Error;
use tokio_util::sync::CancellationToken;

use desk::{Desk, mail};
use dovecot::{Dovecot, PASSWORD, USER};

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
    desk.end().await;
    desk.read_trusting(trusted);
    desk.set_with(Security::Tls, PASSWORD).await;
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.error.is_none()).await;
}

#[tokio::test]
async fn a_server_encrypts_when_it_is_asked_to_and_hears_no_password_before() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    let (server, trusted) = Dovecot::start_that_encrypts();
    desk.server.deliver(&mail(1));
    desk.set_with(Security::StartTls, PASSWORD).await;
    desk.read_trusting(trusted);
    let refused = "Encrypting: the server refuses";
    desk.until("a server without it", |inbox, _| inbox.error.as_ref().is_some_and(|e| e.starts_with(refused))).await;
    assert!(desk.inbox().await.error.expect("told").ends_with("choose TLS."));

    desk.server = server;
    desk.server.deliver(&mail(1));
    desk.set_with(Security::StartTls, PASSWORD).await;
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.error.is_none()).await;
}

#[tokio::test]
async fn a_server_that_does_not_tell_is_asked_now_and_then() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    desk.server = Dovecot::start_that_tells_nothing();
    desk.server.deliver(&mail(1));
    desk.set(PASSWORD).await;
    desk.read();
    let later = test.clock().now() + Duration::minutes(2);
    desk.until("it is read and left", |inbox, mails| mails.len() == 1 && inbox.next_read_at == later).await;
    desk.server.deliver(&mail(2));
    test.clock().advance(Duration::minutes(2));
    desk.until("the second is read", |_, mails| mails.len() == 2).await;
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
    test.clock().advance(Duration::minutes(6));
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
    desk.server.deliver("From: Ines <ines@corvus.example>\nSubject: Without an id\n\nHello.\n");
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("all are read", |inbox, mails| mails.len() == 3 && inbox.read_at.is_some()).await;
    desk.end().await;
    desk.server.count_anew();
    desk.server.deliver(&mail(4));
    desk.read();
    desk.until("the new one is read", |_, mails| mails.iter().any(|mail| mail.subject == "Mail 4")).await;
    assert_eq!(desk.inbound().await.len(), 4);
    // They are known by their new numbers: nothing is missing.
    desk.until("it is compared", |inbox, _| inbox.read_at.is_some()).await;
    let before = desk.inbox().await.compared_at;
    test.clock().advance(Duration::minutes(1));
    desk.compare().await;
    desk.until("it is compared again", |inbox, _| inbox.compared_at > before).await;
    assert_eq!((desk.inbox().await.missing, desk.inbound().await.len()), (0, 4));
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
    desk.until("it is read again", |inbox, mails| mails.len() == 3 && (inbox.missing, inbox.mended) == (1, 1)).await;
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

#[tokio::test]
async fn a_password_is_not_kept_for_a_server_that_it_was_not_entered_for() {
    let test = testing::db().await;
    let desk = Desk::at(&test).await;
    desk.set(PASSWORD).await;
    let input = |port: u16, password: Option<&str>| InboxInput {
        host: "127.0.0.1".into(),
        port: Some(port.into()),
        security: Some(Security::None),
        username: USER.into(),
        password: password.map(Into::into),
    };
    let mut moves = desk.db.tenant(&desk.company.owner).await.expect("open");
    moves.inboxes().set(desk.mailbox, input(1, Some("of the new one"))).await.expect("set");
    // Somebody saves the form as it was before, without the password, at the same time.
    let (db, owner, mailbox) = (desk.db.clone(), desk.company.owner.clone(), desk.mailbox);
    let before = input(desk.server.address.port(), None);
    let saves = tokio::spawn(async move {
        let mut t = db.tenant(&owner).await.expect("open");
        t.inboxes().set(mailbox, before).await
    });
    testing::until_somebody_waits(&test.superuser()).await;
    moves.commit().await.expect("kept");
    assert!(matches!(saves.await.expect("it ends"), Err(Error::Invalid(_))), "the password is asked for");
}
