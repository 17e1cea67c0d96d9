//! What keeps workflows within bounds: nothing twice, nothing for ever, nothing too often.

use chrono::Duration;
use domain::{
    LeadId,
    agents::Definition,
    leads::{LeadInput, LeadStatus},
    workflows::{WorkflowAction, WorkflowFiringState, WorkflowInput, WorkflowNotStarted, WorkflowTrigger},
};
use service::{runs::RunInHand, workflows::carry_out};
use sqlx::{Connection, PgConnection};

use crate::support::{Story, add_tag, noon, on};

fn task(title: &str) -> WorkflowAction {
    WorkflowAction::CreateTask { title: title.into(), due_in_days: 0, assignee: None }
}

/// When a lead comes to one status it gets the next.
fn step(from: LeadStatus, to: LeadStatus) -> WorkflowInput {
    let trigger = WorkflowTrigger::StatusChanged { from: None, to: Some(from) };
    on(&format!("{from} to {to}"), trigger, vec![WorkflowAction::SetStatus { status: to }])
}

async fn set_status(story: &Story<'_>, lead: LeadId, status: LeadStatus) {
    let mut t = story.open().await;
    t.leads().set_status(lead, status).await.expect("changed");
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn however_many_workers_there_are_nothing_is_done_twice() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let actions = vec![task("One"), task("Two"), task("Three")];
    let id = story.workflow(on("Tasks", WorkflowTrigger::LeadCreated {}, actions)).await;
    let mut leads = Vec::new();
    for n in 0..4 {
        leads.push(story.lead(&format!("lead{n}@x.example")).await);
    }
    let once = || carry_out(&db, story.company.id, id);
    let (a, b, c) = tokio::join!(once(), once(), once());
    for done in [a, b, c] {
        done.expect("carried out");
    }
    let titles = async |lead| {
        let mut t = story.open().await;
        let mut titles: Vec<_> = t.tasks().of_lead(lead).await.expect("a list").into_iter().map(|t| t.title).collect();
        titles.sort();
        titles
    };
    for lead in &leads {
        assert_eq!(titles(*lead).await, ["One", "Three", "Two"]);
    }

    // A worker that has died in the middle: the last action of the first lead is still to be done.
    let mut admin = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query(
        "UPDATE workflow_firings SET state = 'running', done_at = NULL, results = results - 2 WHERE lead_id = $1",
    )
    .bind(leads[0].0)
    .execute(&mut admin)
    .await
    .expect("put back");
    story.work(&[id]).await;
    assert_eq!(titles(leads[0]).await, ["One", "Three", "Three", "Two"], "only what was not written down");
    let first = story.log(id).await.into_iter().find(|firing| firing.lead == Some(leads[0])).expect("there");
    assert_eq!((first.state, first.results.len()), (WorkflowFiringState::Done, 3));
}

#[tokio::test]
async fn nobody_goes_round_in_a_circle() {
    use LeadStatus::{Lost, Nurture, Qualified, Replied, Working};
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let there = story.workflow(step(Working, Qualified)).await;
    let back = story.workflow(step(Qualified, Working)).await;
    let lead = story.lead("a@x.example").await;
    set_status(&story, lead, Working).await;
    for _ in 0..4 {
        story.work(&[there, back]).await;
    }
    assert_eq!(story.reasons(there).await, [(WorkflowNotStarted::OwnChange, 1)]);
    assert_eq!((story.log(there).await.len(), story.log(back).await.len()), (2, 1));
    assert_eq!(story.get(lead).await.status, Working);
    set_status(&story, lead, Qualified).await;
    set_status(&story, lead, Working).await;
    assert_eq!(story.log(there).await.len(), 3, "a person begins anew");

    // Five in a row, none of them twice.
    let mut chain = Vec::new();
    for (from, to) in [(Lost, Nurture), (Nurture, Replied), (Replied, LeadStatus::New), (LeadStatus::New, Lost)] {
        chain.push(story.workflow(step(from, to)).await);
    }
    let other = story.lead("b@x.example").await;
    set_status(&story, other, Lost).await;
    for _ in 0..5 {
        story.work(&chain).await;
    }
    assert_eq!(story.get(other).await.status, LeadStatus::New, "the fourth in a row is not begun");
    assert_eq!(story.reasons(chain[3]).await, [(WorkflowNotStarted::TooDeep, 1)]);
}

#[tokio::test]
async fn what_a_run_of_a_workflow_does_does_not_set_it_off() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let file = "---\nname: scout\ndescription: Tests.\n---\nDo it.";
    let mut t = story.open().await;
    t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("made");
    t.commit().await.expect("kept");
    let run = WorkflowAction::RunAgent { agent: "scout".into(), task: "Look at it.".into() };
    let id = story.workflow(on("Scout", WorkflowTrigger::LeadCreated {}, vec![run])).await;
    story.lead("a@x.example").await;
    story.work(&[id]).await;
    let run = story.log(id).await[0].results[0].run.expect("a run");
    let hand = RunInHand::take(&db, story.company.id, run).await.expect("asked").expect("let in");
    let mut t = hand.tenant().await.expect("open");
    let input = LeadInput { email: Some("b@x.example".into()), ..LeadInput::default() };
    t.leads().create(input, domain::leads::LeadSource::Manual).await.expect("made");
    t.commit().await.expect("kept");
    hand.succeed("Done.").await.expect("ended");
    assert_eq!(story.reasons(id).await, [(WorkflowNotStarted::OwnChange, 1)]);
}

#[tokio::test]
async fn many_leads_at_once_make_as_many_rows_as_an_hour_allows() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let capped = WorkflowInput { hourly_cap: 3, ..on("New", WorkflowTrigger::LeadCreated {}, vec![add_tag("new")]) };
    let id = story.workflow(capped).await;
    let leads = (0..200).map(|n| LeadInput { email: Some(format!("lead{n}@x.example")), ..LeadInput::default() });
    let mut t = story.open().await;
    t.leads().bulk_upsert(leads.collect()).await.expect("made");
    t.commit().await.expect("kept");
    assert_eq!(story.log(id).await.len(), 4, "three, and one row for the others");
    story.lead("late@x.example").await;
    story.work(&[id]).await;
    let mut reasons = story.reasons(id).await;
    reasons.sort_unstable();
    assert_eq!(reasons, [(WorkflowNotStarted::HourlyCap, 1), (WorkflowNotStarted::HourlyCap, 197)]);
    let mut t = story.open().await;
    let workflow = t.workflows().get(id).await.expect("there");
    assert_eq!(workflow.used_up_until, Some(noon() + Duration::hours(1) + Duration::seconds(1)));
    let look = t.workflows().look_back(id).await.expect("a look");
    assert_eq!((look.acted, look.not_started[0].count), (3, 198));
    drop(t);

    db.clock().advance(Duration::minutes(61));
    let next = story.lead("next@x.example").await;
    story.work(&[id]).await;
    assert_eq!(story.get(next).await.tags, ["new"]);
}

#[tokio::test]
async fn what_waits_is_looked_at_to_the_end_however_much_it_is() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let trigger = WorkflowTrigger::StatusChanged { from: None, to: None };
    let once = WorkflowInput { once_per_lead: true, ..on("Once", trigger.clone(), vec![add_tag("once")]) };
    let once = story.workflow(once).await;
    let few = story.workflow(WorkflowInput { hourly_cap: 2, ..on("Few", trigger, vec![add_tag("few")]) }).await;
    let lead = story.lead("a@x.example").await;
    let mut t = story.open().await;
    for _ in 0..60 {
        for status in [LeadStatus::Working, LeadStatus::Nurture] {
            t.leads().set_status(lead, status).await.expect("changed");
        }
    }
    t.commit().await.expect("kept");
    story.work(&[once, few]).await;
    let mut t = story.open().await;
    for (id, acted, reason) in [(once, 1, WorkflowNotStarted::OncePerLead), (few, 2, WorkflowNotStarted::HourlyCap)] {
        let look = t.workflows().look_back(id).await.expect("a look");
        let left: Vec<_> = look.not_started.iter().map(|count| (count.words.as_str(), count.count)).collect();
        assert_eq!((look.acted, left), (acted, vec![(reason.label(), 120 - acted)]));
    }
}

#[tokio::test]
async fn once_for_each_lead_means_once() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let trigger = WorkflowTrigger::StatusChanged { from: None, to: Some(LeadStatus::Working) };
    let often = story.workflow(on("Often", trigger.clone(), vec![task("Often")])).await;
    let once = WorkflowInput { once_per_lead: true, ..on("Once", trigger, vec![task("Once")]) };
    let once = story.workflow(once).await;
    let lead = story.lead("a@x.example").await;
    for status in [LeadStatus::Working, LeadStatus::Nurture, LeadStatus::Working] {
        set_status(&story, lead, status).await;
    }
    story.work(&[often, once]).await;
    assert_eq!((story.results(often).await.len(), story.results(once).await.len()), (2, 1));
    assert_eq!(story.reasons(once).await, [(WorkflowNotStarted::OncePerLead, 1)]);

    // It is remembered for longer than it is told.
    db.clock().advance(Duration::days(91));
    db.platform().sweep(db.clock().now()).await.expect("swept");
    assert_eq!((story.log(often).await, story.log(once).await), (vec![], vec![]));
    set_status(&story, lead, LeadStatus::Nurture).await;
    set_status(&story, lead, LeadStatus::Working).await;
    story.work(&[once]).await;
    assert_eq!(story.reasons(once).await, [(WorkflowNotStarted::OncePerLead, 1)]);
}

#[tokio::test]
async fn what_waits_when_a_workflow_is_turned_off_or_its_lead_deleted_is_not_begun() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let id = story.workflow(on("New", WorkflowTrigger::LeadCreated {}, vec![add_tag("new")])).await;
    let gone = story.lead("gone@x.example").await;
    let mut t = story.open().await;
    t.leads().delete(gone).await.expect("deleted");
    t.commit().await.expect("kept");
    story.work(&[id]).await;
    let kept = story.lead("kept@x.example").await;
    let mut t = story.open().await;
    t.workflows().set_enabled(id, false).await.expect("off");
    t.commit().await.expect("kept");
    story.work(&[id]).await;
    assert_eq!(story.reasons(id).await, [(WorkflowNotStarted::LeadGone, 1), (WorkflowNotStarted::Disabled, 1)]);
    assert!(story.get(kept).await.tags.is_empty());
    let mut t = story.open().await;
    t.workflows().delete(id).await.expect("deleted");
    t.commit().await.expect("kept");
    story.work(&[id]).await;
}

#[tokio::test]
async fn a_reconciler_finds_what_nobody_was_woken_for() {
    let db = testing::db_at(noon()).await;
    let story = Story::of(&db).await;
    let id = story.workflow(on("New", WorkflowTrigger::LeadCreated {}, vec![add_tag("new")])).await;
    story.lead("a@x.example").await;
    let waiting = async || db.platform().waiting_workflows(db.clock().now()).await.expect("asked");
    assert_eq!(waiting().await, [], "a worker has its chance first");
    db.clock().advance(Duration::minutes(1));
    assert_eq!(waiting().await, [(story.company.id, id)]);
    story.work(&[id]).await;
    assert_eq!(waiting().await, []);
}
