//! Changes to many leads of a campaign at once: what each does, what it leaves, and that nothing is ever sent twice.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, EnrolmentId, PageRequest, Role, StepId,
    campaigns::{Audience, CampaignInput},
    enrolments::{Enrolment, EnrolmentAction, EnrolmentSelection, EnrolmentState, EnrolmentsChanged},
    leads::{LeadFilter, LeadInput},
    messages::{MessageInFull, MessageState, SendOutcome},
    steps::{Delay, DelayUnit, StepInput, StepKind},
    window::SendingWindow,
};
use service::{
    Error, Result, Tenant,
    campaigns::advance::advance,
    messages::{Claimed, Ready, claim::claim_next},
};
use testing::{TestCompany, TestDb};

const ALL: EnrolmentSelection = EnrolmentSelection::All { state: None };
const SKIP: EnrolmentAction = EnrolmentAction::Skip { as_of: None };

/// A company with a running campaign.
struct Story<'d> {
    db: &'d TestDb,
    company: TestCompany<'d>,
    campaign: CampaignId,
}

impl<'d> Story<'d> {
    /// Its leads have come to the first step.
    async fn of(db: &'d TestDb, leads: &[&str], steps: Vec<StepInput>) -> Self {
        let company = db.company(&format!("Company of {}", leads[0])).await;
        let mailbox = company.mailbox().await;
        let mut t = db.tenant(&company.owner).await.expect("open");
        let lead = |name: &&str| LeadInput { email: Some(format!("{name}@x.example")), ..LeadInput::default() };
        t.leads().bulk_upsert(leads.iter().map(lead).collect()).await.expect("stored");
        let input = CampaignInput {
            name: Some("Story".into()),
            audience: Some(Audience::Filter { filter: LeadFilter::default() }),
            window: Some(SendingWindow::always()),
            rules: None,
            mailboxes: Some(vec![mailbox]),
        };
        let campaign = t.campaigns().create(input).await.expect("created").id;
        for step in steps {
            t.campaigns().add_step(campaign, step).await.expect("added");
        }
        t.campaigns().start(campaign).await.expect("started");
        t.commit().await.expect("kept");
        advance(db, company.id, campaign).await.expect("placed");
        Self { db, company, campaign }
    }

    async fn open(&self) -> Tenant {
        self.db.tenant(&self.company.owner).await.expect("open")
    }

    async fn try_to(&self, selection: &EnrolmentSelection, action: EnrolmentAction) -> Result<EnrolmentsChanged> {
        let mut t = self.open().await;
        let done = t.enrolments().bulk(self.campaign, selection, &action).await?;
        t.commit().await?;
        Ok(done)
    }

    /// What a change did; nobody is lost between its figures.
    async fn change(&self, selection: &EnrolmentSelection, action: EnrolmentAction) -> EnrolmentsChanged {
        let o = self.try_to(selection, action).await.expect("done");
        assert_eq!(o.selected, o.changed + o.unchanged + o.ended + o.in_flight + o.passed + o.elsewhere, "{o:?}");
        assert!(self.open().await.campaigns().ledger(self.campaign).await.expect("a ledger").is_balanced());
        o
    }

    /// Its leads by their addresses.
    async fn leads(&self) -> Vec<Enrolment> {
        let page = self.open().await.enrolments().list(self.campaign, None, &PageRequest::default()).await;
        let mut leads = page.expect("a list").items;
        leads.sort_by(|a, b| a.email.cmp(&b.email));
        leads
    }

    async fn ids(&self) -> Vec<EnrolmentId> {
        self.leads().await.iter().map(|lead| lead.id).collect()
    }

    async fn states(&self) -> Vec<EnrolmentState> {
        self.leads().await.iter().map(|lead| lead.state).collect()
    }

    async fn steps(&self) -> Vec<StepId> {
        let steps = self.open().await.campaigns().steps(self.campaign).await.expect("steps");
        steps.steps().iter().map(|step| step.id).collect()
    }

    async fn mails(&self) -> Vec<MessageInFull> {
        let page = self.open().await.campaigns().messages(self.campaign, None, &PageRequest::default()).await;
        page.expect("a list").items
    }

    /// How many tasks wait for somebody.
    async fn tasks(&self) -> usize {
        self.open().await.tasks().open(&PageRequest::default()).await.expect("a list").items.len()
    }

    /// How many e-mails of which step stand where.
    async fn counted(&self) -> BTreeMap<(i32, MessageState), usize> {
        let mut counted = BTreeMap::new();
        for mail in self.mails().await {
            *counted.entry((mail.message.position, mail.message.state)).or_default() += 1;
        }
        counted
    }

    async fn begin(&self, claimed: &Claimed) {
        let mut t = self.open().await;
        let ready = [Ready::new(claimed, "Mail", b"x", "mx.example:25")];
        assert_eq!(t.messages().begin(&ready).await.expect("begun"), [true]);
        t.commit().await.expect("kept");
    }

    async fn take(&self, claimed: &Claimed) {
        let mut t = self.open().await;
        let taken = SendOutcome::Accepted { reply: "250 ok".into(), queue_id: None };
        t.messages().record(claimed.id, claimed.token, &taken).await.expect("recorded");
        t.commit().await.expect("kept");
    }

    /// Hands over what is due.
    async fn send(&self) {
        while let Some(batch) = claim_next(self.db).await.expect("a claim") {
            for claimed in &batch {
                self.begin(claimed).await;
                self.take(claimed).await;
            }
        }
    }

    /// Lets minutes pass, and the worker look after each.
    async fn minutes(&self, minutes: i64) {
        for _ in 0..minutes {
            self.db.clock().advance(Duration::minutes(1));
            advance(self.db, self.company.id, self.campaign).await.expect("advanced");
            self.send().await;
        }
    }

    /// What the log says of changes to many leads, the first one first.
    async fn log(&self) -> Vec<(String, String, String)> {
        let page = self.open().await.campaigns().events(self.campaign, &PageRequest::default()).await;
        let log = page.expect("a log").items.into_iter().rev().filter(|entry| entry.kind.starts_with("leads_"));
        log.map(|entry| (entry.kind, entry.actor, entry.text.unwrap_or_default())).collect()
    }
}

fn start() -> DateTime<Utc> {
    "2026-11-23T10:00:00Z".parse().expect("a time")
}

fn mail(hours: i32) -> StepInput {
    StepInput {
        delay: Some(Delay { amount: hours, unit: DelayUnit::Hours }),
        subject: Some("Hello".into()),
        body: Some("Hello".into()),
        ..StepInput::default()
    }
}

fn call() -> StepInput {
    StepInput { kind: Some(StepKind::Task), title: Some("Call them".into()), ..StepInput::default() }
}

fn some(ids: &[EnrolmentId]) -> EnrolmentSelection {
    EnrolmentSelection::Ids(ids.to_vec())
}

#[tokio::test]
async fn leads_are_held_and_go_on_and_a_second_time_changes_nothing() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a", "b", "c"], vec![mail(0)]).await;
    let ids = story.ids().await;

    let held = story.change(&some(&ids[..2]), EnrolmentAction::Pause).await;
    assert_eq!(held, EnrolmentsChanged { selected: 2, changed: 2, ..Default::default() });
    story.db.clock().advance(Duration::seconds(1));
    let held = story.change(&ALL, EnrolmentAction::Pause).await;
    assert_eq!(held, EnrolmentsChanged { selected: 3, changed: 1, unchanged: 2, ..Default::default() });
    let again = story.change(&ALL, EnrolmentAction::Pause).await;
    assert_eq!((again.changed, again.unchanged), (0, 3));
    story.minutes(5).await;
    assert_eq!(story.counted().await, BTreeMap::from([((1, MessageState::Held), 3)]));

    let paused = EnrolmentSelection::All { state: Some(EnrolmentState::Paused) };
    assert_eq!(story.change(&paused, EnrolmentAction::Resume).await.changed, 3);
    let again = story.change(&ALL, EnrolmentAction::Resume).await;
    assert_eq!((again.changed, again.unchanged), (0, 3));
    story.minutes(1).await;
    assert_eq!(story.counted().await, BTreeMap::from([((1, MessageState::Sent), 3)]));

    let (who, entry) = (story.company.owner.to_string(), |kind: &str| kind.to_owned());
    assert_eq!(
        story.log().await,
        [
            (entry("leads_paused"), who.clone(), "2 leads".to_owned()),
            (entry("leads_paused"), who.clone(), "1 lead".to_owned()),
            (entry("leads_resumed"), who, "3 leads".to_owned()),
        ]
    );
}

#[tokio::test]
async fn who_is_removed_gets_nothing_more_and_who_has_ended_is_counted() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a", "b", "c"], vec![mail(0)]).await;
    let first = some(&story.ids().await[..1]);

    let removed = story.change(&first, EnrolmentAction::Remove).await;
    assert_eq!(removed, EnrolmentsChanged { selected: 1, changed: 1, ..Default::default() });
    let again = story.change(&first, EnrolmentAction::Remove).await;
    assert_eq!(again, EnrolmentsChanged { selected: 1, ended: 1, ..Default::default() });
    let rest = story.change(&ALL, EnrolmentAction::Remove).await;
    assert_eq!(rest, EnrolmentsChanged { selected: 3, changed: 2, ended: 1, ..Default::default() });
    story.minutes(1).await;
    assert_eq!(story.counted().await, BTreeMap::from([((1, MessageState::Cancelled), 3)]));
    let count = story.open().await.enrolments().count(story.campaign, Some(EnrolmentState::Stopped)).await;
    assert_eq!(count.expect("counted").value, 3);
}

#[tokio::test]
async fn a_step_is_skipped_and_what_is_being_handed_over_is_left() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a", "b", "c"], vec![mail(0), mail(1), mail(1)]).await;
    let ids = story.ids().await;
    // One is in the hands of a server, one of a worker.
    story.change(&some(&ids[2..]), EnrolmentAction::Pause).await;
    let batch = claim_next(story.db).await.expect("a claim").expect("a turn");
    assert_eq!(batch.len(), 2);
    story.begin(&batch[0]).await;
    story.change(&some(&ids[2..]), EnrolmentAction::Resume).await;

    story.db.clock().advance(Duration::seconds(1));
    let asked = EnrolmentAction::Skip { as_of: Some(story.db.clock().now()) };
    story.db.clock().advance(Duration::seconds(1));
    let skipped = story.change(&ALL, asked).await;
    assert_eq!(skipped, EnrolmentsChanged { selected: 3, changed: 1, in_flight: 2, ..Default::default() });
    let again = story.change(&some(&ids[2..]), asked).await;
    assert_eq!((again.changed, again.unchanged), (0, 1), "a second click skips no second step");
    let (mails, who) = (story.mails().await, story.company.owner.to_string());
    let given_up = mails.iter().find(|mail| mail.message.state == MessageState::Cancelled).expect("one is cancelled");
    assert_eq!(given_up.message.enrolment_id, ids[2]);
    assert_eq!(given_up.message.detail, Some(format!("{who} has skipped the step")));
    let shown = story.leads().await.pop().expect("there");
    assert_eq!((shown.state, shown.steps_done), (EnrolmentState::WaitingDelay, 1));

    story.take(&batch[0]).await;
    story.begin(&batch[1]).await;
    story.take(&batch[1]).await;
    story.minutes(150).await;
    let sent = |n| ((n, MessageState::Sent), if n == 1 { 2 } else { 3 });
    assert_eq!(story.counted().await, BTreeMap::from([sent(1), ((1, MessageState::Cancelled), 1), sent(2), sent(3)]));
    assert_eq!(story.states().await, [EnrolmentState::Finished; 3]);
}

#[tokio::test]
async fn leads_move_ahead_and_never_back() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a", "b", "c"], vec![mail(0), mail(1), mail(1)]).await;
    let (ids, steps) = (story.ids().await, story.steps().await);
    story.minutes(1).await;
    let to = |step: usize| EnrolmentAction::Move { step: steps[step] };

    let sent_already = story.change(&ALL, to(0)).await;
    assert_eq!(sent_already, EnrolmentsChanged { selected: 3, passed: 3, ..Default::default() });
    let moved = story.change(&some(&ids[..1]), to(2)).await;
    assert_eq!(moved, EnrolmentsChanged { selected: 1, changed: 1, ..Default::default() });
    let back = story.change(&some(&ids[..1]), to(1)).await;
    assert_eq!(back, EnrolmentsChanged { selected: 1, passed: 1, ..Default::default() });
    let rest = story.change(&ALL, to(2)).await;
    assert_eq!(rest, EnrolmentsChanged { selected: 3, changed: 2, passed: 1, ..Default::default() });
    assert_eq!(story.change(&ALL, to(2)).await.passed, 3, "a second time changes nothing");

    let mut t = story.open().await;
    let new = t.campaigns().add_step(story.campaign, mail(1)).await.expect("added").id;
    t.campaigns().publish(story.campaign, false).await.expect("published");
    t.commit().await.expect("kept");
    let unknown = story.change(&ALL, EnrolmentAction::Move { step: new }).await;
    assert_eq!(unknown, EnrolmentsChanged { selected: 3, elsewhere: 3, ..Default::default() });

    story.minutes(61).await;
    let one_each = [((1, MessageState::Sent), 3), ((2, MessageState::Cancelled), 3), ((3, MessageState::Sent), 3)];
    assert_eq!(story.counted().await, BTreeMap::from(one_each));
    assert_eq!(story.states().await, [EnrolmentState::Finished; 3]);
    let moved = story.log().await.into_iter().map(|(kind, _, text)| (kind, text));
    let lines = [("leads_moved", "1 lead"), ("leads_moved", "2 leads")];
    assert!(moved.eq(lines.map(|(kind, text)| (kind.to_owned(), text.to_owned()))));
}

#[tokio::test]
async fn a_skipped_task_is_closed() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0), call(), mail(1)]).await;
    story.minutes(1).await;
    assert_eq!(story.states().await, [EnrolmentState::WaitingTask]);
    let task = story.open().await.tasks().open(&PageRequest::default()).await.expect("a list").items.remove(0);

    assert_eq!(story.change(&ALL, SKIP).await.changed, 1);
    let closed = story.open().await.tasks().get(task.id).await.expect("there");
    let by = format!("{} (its step was given up)", story.company.owner);
    assert_eq!((closed.done_at.is_some(), closed.done_by), (true, Some(by)));
    assert_eq!(story.counted().await.get(&(3, MessageState::Scheduled)), Some(&1));
    assert_eq!(story.change(&ALL, SKIP).await.changed, 1, "nothing is behind the last step");
    assert_eq!(story.states().await, [EnrolmentState::Finished]);
}

#[tokio::test]
async fn what_is_no_mail_is_done_by_the_worker_once_the_campaign_runs() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0), call(), mail(1)]).await;
    let mut t = story.open().await;
    t.campaigns().pause(story.campaign).await.expect("paused");
    t.commit().await.expect("kept");

    assert_eq!(story.change(&ALL, SKIP).await.changed, 1);
    story.minutes(2).await;
    let tasks = story.open().await.tasks().open(&PageRequest::default()).await.expect("a list").items;
    assert!(tasks.is_empty(), "a campaign that is paused gives no tasks: {tasks:?}");
    let mut t = story.open().await;
    t.campaigns().resume(story.campaign, false).await.expect("goes on");
    t.commit().await.expect("kept");
    story.minutes(5).await;
    assert_eq!(story.states().await, [EnrolmentState::WaitingTask]);
}

#[tokio::test]
async fn what_follows_an_e_mail_in_flight_waits_for_the_end_of_a_pause() {
    for (of_campaign, rests) in [(true, EnrolmentState::WaitingDelay), (false, EnrolmentState::Paused)] {
        let test = testing::db_at(start()).await;
        let story = Story::of(&test, &["a"], vec![mail(0), call()]).await;
        let batch = claim_next(story.db).await.expect("a claim").expect("a turn");
        story.begin(&batch[0]).await;
        if of_campaign {
            let mut t = story.open().await;
            t.campaigns().pause(story.campaign).await.expect("pausing");
            t.commit().await.expect("kept");
        } else {
            assert_eq!(story.change(&ALL, EnrolmentAction::Pause).await.changed, 1);
        }
        story.take(&batch[0]).await;
        story.minutes(2).await;
        assert_eq!((story.states().await, story.tasks().await), (vec![rests], 0));

        if of_campaign {
            let mut t = story.open().await;
            t.campaigns().resume(story.campaign, false).await.expect("goes on");
            t.commit().await.expect("kept");
        } else {
            assert_eq!(story.change(&ALL, EnrolmentAction::Resume).await.changed, 1);
        }
        story.minutes(3).await;
        assert_eq!((story.states().await, story.tasks().await), (vec![EnrolmentState::WaitingTask], 1));
    }
}

#[tokio::test]
async fn what_follows_an_e_mail_in_flight_ends_with_a_stop() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0), call()]).await;
    let batch = claim_next(story.db).await.expect("a claim").expect("a turn");
    story.begin(&batch[0]).await;
    let mut t = story.open().await;
    t.campaigns().stop(story.campaign).await.expect("stopping");
    t.commit().await.expect("kept");
    story.take(&batch[0]).await;
    story.minutes(2).await;
    assert_eq!((story.states().await, story.tasks().await), (vec![EnrolmentState::Stopped], 0));
    assert_eq!(story.counted().await, BTreeMap::from([((1, MessageState::Sent), 1)]));
}

#[tokio::test]
async fn whoever_gets_the_last_e_mail_during_a_pause_has_finished() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0)]).await;
    let batch = claim_next(story.db).await.expect("a claim").expect("a turn");
    story.begin(&batch[0]).await;
    let mut t = story.open().await;
    t.campaigns().pause(story.campaign).await.expect("pausing");
    t.commit().await.expect("kept");
    story.take(&batch[0]).await;
    assert_eq!(story.states().await, [EnrolmentState::Finished]);
}

#[tokio::test]
async fn who_is_paused_stays_so_behind_a_skipped_step() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0), mail(1)]).await;
    story.change(&ALL, EnrolmentAction::Pause).await;
    assert_eq!(story.change(&ALL, SKIP).await.changed, 1);
    assert_eq!(story.states().await, [EnrolmentState::Paused]);
    story.minutes(30).await;
    assert_eq!(story.counted().await, BTreeMap::from([((1, MessageState::Cancelled), 1)]));

    story.change(&ALL, EnrolmentAction::Resume).await;
    story.minutes(29).await;
    assert_eq!(story.counted().await.get(&(2, MessageState::Sent)), None, "the wait began with the skip");
    story.minutes(3).await;
    assert_eq!(story.counted().await.get(&(2, MessageState::Sent)), Some(&1));
}

#[tokio::test]
async fn ids_of_another_company_do_nothing_and_viewers_may_not() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0)]).await;
    let theirs = some(&story.ids().await);
    let other = Story::of(&test, &["z"], vec![mail(0)]).await;

    for action in [EnrolmentAction::Remove, EnrolmentAction::Pause, SKIP] {
        assert_eq!(other.change(&theirs, action).await, EnrolmentsChanged::default());
        let mut t = other.open().await;
        let stranger = t.enrolments().bulk(story.campaign, &ALL, &action).await;
        assert!(matches!(stranger, Err(Error::NotFound("campaign"))), "{stranger:?}");
    }
    assert_eq!(story.states().await, [EnrolmentState::Active]);

    let viewer = story.company.member(Role::Viewer).await;
    let mut t = story.db.tenant(&viewer).await.expect("open");
    let refused = t.enrolments().bulk(story.campaign, &ALL, &EnrolmentAction::Pause).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn at_most_ten_thousand_leads_are_named_at_once() {
    let test = testing::db_at(start()).await;
    let story = Story::of(&test, &["a"], vec![mail(0)]).await;
    let one = story.ids().await[0];
    let many = EnrolmentSelection::Ids(vec![one; 10_001]);
    let refused = story.try_to(&many, EnrolmentAction::Pause).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
    let twice = story.change(&some(&[one, one]), EnrolmentAction::Pause).await;
    assert_eq!(twice, EnrolmentsChanged { selected: 1, changed: 1, ..Default::default() });
}
