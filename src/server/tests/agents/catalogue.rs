//! The catalogue at work: every agent does its example and its evaluation on the demo company, without a
//! language model.

use domain::runs::RunState;

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
        let example = t.runs().create_example(agent.id).await;
        let evaluation = t.runs().create_evaluation(agent.id).await;
        t.commit().await.expect("kept");
        let (Ok(example), Ok(evaluation)) = (example, evaluation) else {
            wrong.push(format!("{}: does not start", agent.name));
            continue;
        };
        for (run, judged) in [(example, false), (evaluation, true)] {
            let run = to_its_end(&db, &nora, run).await;
            let mut t = db.tenant(&nora).await.expect("open");
            let verdict = t.runs().verdict(&run).await.expect("a verdict");
            let events = t.runs().events(run.id, 0).await.expect("events");
            t.commit().await.expect("read");
            let gaps = events.iter().zip(1..).any(|(event, n)| event.seq != n);
            let told = if judged { verdict.as_ref().is_some_and(|verdict| verdict.passed) } else { verdict.is_none() };
            if run.state != RunState::Succeeded || !told || gaps {
                let detail = run.failure_detail.as_deref().unwrap_or_default();
                wrong.push(format!("{}: {} {detail} {verdict:?} gaps {gaps}", run.agent, run.state));
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
