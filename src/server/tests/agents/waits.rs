//! Agents that ask people and hand work over: the run lets go, and goes on with what it waited for.

use domain::{
    agents::Definition,
    runs::{NewRun, PersonAnswer, RunState},
};
use serde_json::json;

use crate::{
    models::set_up,
    support::{Model, Says, demo, once},
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
