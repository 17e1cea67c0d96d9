//! “Meeting booked”: what a conversation has come to, said by a person.

use chrono::Duration;
use domain::{
    CampaignId, LeadId, PageRequest, Role, ThreadId,
    campaigns::{CampaignInput, OnReply, Rules},
    enrolments::{EndReason, EnrolmentState},
    leads::{LeadEvent, LeadEventKind, LeadStatus},
    messages::MessageState,
    threads::{Thread, ThreadState},
};
use service::{Actor, Error};
use testing::TestDb;

use crate::support::{Story, start_of_story};

/// A campaign that has written to two leads, of whom the first has answered.
async fn answered(test: &TestDb, on_reply: OnReply) -> (Story<'_>, CampaignId, LeadId) {
    let story = Story::of(test).await;
    let leads = story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    let rules = Rules { on_reply, ..Rules::default() };
    story.edit(id, CampaignInput { rules: Some(rules), ..CampaignInput::default() }).await;
    story.start(id).await;
    story.send().await;
    test.clock().advance(Duration::minutes(1));
    story.comes("7:1", "a@x.example", "Sounds good, call me.").await;
    (story, id, leads[0])
}

impl Story<'_> {
    async fn meet(&self, actor: &Actor, id: ThreadId, then_done: bool, seen: Option<i64>) -> service::Result<Thread> {
        let mut t = self.db.tenant(actor).await.expect("open");
        let thread = t.threads().meeting_booked(id, then_done, seen).await?;
        t.commit().await.expect("kept");
        Ok(thread)
    }

    /// Where the leads of a campaign stand, and why, by their addresses.
    async fn outcomes(&self, id: CampaignId) -> Vec<(EnrolmentState, Option<EndReason>)> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let mut all = t.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items;
        all.sort_by(|a, b| a.email.cmp(&b.email));
        all.into_iter().map(|one| (one.state, one.reason)).collect()
    }

    /// What the page of a lead tells of meetings.
    async fn meetings(&self, lead: LeadId) -> Vec<LeadEvent> {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let all = t.leads().timeline(lead, &PageRequest::default()).await.expect("a timeline").items;
        all.into_iter().filter(|event| event.kind == LeadEventKind::MeetingBooked).collect()
    }

    async fn status_of(&self, lead: LeadId) -> LeadStatus {
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        t.leads().get(lead).await.expect("there").status
    }
}

#[tokio::test]
async fn a_meeting_ends_what_goes_on() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, lead) = answered(&test, OnReply::GoOn).await;
    assert!(story.outcomes(id).await.iter().all(|(state, _)| state.is_open()), "the answer has ended nothing");
    let thread = story.with("a@x.example").await;
    let met = story.meet(story.actor(), thread.id, false, Some(thread.version)).await.expect("said");
    assert_eq!(met.state, ThreadState::NeedsAnswer, "it is done when somebody says so");
    assert!(met.version > thread.version);

    let outcomes = story.outcomes(id).await;
    assert_eq!(outcomes[0], (EnrolmentState::Replied, Some(EndReason::MeetingBooked)));
    assert!(outcomes[1].0.is_open(), "the other lead goes on");
    assert_eq!(story.status_of(lead).await, LeadStatus::Qualified);
    let told = story.meetings(lead).await;
    assert_eq!((told.len(), told[0].campaign_id), (1, Some(id)));
    let ledger = story.ledger(id).await;
    assert_eq!((ledger.meetings(), ledger.replied(), ledger.messages_in(MessageState::Cancelled)), (1, 1, 1));

    test.clock().advance(Duration::hours(2));
    story.send().await;
    let second = story.caught().await.into_iter().filter(|(subject, _)| subject.ends_with("Second"));
    assert_eq!(second.map(|(_, to)| to).collect::<Vec<_>>(), ["b@x.example"]);
}

#[tokio::test]
async fn a_meeting_corrects_what_an_answer_has_ended() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, lead) = answered(&test, OnReply::Stop).await;
    assert_eq!(story.outcomes(id).await[0], (EnrolmentState::Replied, None));
    let thread = story.with("a@x.example").await;
    let met = story.meet(story.actor(), thread.id, false, Some(thread.version)).await.expect("said");
    assert_eq!(story.outcomes(id).await[0], (EnrolmentState::Replied, Some(EndReason::MeetingBooked)));
    let mut t = story.db.tenant(story.actor()).await.expect("open");
    let log = t.campaigns().events(id, &PageRequest::default()).await.expect("a log").items;
    let entry = log.iter().find(|entry| entry.kind == "meeting_booked").expect("told");
    assert_eq!(entry.lead_id, Some(lead));
    let standing = t.enrolments().of_lead(lead).await.expect("a list").remove(0).standing();
    assert_eq!(standing, "Replied: a meeting is booked");
    drop(t);

    // The same once more, as a form that is posted twice, changes nothing.
    let again = story.meet(story.actor(), thread.id, false, Some(thread.version)).await.expect("said");
    assert_eq!((again.version, story.meetings(lead).await.len()), (met.version, 1));
    let done = story.meet(story.actor(), thread.id, true, Some(met.version)).await.expect("done");
    assert_eq!((done.state, story.meetings(lead).await.len()), (ThreadState::Done, 1));

    // They write again: that may be about another meeting.
    test.clock().advance(Duration::minutes(1));
    story.comes("7:2", "a@x.example", "And again next week?").await;
    let late = story.meet(story.actor(), thread.id, true, Some(done.version)).await;
    assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
    story.meet(story.actor(), thread.id, true, None).await.expect("said");
    assert_eq!((story.meetings(lead).await.len(), story.ledger(id).await.meetings()), (2, 1));
    assert_eq!(story.status_of(lead).await, LeadStatus::Qualified);
}

#[tokio::test]
async fn who_buys_after_a_meeting_has_answered_and_stays_a_customer() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, lead) = answered(&test, OnReply::Stop).await;
    let thread = story.with("a@x.example").await;
    story.meet(story.actor(), thread.id, false, None).await.expect("said");
    story.becomes(lead, LeadStatus::Customer).await;
    assert_eq!(story.outcomes(id).await[0], (EnrolmentState::Replied, Some(EndReason::MeetingBooked)));
    let ledger = story.ledger(id).await;
    assert_eq!((ledger.meetings(), ledger.replied(), ledger.converted()), (1, 1, 0));

    // They write again, and there is another meeting.
    test.clock().advance(Duration::minutes(1));
    story.comes("7:2", "a@x.example", "Shall we look at the next one?").await;
    story.meet(story.actor(), thread.id, false, None).await.expect("said");
    assert_eq!((story.meetings(lead).await.len(), story.status_of(lead).await), (2, LeadStatus::Customer));
}

#[tokio::test]
async fn a_meeting_is_said_by_whoever_may_of_a_lead_of_their_own() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, lead) = answered(&test, OnReply::Stop).await;
    let thread = story.with("a@x.example").await;
    let viewer = story.company.member(Role::Viewer).await;
    let refused = story.meet(&viewer, thread.id, false, None).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    let stranger = test.company("Other").await;
    let refused = story.meet(&stranger.owner, thread.id, false, None).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    story.comes("7:2", "news@else.example", "Shall we meet?").await;
    let nobody = story.with("news@else.example").await;
    let refused = story.meet(story.actor(), nobody.id, false, None).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!((story.outcomes(id).await[0].1, story.meetings(lead).await.len()), (None, 0));
    let member = story.company.member(Role::Member).await;
    story.meet(&member, thread.id, false, None).await.expect("said");
}
