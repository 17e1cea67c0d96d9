//! The catalogue at work: every agent does its example and its evaluation on the demo company, without a
//! language model.

use domain::{
    PageRequest,
    agents::Definition,
    runs::{Decision, Run, RunState, unmet},
};
use engine::agents::work;
use service::{Actor, Db, jobs::WorkOnRun};
use tokio_util::sync::CancellationToken;

/// Works on a run as workers and people would, until it has ended.
async fn to_its_end(db: &Db, actor: &Actor, mut run: Run) -> Run {
    let job = WorkOnRun { company: actor.company(), run: run.id };
    for _ in 0..20 {
        work(db, &job, &CancellationToken::new()).await.expect("the worker works");
        let mut t = db.tenant(actor).await.expect("open");
        run = t.runs().get(run.id).await.expect("it is there");
        if run.state.has_ended() {
            return run;
        }
        assert_eq!(run.state, RunState::WaitingApproval, "{}", run.agent);
        let asked = t.runs().pending_approvals(&PageRequest::default()).await.expect("a list").items;
        let yes = || Decision::Approve { for_this_run: false, edited: None };
        t.runs().decide(run.id, asked[0].id, yes()).await.expect("decided");
        t.commit().await.expect("kept");
    }
    panic!("{} never ends", run.agent)
}

#[tokio::test]
async fn all_28_agents_finish_their_example_and_their_evaluation() {
    let db = testing::db().await;
    server::seed::demo(&db).await.expect("the demo is made");
    let person = db.people().sign_in("nora@halden.example", testing::PASSWORD, service::Origin::default()).await;
    let person = person.expect("the demo's password");
    let (nora, ..) = db.people().actor(person.id, "halden", service::Origin::default()).await.expect("she belongs to it");

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
}
