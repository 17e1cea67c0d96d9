//! What goes wrong at the server or on the way to it: nothing is lost, nothing is stored twice, and a person is told.

use chrono::Duration;
use domain::{inbound::InboundKind, mailboxes::Security};
use tokio_util::sync::CancellationToken;

use crate::{
    desk::{Desk, mail},
    dovecot::PASSWORD,
    proxy::{Fate, Own, Proxy},
};

#[tokio::test]
async fn a_server_that_hangs_up_in_any_step_is_asked_again() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    let steps = [
        ("", "Connecting:"),
        ("LOGIN", "Signing in:"),
        ("CAPABILITY", "Asking what the server can do:"),
        ("EXAMINE", "Opening INBOX:"),
        ("UID SEARCH", "Looking for mails:"),
        ("RFC822.SIZE", "Looking at mails:"),
        ("BODY.PEEK[]", "Reading a mail:"),
        ("IDLE", "Waiting:"),
    ];
    let fates = steps.map(|(command, _)| match command {
        // An answer that does not come at all looks like an empty one.
        "UID SEARCH" | "RFC822.SIZE" => Fate::HangUp(command),
        _ => Fate::Cut(command),
    });
    let proxy = Proxy::to(desk.server.address, &fates).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    for (command, step) in steps {
        desk.fails(&format!("{step} the server hung up")).await;
        let read = desk.inbox().await.read_at;
        assert_eq!(read.is_some(), command == "IDLE", "what was not read is not called read: {step}");
    }
    desk.until("all are read", |inbox, mails| mails.len() >= 3 && inbox.error.is_none()).await;
    assert_eq!(desk.inbound().await.len(), 3);
}

#[tokio::test]
async fn a_reader_that_was_away_for_too_long_changes_nothing() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    let proxy = Proxy::to(desk.server.address, &[Fate::Hold("BODY.PEEK[]")]).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    proxy.holds().await;
    // The first has asked for a mail and hears nothing; its lease is over, and another worker takes the inbox.
    test.clock().advance(Duration::minutes(6));
    let (first, first_stop) = (desk.reader.take().expect("it reads"), desk.stop.clone());
    desk.stop = CancellationToken::new();
    desk.read();
    desk.until("all are read", |inbox, mails| mails.len() == 3 && inbox.read_at.is_some()).await;

    first_stop.cancel();
    proxy.let_go();
    first.await.expect("it ends");
    assert_eq!(desk.inbound().await.len(), 3);
    desk.server.deliver(&mail(4));
    desk.until("the second still has the inbox", |_, mails| mails.len() == 4).await;
}

#[tokio::test]
async fn what_a_reader_has_in_hand_when_the_account_changes_is_not_stored() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    desk.server.deliver(&mail(1));
    let proxy = Proxy::to(desk.server.address, &[Fate::Hold("BODY.PEEK[]")]).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    proxy.holds().await;
    desk.set("another one").await;
    desk.stop.cancel();
    proxy.let_go();
    desk.end().await;
    assert_eq!(desk.inbound().await, []);
}

#[tokio::test]
async fn a_mail_that_is_none_is_kept_for_a_person_and_the_next_one_is_read() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    // Two mails without an octet are two mails.
    desk.server.deliver("");
    desk.server.deliver("");
    desk.server.deliver("\u{0}\u{1}\u{2}");
    desk.server.deliver("Subject: =?utf-8?b?4piA?= =?x?y?z?\nDate: never\nContent-Type: multipart/mixed\n\n--\n--\n");
    desk.server.deliver(&mail(4));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("all are read", |inbox, mails| mails.len() == 5 && inbox.read_at.is_some()).await;
    let unreadable = desk.unreadable().await;
    assert_eq!(unreadable.len(), 3, "{unreadable:?}");
    assert!(unreadable.iter().all(|mail| mail.why.starts_with("It has no headers")));
    assert!(desk.inbound().await.iter().any(|mail| mail.subject == "Mail 4" && mail.kind == InboundKind::Other));
}

#[tokio::test]
async fn a_mail_that_the_server_does_not_give_out_is_set_aside_with_its_headers() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    let own = Own { to: "UID FETCH 2 (UID BODY.PEEK[])", answer: "TAG NO [SERVERBUG] This mail is broken.\r\n" };
    // Failures before it are none of the mail's.
    let proxy = Proxy::that_answers(desk.server.address, &[Fate::Cut("LOGIN"); 3], own).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    for _ in 0..3 {
        desk.fails("Signing in:").await;
    }
    for _ in 0..3 {
        desk.fails("Reading a mail: the server refuses: [SERVERBUG] This mail is broken.").await;
    }
    desk.until("the others are read", |inbox, mails| mails.len() == 3 && inbox.error.is_none()).await;
    let unreadable = desk.unreadable().await;
    assert_eq!(unreadable.len(), 1);
    assert!(unreadable[0].why.contains("This mail is broken") && unreadable[0].text.contains("Subject: Mail 2"));
}

#[tokio::test]
async fn a_mail_at_which_the_server_hangs_up_is_set_aside_before_it_is_asked_for_again() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    let proxy = Proxy::that_answers(desk.server.address, &[], Own { to: "UID FETCH 2 (", answer: "" }).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    // The last time it is the headers, which are not worth another one.
    for _ in 0..4 {
        desk.fails("Reading a mail: the server hung up.").await;
    }
    desk.until("the others are read", |inbox, mails| mails.len() == 3 && inbox.error.is_none()).await;
    let unreadable = desk.unreadable().await;
    assert_eq!(unreadable.len(), 1);
    assert_eq!((unreadable[0].why.as_str(), unreadable[0].text.as_str()), ("Reading a mail: the server hung up.", ""));
}

#[tokio::test]
async fn a_mail_of_which_the_server_gives_nothing_is_not_an_empty_one() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    let answer = "* 2 FETCH (UID 2 BODY[] NIL)\r\nTAG OK Done.\r\n";
    let own = Own { to: "UID FETCH 2 (UID BODY.PEEK[]", answer };
    let proxy = Proxy::that_answers(desk.server.address, &[], own).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    for _ in 0..3 {
        desk.fails("Reading a mail: the server gives nothing of it.").await;
    }
    desk.until("the others are read", |inbox, mails| mails.len() == 3 && inbox.error.is_none()).await;
    let unreadable = desk.unreadable().await;
    assert!(unreadable.len() == 1 && unreadable[0].text.contains("Subject: Mail 2"), "{unreadable:?}");
}

#[tokio::test]
async fn a_server_at_which_the_reader_breaks_is_told_and_asked_again() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    desk.server.deliver(&mail(1));
    // The library takes for granted that a server says why.
    let own = Own { to: "IDLE", answer: "TAG BAD\r\n" };
    let proxy = Proxy::that_answers(desk.server.address, &[], own).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    desk.fails("Reading: this failed on our side").await;
    desk.server.deliver(&mail(2));
    desk.until("the second is read", |_, mails| mails.len() == 2).await;
}

#[tokio::test]
async fn a_mail_that_cannot_be_stored_is_set_aside_and_the_next_one_is_read() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    testing::forbid_mails_named(&test.superuser(), "Mail 2").await;
    (1..=3).for_each(|n| desk.server.deliver(&mail(n)));
    desk.set(PASSWORD).await;
    desk.read();
    for _ in 0..3 {
        desk.fails("Storing a mail:").await;
    }
    desk.until("the others are read", |inbox, mails| mails.len() == 3 && inbox.error.is_none()).await;
    let unreadable = desk.unreadable().await;
    assert!(unreadable.len() == 1 && unreadable[0].text.contains("Subject: Mail 2"), "{unreadable:?}");
}
