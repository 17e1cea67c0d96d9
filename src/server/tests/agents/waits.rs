//! Agents that ask people, call systems and hand work over: the run lets go, and goes on with what it waited for.

use domain::{
    agents::Definition,
    runs::{Decision, NewRun, PersonAnswer, RunState},
};
use serde_json::json;
use service::{deliveries::Delivery, runs::Taken};
use standardwebhooks::Webhook;

use crate::{
    models::set_up,
    support::{Answers, Model, Says, demo, once},
};

#[tokio::test]
async fn a_model_asks_a_person_then_another_agent_and_answers_with_both() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let calls = |tool: &'static str, arguments: serde_json::Value| Says::Calls(tool, arguments.to_string());
    let model = Model::start([
        calls("ask_person", json!({ "question": "Which list?", "choices": ["Optics", "Steel"] })),
        calls("hand_over", json!({ "agent": "helper", "task": "Look at the list." })),
        Says::Words("I have looked."),
        Says::Words("Optics it is, and the helper has looked."),
    ])
    .await;
    set_up(&db, &nora, "Mini", &model).await;
    let mut t = db.tenant(&nora).await.expect("open");
    for file in [
        "---\nname: asker\ndescription: Asks.\ntools: [ask_person, hand_over]\nhands_over_to: [helper]\n---\nAsk.",
        "---\nname: helper\ndescription: Helps.\n---\nHelp.",
    ] {
        t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("created");
    }
    let new = NewRun { agent: "asker".into(), task: "Find out.".into(), ..NewRun::default() };
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");

    let run = once(&db, &nora, &run).await;
    assert_eq!(run.state, RunState::WaitingInput, "{run:?}");
    let mut t = db.tenant(&nora).await.expect("open");
    let question = t.runs().question(run.id).await.expect("asked").expect("a question");
    assert_eq!(question.question, "Which list?");
    let given = PersonAnswer { step: question.step, answer: "Optics".into() };
    t.runs().answer(run.id, given).await.expect("answered");
    t.commit().await.expect("kept");

    let run = once(&db, &nora, &run).await;
    assert_eq!(run.state, RunState::WaitingChild, "{run:?}");
    let mut t = db.tenant(&nora).await.expect("open");
    let child = t.runs().children(run.id).await.expect("a list")[0].id;
    let child = t.runs().get(child).await.expect("it is there");
    t.commit().await.expect("read");
    assert_eq!(once(&db, &nora, &child).await.state, RunState::Succeeded);
    let run = once(&db, &nora, &run).await;
    assert_eq!(run.answer.as_deref(), Some("Optics it is, and the helper has looked."), "{run:?}");

    let heard = |n: usize| model.asked()[n]["messages"].to_string();
    assert!(heard(1).contains("Optics") && heard(1).contains("Nora"), "{}", heard(1));
    assert!(heard(3).contains("I have looked."), "{}", heard(3));
    assert_eq!(model.asked().len(), 4, "nothing is asked twice");
}

#[tokio::test]
async fn a_system_that_answers_later_is_waited_for_and_what_it_says_is_data() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let system = Answers::start(202).await;
    let call = json!({ "payload": { "question": "Is it in stock?" }, "wait_for_answer": true });
    let model = Model::start([Says::Calls("call_webhook", call.to_string()), Says::Words("It is in stock.")]).await;
    set_up(&db, &nora, "Mini", &model).await;
    let mut t = db.tenant(&nora).await.expect("open");
    t.webhook().connect(&system.url).await.expect("connected");
    let file = "---\nname: caller\ndescription: Calls.\ntools: [call_webhook]\n---\nCall.";
    t.agents().create(Definition::from_markdown(file).expect("a file")).await.expect("created");
    let new = NewRun { agent: "caller".into(), task: "Ask the stock.".into(), ..NewRun::default() };
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");

    let run = once(&db, &nora, &run).await;
    assert_eq!(run.state, RunState::WaitingApproval, "{run:?}");
    let mut t = db.tenant(&nora).await.expect("open");
    let asked = t.runs().approvals(run.id).await.expect("a question").remove(0);
    let yes = Decision::Approve { for_this_run: false, edited: None };
    t.runs().decide(run.id, asked.id, yes).await.expect("decided");
    t.commit().await.expect("kept");
    let run = once(&db, &nora, &run).await;
    assert_eq!(run.state, RunState::WaitingTool, "{run:?}");

    let called = system.requests();
    let of = |name: &str| called[0].headers[name].to_str().expect("text").to_owned();
    let address = of("webhook-callback");
    let id = address.rsplit_once("/hooks/answers/").expect("an address of ours").1.parse().expect("an id");
    assert_eq!(called[0].body, json!({ "question": "Is it in stock?" }), "the payload is as it was approved");
    let (body, now) = (br#"{"stock": 12}"#, db.clock().now().timestamp());
    let signatures = Webhook::new(&of("webhook-callback-secret")).and_then(|key| key.sign("a", now, body));
    let (signatures, timestamp) = (signatures.expect("signed"), now.to_string());
    let delivery = Delivery { id: "a", timestamp: &timestamp, signatures: &signatures, body };
    assert_eq!(db.take_answer(id, delivery).await.expect("taken"), Taken::By(run.id));

    let run = once(&db, &nora, &run).await;
    assert_eq!((run.answer.as_deref(), run.read_outside), (Some("It is in stock."), true), "{run:?}");
    let heard = model.asked()[1]["messages"].to_string();
    assert!(heard.contains("data_from_outside") && heard.contains("stock"), "{heard}");
    assert_eq!(system.requests().len(), 1, "it is called once");
}
