//! Sequences: conditions, waits, tasks, wordings, versions, and who is left out.

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, EnrolmentId, LeadId, PageRequest, StepId,
    campaigns::{CampaignInput, CatchUp, Exclusions, Rules},
    companies::CompanyChange,
    enrolments::{EndReason, Enrolment, EnrolmentState},
    leads::{LeadFilter, LeadInput, LeadSource, LeadStatus},
    messages::{MessageState, SendOutcome},
    steps::{Answer, Branch, Delay, DelayUnit, Gap, Place, Step, StepInput, StepKind, Test, Thread, Variant},
    why_not::WaitReason,
    window::SendingWindow,
};
use service::{Error, campaigns::advance::advance};

use crate::support::{Story, start_of_story};

impl Story<'_> {
    async fn add(&self, id: CampaignId, input: StepInput) -> Step {
        let mut t = self.open().await;
        let step = t.campaigns().add_step(id, input).await.expect("added");
        t.commit().await.expect("kept");
        step
    }

    async fn rewrite(&self, id: CampaignId, step: StepId, input: StepInput) {
        let mut t = self.open().await;
        t.campaigns().update_step(id, step, input, None).await.expect("changed");
        t.commit().await.expect("kept");
    }

    async fn rules(&self, id: CampaignId, rules: Rules) {
        let mut t = self.open().await;
        let input = CampaignInput { rules: Some(rules), ..CampaignInput::default() };
        t.campaigns().update(id, input, None).await.expect("changed");
        t.commit().await.expect("kept");
    }

    async fn steps(&self, id: CampaignId) -> Vec<StepId> {
        self.open().await.campaigns().steps(id).await.expect("steps").steps().iter().map(|s| s.id).collect()
    }

    async fn enrolled(&self, id: CampaignId) -> Vec<Enrolment> {
        let mut found =
            self.open().await.enrolments().list(id, None, &PageRequest::default()).await.expect("a list").items;
        found.sort_by(|a, b| a.email.cmp(&b.email));
        found
    }

    async fn mark(&self, lead: LeadId, status: LeadStatus) {
        let mut t = self.open().await;
        t.leads().set_status(lead, status).await.expect("changed");
        t.commit().await.expect("kept");
    }
}

fn email(subject: &str) -> StepInput {
    StepInput {
        subject: Some(subject.into()),
        body: Some("Hi {first_name|there}".into()),
        delay: Some(Delay::NONE),
        ..StepInput::default()
    }
}

fn working() -> Test {
    Test::Lead { filter: Box::new(LeadFilter { status: vec![LeadStatus::Qualified], ..LeadFilter::default() }) }
}

fn within(of: StepId, when: Answer) -> Option<Place> {
    Some(Place { position: None, branch: Some(Branch { of, when }) })
}

#[tokio::test]
async fn a_condition_leads_two_ways_that_meet_again() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    let [_, second] = story.steps(id).await[..] else { panic!("two steps") };
    let asks = StepInput { kind: Some(StepKind::Condition), test: Some(working()), ..StepInput::default() };
    let condition = story.add(id, StepInput { place: Some(Place { position: Some(2), branch: None }), ..asks }).await;
    story.add(id, StepInput { place: within(condition.id, Answer::Yes), ..email("For the good ones") }).await;
    story.rewrite(id, second, StepInput { delay: Some(Delay::NONE), ..StepInput::default() }).await;
    story.mark(leads[0], LeadStatus::Qualified).await;

    story.start(id).await;
    story.send().await;

    let subjects = |to: &str, mails: &[(String, String)]| {
        mails.iter().filter(|(_, who)| who == to).map(|(subject, _)| subject.clone()).collect::<Vec<_>>()
    };
    let caught = story.caught().await;
    assert_eq!(subjects("a@x.example", &caught), ["First", "For the good ones", "Second"]);
    assert_eq!(subjects("b@x.example", &caught), ["First", "Second"]);
    let ledger = story.ledger(id).await;
    assert_eq!(ledger.leads(&[EnrolmentState::Finished]), 2);
}

#[tokio::test]
async fn a_wait_ends_when_the_lead_is_so_or_when_it_is_over() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let leads = story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    let waits = StepInput {
        kind: Some(StepKind::WaitFor),
        test: Some(working()),
        timeout: Some(Delay { amount: 10, unit: DelayUnit::Minutes }),
        place: Some(Place { position: Some(2), branch: None }),
        ..StepInput::default()
    };
    let wait = story.add(id, waits).await;
    story.add(id, StepInput { place: within(wait.id, Answer::Yes), ..email("Yes") }).await;
    story.add(id, StepInput { place: within(wait.id, Answer::No), ..email("No") }).await;
    story.start(id).await;
    story.send().await;
    story.minutes(&test, id, 3).await;
    assert!(story.enrolled(id).await.iter().all(|e| e.state == EnrolmentState::WaitingEvent));
    assert_eq!(story.enrolled(id).await[0].why_not_yet.as_ref().map(|why| why.reason), Some(WaitReason::Event));

    story.mark(leads[0], LeadStatus::Qualified).await;
    story.minutes(&test, id, 2).await;
    let got = |subject: &str, mails: &[(String, String)]| mails.iter().filter(|(s, _)| s == subject).count();
    let caught = story.caught().await;
    assert_eq!((got("Yes", &caught), got("No", &caught)), (1, 0));
    story.minutes(&test, id, 8).await;
    let caught = story.caught().await;
    assert_eq!((got("Yes", &caught), got("No", &caught)), (1, 1));
}

#[tokio::test]
async fn a_task_holds_the_sequence_until_it_is_done() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    let task = StepInput {
        kind: Some(StepKind::Task),
        title: Some("Call {first_name|them}".into()),
        place: Some(Place { position: Some(2), branch: None }),
        ..StepInput::default()
    };
    story.add(id, task).await;
    story.start(id).await;
    story.send().await;
    story.minutes(&test, id, 70).await;
    assert_eq!(story.caught().await.len(), 1, "the second e-mail waits for the task");
    let open = story.open().await.tasks().open(&PageRequest::default()).await.expect("a list").items;
    assert_eq!(open[0].title, "Call Ines");
    assert_eq!(story.enrolled(id).await[0].state, EnrolmentState::WaitingTask);

    let mut t = story.open().await;
    t.tasks().complete(open[0].id).await.expect("done");
    t.commit().await.expect("kept");
    story.minutes(&test, id, 61).await;
    assert_eq!(story.caught().await.len(), 2);
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Finished]), 1);
}

#[tokio::test]
async fn an_answer_in_the_thread_names_what_it_answers() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    let [_, second] = story.steps(id).await[..] else { panic!("two steps") };
    story.rewrite(id, second, StepInput { thread: Some(Thread::Reply), ..StepInput::default() }).await;
    story.start(id).await;
    story.send().await;
    story.minutes(&test, id, 61).await;
    let caught = story.caught().await;
    assert_eq!(caught.iter().map(|(s, _)| s.as_str()).collect::<Vec<_>>(), ["First", "Re: First"]);
    let mut t = story.open().await;
    let mails = t.sandbox().list(&PageRequest::default()).await.expect("a list").items;
    let raw = |subject: &str| mails.iter().find(|m| m.subject.as_deref() == Some(subject)).expect("caught").id;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("ASCII");
    let (first, answer) = (
        text(t.sandbox().raw(raw("First")).await.expect("bytes")),
        text(t.sandbox().raw(raw("Re: First")).await.expect("bytes")),
    );
    let header = |mail: &str, name: &str| {
        mail.lines().find_map(|l| l.strip_prefix(&format!("{name}: "))).map(|v| v.trim().to_owned())
    };
    let of = header(&first, "Message-ID").expect("an id");
    assert_eq!((header(&answer, "In-Reply-To"), header(&answer, "References")), (Some(of.clone()), Some(of)));
}

#[tokio::test]
async fn wordings_are_split_and_counted() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let emails: Vec<String> = (0..40).map(|n| format!("lead{n}@x.example")).collect();
    story.leads(&emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let id = story.campaign().await;
    let first = story.steps(id).await[0];
    let other = Variant { subject: "Other".into(), body: "Hello".into(), share: 50 };
    story.rewrite(id, first, StepInput { variants: Some(vec![other]), ..StepInput::default() }).await;
    story.start(id).await;
    story.send().await;
    let counts = story.open().await.campaigns().variant_counts(id).await.expect("counts").remove(&first).expect("sent");
    let (a, b) = (counts[0].sent, counts[1].sent);
    assert_eq!(a + b, 40);
    assert!(a >= 8 && b >= 8, "{a} and {b}");
    let other = story.caught().await.iter().filter(|(subject, _)| subject == "Other").count();
    assert_eq!(i64::try_from(other).expect("few"), b);

    // What was said before says nothing of words that are new.
    story.rewrite(id, first, StepInput { subject: Some("Better".into()), ..StepInput::default() }).await;
    let mut t = story.open().await;
    t.campaigns().publish(id, false).await.expect("published");
    t.commit().await.expect("kept");
    assert_eq!(story.open().await.campaigns().variant_counts(id).await.expect("counts").get(&first), None);
}

#[tokio::test]
async fn leads_keep_their_version_unless_they_are_moved() {
    for moved in [false, true] {
        let test = testing::db_at(start_of_story()).await;
        let story = Story::of(&test).await;
        story.leads(&["a@x.example"]).await;
        let id = story.campaign().await;
        let [_, second] = story.steps(id).await[..] else { panic!("two steps") };
        story.start(id).await;
        story.send().await;
        story.rewrite(id, second, StepInput { subject: Some("Reworded".into()), ..StepInput::default() }).await;
        story.add(id, email("Third")).await;

        let mut t = story.open().await;
        let publication = t.campaigns().publication(id).await.expect("edits");
        assert_eq!((publication.from, publication.to, publication.changes.len()), (1, 2, 2));
        assert_eq!((publication.open, publication.reworded), (1, 1));
        let version = t.campaigns().publish(id, moved).await.expect("published");
        assert_eq!((version.number, version.is_current), (2, true));
        let nothing = t.campaigns().publish(id, moved).await.expect_err("nothing edited");
        assert!(matches!(nothing, Error::Refused(_)), "{nothing:?}");
        t.commit().await.expect("kept");
        advance(&story.db, story.company.id, id).await.expect("moved");

        story.minutes(&test, id, 62).await;
        let subjects: Vec<_> = story.caught().await.into_iter().map(|(subject, _)| subject).collect();
        let expected: &[&str] = if moved { &["First", "Reworded", "Third"] } else { &["First", "Second"] };
        assert_eq!(subjects, expected);
    }
}

#[tokio::test]
async fn whoever_is_moved_is_planned_anew_by_the_delays_and_windows_of_the_new_version() {
    let mondays = SendingWindow { days: vec![1], ..SendingWindow::always() };
    let hours = |amount| StepInput { delay: Some(Delay { amount, unit: DelayUnit::Hours }), ..StepInput::default() };
    // The story begins on a Friday at eleven o'clock in Berlin; the steps were an hour apart.
    for (edit, due) in [
        (hours(3), "2026-11-20T13:00:00Z"),
        (hours(0), "2026-11-20T10:20:00Z"),
        (StepInput { window: Some(Some(mondays)), ..StepInput::default() }, "2026-11-22T23:00:00Z"),
        (StepInput { subject: Some("Reworded".into()), ..StepInput::default() }, "2026-11-20T11:00:00Z"),
    ] {
        let test = testing::db_at(start_of_story()).await;
        let story = Story::of(&test).await;
        story.leads(&["a@x.example"]).await;
        let id = story.campaign().await;
        let [_, second] = story.steps(id).await[..] else { panic!("two steps") };
        story.start(id).await;
        story.send().await;
        test.clock().advance(Duration::minutes(20));
        story.rewrite(id, second, edit).await;
        let mut t = story.open().await;
        t.campaigns().publish(id, true).await.expect("published");
        t.commit().await.expect("kept");
        advance(&story.db, story.company.id, id).await.expect("moved");

        let moved = story.enrolled(id).await.remove(0);
        let due: DateTime<Utc> = due.parse().expect("a time");
        assert_eq!((moved.sequence_version, moved.due_at), (2, Some(due)), "never before now");
        test.clock().advance(due - test.clock().now());
        story.send().await;
        let planned = story.ledger(id).await.messages.iter().map(|line| line.messages).sum::<i64>();
        assert_eq!((story.caught().await.len(), planned), (2, 2), "one e-mail for each step");
    }
}

#[tokio::test]
async fn what_was_tried_already_keeps_its_time_when_its_lead_is_moved() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    let [first, _] = story.steps(id).await[..] else { panic!("two steps") };
    story.start(id).await;
    let claimed = story.begin().await;
    let later = StepInput { delay: Some(Delay { amount: 9, unit: DelayUnit::Days }), ..StepInput::default() };
    story.rewrite(id, first, later).await;
    let mut t = story.open().await;
    t.campaigns().publish(id, true).await.expect("published");
    t.commit().await.expect("kept");
    advance(&story.db, story.company.id, id).await.expect("looked");
    assert_eq!(story.enrolled(id).await[0].sequence_version, 1, "it is being handed over");

    story.record(&claimed, &SendOutcome::Deferred { reply: "451 later".into() }).await;
    let before = story.enrolled(id).await[0].due_at;
    advance(&story.db, story.company.id, id).await.expect("moved");
    let moved = story.enrolled(id).await.remove(0);
    assert_eq!((moved.sequence_version, moved.due_at), (2, before));
}

#[tokio::test]
async fn steps_move_into_branches_and_out_and_never_into_themselves() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let id = story.campaign().await;
    let [first, second] = story.steps(id).await[..] else { panic!("two steps") };
    let asks = StepInput { kind: Some(StepKind::Condition), test: Some(working()), ..StepInput::default() };
    let condition = story.add(id, asks).await.id;
    let (yes, no) = (
        Gap::EndOf(Some(Branch { of: condition, when: Answer::Yes })),
        Gap::EndOf(Some(Branch { of: condition, when: Answer::No })),
    );
    for (step, gap, order) in [
        (second, yes, [first, condition, second]),
        (first, Gap::Before(second), [condition, first, second]),
        (second, no, [condition, first, second]),
        (condition, Gap::EndOf(None), [condition, first, second]),
        (first, Gap::Before(condition), [first, condition, second]),
    ] {
        let mut t = story.open().await;
        t.campaigns().move_step_to(id, step, gap).await.expect("moved");
        t.commit().await.expect("kept");
        assert_eq!(story.steps(id).await, order, "{gap}");
    }
    for gap in [no, Gap::Before(second)] {
        let refused = story.open().await.campaigns().move_step_to(id, condition, gap).await.expect_err("itself");
        let words = "A step cannot stand in a branch of its own.";
        assert!(matches!(&refused, Error::Invalid(problems) if problems[0].message == words), "{refused:?}");
    }
    let mut t = story.open().await;
    t.campaigns().remove_step(id, second).await.expect("removed");
    let gone = t.campaigns().move_step_to(id, first, Gap::Before(second)).await.expect_err("gone");
    assert!(matches!(gone, Error::Invalid(problems) if problems[0].code == "gap_gone"));
}

#[tokio::test]
async fn a_lead_whose_step_is_gone_goes_on_with_the_next() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let id = story.campaign().await;
    let [_, second] = story.steps(id).await[..] else { panic!("two steps") };
    story.start(id).await;
    story.send().await;
    story.add(id, email("Third")).await;
    let mut t = story.open().await;
    t.campaigns().remove_step(id, second).await.expect("removed");
    let moves = t.campaigns().publication(id).await.expect("edits").moves;
    assert_eq!((moves.len(), moves[0].leads, moves[0].to.is_some()), (1, 1, true));
    t.campaigns().publish(id, true).await.expect("published");
    t.commit().await.expect("kept");
    story.minutes(&test, id, 2).await;
    let subjects: Vec<_> = story.caught().await.into_iter().map(|(subject, _)| subject).collect();
    assert_eq!(subjects, ["First", "Third"]);
    let ledger = story.ledger(id).await;
    assert_eq!((ledger.messages_in(MessageState::Cancelled), ledger.leads(&[EnrolmentState::Finished])), (1, 1));
}

#[tokio::test]
async fn whoever_is_left_out_is_counted_with_the_reason() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let first = story.campaign().await;
    story.start(first).await;
    story.send().await;
    story.leads(&["c@x.example"]).await;

    let second = story.campaign().await;
    let exclude = Exclusions { active_elsewhere: true, ..Exclusions::default() };
    story.rules(second, Rules { exclude, ..Rules::default() }).await;
    story.start(second).await;
    let skipped = story.ledger(second).await;
    let reason = |ledger: &domain::ledger::Ledger, reason| {
        ledger.lines.iter().filter(|l| l.reason == Some(reason)).map(|l| l.leads).sum::<i64>()
    };
    assert_eq!(reason(&skipped, EndReason::ActiveElsewhere), 2);

    let third = story.campaign().await;
    let exclude = Exclusions { contacted_within_days: 7, ..Exclusions::default() };
    story.rules(third, Rules { exclude, ..Rules::default() }).await;
    story.start(third).await;
    let skipped = story.ledger(third).await;
    assert_eq!(reason(&skipped, EndReason::ContactedRecently), 2);
}

#[tokio::test]
async fn whoever_buys_before_being_placed_is_left_out_unless_the_campaign_is_for_customers() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    let lead = story.leads(&["a@x.example", "b@x.example"]).await[0];
    for (customers, left_out) in [(true, 1), (false, 0)] {
        let exclude = Exclusions { customers, ..Exclusions::default() };
        let id = story.campaign().await;
        story.rules(id, Rules { exclude, ..Rules::default() }).await;
        let mut t = story.open().await;
        t.campaigns().start(id).await.expect("started");
        t.commit().await.expect("kept");
        story.becomes(lead, LeadStatus::Customer).await;
        advance(&story.db, story.company.id, id).await.expect("placed");
        let ledger = story.ledger(id).await;
        let skipped = ledger.lines.iter().find(|line| line.reason == Some(EndReason::Customer));
        assert_eq!(skipped.map_or(0, |line| line.leads), left_out, "{ledger:?}");
    }
}

#[tokio::test]
async fn a_company_that_asks_for_a_lawful_basis_writes_to_nobody_without_one() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example"]).await;
    let mut t = story.open().await;
    let known = LeadInput {
        email: Some("b@x.example".into()),
        lawful_basis: Some("Asked for a catalogue at a fair".into()),
        ..LeadInput::default()
    };
    t.leads().create(known, LeadSource::Manual).await.expect("created");
    let company = t.update_company(CompanyChange { asks_for_basis: Some(true), ..CompanyChange::default() }).await;
    assert!(company.expect("changed").asks_for_basis);
    let company = t.update_company(CompanyChange { name: Some("Halden".into()), ..CompanyChange::default() }).await;
    assert!(company.expect("changed").asks_for_basis, "what is absent stays");
    t.commit().await.expect("kept");

    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    let to: Vec<_> = story.caught().await.into_iter().map(|(_, to)| to).collect();
    assert_eq!(to, ["b@x.example"]);
    let ledger = story.ledger(id).await;
    let left_out = ledger.lines.iter().filter(|line| line.reason == Some(EndReason::NoLawfulBasis));
    assert_eq!(left_out.map(|line| line.leads).sum::<i64>(), 1);
}

#[tokio::test]
async fn a_lead_that_is_held_gets_nothing_until_it_goes_on() {
    let test = testing::db_at(start_of_story()).await;
    let story = Story::of(&test).await;
    story.leads(&["a@x.example", "b@x.example"]).await;
    let id = story.campaign().await;
    story.start(id).await;
    story.send().await;
    let held: EnrolmentId = story.enrolled(id).await[0].id;
    let mut t = story.open().await;
    t.enrolments().pause(held).await.expect("held");
    t.commit().await.expect("kept");
    story.minutes(&test, id, 65).await;
    assert_eq!(story.caught().await.len(), 3);
    let shown = story.enrolled(id).await.into_iter().find(|e| e.id == held).expect("there");
    assert_eq!((shown.state, shown.why_not_yet.is_some()), (EnrolmentState::Paused, true));

    let mut t = story.open().await;
    t.enrolments().resume(held).await.expect("goes on");
    t.commit().await.expect("kept");
    story.minutes(&test, id, 1).await;
    assert_eq!(story.caught().await.len(), 4);
    assert_eq!(story.ledger(id).await.leads(&[EnrolmentState::Finished]), 2);
}

#[tokio::test]
async fn after_an_outage_nothing_comes_in_a_burst() {
    for (policy, sent) in [(CatchUp::Spread, 2), (CatchUp::Now, 4)] {
        let test = testing::db_at(start_of_story()).await;
        let story = Story::of(&test).await;
        story.leads(&["a@x.example", "b@x.example"]).await;
        let id = story.campaign().await;
        story.rules(id, Rules { catch_up: policy, ..Rules::default() }).await;
        story.start(id).await;
        story.send().await;
        // Nobody works for two hours; the second e-mails became due in the middle of them.
        test.clock().advance(Duration::hours(2));
        service::campaigns::replanning::catch_up(&story.db).await.expect("caught up");
        advance(&story.db, story.company.id, id).await.expect("planned anew");
        story.send().await;
        assert_eq!(story.caught().await.len(), sent, "{policy}");
        story.minutes(&test, id, 61).await;
        assert_eq!(story.caught().await.len(), 4, "{policy}");
    }
}
