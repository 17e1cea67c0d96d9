//! Replies that the provider has taken for spam are read, and nothing else in their folder.

use chrono::Duration;
use domain::{
    PageRequest,
    enrolments::EnrolmentState,
    inbound::{InboundKind, MatchedBy},
    mailboxes::Security,
};

use crate::{
    desk::{Desk, mail},
    dovecot::{Dovecot, PASSWORD},
    proxy::{Own, Proxy},
};

/// The reply of a lead to the e-mail with this Message-ID.
fn reply(answers: &str) -> String {
    format!(
        "From: a@lark.example\nTo: nora@halden.example\nMessage-ID: <yes@lark.example>\nIn-Reply-To: {answers}\n\
         Subject: Re: Hello\n\nYes, please call me.\n"
    )
}

impl Desk<'_> {
    async fn subjects(&self) -> Vec<String> {
        let mut subjects: Vec<_> = self.inbound().await.into_iter().map(|mail| mail.subject).collect();
        subjects.sort();
        subjects
    }
}

#[tokio::test]
async fn a_reply_that_was_taken_for_spam_counts_and_strangers_are_left_alone() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    desk.server = Dovecot::start_that_marks("Unwanted");
    let (campaign, headers) = desk.silence(&["a@lark.example"]).await;
    desk.server.make_folder("Unwanted");
    desk.server.put("Unwanted", &mail(9));
    desk.server.put("Unwanted", &reply(&headers[0]));
    desk.server.deliver(&mail(1));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("both are read", |inbox, mails| mails.len() == 2 && inbox.compared_at.is_some()).await;
    assert_eq!(desk.subjects().await, ["Mail 1", "Re: Hello"]);
    let found = desk.inbound().await.into_iter().find(|mail| mail.subject == "Re: Hello").expect("stored");
    assert_eq!((found.kind, found.matched_by), (InboundKind::Reply, Some(MatchedBy::MessageId)));
    let mut t = desk.db.tenant(&desk.company.owner).await.expect("open");
    let lead = t.enrolments().list(campaign, None, &PageRequest::default()).await.expect("a list").items.remove(0);
    assert_eq!(lead.state, EnrolmentState::Replied);
    drop(t);
    assert_eq!(desk.inbox().await.missing, 0, "what strangers send is not missing");

    // Somebody moves it to the INBOX: it is the same mail.
    desk.server.deliver(&reply(&headers[0]));
    desk.server.deliver(&mail(2));
    desk.until("the next one is read", |_, mails| mails.iter().any(|mail| mail.subject == "Mail 2")).await;
    assert_eq!(desk.subjects().await, ["Mail 1", "Mail 2", "Re: Hello"]);
}

#[tokio::test]
async fn a_comparison_finds_what_is_missing_of_junk_mail_too() {
    let test = testing::db().await;
    let mut desk = Desk::at(&test).await;
    let (_, headers) = desk.silence(&["a@lark.example"]).await;
    // A server that marks nothing has a folder with a usual name.
    desk.server.make_folder("Spam");
    desk.server.put("Spam", &mail(9));
    desk.server.put("Spam", &reply(&headers[0]));
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("it is read", |inbox, mails| mails.len() == 1 && inbox.compared_at.is_some()).await;
    testing::forget_a_mail(&test.superuser()).await;
    assert_eq!(desk.inbound().await.len(), 0);
    desk.compare().await;
    desk.until("it is read again", |inbox, mails| mails.len() == 1 && (inbox.missing, inbox.mended) == (1, 1)).await;
}

#[tokio::test]
async fn a_lead_that_wrote_before_we_did_has_not_answered() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    desk.server.make_folder("Junk");
    let early = "From: a@lark.example\nMessage-ID: <early@lark.example>\nSubject: Early\n\nHello?\n";
    desk.server.put("Junk", early);
    // The e-mail leaves when the mail has been lying there for an hour.
    test.clock().advance(Duration::hours(1));
    desk.silence(&["a@lark.example"]).await;
    desk.set(PASSWORD).await;
    desk.read();
    desk.until("all is read", |inbox, _| inbox.compared_at.is_some()).await;
    assert_eq!(desk.inbound().await, []);
}

#[tokio::test]
async fn junk_mail_that_the_server_does_not_give_out_is_set_aside_and_the_inbox_is_read() {
    let now = testing::db().await.clock().now();
    let test = testing::db_at(now).await;
    let mut desk = Desk::at(&test).await;
    let (_, headers) = desk.silence(&["a@lark.example"]).await;
    desk.server.make_folder("Junk");
    desk.server.put("Junk", &reply(&headers[0]));
    let own = Own { to: "(UID BODY.PEEK[])", answer: "TAG NO [SERVERBUG] This mail is broken.\r\n" };
    let proxy = Proxy::that_answers(desk.server.address, &[], own).await;
    desk.set_at(proxy.address.port(), Security::None, PASSWORD).await;
    desk.read();
    for _ in 0..3 {
        desk.fails("Reading a mail: the server refuses: [SERVERBUG] This mail is broken.").await;
    }
    desk.until("it is set aside", |inbox, mails| mails.len() == 1 && inbox.error.is_none()).await;
    let unreadable = desk.unreadable().await;
    assert!(unreadable.len() == 1 && unreadable[0].text.contains("Subject: Re: Hello"), "{unreadable:?}");
}
