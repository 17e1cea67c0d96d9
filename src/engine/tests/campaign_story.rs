//! A campaign as it really runs: real database as the application role, real SMTP to the sandbox.

use std::{net::SocketAddr, sync::Arc};

use domain::{
    CampaignId, LeadId,
    campaigns::{Audience, CampaignInput, CampaignState},
    enrolments::EnrolmentState,
    leads::{LeadFilter, LeadInput},
    messages::MessageState,
    steps::{Delay, DelayUnit, StepInput},
    window::SendingWindow,
};
use engine::{
    sandbox::{DbStore, Sandbox, SandboxLimits},
    sender,
};
use service::{Actor, Db, campaigns::advance::advance};
use testing::{TestCompany, TestDb};
use tokio_util::sync::CancellationToken;

/// A company with a sandbox that catches its mails.
struct Story<'d> {
    db: Db,
    company: TestCompany<'d>,
    stop: CancellationToken,
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl<'d> Story<'d> {
    async fn begin(test: &'d TestDb) -> Self {
        let store = Arc::new(DbStore((**test).clone()));
        let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let sandbox = Sandbox::bind(any, store, SandboxLimits::default()).await.expect("the sandbox listens");
        let address = sandbox.local_addr().expect("it has an address").to_string();
        let stop = CancellationToken::new();
        tokio::spawn(sandbox.run(stop.clone()));
        let company = test.company("Halden").await;
        Self { db: test.with_sandbox(address), company, stop }
    }

    fn actor(&self) -> &Actor {
        &self.company.owner
    }

    async fn leads(&self, emails: &[&str]) -> Vec<LeadId> {
        let inputs = emails
            .iter()
            .map(|e| LeadInput {
                email: Some((*e).to_owned()),
                first_name: Some("Ines".into()),
                ..LeadInput::default()
            })
            .collect();
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let made = t.leads().bulk_upsert(inputs).await.expect("stored");
        t.commit().await.expect("kept");
        made.into_iter().map(|r| r.expect("a lead").0).collect()
    }

    /// A campaign of two steps for everybody, one hour apart.
    async fn campaign(&self) -> CampaignId {
        let mailbox = self.company.mailbox().await;
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let campaign = t
            .campaigns()
            .create(CampaignInput {
                name: Some("Story".into()),
                audience: Some(Audience::Filter { filter: LeadFilter::default() }),
                window: Some(SendingWindow::always()),
                mailboxes: Some(vec![mailbox]),
            })
            .await
            .expect("created");
        for (amount, subject) in [(0, "First"), (1, "Second")] {
            let step = StepInput {
                delay: Some(Delay { amount, unit: DelayUnit::Hours }),
                subject: Some(subject.into()),
                body: Some("Hi {first_name|there}".into()),
            };
            t.campaigns().add_step(campaign.id, step).await.expect("added");
        }
        t.commit().await.expect("kept");
        campaign.id
    }

    async fn start(&self, id: CampaignId) {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().start(id).await.expect("started");
        t.commit().await.expect("kept");
        advance(&self.db, self.company.id, id).await.expect("placed");
    }

    /// Sends until nothing is due.
    async fn send(&self) {
        while sender::turn(&self.db, &self.stop).await.expect("a turn") {}
    }

    async fn ledger(&self, id: CampaignId) -> domain::ledger::Ledger {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let ledger = t.campaigns().ledger(id).await.expect("a ledger");
        assert!(ledger.is_balanced(), "{ledger:?}");
        ledger
    }

    async fn state(&self, id: CampaignId) -> CampaignState {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().get(id).await.expect("there").lifecycle.state
    }

    /// Subjects and recipients that the sandbox has caught.
    async fn caught(&self) -> Vec<(String, String)> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let page =
            t.sandbox().list(&domain::PageRequest { per: Some(100), ..Default::default() }).await.expect("a list");
        let mut mails: Vec<_> =
            page.items.into_iter().map(|m| (m.subject.unwrap_or_default(), m.recipients.join(","))).collect();
        mails.sort();
        mails
    }
}

fn start_of_story() -> chrono::DateTime<chrono::Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

#[tokio::test]
async fn everybody_gets_each_step_once_and_the_campaign_ends() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::begin(&test).await;
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
    let story = Story::begin(&test).await;
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
    let story = Story::begin(&test).await;
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
    let story = Story::begin(&test).await;
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
    let story = Story::begin(&test).await;
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
    let story = Story::begin(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;

    // The worker dies after one e-mail was marked as being sent and the other was only claimed.
    let claimed = service::messages::claim::claim_next(&story.db).await.expect("a claim").expect("due");
    assert_eq!(claimed.len(), 2);
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert!(t.messages().begin_sending(&claimed[0], "First", b"x", "nowhere:25").await.expect("begun"));
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
    let story = Story::begin(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;

    let claimed = service::messages::claim::claim_next(&story.db).await.expect("a claim").expect("due");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    assert!(!t.messages().begin_sending(&claimed[0], "First", b"x", "nowhere:25").await.expect("asked"));
    t.commit().await.expect("kept");
    assert_eq!(story.ledger(id).await.messages_in(MessageState::Scheduled), 1);
}
