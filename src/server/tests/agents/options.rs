//! How a run is to be done, as whoever starts it says: a dry run changes nothing and reaches nobody, and the writer that
//! was chosen is asked first.

use domain::{
    LeadId,
    agents::Definition,
    models::ModelInput,
    runs::{LowerLimits, NewRun, Run, RunState, RunStep},
};
use serde_json::json;
use service::{Actor, Db, Error};

use crate::{
    models::set_up,
    support::{Answers, Model, Says, demo, once, to_its_end},
};

/// The example of an agent, to be changed and started.
async fn example(db: &Db, nora: &Actor, agent: &str) -> NewRun {
    let mut t = db.tenant(nora).await.expect("open");
    let id = t.agents().by_name(agent).await.expect("it is there");
    t.runs().example(id).await.expect("read").expect("an example")
}

async fn start(db: &Db, nora: &Actor, new: NewRun) -> Run {
    let mut t = db.tenant(nora).await.expect("open");
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    run
}

async fn steps(db: &Db, nora: &Actor, run: &Run) -> Vec<RunStep> {
    let mut t = db.tenant(nora).await.expect("open");
    t.runs().steps(run.id).await.expect("steps")
}

/// Tasks and drafts about a lead.
async fn kept(db: &Db, nora: &Actor, lead: LeadId) -> (usize, usize) {
    let mut t = db.tenant(nora).await.expect("open");
    let tasks = t.tasks().of_lead(lead).await.expect("a list");
    (tasks.len(), t.drafts().of_lead(lead).await.expect("a list").len())
}

#[tokio::test]
async fn a_dry_run_changes_nothing_whoever_it_hands_over_to() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let mut new = example(&db, &nora, "account-planner").await;
    new.dry_run = true;
    new.parameters.insert("make_task".to_owned(), json!(true));
    let run = to_its_end(&db, &nora, start(&db, &nora, new).await).await;
    assert_eq!((run.state, run.dry_run), (RunState::Succeeded, true), "{run:?}");
    let done = steps(&db, &nora, &run).await;
    let task = done.iter().find(|step| step.name == "create_task").expect("it wanted one");
    assert!(task.was_left_undone(), "{task:?}");
    assert!(done.iter().any(|step| step.name == "read_account" && !step.was_left_undone()), "it reads");

    let mut t = db.tenant(&nora).await.expect("open");
    let child = t.runs().children(run.id).await.expect("a list").pop().expect("it has handed over");
    let child = t.runs().get(child.id).await.expect("it is there");
    let lead: LeadId = child.parameters["lead"].as_str().expect("a lead").parse().expect("an id");
    let of_run = t.drafts().of_lead(lead).await.expect("a list");
    t.commit().await.expect("read");
    assert!(child.dry_run, "so is what it has handed over");
    let draft = steps(&db, &nora, &child).await.into_iter().find(|step| step.name == "draft_mail").expect("it wrote");
    assert!(draft.was_left_undone(), "{draft:?}");
    assert!(of_run.iter().all(|draft| draft.run != Some(child.id)), "no draft was kept");

    // What is done once more stays a try.
    let before = kept(&db, &nora, lead).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let again = t.runs().fork(run.id).await.expect("started");
    t.commit().await.expect("kept");
    assert!(to_its_end(&db, &nora, again).await.dry_run);
    assert_eq!(kept(&db, &nora, lead).await, before);
}

#[tokio::test]
async fn a_dry_run_asks_nobody_and_calls_nothing() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let receiver = Answers::start(200).await;
    let mut t = db.tenant(&nora).await.expect("open");
    t.webhook().connect(&receiver.url).await.expect("connected");
    t.commit().await.expect("kept");
    let mut new = example(&db, &nora, "webhook-engineer").await;
    new.parameters.insert("send_test".to_owned(), json!(true));
    let real = once(&db, &nora, &start(&db, &nora, new.clone()).await).await;
    assert_eq!(real.state, RunState::WaitingApproval, "a run that is meant asks first");
    let run = once(&db, &nora, &start(&db, &nora, NewRun { dry_run: true, ..new }).await).await;
    assert_eq!(run.state, RunState::Succeeded, "{run:?}");
    let call =
        steps(&db, &nora, &run).await.into_iter().find(|step| step.name == "call_webhook").expect("it wanted to");
    assert!(call.was_left_undone(), "{call:?}");
    assert!(receiver.requests().is_empty());
}

#[tokio::test]
async fn a_dry_run_waits_for_nobody() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([
        Says::Calls("ask_person", json!({ "question": "Which list?" }).to_string()),
        Says::Calls("wait", json!({ "minutes": 60 }).to_string()),
        Says::Words("I have tried."),
    ])
    .await;
    set_up(&db, &nora, "Mini", &model).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let file = "---\nname: asker\ndescription: Asks.\ntools: [ask_person, wait]\n---\nAsk.";
    t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("created");
    t.commit().await.expect("kept");
    let new = NewRun { agent: "asker".into(), task: "Find out.".into(), dry_run: true, ..NewRun::default() };
    let run = once(&db, &nora, &start(&db, &nora, new).await).await;
    assert_eq!(run.answer.as_deref(), Some("I have tried."), "{run:?}");
    assert_eq!(steps(&db, &nora, &run).await.iter().filter(|step| step.was_left_undone()).count(), 2);
}

#[tokio::test]
async fn what_is_handed_over_is_done_by_the_chosen_writer() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::Words("Nobody has asked for me.")]).await;
    set_up(&db, &nora, "Mini", &model).await;
    let new = NewRun { built_in: true, ..example(&db, &nora, "account-planner").await };
    let run = to_its_end(&db, &nora, start(&db, &nora, new).await).await;
    let mut t = db.tenant(&nora).await.expect("open");
    assert!(!t.runs().children(run.id).await.expect("a list").is_empty(), "it has handed over");
    assert_eq!((run.state, model.asked().len()), (RunState::Succeeded, 0), "{run:?}");
}

#[tokio::test]
async fn the_chosen_writer_is_asked_first() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let (usual, chosen) = (Model::start([Says::Words("Usual.")]).await, Model::start([Says::Words("Chosen.")]).await);
    set_up(&db, &nora, "Usual", &usual).await;
    set_up(&db, &nora, "Chosen", &chosen).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let file = "---\nname: echo\ndescription: Says it.\nplaybook:\n- answer: \"Built in.\"\n---\nSay it.";
    t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("created");
    let model = t.models().list().await.expect("a list").into_iter().find(|model| model.name == "Chosen").expect("it");
    t.commit().await.expect("kept");
    let new = || NewRun { agent: "echo".into(), task: "Say it.".into(), ..NewRun::default() };
    let answer = async |new: NewRun| once(&db, &nora, &start(&db, &nora, new).await).await.answer.expect("an answer");
    assert_eq!(answer(new()).await, "Usual.");
    assert_eq!(answer(NewRun { model: Some(model.id), ..new() }).await, "Chosen.");
    assert_eq!(answer(NewRun { built_in: true, ..new() }).await, "Built in.");

    let mut t = db.tenant(&nora).await.expect("open");
    let both = NewRun { built_in: true, model: Some(model.id), ..new() };
    assert!(
        matches!(t.runs().create(both).await, Err(Error::Invalid(problems)) if problems[0].code == "writer_ambiguous")
    );
    let off = ModelInput { enabled: Some(false), ..ModelInput::default() };
    t.models().update(model.id, off).await.expect("disabled");
    let disabled = NewRun { model: Some(model.id), ..new() };
    assert!(
        matches!(t.runs().create(disabled).await, Err(Error::Invalid(problems)) if problems[0].code == "model_disabled")
    );
}

#[tokio::test]
async fn a_run_has_the_limits_that_it_was_given_and_never_more_than_its_agent() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let new = example(&db, &nora, "copywriter").await;
    let limits = LowerLimits { steps: Some(2), cost: Some(0.01), ..LowerLimits::default() };
    let run = start(&db, &nora, NewRun { limits, ..new.clone() }).await;
    assert_eq!((run.limits.steps, run.limits.cost), (2, 0.01));
    let run = once(&db, &nora, &run).await;
    assert_eq!(run.state, RunState::WaitingBudget, "it has come to its limit");
    let mut t = db.tenant(&nora).await.expect("open");
    let again = t.runs().fork(run.id).await.expect("once more");
    assert_eq!((again.limits.steps, again.limits.cost), (2, 0.01), "with the same limits");
    let more = LowerLimits { steps: Some(10_000), ..LowerLimits::default() };
    let refused = t.runs().create(NewRun { limits: more, ..new.clone() }).await;
    assert!(matches!(refused, Err(Error::Invalid(problems)) if problems[0].field.as_deref() == Some("limits.steps")));
    drop(t);

    let mut t = db.tenant(&nora).await.expect("open");
    let id = t.agents().by_name("copywriter").await.expect("it is there");
    assert_eq!(t.runs().estimate(id).await.expect("read").map(|estimate| estimate.runs), None, "none has succeeded");
    t.commit().await.expect("read");
    to_its_end(&db, &nora, start(&db, &nora, new.clone()).await).await;
    to_its_end(&db, &nora, start(&db, &nora, NewRun { dry_run: true, ..new }).await).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let estimate = t.runs().estimate(id).await.expect("read").expect("one has succeeded");
    assert_eq!((estimate.runs, estimate.steps), (1, [3, 3]), "a try says nothing");
}
