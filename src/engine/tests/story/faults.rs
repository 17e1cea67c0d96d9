//! What servers, mailboxes and people do at the wrong moment.

use chrono::Duration;
use domain::{
    campaigns::{CampaignInput, CampaignState},
    enrolments::EnrolmentState,
    leads::LeadInput,
    mailboxes::{MailboxInput, MailboxKind, MailboxState, Protocol, Security, report},
    messages::{LEASE, MessageState, SendOutcome},
};
use engine::sender;
use service::{
    campaigns::advance::advance,
    messages::{Content, Ready, claim::claim_next, reap::reap},
};

use crate::support::{Story, start_of_story};

#[tokio::test]
async fn a_campaign_that_is_resumed_while_its_drain_ends_goes_on() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    let claimed = story.begin().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(t.campaigns().pause(id).await.expect("pausing").in_flight, 1);
    t.commit().await.expect("kept");
    story.record(&claimed, &SendOutcome::Accepted { reply: "250 ok".into(), queue_id: None }).await;

    // The resume holds the campaign while the drain finds that nothing is being sent any more.
    let mut resume = story.db.tenant(story.actor()).await.expect("open");
    resume.campaigns().resume(id, false).await.expect("resumed");
    let (db, company) = (story.db.clone(), story.company.id);
    let drain = tokio::spawn(async move { advance(&db, company, id).await });
    testing::until_somebody_waits(&test.superuser()).await;
    assert!(!drain.is_finished(), "the drain waits for the resume");
    resume.commit().await.expect("kept");
    drain.await.expect("no panic").expect("looked");

    assert_eq!(story.state(id).await, CampaignState::Running);
    assert_eq!(story.ledger(id).await.leads(EnrolmentState::OPEN), 2);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_lease_is_still_an_answer() {
    let later = SendOutcome::Deferred { reply: "451 later".into() };
    let taken = SendOutcome::Accepted { reply: "250 ok".into(), queue_id: None };
    let bad = SendOutcome::Rejected { reply: "550 5.1.1 no such user".into(), hard: true };
    for (outcome, expected, open) in
        [(later, MessageState::Deferred, 1), (taken, MessageState::Sent, 1), (bad, MessageState::Failed, 0)]
    {
        let test = testing::db_at(start_of_story()).await;
        let story = Story::of(&test).await;
        story.leads(&["a@x.example"]).await;
        let id = story.campaign().await;
        story.start(id).await;
        let claimed = story.begin().await;
        test.clock().advance(LEASE + Duration::seconds(1));
        assert_eq!(reap(&story.db).await.expect("judged"), 1);
        assert_eq!(story.ledger(id).await.messages_in(MessageState::Unknown), 1);

        story.record(&claimed, &outcome).await;
        let ledger = story.ledger(id).await;
        assert_eq!(ledger.messages_in(expected), 1, "{outcome:?}");
        assert_eq!(ledger.leads(EnrolmentState::OPEN), open, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_the_sender_costs_no_lead() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    let claimed = story.begin().await;
    let refused = SendOutcome::NotStarted { reason: "550 5.4.5 quota exceeded".into(), needs_person: true };
    story.record(&claimed, &refused).await;

    assert_eq!(story.mailbox().await.1, MailboxState::Reconnect);
    let ledger = story.ledger(id).await;
    assert_eq!((ledger.leads(EnrolmentState::OPEN), ledger.messages_in(MessageState::Failed)), (2, 0));
}

#[tokio::test]
async fn what_is_tried_again_is_what_was_handed_over_last() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    let broken = SendOutcome::NotStarted { reason: "421 too many connections".into(), needs_person: false };
    let later = SendOutcome::Deferred { reply: "451 later".into() };
    let taken = SendOutcome::Accepted { reply: "250 ok".into(), queue_id: None };
    for (is_frozen, subject, bytes, outcome) in [
        (false, "Older", b"older", &broken),
        (false, "Newer", b"newer", &later),
        // Whoever tries it again has its bytes and not its subject.
        (true, "", b"newer", &taken),
    ] {
        let claimed = claim_next(&story.db).await.expect("a claim").expect("due").remove(0);
        let frozen = match &claimed.content {
            Content::Frozen(bytes) => Some(bytes.as_slice()),
            Content::Written(_) => None,
        };
        assert_eq!(frozen, is_frozen.then_some(bytes.as_slice()));
        let mut t = story.db.tenant(story.actor()).await.expect("open");
        let ready = Ready::new(&claimed, subject, bytes, "nowhere:25");
        assert_eq!(t.messages().begin(&[ready]).await.expect("begun"), [true]);
        t.commit().await.expect("kept");
        story.record(&claimed, outcome).await;
        test.clock().advance(Duration::minutes(31));
    }
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let mails = t.campaigns().messages(id, None, &domain::PageRequest::default()).await.expect("a list").items;
    let sent = mails.into_iter().map(|mail| mail.message).find(|mail| mail.position == 1).expect("sent");
    assert_eq!((sent.state, sent.subject.as_deref()), (MessageState::Sent, Some("Newer")));
}

#[tokio::test]
async fn a_fault_that_all_lanes_meet_at_once_is_one_fault() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let emails: Vec<_> = (0..160).map(|n| format!("lead{n}@x.example")).collect();
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let id = story.campaign().await;
    story.start(id).await;
    let gone = SendOutcome::NotStarted { reason: "connection refused".into(), needs_person: false };

    for waits in [15, 30] {
        let mut lanes = Vec::new();
        for _ in 0..4 {
            lanes.push(claim_next(&story.db).await.expect("a claim").expect("due"));
        }
        let mut t = story.db.tenant(story.actor()).await.expect("open");
        for batch in &lanes {
            t.messages().not_begun(&batch[0], &gone).await.expect("kept");
            t.messages().give_back(&batch[0]).await.expect("given back");
        }
        let next = t.mailboxes().list().await.expect("a list").remove(0).next_send_at.expect("it goes on");
        t.commit().await.expect("kept");
        assert_eq!((next - test.clock().now()).num_seconds(), waits);
        test.clock().advance(Duration::seconds(waits));
    }
    assert_eq!(story.ledger(id).await.messages_in(MessageState::Scheduled), 160);
}

#[tokio::test]
async fn what_was_claimed_goes_back_in_line_although_the_database_was_away() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    // Whoever wants to mark an e-mail as being sent waits here.
    let campaign = testing::lock(&test.superuser(), "message_contents").await;
    let (db, stop) = (story.db.clone(), story.stop.clone());
    let lane = tokio::spawn(async move { sender::turn(&db, &stop).await });
    testing::until_somebody_waits(&test.superuser()).await;
    test.cut_connections().await;
    drop(campaign);

    assert!(matches!(lane.await.expect("no panic"), Err(service::Error::Unavailable)));
    let ledger = story.ledger(id).await;
    assert_eq!((ledger.messages_in(MessageState::Scheduled), ledger.messages_in(MessageState::Claimed)), (3, 0));
}

#[tokio::test]
async fn only_a_person_ends_a_pause_of_a_mailbox() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.campaign().await;
    let (id, _) = story.mailbox().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.mailboxes().pause(id).await.expect("paused");
    for failure in [Some("535 wrong password"), None] {
        let steps = report(Protocol::Smtp, Security::Tls, "smtp.halden.example", &[], failure);
        t.mailboxes().record_test(id, steps).await.expect("kept");
    }
    t.commit().await.expect("kept");
    assert_eq!(story.mailbox().await.1, MailboxState::Paused);
}

#[tokio::test]
async fn a_higher_cap_counts_at_once() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.change_mailbox(MailboxInput { daily_cap: Some(1), ..MailboxInput::default() }).await;
    story.start(id).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 1, "the cap");

    test.clock().advance(Duration::minutes(10));
    story.change_mailbox(MailboxInput { daily_cap: Some(5), ..MailboxInput::default() }).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 2);
}

#[tokio::test]
async fn who_leaves_by_an_old_link_gets_nothing_at_the_new_address() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let lead = story.leads(&["old@x.example"]).await[0];
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let mail = t.sandbox().list(&domain::PageRequest::default()).await.expect("a list").items.remove(0);
    let raw = t.sandbox().raw(mail.id).await.expect("its bytes");
    let moved = LeadInput { email: Some("new@x.example".into()), ..LeadInput::default() };
    t.leads().update(lead, moved, None).await.expect("changed");
    t.commit().await.expect("kept");
    let links = service::sandbox::read(&raw).links;
    let token = links[0].rsplit_once("/p/").expect("an unsubscribe link").1;
    for _ in 0..2 {
        story.db.confirm_unsubscribe(token).await.expect("done");
    }

    test.clock().advance(Duration::minutes(61));
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Unsubscribed]), 1);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let timeline = t.leads().timeline(lead, &domain::PageRequest::default()).await.expect("a timeline").items;
    let left = timeline.iter().filter(|e| e.kind == domain::leads::LeadEventKind::Unsubscribed).count();
    assert_eq!(left, 1, "doing it twice is the same as once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_holds_up_its_own_company_only() {
    let test = testing::db().await;
    // The system takes connections, and nobody ever says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (quiet, talking) = (Story::of(&test).await, Story::of(&test).await);
    let emails: Vec<_> = (0..900).map(|n| format!("lead{n}@x.example")).collect();
    quiet.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    talking.leads(&["a@x.example", "b@x.example"]).await;
    let (long, short) = (quiet.campaign().await, talking.campaign().await);
    let mailbox = MailboxInput {
        kind: Some(MailboxKind::Smtp),
        from_name: Some("Nora Berg".into()),
        address: Some("nora@quiet.example".into()),
        host: Some("127.0.0.1".into()),
        port: Some(silent.local_addr().expect("an address").port().into()),
        security: Some(Security::None),
        daily_cap: Some(10_000),
        ramp: Some(false),
        gap_seconds: Some(0),
        ..MailboxInput::default()
    };
    let mut t = quiet.db.tenant(quiet.actor()).await.expect("open");
    let mailbox = t.mailboxes().create(mailbox).await.expect("connected").id;
    let through = CampaignInput { mailboxes: Some(vec![mailbox]), ..CampaignInput::default() };
    t.campaigns().update(long, through, None).await.expect("changed");
    t.commit().await.expect("kept");
    testing::let_domains_pass(&quiet.db, quiet.actor()).await;
    quiet.start(long).await;

    let (db, stop) = (talking.db.clone(), talking.stop.clone());
    let lanes = tokio::spawn(async move { sender::run(db, stop).await });
    let mut connections = Vec::new();
    for _ in 0..16 {
        connections.push(silent.accept().await.expect("a lane comes"));
    }
    talking.start(short).await;
    for _ in 0..1_200 {
        if talking.caught().await.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(talking.caught().await.len(), 2, "the others go on");
    assert_eq!(quiet.ledger(long).await.messages_in(MessageState::Claimed), 16 * 20, "while it waits");
    drop(connections);
    talking.stop.cancel();
    lanes.await.expect("they end");
}
