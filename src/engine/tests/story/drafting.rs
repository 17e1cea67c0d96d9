//! Campaigns whose e-mails are written for each lead: nothing leaves that nobody has approved, and what leaves
//! is what was approved.

use chrono::Duration;
use domain::{
    CampaignId, LeadId, PageRequest, Role,
    campaigns::{CampaignState, HoldReason},
    drafts::{DraftState, QueueFilter, QueuedDraft, Rejection, Rewrite, UNDO, Writer},
    enrolments::{EndReason, EnrolmentAction, EnrolmentSelection, EnrolmentState},
    leads::LeadInput,
    messages::MessageState,
    steps::{StepInput, Writing},
};
use engine::drafting::write;
use service::{Error, Tenant, campaigns::advance::advance, jobs::WriteDrafts};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    /// A campaign of two steps, of which the first is written for each lead.
    pub async fn written(&self, writing: Writing) -> CampaignId {
        let id = self.campaign().await;
        let mut t = self.db.tenant(self.actor()).await.expect("open");
        let first = t.campaigns().steps(id).await.expect("steps").steps()[0].id;
        let step = StepInput {
            subject: Some("Calibration at {company|your company}".into()),
            body: Some("Hi {first_name|there},\n\nwho looks after your work as {title|an expert}?".into()),
            writing: Some(writing),
            instructions: Some("Ask who looks after calibration.".into()),
            ..StepInput::default()
        };
        t.campaigns().update_step(id, first, step, None).await.expect("changed");
        t.commit().await.expect("kept");
        id
    }

    pub async fn open(&self) -> Tenant {
        self.db.tenant(self.actor()).await.expect("open")
    }

    /// A worker writes what was ordered.
    pub async fn write(&self) {
        write(&self.db, &WriteDrafts { company: self.company.id }, &self.stop).await.expect("written");
    }

    pub async fn queue(&self) -> Vec<QueuedDraft> {
        self.open().await.drafts().queue(&QueueFilter::default(), &PageRequest::default()).await.expect("a queue").items
    }

    pub async fn approve(&self, draft: &QueuedDraft) {
        let mut t = self.open().await;
        // Whoever approves it has read what stands against it.
        t.drafts().approve(draft.draft.id, None, !draft.draft.passes).await.expect("approved");
        t.commit().await.expect("kept");
    }

    pub async fn state_of(&self, draft: &QueuedDraft) -> DraftState {
        self.open().await.drafts().get(draft.draft.id).await.expect("there").state
    }

    /// Why the first lead of the campaign has no e-mail yet.
    pub async fn why(&self, id: CampaignId) -> String {
        let page = self.open().await.enrolments().list(id, None, &PageRequest::default()).await.expect("a list");
        page.items[0].why_not_yet.clone().expect("it waits").words
    }

    pub async fn change(&self, lead: LeadId, title: &str) {
        let mut t = self.open().await;
        let old = t.leads().get(lead).await.expect("there");
        let input = LeadInput {
            email: old.email.map(|email| email.to_string()),
            first_name: old.first_name,
            title: Some(title.into()),
            ..LeadInput::default()
        };
        t.leads().update(lead, input, None).await.expect("changed");
        t.commit().await.expect("kept");
    }
}

#[tokio::test]
async fn an_e_mail_waits_for_its_draft_and_leaves_once_as_it_was_approved() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    story.send().await;
    assert_eq!((story.caught().await.len(), story.why(id).await.as_str()), (0, "Its draft is being written."));

    story.write().await;
    story.send().await;
    assert_eq!((story.caught().await.len(), story.why(id).await.as_str()), (0, "Waits for approval of its draft."));
    let mut t = story.open().await;
    assert_eq!(t.campaigns().hold_reason(id).await.expect("a reason"), Some(HoldReason::ApprovalBacklog));
    let queued = story.queue().await.remove(0);
    let draft = &queued.draft;
    assert_eq!(draft.origin.as_ref().map(|origin| origin.writer), Some(Writer::BuiltIn));
    assert_eq!((draft.subject.as_str(), draft.passes), ("Calibration at your company", true), "{draft:?}");
    assert_eq!(draft.sentences[0].facts, ["lead.first_name"]);

    t.drafts().update(draft.id, "One question", "Hi Ines,\n\nwho calibrates with you?", None).await.expect("edited");
    let edited = t.drafts().approve(draft.id, None, false).await.expect("approved");
    t.commit().await.expect("kept");
    assert_eq!(edited.original.map(|original| original.subject).as_deref(), Some("Calibration at your company"));
    story.send().await;
    assert_eq!(story.caught().await, [], "it can be taken back");
    test.clock().advance(UNDO);
    for _ in 0..2 {
        story.send().await;
    }
    assert_eq!(story.caught().await, [("One question".to_owned(), "a@x.example".to_owned())]);
    let mut t = story.open().await;
    let mail = t.sandbox().list(&PageRequest::default()).await.expect("a list").items.remove(0).id;
    let read = service::sandbox::read(&t.sandbox().raw(mail).await.expect("bytes"));
    assert!(read.text.contains("who calibrates with you?"), "{read:?}");
    assert_eq!(read.links.len(), 1, "the way out");
    assert_eq!(story.state_of(&queued).await, DraftState::Used);

    // The second step is a template: it waits for its delay and for nobody.
    test.clock().advance(Duration::minutes(61));
    story.send().await;
    assert_eq!(story.caught().await.len(), 2);
    story.ledger(id).await;
}

#[tokio::test]
async fn what_passes_leaves_by_itself_and_what_does_not_waits() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example", "b@x.example"]).await;
    story.change(leads[1], "Winner").await;
    let mut t = story.open().await;
    t.drafts().forbid(&["winner".into()]).await.expect("kept");
    t.commit().await.expect("kept");
    let id = story.written(Writing::Auto).await;
    story.start(id).await;
    story.write().await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
    let waits = story.queue().await;
    assert_eq!(waits.iter().map(|q| q.draft.lead).collect::<Vec<_>>(), [leads[1]]);
    let blocked = |q: &QueuedDraft| q.draft.checks.iter().any(|check| check.code == "forbidden");
    assert!(!waits[0].draft.passes && blocked(&waits[0]));

    let mut t = story.open().await;
    let now = t.now();
    let all = QueueFilter::default();
    assert_eq!(t.drafts().approve_passing(&all, now).await.expect("done"), 0, "it does not pass");
    let unread = t.drafts().approve(waits[0].draft.id, None, false).await;
    assert!(matches!(&unread, Err(Error::Refused(refusal)) if refusal.code == "acknowledgement_needed"), "{unread:?}");
    t.drafts().approve(waits[0].draft.id, None, true).await.expect("a person may overrule");
    t.commit().await.expect("kept");
    test.clock().advance(UNDO);
    story.send().await;
    assert_eq!(story.caught().await.len(), 2);
}

#[tokio::test]
async fn all_that_pass_are_approved_together_and_nothing_that_came_later() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    let asked = test.clock().now();
    test.clock().advance(Duration::seconds(1));
    story.write().await;
    let mut t = story.open().await;
    let filter = QueueFilter { campaign: Some(id), ..QueueFilter::default() };
    assert_eq!(t.drafts().approve_passing(&filter, asked).await.expect("done"), 0, "nobody was asked about them");
    let now = t.now();
    assert_eq!(t.drafts().sample(&filter, now).await.expect("a sample").len(), 3);
    let by_model = QueueFilter { writer: Some(Writer::Model), ..filter.clone() };
    assert_eq!(t.drafts().approve_passing(&by_model, now).await.expect("done"), 0, "no model wrote them");
    assert_eq!(t.drafts().approve_passing(&filter, now).await.expect("done"), 3);
    t.commit().await.expect("kept");
    test.clock().advance(UNDO);
    story.send().await;
    assert_eq!((story.caught().await.len(), story.queue().await.len()), (3, 0));
    story.ledger(id).await;
}

#[tokio::test]
async fn who_leaves_the_campaign_takes_the_draft_along() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example", "b@x.example", "c@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    let mut t = story.open().await;
    let late = t.drafts().take().await.expect("taken").expect("ordered");
    t.commit().await.expect("kept");
    story.write().await;
    let drafts = story.queue().await;
    assert_eq!(drafts.len(), 2, "the third is still in somebody's hands");

    let mut t = story.open().await;
    t.leads().delete(leads[0]).await.expect("deleted");
    t.campaigns().stop(id).await.expect("stopping");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("stopped");
    assert_eq!((story.queue().await.len(), story.state(id).await), (0, CampaignState::Stopped));
    let kept = drafts.iter().find(|q| q.draft.lead != leads[0]).expect("one is left");
    assert_eq!(story.state_of(kept).await, DraftState::Withdrawn);

    let mut t = story.open().await;
    let refused = t.drafts().approve(kept.draft.id, None, false).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let text = service::drafts::Text {
        subject: "Late".into(),
        sentences: Vec::new(),
        writer: Writer::BuiltIn,
        model: None,
        usage: Default::default(),
        notice: None,
    };
    assert_eq!(t.drafts().deliver(&late, text).await.expect("heard"), None);
    t.commit().await.expect("kept");
    story.send().await;
    assert_eq!(story.caught().await, []);
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.messages_in(MessageState::Cancelled), 3);
}

#[tokio::test]
async fn an_unsubscribe_withdraws_the_draft_of_the_next_step() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    let mut t = story.open().await;
    let second = t.campaigns().steps(id).await.expect("steps").steps()[1].id;
    let step = StepInput {
        writing: Some(Writing::Auto),
        instructions: Some("Follow up.".into()),
        body: Some("Hi {first_name|there}, did you find the time for my question?".into()),
        ..StepInput::default()
    };
    t.campaigns().update_step(id, second, step, None).await.expect("changed");
    t.commit().await.expect("kept");
    story.start(id).await;
    story.send().await;
    story.write().await;
    let mut t = story.open().await;
    let mail = t.sandbox().list(&PageRequest::default()).await.expect("a list").items.remove(0).id;
    let links = service::sandbox::read(&t.sandbox().raw(mail).await.expect("bytes")).links;
    drop(t);
    let token = links[0].rsplit_once("/p/").expect("an unsubscribe link").1;
    story.db.confirm_unsubscribe(token).await.expect("done");
    test.clock().advance(Duration::hours(2));
    story.send().await;
    assert_eq!(story.caught().await.len(), 1, "the approved draft is not sent");
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.leads(&[EnrolmentState::Unsubscribed]), 1);
}

#[tokio::test]
async fn a_pause_holds_what_is_approved_and_nothing_is_written_meanwhile() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    let pause = async |on: bool| {
        let mut t = story.open().await;
        let outcome = if on { t.campaigns().pause(id).await } else { t.campaigns().resume(id, false).await };
        outcome.expect("done");
        t.commit().await.expect("kept");
        advance(&story.db, story.company.id, id).await.expect("planned");
    };
    pause(true).await;
    story.write().await;
    assert_eq!(story.queue().await.len(), 0);
    pause(false).await;
    story.write().await;
    let draft = story.queue().await.remove(0);
    pause(true).await;
    story.approve(&draft).await;
    test.clock().advance(UNDO);
    story.send().await;
    assert_eq!(story.caught().await, []);
    pause(false).await;
    // Its plan has moved by the length of the pause.
    test.clock().advance(UNDO);
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
}

#[tokio::test]
async fn a_rejected_draft_skips_its_lead_and_another_one_can_be_asked_for() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.written(Writing::Auto).await;
    let mut t = story.open().await;
    t.drafts().forbid(&["expert".into()]).await.expect("kept");
    t.commit().await.expect("kept");
    story.start(id).await;
    story.write().await;
    let drafts = story.queue().await;
    let mut t = story.open().await;
    let leave = Rejection::LeaveCampaign;
    let silent = t.drafts().reject(drafts[0].draft.id, leave, " ", None).await;
    assert!(matches!(silent, Err(Error::Invalid(_))), "{silent:?}");
    t.drafts().reject(drafts[0].draft.id, leave, "Wrong person", None).await.expect("rejected");
    let wrong = Rewrite { reason: "Too stiff".into(), ..Rewrite::default() };
    t.drafts().rewrite(drafts[1].draft.id, &wrong, None).await.expect("sent back");
    t.drafts().forbid(&[]).await.expect("kept");
    t.commit().await.expect("kept");
    assert_eq!(story.state_of(&drafts[1]).await, DraftState::Replaced);
    assert_eq!(story.queue().await.len(), 0);

    story.write().await;
    let again = story.queue().await.remove(0);
    assert_eq!((again.draft.revision, again.draft.passes), (2, true), "who asked for it wants to see it");
    story.approve(&again).await;
    test.clock().advance(UNDO);
    story.carry_out(&drafts[0]).await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
    let ledger = story.ledger(id).await;
    let line = ledger.lines.iter().find(|line| line.reason == Some(EndReason::DraftRejected)).expect("counted");
    assert_eq!((line.state, line.leads), (EnrolmentState::Skipped, 1));
}

#[tokio::test]
async fn an_old_draft_is_held_against_the_lead_before_it_is_sent() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example", "b@x.example"]).await;
    story.change(leads[0], "Engineer").await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    story.write().await;
    let mut t = story.open().await;
    let now = t.now();
    assert_eq!(t.drafts().approve_passing(&QueueFilter::default(), now).await.expect("done"), 2);
    t.commit().await.expect("kept");
    // Both are approved; before they leave, a week goes by, and one lead has another title.
    test.clock().advance(Duration::days(7));
    story.change(leads[0], "Director").await;
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
    let back = story.queue().await.remove(0);
    assert_eq!(back.draft.notice.as_deref(), Some("Title was “Engineer” and is “Director”."));
    assert!(!back.draft.passes, "“Engineer” is in no fact any more");
    story.approve(&back).await;
    test.clock().advance(UNDO);
    story.send().await;
    assert_eq!(story.caught().await.len(), 2);
    story.ledger(id).await;
}

#[tokio::test]
async fn a_stale_draft_is_not_approved_unread() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example"]).await;
    story.change(leads[0], "Engineer").await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    story.write().await;
    test.clock().advance(Duration::days(6));
    story.change(leads[0], "Director").await;
    let draft = story.queue().await.remove(0);
    assert!(draft.stale);
    let mut t = story.open().await;
    let now = t.now();
    assert_eq!(t.drafts().approve_passing(&QueueFilter::default(), now).await.expect("done"), 0);
    let conflict = t.drafts().approve(draft.draft.id, None, false).await;
    assert!(matches!(&conflict, Err(Error::Conflict(problem)) if problem.code == "facts_changed"), "{conflict:?}");
    let (subject, body) = ("One question", "Hi Ines,\n\nas a Director you know: who calibrates?");
    t.drafts().update(draft.draft.id, subject, body, None).await.expect("edited");
    t.drafts().approve(draft.draft.id, None, false).await.expect("its facts are those of now");
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn only_some_may_approve_and_nobody_another_company_s() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    story.write().await;
    let draft = story.queue().await.remove(0).draft.id;
    for (role, may) in [(Role::Viewer, false), (Role::Member, false), (Role::Manager, true)] {
        let person = story.company.member(role).await;
        let mut t = story.db.tenant(&person).await.expect("open");
        let approved = t.drafts().approve(draft, None, false).await;
        assert_eq!(approved.is_ok(), may, "{role}: {approved:?}");
    }
    let other = test.company("Other").await;
    let mut t = story.db.tenant(&other.owner).await.expect("open");
    assert!(matches!(t.drafts().approve(draft, None, false).await, Err(Error::NotFound(_))));
}

/// Lets the leads of a campaign wait, or go on.
async fn hold(story: &Story<'_>, id: CampaignId, on: bool) {
    let action = if on { EnrolmentAction::Pause } else { EnrolmentAction::Resume };
    let mut t = story.open().await;
    let all = EnrolmentSelection::All { state: None };
    assert_eq!(t.enrolments().bulk(id, &all, &action).await.expect("done").changed, 1);
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn what_is_approved_while_its_lead_is_paused_leaves_when_the_lead_goes_on() {
    for writing in [Writing::Approve, Writing::Auto] {
        let test = testing::db_at(start_of_story()).await;
        let story = Story::of(&test).await;
        story.leads(&["a@x.example"]).await;
        let id = story.written(writing).await;
        story.start(id).await;
        hold(&story, id, true).await;
        story.write().await;
        if writing == Writing::Approve {
            let draft = story.queue().await.remove(0);
            story.approve(&draft).await;
            let mut t = story.open().await;
            t.drafts().undo(draft.draft.id).await.expect("it can be taken back");
            t.commit().await.expect("kept");
            story.approve(&draft).await;
        }
        test.clock().advance(Duration::hours(1));
        story.send().await;
        assert_eq!(story.caught().await, [], "{writing}: its lead is paused");

        hold(&story, id, false).await;
        story.send().await;
        let subjects: Vec<_> = story.caught().await.into_iter().map(|(subject, _)| subject).collect();
        assert_eq!(subjects, ["Calibration at your company"], "{writing}");
    }
}

#[tokio::test]
async fn a_paused_lead_whose_e_mail_is_now_written_for_it_gets_its_draft() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    hold(&story, id, true).await;
    let mut t = story.open().await;
    let first = t.campaigns().steps(id).await.expect("steps").steps()[0].id;
    let step = StepInput {
        body: Some("Hi {first_name|there},\n\nwho looks after calibration with you?".into()),
        writing: Some(Writing::Approve),
        instructions: Some("Ask who looks after calibration.".into()),
        ..StepInput::default()
    };
    t.campaigns().update_step(id, first, step, None).await.expect("changed");
    t.campaigns().publish(id, true).await.expect("published");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("moved");
    story.write().await;
    let drafts = story.queue().await;
    assert_eq!(drafts.len(), 1, "it was ordered");

    hold(&story, id, false).await;
    story.send().await;
    assert_eq!(story.caught().await, [], "nobody has approved it");
    story.approve(&drafts[0]).await;
    test.clock().advance(UNDO);
    story.send().await;
    assert_eq!(story.caught().await.len(), 1);
}

#[tokio::test]
async fn e_mails_that_have_lost_their_drafts_get_them_by_migrating() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.written(Writing::Approve).await;
    story.start(id).await;
    story.write().await;
    let drafts = story.queue().await;
    story.approve(&drafts[0]).await;
    // One draft was approved and not given to its e-mail, the other one was never ordered.
    let (admin, gone) = (test.superuser(), "state = 'replaced', decided_at = now(), decided_by = 'Nora'");
    testing::change(&admin, "messages", "waits_for_draft = true, draft_id = NULL", "campaign_id", id.0).await;
    testing::change(&admin, "drafts", gone, "id", drafts[1].draft.id.0).await;
    test.clock().advance(UNDO);
    story.send().await;
    story.write().await;
    assert_eq!((story.caught().await.len(), story.queue().await.len()), (0, 0));

    service::db::migrate_down(&test.owner(), 73).await.expect("a way back");
    service::db::migrate(&test.owner()).await.expect("migrated");
    story.send().await;
    story.write().await;
    assert_eq!((story.caught().await.len(), story.queue().await.len()), (1, 1));
}
