//! Decisions about drafts: they can be taken back for ten seconds, a rejection ends an e-mail or a lead's way through
//! the campaign, and one person at a time decides.

use chrono::Duration;
use domain::{
    PageRequest, Role,
    campaigns::CampaignState,
    drafts::{DraftState, HELD, QueueFilter, QueuedDraft, Rejection, Rewrite, RewriteReason, UNDO},
    enrolments::{EndReason, EnrolmentState},
    messages::MessageState,
    steps::{Place, StepInput, StepKind, Thread, Writing},
};
use service::{Error, drafts::carry_out, messages::claim::claim_next};
use testing::TestDb;

use crate::support::{Story, start_of_story};

impl Story<'_> {
    /// Whether the decision about a draft could be taken back.
    async fn undo(&self, draft: &QueuedDraft) -> bool {
        let mut t = self.open().await;
        match t.drafts().undo(draft.draft.id).await {
            Ok(draft) => {
                t.commit().await.expect("kept");
                assert_eq!((draft.state, draft.decided_by, draft.reason), (DraftState::Open, None, None));
                true
            }
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, "undo_over");
                false
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn reject(&self, draft: &QueuedDraft, then: Rejection) {
        let mut t = self.open().await;
        let rejected = t.drafts().reject(draft.draft.id, then, "Not him", None).await.expect("rejected");
        t.commit().await.expect("kept");
        assert_eq!((rejected.reason.as_deref(), rejected.rejection), (Some("Not him"), Some(then)));
    }

    /// What a worker does when the time to undo is over.
    pub async fn carry_out(&self, draft: &QueuedDraft) {
        carry_out(&self.db, self.company.id, draft.draft.id).await.expect("carried out");
    }
}

/// A campaign whose first step waits for a decision about each lead.
async fn decided<'d>(test: &'d TestDb, leads: &[&str]) -> (Story<'d>, domain::CampaignId, Vec<QueuedDraft>) {
    let story = Story::of(test).await;
    story.leads(leads).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    story.write().await;
    let drafts = story.queue().await;
    (story, id, drafts)
}

#[tokio::test]
async fn an_approval_can_be_taken_back_for_ten_seconds_and_nothing_leaves_before() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, drafts) = decided(&test, &["a@x.example"]).await;
    story.approve(&drafts[0]).await;
    test.clock().advance(UNDO - Duration::seconds(1));
    story.send().await;
    assert_eq!(story.caught().await, []);
    assert!(story.undo(&drafts[0]).await);
    assert!(story.undo(&drafts[0]).await, "nothing to do");
    test.clock().advance(Duration::hours(1));
    story.send().await;
    assert_eq!((story.caught().await.len(), story.queue().await.len()), (0, 1), "it waits again");

    story.approve(&drafts[0]).await;
    test.clock().advance(UNDO);
    assert!(!story.undo(&drafts[0]).await);
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
    assert!(story.open().await.drafts().undo(drafts[0].draft.id).await.is_err());
    story.ledger(id).await;
}

#[tokio::test]
async fn an_e_mail_that_is_claimed_is_not_taken_back_by_a_clock_that_is_late() {
    let test = testing::db_at(start_of_story()).await;
    let (story, _, drafts) = decided(&test, &["a@x.example"]).await;
    story.approve(&drafts[0]).await;
    test.clock().advance(UNDO);
    let claimed = claim_next(&story.db).await.expect("a claim").expect("due");
    assert_eq!(claimed.len(), 1);
    // Another host, whose clock is behind.
    test.clock().advance(Duration::seconds(-5));
    assert!(!story.undo(&drafts[0]).await);
    assert_eq!(story.state_of(&drafts[0]).await, DraftState::Approved);
}

#[tokio::test]
async fn a_rejection_is_carried_out_when_nobody_can_take_it_back() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, drafts) = decided(&test, &["a@x.example"]).await;
    story.reject(&drafts[0], Rejection::LeaveCampaign).await;
    story.carry_out(&drafts[0]).await;
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Skipped]), 0, "too early");
    assert!(story.undo(&drafts[0]).await);
    test.clock().advance(UNDO);
    story.carry_out(&drafts[0]).await;
    assert_eq!((story.queue().await.len(), story.state(id).await), (1, CampaignState::Running));

    story.reject(&drafts[0], Rejection::LeaveCampaign).await;
    test.clock().advance(UNDO);
    let due = story.db.platform().due_rejections(test.clock().now()).await.expect("a look");
    assert_eq!(due, [(story.company.id, drafts[0].draft.id)]);
    for _ in 0..2 {
        story.carry_out(&drafts[0]).await;
    }
    assert!(!story.undo(&drafts[0]).await);
    let ledger = story.ledger(id).await;
    let line = ledger.lines.iter().find(|line| line.reason == Some(EndReason::DraftRejected)).expect("counted");
    assert_eq!((line.state, line.leads), (EnrolmentState::Skipped, 1));
    assert_eq!(story.db.platform().due_rejections(test.clock().now()).await.expect("a look"), []);
}

#[tokio::test]
async fn a_skipped_e_mail_is_followed_by_the_next_step() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, drafts) = decided(&test, &["a@x.example"]).await;
    story.reject(&drafts[0], Rejection::SkipStep).await;
    test.clock().advance(UNDO);
    for _ in 0..2 {
        story.carry_out(&drafts[0]).await;
    }
    story.send().await;
    assert_eq!(story.caught().await, [], "the next step has its delay");
    test.clock().advance(Duration::hours(1));
    story.send().await;
    assert_eq!(story.caught().await, [("Second".to_owned(), "a@x.example".to_owned())]);
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.leads(&[EnrolmentState::Finished]), 1);
    assert_eq!(ledger.messages_in(MessageState::Cancelled), 1);
}

#[tokio::test]
async fn a_skipped_opener_leaves_its_subject_to_what_would_have_answered_it() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    let mut t = story.open().await;
    let second = t.campaigns().steps(id).await.expect("steps").steps()[1].id;
    let step = StepInput { thread: Some(Thread::Reply), subject: Some(String::new()), ..StepInput::default() };
    t.campaigns().update_step(id, second, step, None).await.expect("changed");
    t.commit().await.expect("kept");
    story.start(id).await;
    story.write().await;
    let draft = story.queue().await.remove(0);
    story.reject(&draft, Rejection::SkipStep).await;
    test.clock().advance(UNDO);
    story.carry_out(&draft).await;
    test.clock().advance(Duration::hours(1));
    story.send().await;
    assert_eq!(story.caught().await, [("Calibration at your company".to_owned(), "a@x.example".to_owned())]);
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Finished]), 1);
}

#[tokio::test]
async fn who_skips_the_last_e_mail_has_finished_the_campaign() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    let mut t = story.open().await;
    let second = t.campaigns().steps(id).await.expect("steps").steps()[1].id;
    let step =
        StepInput { writing: Some(Writing::Approve), instructions: Some("Follow up.".into()), ..StepInput::default() };
    t.campaigns().update_step(id, second, step, None).await.expect("changed");
    t.commit().await.expect("kept");
    story.start(id).await;
    story.send().await;
    story.write().await;
    let draft = story.queue().await.remove(0);
    story.reject(&draft, Rejection::SkipStep).await;
    test.clock().advance(UNDO);
    story.carry_out(&draft).await;
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Finished]), 1);
}

#[tokio::test]
async fn what_follows_a_skipped_e_mail_is_done_while_the_campaign_runs() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    let task = StepInput {
        kind: Some(StepKind::Task),
        title: Some("Call {first_name|them}".into()),
        place: Some(Place { position: Some(2), branch: None }),
        ..StepInput::default()
    };
    let mut t = story.open().await;
    t.campaigns().add_step(id, task).await.expect("added");
    t.commit().await.expect("kept");
    story.start(id).await;
    story.write().await;
    let draft = story.queue().await.remove(0);
    story.reject(&draft, Rejection::SkipStep).await;
    let mut t = story.open().await;
    t.campaigns().pause(id).await.expect("paused");
    t.commit().await.expect("kept");
    test.clock().advance(UNDO);
    story.carry_out(&draft).await;
    let tasks = async || story.open().await.tasks().open(&PageRequest::default()).await.expect("a list").items.len();
    assert_eq!(tasks().await, 0, "the campaign is paused");

    let mut t = story.open().await;
    t.campaigns().resume(id, false).await.expect("goes on");
    t.commit().await.expect("kept");
    story.minutes(&test, id, 1).await;
    assert_eq!(tasks().await, 1);
}

#[tokio::test]
async fn a_rejection_of_who_has_left_meanwhile_changes_nothing() {
    let test = testing::db_at(start_of_story()).await;
    let (story, id, drafts) = decided(&test, &["a@x.example", "b@x.example"]).await;
    for draft in &drafts {
        story.reject(draft, Rejection::SkipStep).await;
    }
    let mut t = story.open().await;
    t.leads().delete(drafts[0].draft.lead).await.expect("deleted");
    let page = t.enrolments().list(id, None, &Default::default()).await.expect("a list");
    let other = page.items.iter().find(|e| e.state.is_open()).expect("one is left").id;
    t.enrolments().remove(other).await.expect("out");
    t.commit().await.expect("kept");
    assert!(!story.undo(&drafts[1]).await, "its lead has left");
    test.clock().advance(UNDO);
    for draft in &drafts {
        story.carry_out(draft).await;
    }
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Stopped]), 2);
}

#[tokio::test]
async fn the_writer_reads_why_another_draft_is_wanted() {
    let test = testing::db_at(start_of_story()).await;
    let (story, _, drafts) = decided(&test, &["a@x.example"]).await;
    let mut t = story.open().await;
    let mut wrong = Rewrite { reasons: vec![RewriteReason::Other], reason: " ".into() };
    let silent = t.drafts().rewrite(drafts[0].draft.id, &wrong, None).await;
    assert!(matches!(silent, Err(Error::Invalid(problems)) if problems[0].field.as_deref() == Some("reason")));
    wrong.reasons = vec![RewriteReason::WrongTone, RewriteReason::TooLong];
    let replaced = t.drafts().rewrite(drafts[0].draft.id, &wrong, None).await.expect("sent back");
    assert_eq!(replaced.reason.as_deref(), Some("Too long. Wrong tone."));
    let order = t.drafts().take().await.expect("taken").expect("ordered");
    assert_eq!(order.brief.before.map(|(_, why)| why).as_deref(), Some("Too long. Wrong tone."));
}

#[tokio::test]
async fn a_draft_that_a_colleague_has_open_is_theirs_for_a_while() {
    let test = testing::db_at(start_of_story()).await;
    let (story, _, drafts) = decided(&test, &["a@x.example", "b@x.example"]).await;
    let draft = drafts[0].draft.id;
    let (manager, viewer) = (story.company.member(Role::Manager).await, story.company.member(Role::Viewer).await);
    let open_up = async |who: &service::Actor, draft| {
        let mut t = story.db.tenant(who).await.expect("open");
        t.drafts().open_up(draft).await.expect("opened");
        let holder = t.drafts().in_queue(draft).await.expect("there").holder;
        t.commit().await.expect("kept");
        holder.map(|holder| holder.name)
    };
    assert_eq!(open_up(&viewer, draft).await, None);
    assert_eq!(open_up(story.actor(), draft).await, None, "a viewer holds nothing");
    let name = Some(story.actor().name().to_owned());
    assert_eq!(open_up(&manager, draft).await, name);

    let mut t = story.db.tenant(&manager).await.expect("open");
    for refused in [
        t.drafts().approve(draft, None, false).await,
        t.drafts().reject(draft, Rejection::SkipStep, "No", None).await,
        t.drafts().update(draft, "Other", "Words for you, Ines.", None).await,
    ] {
        let held =
            |problem: &domain::Problem| problem.code == "draft_held" && problem.message.contains("has this draft");
        assert!(matches!(&refused, Err(Error::Conflict(problem)) if held(problem)), "{refused:?}");
    }
    let now = t.now();
    assert_eq!(t.drafts().approve_passing(&QueueFilter::default(), now).await.expect("done"), 1, "the other one");
    t.commit().await.expect("kept");

    // It is free when its holder goes on, or stays away.
    assert_eq!(open_up(story.actor(), drafts[1].draft.id).await, None);
    assert_eq!(open_up(&manager, draft).await, None);
    assert_eq!(open_up(story.actor(), draft).await, Some(manager.name().to_owned()));
    test.clock().advance(HELD);
    assert_eq!(open_up(story.actor(), draft).await, None);
    let mut t = story.open().await;
    t.drafts().approve(draft, None, false).await.expect("held by who approves");
}
