//! The catalogue at work: every agent does its example and its evaluation on the demo company, without a
//! language model.

use domain::{
    agents::Definition,
    runs::{RunState, unmet},
};

use crate::support::{Answers, demo, to_its_end};

#[tokio::test]
async fn all_28_agents_finish_their_example_and_their_evaluation() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let receiver = Answers::start(200).await;
    let mut t = db.tenant(&nora).await.expect("open");
    t.webhook().connect(&receiver.url).await.expect("connected");
    t.commit().await.expect("kept");

    let mut t = db.tenant(&nora).await.expect("open");
    let agents = t.agents().list().await.expect("a list");
    t.commit().await.expect("read");
    assert_eq!(agents.len(), 28);
    let mut wrong = Vec::new();
    for agent in agents {
        let mut t = db.tenant(&nora).await.expect("open");
        let definition: Definition = t.agents().definition(agent.id).await.expect("a definition");
        let example = t.runs().create_example(agent.id).await;
        let evaluation = t.runs().create_evaluation(agent.id).await;
        t.commit().await.expect("kept");
        let (Ok(example), Ok(evaluation)) = (example, evaluation) else {
            wrong.push(format!("{}: does not start", agent.name));
            continue;
        };
        for (run, expects) in [(example, Vec::new()), (evaluation, definition.evaluation.expect("one").expects)] {
            let run = to_its_end(&db, &nora, run).await;
            let mut t = db.tenant(&nora).await.expect("open");
            let steps = t.runs().steps(run.id).await.expect("steps");
            let events = t.runs().events(run.id, 0).await.expect("events");
            t.commit().await.expect("read");
            let gaps = events.iter().zip(1..).any(|(event, n)| event.seq != n);
            let missing = unmet(&expects, run.answer.as_deref().unwrap_or_default(), &steps);
            if run.state != RunState::Succeeded || !missing.is_empty() || gaps {
                let detail = run.failure_detail.as_deref().unwrap_or_default();
                wrong.push(format!("{}: {} {detail} {missing:?} gaps {gaps}", run.agent, run.state));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The webhook engineer has sent two: signed, and each with an id of its own.
    let sent = receiver.requests();
    assert!(!sent.is_empty());
    for request in &sent {
        assert!(request.headers.contains_key("webhook-id") && request.headers.contains_key("webhook-signature"));
        assert!(request.body["type"].is_string(), "{}", request.body);
    }
}
