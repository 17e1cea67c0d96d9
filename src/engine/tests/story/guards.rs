//! Campaigns that pause by themselves, by what came of their e-mails.

use domain::{
    CampaignId,
    campaigns::{Alarm, CampaignState, Guard},
    messages::SendOutcome,
};
use service::{
    Error,
    campaigns::guards::watch,
    jobs::WatchCampaign,
    messages::{Ready, claim::claim_next},
};
use testing::TestDb;

use crate::support::{Story, start_of_story};

impl Story<'_> {
    /// Hands over everything that is due; `said` are the first answers, and the others are taken.
    async fn hand_over(&self, said: &[SendOutcome]) {
        let mut said = said.iter();
        while let Some(batch) = claim_next(&self.db).await.expect("a claim").filter(|batch| !batch.is_empty()) {
            for claimed in batch {
                let mut t = self.db.tenant(self.actor()).await.expect("open");
                assert_eq!(
                    t.messages().begin(&[Ready::new(&claimed, "First", b"x", "nowhere:25")]).await.expect("begun"),
                    [true]
                );
                t.commit().await.expect("kept");
                let taken = SendOutcome::Accepted { reply: "250 2.0.0 ok".into(), queue_id: None };
                self.record(&claimed, said.next().unwrap_or(&taken)).await;
            }
        }
    }

    /// A campaign to forty leads, three of whose addresses do not exist.
    async fn with_bounces(&self) -> CampaignId {
        let emails: Vec<_> = (0..40).map(|n| format!("a{n}@x{n}.example")).collect();
        self.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let id = self.campaign().await;
        self.start(id).await;
        self.hand_over(&vec![refused("550 5.1.1 no such user", true); 3]).await;
        id
    }

    async fn alarm(&self, id: CampaignId) -> Option<Alarm> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.campaigns().alarm(id).await.expect("there")
    }

    /// Looks at the campaign if somebody has asked for it, as a worker does.
    async fn watch(&self, test: &TestDb, id: CampaignId) {
        for job in testing::take_jobs::<WatchCampaign>(&test.superuser()).await {
            assert_eq!(job.campaign, id);
            watch(&self.db, job.company, job.campaign).await.expect("looked");
        }
    }

    /// Why the campaign has paused.
    async fn pause_reason(&self, id: CampaignId) -> Option<String> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let lifecycle = t.campaigns().get(id).await.expect("there").lifecycle;
        lifecycle.pause_reason.filter(|_| lifecycle.state == CampaignState::Paused)
    }

    async fn resume(&self, id: CampaignId, acknowledged: bool) -> Result<(), String> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        match t.campaigns().resume(id, acknowledged).await {
            Ok(_) => t.commit().await.map_err(|error| error.to_string()),
            Err(Error::Refused(refusal)) => Err(refusal.code.to_string()),
            Err(other) => Err(other.to_string()),
        }
    }
}

fn refused(reply: &str, hard: bool) -> SendOutcome {
    SendOutcome::Rejected { reply: reply.into(), hard }
}

#[tokio::test]
async fn too_many_bounces_pause_a_campaign_until_somebody_has_read_why() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.with_bounces().await;
    assert_eq!(story.state(id).await, CampaignState::Running);
    story.watch(&test, id).await;

    let reason = story.pause_reason(id).await.expect("paused");
    assert!(reason.starts_with("3 of the last 40 e-mails came back (7.5%)."), "{reason}");
    assert_eq!(story.resume(id, false).await, Err("acknowledgement_needed".into()));
    assert_eq!(story.resume(id, true).await, Ok(()));
    story.watch(&test, id).await;
    assert_eq!((story.state(id).await, story.alarm(id).await), (CampaignState::Running, None), "counted anew");
}

#[tokio::test]
async fn a_pause_by_a_person_does_not_hide_what_came_back() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.with_bounces().await;
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    story.watch(&test, id).await;
    assert_eq!(story.pause_reason(id).await, None, "it is a person's pause");

    assert_eq!(story.resume(id, false).await, Ok(()));
    story.watch(&test, id).await;
    assert!(story.pause_reason(id).await.is_some_and(|reason| reason.starts_with("3 of the last 40")));
}

#[tokio::test]
async fn receivers_who_do_not_believe_the_sender_pause_a_campaign_at_the_third() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example", "d@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    let said = "550 5.7.26 This mail is unauthenticated";
    story.hand_over(&[refused(said, false), refused(said, false)]).await;
    story.watch(&test, id).await;
    let alarm = story.alarm(id).await.expect("a warning");
    assert_eq!((alarm.guard, alarm.pauses), (Guard::Authentication, false));
    assert_eq!(story.state(id).await, CampaignState::Running);

    test.clock().advance(chrono::Duration::hours(2));
    story.hand_over(&[refused(said, false)]).await;
    story.watch(&test, id).await;
    let reason = story.pause_reason(id).await.expect("paused");
    assert!(reason.contains(said) && reason.contains("Settings, Domains"), "{reason}");
}

#[tokio::test]
async fn two_complaints_pause_a_campaign_and_after_three_nobody_resumes_it() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example", "d@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    story.complaint("7:1", "a@x.example").await;
    story.watch(&test, id).await;
    assert!(story.alarm(id).await.is_some_and(|alarm| alarm.guard == Guard::Complaints && !alarm.pauses));
    assert_eq!(story.state(id).await, CampaignState::Running);
    story.complaint("7:2", "b@x.example").await;
    story.watch(&test, id).await;
    assert!(story.pause_reason(id).await.is_some_and(|reason| reason.starts_with("2 complaints")));

    story.complaint("7:3", "c@x.example").await;
    story.watch(&test, id).await;
    assert_eq!(story.resume(id, true).await, Err("too_many_complaints".into()));
    assert!(story.alarm(id).await.is_some_and(|alarm| alarm.words.contains("cannot be resumed")));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    t.campaigns().stop(id).await.expect("stopped");
}
