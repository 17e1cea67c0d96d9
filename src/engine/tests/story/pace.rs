//! How much a mailbox sends, how fast, and when it stops by itself.

use std::collections::BTreeSet;

use chrono::Duration;
use domain::{
    PageRequest,
    campaigns::{CampaignInput, PausedBy},
    mailboxes::{Mailbox, MailboxInput, MailboxState},
    messages::Message,
    window::SendingWindow,
};
use engine::letters;
use service::{Error, jobs::SendTestMail, messages::claim::claim_next};

use crate::support::{Story, start_of_story};

async fn mailbox(story: &Story<'_>) -> Mailbox {
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.mailboxes().list().await.expect("a list").remove(0)
}

/// So many addresses; those with one of `odd` in front are answered in the way that the sandbox knows by that word.
async fn leads(story: &Story<'_>, count: usize, odd: &[(usize, &str)]) {
    let emails: Vec<_> = (0..count)
        .map(|n| match odd.iter().find(|(at, _)| *at == n) {
            Some((_, word)) => format!("{word}+{n:03}@x.example"),
            None => format!("lead{n:03}@x.example"),
        })
        .collect();
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn a_new_mailbox_begins_with_twenty_a_day_and_may_send_two_more_each_day() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    leads(&story, 50, &[]).await;
    let id = story.campaign().await;
    story.change_mailbox(MailboxInput { ramp: Some(true), ..MailboxInput::default() }).await;
    story.start(id).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 20);
    let first = mailbox(&story).await;
    assert_eq!((first.cap_now, first.sent_24h), (20, 20));

    test.clock().advance(Duration::hours(24) + Duration::minutes(1));
    story.send().await;
    assert_eq!(story.caught().await.len(), 42, "22 more on the second day");
    test.clock().advance(Duration::days(10));
    assert_eq!(mailbox(&story).await.cap_now, 42);
    story.change_mailbox(MailboxInput { daily_cap: Some(30), ..MailboxInput::default() }).await;
    assert_eq!(mailbox(&story).await.cap_now, 30, "never above the cap");
    story.change_mailbox(MailboxInput { ramp: Some(false), daily_cap: Some(90), ..MailboxInput::default() }).await;
    assert_eq!(mailbox(&story).await.cap_now, 90);
}

#[tokio::test]
async fn what_could_not_leave_in_its_window_keeps_its_place_in_the_next_one() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    leads(&story, 3, &[]).await;
    let id = story.campaign().await;
    // From nine to five on weekdays in Berlin; the story begins there on a Friday at eleven.
    story.edit(id, CampaignInput { window: Some(SendingWindow::default()), ..CampaignInput::default() }).await;
    story.change_mailbox(MailboxInput { daily_cap: Some(1), ..MailboxInput::default() }).await;
    story.start(id).await;
    let due_of_first = async || {
        let mut t = story.db.tenant(story.actor()).await.expect("open");
        let mails = t.campaigns().messages(id, None, &PageRequest::default()).await.expect("a list").items;
        let first = mails.into_iter().map(|mail| mail.message).filter(|mail| mail.position == 1);
        let (mut sent, mut waits): (Vec<_>, Vec<_>) = first.partition(|mail| mail.sent_at.is_some());
        sent.sort_by_key(|mail| mail.sent_at);
        waits.sort_by_key(|mail| mail.due_at);
        let due = |mails: Vec<Message>| mails.iter().map(|mail| mail.due_at).collect::<Vec<_>>();
        (due(sent), due(waits))
    };
    story.send().await;
    test.clock().advance(Duration::days(3));
    story.send().await;
    let (sent, waits) = due_of_first().await;
    assert_eq!((sent, waits.len()), (vec![start_of_story(); 2], 1), "it has waited for longest");

    story.change_mailbox(MailboxInput { daily_cap: Some(9), ..MailboxInput::default() }).await;
    test.clock().advance(Duration::hours(9));
    story.send().await;
    let (sent, waits) = due_of_first().await;
    let tuesday = "2026-11-24T08:00:00Z".parse().expect("a time");
    assert_eq!((sent.len(), waits), (2, vec![tuesday]), "there is room, and the window is closed");
}

#[tokio::test]
async fn test_mails_count_towards_the_cap() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    leads(&story, 3, &[]).await;
    let id = story.campaign().await;
    story.change_mailbox(MailboxInput { daily_cap: Some(2), ..MailboxInput::default() }).await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let step = t.campaigns().steps(id).await.expect("steps").steps()[0].id;
    let mail = t.campaigns().request_test_mail(id, step, None, "nora@halden.example").await.expect("asked").id;
    t.commit().await.expect("kept");
    letters::send_test(&story.db, &SendTestMail { company: story.company.id, mail }).await.expect("sent");
    assert_eq!(mailbox(&story).await.sent_24h, 1);

    story.start(id).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 2, "the test mail, and one more");
    // The test mail is the first to be a day old.
    test.clock().advance(Duration::hours(24));
    story.send().await;
    assert!(story.caught().await.len() > 2);
}

#[tokio::test]
async fn a_test_mail_between_two_claims_takes_its_place() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    leads(&story, 50, &[]).await;
    let id = story.campaign().await;
    story.change_mailbox(MailboxInput { daily_cap: Some(45), ..MailboxInput::default() }).await;
    story.start(id).await;
    let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
    assert_eq!(claimed.len(), 20);
    for _ in 0..6 {
        let mut t = story.db.tenant(story.actor()).await.expect("open");
        let step = t.campaigns().steps(id).await.expect("steps").steps()[0].id;
        let mail = t.campaigns().request_test_mail(id, step, None, "nora@halden.example").await.expect("asked").id;
        t.commit().await.expect("kept");
        letters::send_test(&story.db, &SendTestMail { company: story.company.id, mail }).await.expect("sent");
    }
    story.send().await;
    assert_eq!(story.caught().await.len(), 6 + 19, "20 that are claimed, 6 tests, 19 others");
}

#[tokio::test]
async fn each_gap_is_drawn_between_the_shortest_and_the_longest() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    leads(&story, 12, &[]).await;
    let id = story.campaign().await;
    let input = MailboxInput { gap_seconds: Some(60), gap_max_seconds: Some(300), ..MailboxInput::default() };
    story.change_mailbox(input).await;
    story.start(id).await;
    let mut gaps = BTreeSet::new();
    for _ in 0..10 {
        let now = test.clock().now();
        let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
        assert_eq!(claimed.len(), 1);
        let gap = mailbox(&story).await.next_send_at.expect("more is due") - now;
        assert!((60..=300).contains(&gap.num_seconds()), "{gap}");
        gaps.insert(gap);
        assert!(claim_next(&story.db).await.expect("a claim").is_none(), "not before the gap is over");
        test.clock().advance(Duration::seconds(301));
    }
    assert!(gaps.len() > 1, "ten times the same of 241: {gaps:?}");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let (mailbox, _) = story.mailbox().await;
    let short = MailboxInput { gap_max_seconds: Some(59), ..MailboxInput::default() };
    assert!(matches!(t.mailboxes().update(mailbox, short, None).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn too_many_bounces_pause_a_mailbox_until_a_person_has_read_why() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    leads(&story, 60, &[(3, "bounce"), (5, "bounce")]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;

    let paused = mailbox(&story).await;
    assert_eq!((paused.state, paused.paused_by), (MailboxState::Paused, Some(PausedBy::System)));
    let reason = paused.pause_reason.clone().expect("a reason");
    assert!(reason.contains("2 of the last"), "{reason}");
    let sent = story.caught().await.len();
    assert!((28..50).contains(&sent), "it stopped after thirty at the earliest, and before the end: {sent}");
    story.ledger(id).await;

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let log = t.audit().list(false, &PageRequest::default()).await.expect("a log").items;
    assert!(log.iter().any(|entry| entry.action == "mailbox.paused_by_system"));
    let refused = t.mailboxes().reconnect(paused.id, false).await;
    assert!(
        matches!(&refused, Err(Error::Refused(refusal)) if refusal.code == "acknowledgement_needed"),
        "{refused:?}"
    );
    let resumed = t.mailboxes().reconnect(paused.id, true).await.expect("resumed");
    t.commit().await.expect("kept");
    assert_eq!((resumed.state, resumed.paused_by, resumed.pause_reason), (MailboxState::Connected, None, None));
    story.send().await;
    let rest = mailbox(&story).await;
    assert_eq!((story.caught().await.len(), rest.state), (58, MailboxState::Connected), "it counts anew");
}
