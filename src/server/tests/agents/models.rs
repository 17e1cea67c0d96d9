//! Agents with a language model: what it wants is done within its rights and limits, whatever it says and
//! however it breaks.

use std::time::Duration;

use chrono::{TimeDelta, TimeZone};
use domain::{
    PageRequest,
    agents::Definition,
    leads::{LeadFilter, LeadSort},
    models::{ModelInput, ModelKind},
    runs::{Decision, Failure, NewRun, Run, RunState, RunStepState, StepKind},
};
use serde_json::{Value, json};
use service::{Actor, Db, jobs::WorkOnRun, runs::RunInHand};
use tokio_util::sync::CancellationToken;

use crate::support::{Answers, Model, Says, demo, once};

/// Sets up a model under a name.
pub async fn set_up(db: &Db, nora: &Actor, name: &str, model: &Model) {
    let input = ModelInput {
        name: Some(name.into()),
        kind: Some(ModelKind::OpenAi),
        base_url: Some(model.url.clone()),
        model: Some("m".into()),
        key: Some("sk-test".into()),
        price_in: Some(1.0),
        price_out: Some(10.0),
        ..ModelInput::default()
    };
    let mut t = db.tenant(nora).await.expect("open");
    t.models().create(input).await.expect("set up");
    t.commit().await.expect("kept");
}

/// The id of the best lead of the demo.
async fn lead(db: &Db, nora: &Actor) -> String {
    let mut t = db.tenant(nora).await.expect("open");
    let page = t.leads().list(&LeadFilter::default(), LeadSort::default(), &PageRequest::default()).await;
    page.expect("a list").items[0].id.to_string()
}

/// A run of the copywriter.
async fn start(db: &Db, nora: &Actor) -> Run {
    let parameters = json!({ "lead": lead(db, nora).await, "topic": "calibration" });
    let parameters = parameters.as_object().expect("an object").clone();
    let mut t = db.tenant(nora).await.expect("open");
    let new =
        NewRun { agent: "copywriter".into(), task: "Write a first e-mail.".into(), parameters, ..NewRun::default() };
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    run
}

async fn steps(db: &Db, nora: &Actor, run: &Run) -> Vec<domain::runs::RunStep> {
    let mut t = db.tenant(nora).await.expect("open");
    t.runs().steps(run.id).await.expect("steps")
}

fn calls(tool: &'static str, arguments: Value) -> Says {
    Says::Calls(tool, arguments.to_string())
}

#[tokio::test]
async fn a_model_calls_tools_and_answers() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let lead = lead(&db, &nora).await;
    let model = Model::start([
        calls("read_lead", json!({ "lead": lead })),
        calls("draft_mail", json!({ "lead": lead, "subject": "Calibration", "body": "Hello" })),
        Says::Words("A draft is kept."),
    ])
    .await;
    set_up(&db, &nora, "Mini", &model).await;
    let run = start(&db, &nora).await;
    let run = once(&db, &nora, &run).await;
    assert_eq!((run.state, run.answer.as_deref()), (RunState::Succeeded, Some("A draft is kept.")), "{run:?}");
    assert_eq!((run.usage.tokens_in, run.usage.tokens_out, run.usage.cost_micros), (300, 30, 600));
    let taken = steps(&db, &nora, &run).await;
    let names: Vec<_> = taken.iter().map(|step| (step.kind, step.name.as_str())).collect();
    assert_eq!(
        names,
        [
            (StepKind::ModelCall, "Mini"),
            (StepKind::ToolCall, "read_lead"),
            (StepKind::ModelCall, "Mini"),
            (StepKind::ToolCall, "draft_mail"),
            (StepKind::ModelCall, "Mini"),
            (StepKind::Answer, "answer"),
        ]
    );
    let asked = model.asked();
    assert_eq!(asked[0]["tools"].as_array().map(Vec::len), Some(3), "the tools of the agent and no others");
    let heard = asked[1]["messages"].as_array().and_then(|all| all.last()).expect("the outcome").to_string();
    assert!(heard.contains("data_from_outside"), "{heard}");
    let mut t = db.tenant(&nora).await.expect("open");
    let draft = t.drafts().of_lead(lead.parse().expect("an id")).await.expect("drafts").remove(0);
    assert_eq!(
        (draft.subject.as_str(), draft.agent.as_deref(), draft.run),
        ("Calibration", Some("copywriter"), Some(run.id))
    );
}

#[tokio::test]
async fn what_passes_by_itself_is_waited_for_and_then_the_next_model_is_asked() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let busy = Model::start([Says::Status(429, Some(1)), Says::Words("Patience pays.")]).await;
    set_up(&db, &nora, "Busy", &busy).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!(run.answer.as_deref(), Some("Patience pays."));
    assert_eq!(busy.asked().len(), 2);

    let second = testing::db().await;
    let (db, nora) = demo(&second).await;
    let broken = Model::start([Says::Status(500, None)]).await;
    let good = Model::start([Says::Words("Here I am.")]).await;
    set_up(&db, &nora, "Broken", &broken).await;
    set_up(&db, &nora, "Good", &good).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!(run.answer.as_deref(), Some("Here I am."));
    assert_eq!((broken.asked().len(), good.asked().len()), (3, 1));
    let mut t = db.tenant(&nora).await.expect("open");
    let models = t.models().list().await.expect("a list");
    assert_eq!(models[0].last_error.as_deref(), Some("It is out of order (500)."));
    assert!(models[1].worked_at.is_some());
}

/// What workers do when the time of a run has come: they look after it, and work on it.
async fn when_it_wakes(db: &Db, nora: &Actor, run: &Run) -> Run {
    let mut t = db.tenant(nora).await.expect("open");
    t.runs().reconcile(run.id).await.expect("looked after");
    t.commit().await.expect("kept");
    once(db, nora, run).await
}

#[tokio::test]
async fn a_model_that_asks_to_wait_longer_is_waited_for_asleep() {
    let test = testing::db_at(chrono::Utc.with_ymd_and_hms(2026, 11, 2, 9, 0, 0).single().expect("a time")).await;
    let (db, nora) = demo(&test).await;
    let lead = lead(&db, &nora).await;
    let model = Model::start([
        calls("draft_mail", json!({ "lead": lead, "subject": "Calibration", "body": "Hello" })),
        Says::Status(429, Some(45)),
        Says::Words("A draft is kept."),
        Says::Status(429, Some(30)),
        Says::Words("Now."),
    ])
    .await;
    set_up(&db, &nora, "Busy", &model).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!((run.state, model.asked().len()), (RunState::Sleeping, 2), "{run:?}");
    assert_eq!(run.wake_at, Some(db.clock().now() + TimeDelta::seconds(45)));

    // Another run does not ask meanwhile; it sleeps as well.
    let other = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!((other.state, model.asked().len()), (RunState::Sleeping, 2), "{other:?}");

    db.clock().advance(TimeDelta::seconds(44));
    assert_eq!(when_it_wakes(&db, &nora, &run).await.state, RunState::Sleeping);
    db.clock().advance(TimeDelta::seconds(1));
    let run = when_it_wakes(&db, &nora, &run).await;
    assert_eq!(run.answer.as_deref(), Some("A draft is kept."), "{run:?}");
    let drafts = steps(&db, &nora, &run).await.into_iter().filter(|step| step.name == "draft_mail").count();
    assert_eq!((drafts, model.asked().len()), (1, 3), "nothing was done twice");
    let other = when_it_wakes(&db, &nora, &other).await;
    assert_eq!((other.state, model.asked().len()), (RunState::Sleeping, 4), "it is told to wait itself: {other:?}");
    assert_eq!(other.wake_at, Some(db.clock().now() + TimeDelta::seconds(30)));
    assert_eq!(other.usage.steps, 1, "waiting is no work: {other:?}");
    db.clock().advance(TimeDelta::seconds(30));
    let other = when_it_wakes(&db, &nora, &other).await;
    assert_eq!(other.answer.as_deref(), Some("Now."), "{other:?}");
}

#[tokio::test]
async fn a_model_that_never_has_time_is_asked_a_few_times() {
    let test = testing::db_at(chrono::Utc.with_ymd_and_hms(2026, 11, 2, 9, 0, 0).single().expect("a time")).await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::Status(429, Some(60))]).await;
    set_up(&db, &nora, "Busy", &model).await;
    let mut run = once(&db, &nora, &start(&db, &nora).await).await;
    for _ in 0..3 {
        assert_eq!(run.state, RunState::Sleeping, "{run:?}");
        db.clock().advance(TimeDelta::seconds(60));
        run = when_it_wakes(&db, &nora, &run).await;
    }
    assert_eq!((run.state, model.asked().len()), (RunState::Succeeded, 4), "the built-in writer did it: {run:?}");

    let tomorrow = Model::start([Says::Status(429, Some(86_400))]).await;
    set_up(&db, &nora, "Tomorrow", &tomorrow).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!(run.state, RunState::Sleeping, "the first of them is busy for a minute: {run:?}");
}

#[tokio::test]
async fn what_tries_without_an_answer_have_used_is_counted() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::BreaksOff, Says::Words(""), Says::Words("Here it is.")]).await;
    set_up(&db, &nora, "Mini", &model).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!((run.answer.as_deref(), model.asked().len()), (Some("Here it is."), 3), "{run:?}");
    // Two of them told 100 and 10; of the one that broke off it is estimated.
    assert!(run.usage.tokens_in > 200 && run.usage.tokens_out > 20, "{run:?}");
}

#[tokio::test]
async fn a_model_that_breaks_leaves_the_work_to_the_built_in_writer() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let faults = [Says::Status(401, None), Says::BreaksOff, Says::Nonsense, Says::TooMuch, Says::Words("")];
    for (n, fault) in faults.into_iter().enumerate() {
        let model = Model::start([fault.clone()]).await;
        set_up(&db, &nora, &format!("Fault {n}"), &model).await;
        let run = once(&db, &nora, &start(&db, &nora).await).await;
        assert_eq!(run.state, RunState::Succeeded, "{fault:?}: {run:?}");
        let taken = steps(&db, &nora, &run).await;
        assert_eq!((taken[0].kind, taken[0].state), (StepKind::ModelCall, RunStepState::Failed), "{fault:?}");
        assert!(taken[0].error.as_deref().is_some_and(|words| words.contains(&format!("Fault {n}"))), "{taken:?}");
        assert!(taken.iter().any(|step| step.name == "draft_mail" && step.state == RunStepState::Done), "{fault:?}");
        let mut t = db.tenant(&nora).await.expect("open");
        let id = t.models().list().await.expect("a list")[0].id;
        t.models().delete(id).await.expect("forgotten");
        t.commit().await.expect("kept");
    }
}

#[tokio::test]
async fn a_model_that_never_stops_is_cancelled_within_seconds() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    for (name, says) in [("Talks", Says::NeverStops), ("Hangs", Says::Hangs)] {
        let model = Model::start([says]).await;
        set_up(&db, &nora, name, &model).await;
        let run = start(&db, &nora).await;
        let worker = {
            let (db, job) = (db.clone(), WorkOnRun { company: nora.company(), run: run.id });
            tokio::spawn(async move { engine::agents::work(&db, &job, &CancellationToken::new()).await })
        };
        while model.asked().is_empty() {
            tokio::task::yield_now().await;
        }
        let mut t = db.tenant(&nora).await.expect("open");
        assert_eq!(t.runs().cancel(run.id).await.expect("cancelled").state, RunState::Cancelling);
        t.commit().await.expect("kept");
        tokio::time::timeout(Duration::from_secs(10), worker).await.expect("in time").expect("no panic").expect("well");
        let mut t = db.tenant(&nora).await.expect("open");
        assert_eq!(t.runs().get(run.id).await.expect("it is there").state, RunState::Cancelled);
        let id = t.models().list().await.expect("a list")[0].id;
        t.models().delete(id).await.expect("forgotten");
        t.commit().await.expect("kept");
    }
}

#[tokio::test]
async fn a_model_without_end_meets_its_limit() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let lead = lead(&db, &nora).await;
    let model = Model::start([calls("read_lead", json!({ "lead": lead }))]).await;
    set_up(&db, &nora, "Loops", &model).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!((run.state, run.usage.steps), (RunState::WaitingBudget, 10));
}

#[tokio::test]
async fn a_question_that_does_not_fit_into_the_limits_is_not_asked() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::Words("Here it is.")]).await;
    set_up(&db, &nora, "Mini", &model).await;
    let run = async |name: &str, limits: &str| {
        let file = format!("---\nname: {name}\ndescription: Thinks.\nlimits: {limits}\n---\nThink.");
        let mut t = db.tenant(&nora).await.expect("open");
        t.agents().create(Definition::from_markdown(&file).expect("a definition")).await.expect("created");
        let new = NewRun { agent: name.to_owned(), task: "Think.".into(), ..NewRun::default() };
        let run = t.runs().create(new).await.expect("started");
        t.commit().await.expect("kept");
        once(&db, &nora, &run).await
    };
    // The shortest answer alone costs 2,560 millionths.
    let poor = run("poor", "{steps: 5, minutes: 5, tokens: 50000, cost: 0.002}").await;
    assert_eq!((poor.state, model.asked().len()), (RunState::WaitingBudget, 0), "{poor:?}");
    let short = run("short", "{steps: 5, minutes: 5, tokens: 300, cost: 1}").await;
    assert_eq!((short.state, model.asked().len()), (RunState::WaitingBudget, 0), "{short:?}");

    let most = |n: usize| {
        let question = &model.asked()[n];
        let most = question["max_completion_tokens"].as_i64().or_else(|| question["max_tokens"].as_i64());
        most.expect("a limit")
    };
    assert_eq!(run("free", "{steps: 5, minutes: 5, tokens: 0, cost: 1}").await.state, RunState::Succeeded);
    assert_eq!(most(0), 4_096, "no limit of tokens");
    assert_eq!(run("careful", "{steps: 5, minutes: 5, tokens: 50000, cost: 0.01}").await.state, RunState::Succeeded);
    assert!((257..1_000).contains(&most(1)), "what the money is for: {}", most(1));
}

#[tokio::test]
async fn a_wrong_call_is_told_and_the_model_goes_on() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([
        calls("delete_everything", json!({})),
        Says::Calls("read_lead", "{broken".into()),
        calls("enrol_leads", json!({})),
        Says::Words("I give up."),
    ])
    .await;
    set_up(&db, &nora, "Wild", &model).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!(run.answer.as_deref(), Some("I give up."));
    let told: Vec<_> = steps(&db, &nora, &run).await.into_iter().filter_map(|step| step.error).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("no tool") && told[1].contains("unreadable") && told[2].contains("no tool"), "{told:?}");
}

#[tokio::test]
async fn an_answer_that_was_cut_goes_on() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::Cut("The first half, "), Says::Cut("the second, "), Says::Words("the end.")]).await;
    set_up(&db, &nora, "Mini", &model).await;
    let run = once(&db, &nora, &start(&db, &nora).await).await;
    assert_eq!(run.answer.as_deref(), Some("The first half, the second, the end."), "{run:?}");
    let asked = model.asked();
    let last = asked[2]["messages"].as_array().expect("messages").iter().rev().take(2).collect::<Vec<_>>();
    assert_eq!(last[1]["content"], "the second, ");
    assert!(last[0]["content"].as_str().is_some_and(|words| words.contains("cut off")), "{last:?}");
}

#[tokio::test]
async fn a_model_hears_what_it_has_said_and_what_a_person_has_changed() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let receiver = Answers::start(200).await;
    let lead = lead(&db, &nora).await;
    let model = Model::start([
        Says::WordsAndCalls("I send it.", "call_webhook", json!({ "payload": { "n": 1 } }).to_string()),
        Says::Words("Sent."),
    ])
    .await;
    set_up(&db, &nora, "Mini", &model).await;
    let parameters = json!({ "event": "lead.created", "lead": lead }).as_object().expect("an object").clone();
    let new = NewRun {
        agent: "webhook-engineer".into(),
        task: "Describe the event.".into(),
        parameters,
        ..NewRun::default()
    };
    let mut t = db.tenant(&nora).await.expect("open");
    t.webhook().connect(&receiver.url).await.expect("connected");
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    let run = once(&db, &nora, &run).await;
    assert_eq!(run.state, RunState::WaitingApproval, "{run:?}");
    let mut t = db.tenant(&nora).await.expect("open");
    let question = t.runs().approvals(run.id).await.expect("questions").remove(0).id;
    let yes = |edited| Decision::Approve { for_this_run: false, edited: Some(edited) };
    let wrong = t.runs().decide(run.id, question, yes(json!({ "payloads": {} }))).await;
    assert!(matches!(wrong, Err(service::Error::Invalid(_))), "{wrong:?}");
    t.runs().decide(run.id, question, yes(json!({ "payload": { "n": 2 } }))).await.expect("decided");
    t.commit().await.expect("kept");
    let run = once(&db, &nora, &run).await;
    assert_eq!(run.answer.as_deref(), Some("Sent."), "{run:?}");
    assert_eq!(receiver.requests()[0].body["n"], 2);
    let asked = model.asked();
    let heard = asked[1]["messages"].as_array().expect("messages").iter().rev().take(2).collect::<Vec<_>>();
    assert_eq!(heard[1]["content"], "I send it.");
    let outcome = heard[0]["content"].as_str().expect("words");
    let outcome: Value = serde_json::from_str(outcome).expect("JSON");
    assert_eq!(outcome["a_person_changed_the_arguments_to"], json!({ "payload": { "n": 2 } }));
}

#[tokio::test]
async fn a_model_that_says_something_for_ever_ends_with_the_time_of_its_run() {
    let test = testing::db_at(chrono::Utc.with_ymd_and_hms(2026, 11, 2, 9, 0, 0).single().expect("a time")).await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::NeverStops]).await;
    set_up(&db, &nora, "Endless", &model).await;
    let run = start(&db, &nora).await;
    // Another worker has used nearly all of its five minutes.
    let mut hand = RunInHand::take(&db, nora.company(), run.id).await.expect("asked").expect("it waits");
    db.clock().advance(TimeDelta::milliseconds(299_500));
    hand.note("before", StepKind::Answer, "answer", json!("One moment.")).await.expect("kept");
    hand.give_back().await.expect("given back");
    let run = once(&db, &nora, &run).await;
    assert_eq!((run.state, run.failure), (RunState::TimedOut, Some(Failure::LimitReached)), "{run:?}");
    let taken = steps(&db, &nora, &run).await;
    assert!(taken.iter().any(|step| step.kind == StepKind::ModelCall && step.state == RunStepState::Failed));
}

#[tokio::test]
async fn a_worker_that_ends_asks_the_model_nothing_twice() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let lead = lead(&db, &nora).await;
    let model = Model::start([
        calls("draft_mail", json!({ "lead": lead, "subject": "Once", "body": "Hello" })),
        Says::Hangs,
        Says::Words("Done."),
    ])
    .await;
    set_up(&db, &nora, "Mini", &model).await;
    let run = start(&db, &nora).await;
    let stop = CancellationToken::new();
    let worker = {
        let (db, stop) = (db.clone(), stop.clone());
        let job = WorkOnRun { company: nora.company(), run: run.id };
        tokio::spawn(async move { engine::agents::work(&db, &job, &stop).await })
    };
    while model.asked().len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    worker.await.expect("no panic").expect("well");
    let run = once(&db, &nora, &run).await;
    assert_eq!((run.state, run.failure), (RunState::Succeeded, None::<Failure>));
    assert_eq!(model.asked().len(), 3);
    let mut t = db.tenant(&nora).await.expect("open");
    let drafts = t.drafts().of_lead(lead.parse().expect("an id")).await.expect("drafts");
    assert_eq!(drafts.iter().filter(|draft| draft.subject == "Once").count(), 1);
}
