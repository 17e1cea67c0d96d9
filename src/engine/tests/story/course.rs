//! The course of a campaign: steps, pause, stop, and what becomes of everybody.

use domain::{campaigns::CampaignState, enrolments::EnrolmentState, messages::MessageState};
use service::{
    campaigns::advance::advance,
    messages::{Ready, claim::claim_next},
};

use crate::support::{Story, start_of_story};

#[tokio::test]
async fn everybody_gets_each_step_once_and_the_campaign_ends() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;

    story.start(id).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 3);
    assert_eq!(story.state(id).await, CampaignState::Running);

    test.clock().advance(chrono::Duration::minutes(61));
    story.send().await;
    story.send().await;

    let mut expected: Vec<_> = ["First", "Second"]
        .iter()
        .flat_map(|s| ["a@x.example", "b@x.example", "c@x.example"].map(|to| ((*s).to_owned(), to.to_owned())))
        .collect();
    expected.sort();
    assert_eq!(story.caught().await, expected);
    assert_eq!(story.state(id).await, CampaignState::Completed);
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.leads(&[EnrolmentState::Finished]), 3);
    assert_eq!(ledger.messages_in(MessageState::Sent), 6);
}

#[tokio::test]
async fn a_pause_sends_nothing_and_a_resume_nobody_twice() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let paused = t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    assert_eq!((paused.changed, paused.in_flight), (true, 0));
    story.send().await;
    assert_eq!(story.caught().await, []);

    test.clock().advance(chrono::Duration::minutes(30));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().resume(id, false).await.expect("resumed");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("planned anew");
    // The plan moves by the length of the pause, so nothing is due at once.
    test.clock().advance(chrono::Duration::minutes(31));
    story.send().await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 2);
    story.ledger(id).await;
}

#[tokio::test]
async fn an_unsubscribe_stops_the_next_step_and_looking_does_not() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let mails = t.sandbox().list(&domain::PageRequest::default()).await.expect("a list").items;
    let to_a = mails.iter().find(|m| m.recipients == ["a@x.example"]).expect("a got a mail");
    let raw = t.sandbox().raw(to_a.id).await.expect("its bytes");
    drop(t);
    let links = service::sandbox::read(&raw).links;
    let token = links[0].rsplit_once("/p/").expect("an unsubscribe link").1.to_owned();

    let looked = story.db.unsubscribe(&token).await.expect("a page");
    assert!(!looked.done);
    assert!(!story.db.unsubscribe(&token).await.expect("a page").done, "looking changes nothing");
    for _ in 0..2 {
        assert!(story.db.confirm_unsubscribe(&token).await.expect("done").done);
    }

    test.clock().advance(chrono::Duration::minutes(61));
    story.send().await;
    story.send().await;
    let second: Vec<_> = story.caught().await.into_iter().filter(|(s, _)| s == "Second").collect();
    assert_eq!(second, [("Second".to_owned(), "b@x.example".to_owned())]);
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.leads(&[EnrolmentState::Unsubscribed]), 1);
    assert_eq!(ledger.messages_in(MessageState::Cancelled), 1);
}

#[tokio::test]
async fn a_stop_cancels_what_is_unsent_and_accounts_for_everybody() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;

    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().stop(id).await.expect("stopping");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("stopped");

    assert_eq!(story.state(id).await, CampaignState::Stopped);
    test.clock().advance(chrono::Duration::hours(2));
    story.send().await;
    assert_eq!(story.caught().await.len(), 3);
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.leads(&[EnrolmentState::Stopped]), 3);
}

#[tokio::test]
async fn refusals_of_the_server_are_told_apart() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["bounce@x.example", "defer@x.example", "full@x.example", "ok@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;

    let ledger = story.ledger(id).await;
    assert_eq!(ledger.messages_in(MessageState::Sent), 1);
    assert_eq!(ledger.messages_in(MessageState::Deferred), 1);
    assert_eq!(ledger.messages_in(MessageState::Failed), 2);
    assert_eq!(ledger.leads(&[EnrolmentState::Bounced]), 1);
    assert_eq!(ledger.leads(&[EnrolmentState::Failed]), 1);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let suppressed = t.suppressions().list(None, &domain::PageRequest::default()).await.expect("a list").items;
    assert_eq!(suppressed.iter().map(|s| s.target.as_str()).collect::<Vec<_>>(), ["bounce@x.example"]);
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_leaves_unknown_and_nobody_sends_again() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;

    // The worker dies after one e-mail was marked as being sent and the other was only claimed.
    let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
    assert_eq!(claimed.len(), 2);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(
        t.messages().begin(&[Ready::new(&claimed[0], "First", b"x", "nowhere:25")]).await.expect("begun"),
        [true]
    );
    t.commit().await.expect("kept");

    test.clock().advance(domain::messages::LEASE + chrono::Duration::seconds(1));
    assert_eq!(service::messages::reap::reap(&story.db).await.expect("judged"), 2);
    story.send().await;

    let ledger = story.ledger(id).await;
    assert_eq!(ledger.messages_in(MessageState::Unknown), 1);
    assert_eq!(ledger.messages_in(MessageState::Sent), 1);
    assert_eq!(story.caught().await.len(), 1);
}

#[tokio::test]
async fn a_pause_between_claim_and_hand_over_wins() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;

    let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert_eq!(
        t.messages().begin(&[Ready::new(&claimed[0], "First", b"x", "nowhere:25")]).await.expect("asked"),
        [false]
    );
    t.commit().await.expect("kept");
    assert_eq!(story.ledger(id).await.messages_in(MessageState::Scheduled), 1);
}

#[tokio::test]
async fn two_campaigns_are_placed_at_the_same_time() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let emails: Vec<_> = (0..600).map(|n| format!("lead{n}@x.example")).collect();
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let first = story.campaign().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let second = t.campaigns().duplicate(first).await.expect("a copy").id;
    for id in [first, second] {
        t.campaigns().start(id).await.expect("started");
    }
    t.commit().await.expect("kept");

    let place = |id| advance(&story.db, story.company.id, id);
    let (one, other) = tokio::join!(place(first), place(second));
    one.and(other).expect("neither waits for the other");
    for id in [first, second] {
        assert_eq!(story.ledger(id).await.leads(EnrolmentState::OPEN), 600);
    }
}
