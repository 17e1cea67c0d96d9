//! Runs that wait: for the run they have handed work over to, for a person, and for a time. Whoever wakes
//! them does it once.

use chrono::{DateTime, Duration, Utc};
use domain::{
    Role, RunId,
    agents::{Definition, Risk},
    runs::{Failure, NewRun, PersonAnswer, Run, RunState, RunStep, RunStepState, StepKind, Usage, WaitForPerson},
};
use serde_json::json;
use service::{
    Actor, Error,
    runs::{Asked, Intent, Outcome, RunInHand, Wait},
};
use testing::{TestCompany, TestDb};

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// Agents that may hand over to those after the colon.
async fn agents(db: &TestDb, company: &TestCompany<'_>, lines: &[&str]) {
    for line in lines {
        let (name, others) = line.split_once(':').expect("a colon");
        let text = format!(
            "---\nname: {name}\ndescription: Tests.\nhands_over_to: [{others}]\n\
             limits: {{steps: 10, minutes: 5, tokens: 1000, cost: 1}}\n---\nDo it."
        );
        let mut t = db.tenant(&company.owner).await.expect("open");
        t.agents().create(Definition::from_markdown(&text).expect("a file")).await.expect("created");
        t.commit().await.expect("kept");
    }
}

async fn with<T>(
    db: &TestDb,
    actor: &Actor,
    act: impl AsyncFnOnce(&mut service::Tenant) -> service::Result<T>,
) -> service::Result<T> {
    let mut t = db.tenant(actor).await.expect("open");
    let done = act(&mut t).await?;
    t.commit().await.expect("kept");
    Ok(done)
}

async fn start(db: &TestDb, actor: &Actor, agent: &str) -> RunId {
    let new = NewRun { agent: agent.to_owned(), task: "Do it".to_owned(), ..NewRun::default() };
    with(db, actor, async |t| t.runs().create(new).await).await.expect("started").id
}

async fn get(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> Run {
    with(db, &company.owner, async |t| t.runs().get(id).await).await.expect("it is there")
}

async fn take(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> RunInHand {
    RunInHand::take(db, company.id, id).await.expect("asked").expect("it waits for a worker")
}

async fn child_of(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> RunId {
    let children = with(db, &company.owner, async |t| t.runs().children(id).await).await.expect("a list");
    children.last().expect("a run").id
}

fn asked<'a>(key: &'a str, kind: StepKind) -> Asked<'a> {
    Asked { key, kind, name: "tool", risk: Some(Risk::Write), atomic: true, input: json!({}), schema: None }
}

fn to(agent: &str) -> Wait {
    Wait::Run(NewRun { agent: agent.to_owned(), task: "Your turn".to_owned(), ..NewRun::default() })
}

/// Hands over, and says whether the agent was refused.
async fn hand_over(run: &mut RunInHand, agent: &str) -> Result<(), String> {
    match run.wait(asked("hand", StepKind::Handoff), to(agent)).await.expect("held") {
        Ok(Intent::Stop) => Ok(()),
        Ok(other) => panic!("{other:?}"),
        Err(Error::Conflict(problem)) => Err(problem.code.to_string()),
        Err(other) => panic!("{other:?}"),
    }
}

/// What stands in the journal at this place now.
async fn outcome(run: &mut RunInHand, key: &str) -> RunStep {
    match run.intend(asked(key, StepKind::Handoff)).await.expect("held") {
        Intent::Have(step) => *step,
        other => panic!("{other:?}"),
    }
}

/// A step with a cost, that may read text from outside.
async fn works(run: &mut RunInHand, outside: bool) {
    let Intent::Do { number, .. } = run.intend(asked("work", StepKind::ToolCall)).await.expect("held") else {
        panic!("it is to be done")
    };
    let mut t = run.tenant().await.expect("open");
    let usage = Usage { tokens_in: 40, tokens_out: 10, cost_micros: 1_000, ..Usage::default() };
    let outcome = Outcome { output: Some(json!({})), outside, usage, ..Outcome::default() };
    run.record(&mut t, number, outcome).await.expect("held");
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn a_parent_waits_without_a_worker_and_goes_on_with_the_answer() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agents(&db, &acme, &["planner: writer", "writer:"]).await;
    let member = acme.member(Role::Member).await;
    let parent = start(&db, &member, "planner").await;
    let mut hand = take(&db, &acme, parent).await;
    hand_over(&mut hand, "Writer").await.expect("it may");
    drop(hand);
    assert_eq!(get(&db, &acme, parent).await.state, RunState::WaitingChild);
    assert!(RunInHand::take(&db, acme.id, parent).await.expect("asked").is_none(), "nobody holds it");

    let id = child_of(&db, &acme, parent).await;
    let child = get(&db, &acme, id).await;
    assert_eq!((child.parent, child.person), (Some(parent), member.user_id()), "with the same person's rights");
    assert_eq!(child.limits.steps, 9, "the step that hands over counts");
    let mut hand = take(&db, &acme, id).await;
    works(&mut hand, true).await;
    hand.succeed("Written.").await.expect("held");

    let waiting = get(&db, &acme, parent).await;
    assert_eq!((waiting.state, waiting.read_outside), (RunState::Queued, true), "what it read, its parent has read");
    assert_eq!((waiting.usage.steps, waiting.usage.tokens_in, waiting.usage.cost_micros), (2, 40, 1_000));
    let mut hand = take(&db, &acme, parent).await;
    let step = outcome(&mut hand, "hand").await;
    assert_eq!((step.state, step.outside), (RunStepState::Done, true));
    assert_eq!(step.output.expect("an answer")["answer"], "Written.");

    // The same end again, as after another attempt of the child, wakes nobody.
    hand.succeed("All done.").await.expect("held");
    assert_eq!(get(&db, &acme, parent).await.usage.steps, 2);
}

#[tokio::test]
async fn a_task_made_from_text_from_outside_stays_one_when_it_is_done_once_more() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agents(&db, &acme, &["planner: writer", "writer:"]).await;
    let parent = start(&db, &acme.owner, "planner").await;
    let mut hand = take(&db, &acme, parent).await;
    works(&mut hand, true).await;
    hand_over(&mut hand, "writer").await.expect("it may");
    let child = child_of(&db, &acme, parent).await;
    take(&db, &acme, child).await.succeed("Written.").await.expect("held");
    let again = with(&db, &acme.owner, async |t| t.runs().fork(child).await).await.expect("once more");
    assert!(again.read_outside);
    assert!(take(&db, &acme, again.id).await.has_outside_task());
}

#[tokio::test]
async fn a_child_that_fails_is_an_error_that_its_parent_reads() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agents(&db, &acme, &["planner: writer", "writer:"]).await;
    let parent = start(&db, &acme.owner, "planner").await;
    hand_over(&mut take(&db, &acme, parent).await, "writer").await.expect("it may");
    let child = child_of(&db, &acme, parent).await;
    take(&db, &acme, child).await.fail(Failure::AgentError, "No idea.").await.expect("held");
    let mut hand = take(&db, &acme, parent).await;
    let step = outcome(&mut hand, "hand").await;
    assert_eq!(step.state, RunStepState::Failed);
    assert!(step.error.expect("words").contains("No idea."));

    let again = with(&db, &acme.owner, async |t| t.runs().retry(child).await).await.expect("tried again");
    take(&db, &acme, again.id).await.succeed("Late.").await.expect("held");
    assert_eq!(get(&db, &acme, parent).await.state, RunState::Running, "it was told once");
}

#[tokio::test]
async fn who_cancels_a_run_cancels_those_it_waits_for() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agents(&db, &acme, &["planner: writer", "writer: checker", "checker:"]).await;
    let parent = start(&db, &acme.owner, "planner").await;
    hand_over(&mut take(&db, &acme, parent).await, "writer").await.expect("it may");
    let child = child_of(&db, &acme, parent).await;
    hand_over(&mut take(&db, &acme, child).await, "checker").await.expect("it may");
    let grandchild = child_of(&db, &acme, child).await;
    let held = take(&db, &acme, grandchild).await;

    with(&db, &acme.owner, async |t| t.runs().cancel(parent).await).await.expect("cancelled");
    let state = async |id| get(&db, &acme, id).await.state;
    assert_eq!((state(parent).await, state(child).await), (RunState::Cancelled, RunState::Cancelled));
    assert_eq!(state(grandchild).await, RunState::Cancelling, "its worker has to let go");
    held.stopped().await.expect("told");
    assert_eq!(state(grandchild).await, RunState::Cancelled);
    assert_eq!((state(parent).await, state(child).await), (RunState::Cancelled, RunState::Cancelled), "nobody wakes");
}

#[tokio::test]
async fn work_goes_to_those_the_definition_names_and_never_in_a_circle() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let lines = ["a: b, e", "b: a, c", "c: d", "d: e", "e:"];
    agents(&db, &acme, &lines).await;
    let mut run = start(&db, &acme.owner, "a").await;
    let mut hand = take(&db, &acme, run).await;
    assert_eq!(hand_over(&mut hand, "c").await, Err("handover_refused".to_owned()));
    assert_eq!(get(&db, &acme, run).await.usage.steps, 0, "what was refused was not written down");
    hand_over(&mut hand, "b").await.expect("it may");
    run = child_of(&db, &acme, run).await;
    let mut hand = take(&db, &acme, run).await;
    assert_eq!(hand_over(&mut hand, "a").await, Err("handover_cycle".to_owned()));
    hand_over(&mut hand, "c").await.expect("it may");
    run = child_of(&db, &acme, run).await;
    hand_over(&mut take(&db, &acme, run).await, "d").await.expect("the third in a row");
    run = child_of(&db, &acme, run).await;
    assert_eq!(hand_over(&mut take(&db, &acme, run).await, "e").await, Err("handover_deep".to_owned()));
}

#[tokio::test]
async fn a_person_answers_the_question_that_stands_there() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agents(&db, &acme, &["planner:"]).await;
    let run = start(&db, &acme.owner, "planner").await;
    let question = || {
        let question = WaitForPerson { question: "Which list?".into(), choices: vec!["Optics".into(), "Steel".into()] };
        let input = serde_json::to_value(&question).expect("JSON");
        (Asked { input, ..asked("ask", StepKind::ToolCall) }, Wait::Person(question))
    };
    let (step, wait) = question();
    assert!(matches!(take(&db, &acme, run).await.wait(step, wait).await, Ok(Ok(Intent::Stop))));
    assert_eq!(get(&db, &acme, run).await.state, RunState::WaitingInput);
    let slots = with(&db, &acme.owner, async |t| t.runs().slots().await).await.expect("counted");
    assert_eq!((slots.busy, slots.waiting, slots.asking), (0, 1, 1));

    let answer = async |actor: &Actor, step, words: &str| {
        let given = PersonAnswer { step, answer: words.to_owned() };
        with(&db, actor, async |t| t.runs().answer(run, given).await).await
    };
    let viewer = acme.member(Role::Viewer).await;
    assert!(matches!(answer(&viewer, 1, "Steel").await, Err(Error::Forbidden(_))));
    assert!(matches!(answer(&acme.owner, 1, "Wood").await, Err(Error::Invalid(_))));
    assert!(matches!(answer(&acme.owner, 2, "Steel").await, Err(Error::Conflict(_))), "that is another question");
    answer(&acme.owner, 1, "Steel").await.expect("answered");
    assert!(matches!(answer(&acme.owner, 1, "Optics").await, Err(Error::Conflict(_))), "once");
    let mut hand = take(&db, &acme, run).await;
    let step = outcome(&mut hand, "ask").await;
    assert_eq!(step.output.expect("an answer")["answer"], "Steel");
    assert!(!step.outside, "the words of a colleague");
}

#[tokio::test]
async fn nobody_waits_for_ever_and_sleepers_wake() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    agents(&db, &acme, &["planner:"]).await;
    let look = async || {
        let waiting = db.platform().waiting_runs(db.clock().now()).await.expect("a list");
        for (_, run) in waiting {
            with(&db, &acme.owner, async |t| t.runs().reconcile(run).await).await.expect("looked after");
        }
    };
    let run = start(&db, &acme.owner, "planner").await;
    let nap = Wait::Time(Duration::minutes(60));
    assert!(matches!(
        take(&db, &acme, run).await.wait(asked("nap", StepKind::ToolCall), nap).await,
        Ok(Ok(Intent::Stop))
    ));
    db.clock().advance(Duration::minutes(59));
    look().await;
    assert_eq!(get(&db, &acme, run).await.state, RunState::Sleeping);
    db.clock().advance(Duration::minutes(1));
    look().await;
    let mut hand = take(&db, &acme, run).await;
    assert_eq!(outcome(&mut hand, "nap").await.state, RunStepState::Done);

    let question = Wait::Person(WaitForPerson { question: "Anybody?".into(), choices: Vec::new() });
    assert!(matches!(hand.wait(asked("ask", StepKind::ToolCall), question).await, Ok(Ok(Intent::Stop))));
    db.clock().advance(Duration::days(7));
    look().await;
    let mut hand = take(&db, &acme, run).await;
    assert_eq!(outcome(&mut hand, "ask").await.state, RunStepState::Failed);
}
