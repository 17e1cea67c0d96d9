//! Calls to the outside of which nobody can know whether they were heard: they are never made again by themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::runs::{Decision, Failure, NewRun, Run, RunState, RunStepState};
use serde_json::json;
use service::{Actor, Db, jobs::WorkOnRun};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tokio_util::sync::CancellationToken;

use crate::{
    models::set_up,
    support::{Model, Says, demo, once},
};

/// Takes what it is sent and never answers: it hangs up, or holds the line.
struct Silent {
    url: String,
    heard: Arc<AtomicUsize>,
}

impl Silent {
    async fn start(hangs_up: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/", listener.local_addr().expect("bound"));
        let heard = Arc::<AtomicUsize>::default();
        let count = heard.clone();
        tokio::spawn(async move {
            let mut lines = Vec::new();
            while let Ok((mut line, _)) = listener.accept().await {
                let mut letter = vec![0; 16 * 1024];
                let _ = line.read(&mut letter).await;
                count.fetch_add(1, Ordering::SeqCst);
                if !hangs_up {
                    lines.push(line);
                }
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> usize {
        self.heard.load(Ordering::SeqCst)
    }
}

/// A run whose model calls the webhook again and again, and a person who has allowed all of it.
async fn allowed(db: &Db, nora: &Actor, webhook: &Silent) -> Run {
    let call = |n: u32| Says::Calls("call_webhook", json!({ "payload": { "n": n } }).to_string());
    let model = Model::start([call(1), call(2), Says::Words("Sent.")]).await;
    set_up(db, nora, "Stubborn", &model).await;
    let mut t = db.tenant(nora).await.expect("open");
    t.webhook().connect(&webhook.url).await.expect("connected");
    let id = t.agents().by_name("webhook-engineer").await.expect("it is there");
    let example = t.runs().create_example(id).await.expect("started");
    let new = NewRun { agent: example.agent, task: example.task, parameters: example.parameters, ..NewRun::default() };
    t.runs().cancel(example.id).await.expect("cancelled");
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    let run = once(db, nora, &run).await;
    assert_eq!(run.state, RunState::WaitingApproval, "{run:?}");
    let mut t = db.tenant(nora).await.expect("open");
    let asked = t.runs().approvals(run.id).await.expect("questions").remove(0).id;
    let yes = Decision::Approve { for_this_run: true, edited: None };
    t.runs().decide(run.id, asked, yes).await.expect("decided");
    t.commit().await.expect("kept");
    run
}

async fn state_of_the_call(db: &Db, nora: &Actor, run: &Run) -> RunStepState {
    let mut t = db.tenant(nora).await.expect("open");
    let steps = t.runs().steps(run.id).await.expect("steps");
    let calls: Vec<_> = steps.iter().filter(|step| step.name == "call_webhook").collect();
    assert_eq!(calls.len(), 1, "{steps:?}");
    calls[0].state
}

#[tokio::test]
async fn what_may_have_been_heard_is_not_said_again() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let webhook = Silent::start(true).await;
    let run = allowed(&db, &nora, &webhook).await;
    let run = once(&db, &nora, &run).await;
    assert_eq!((run.state, run.failure), (RunState::Failed, Some(Failure::OutcomeUnknown)), "{run:?}");
    assert_eq!(state_of_the_call(&db, &nora, &run).await, RunStepState::Unknown);
    assert_eq!(webhook.heard(), 1);
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_the_answer_of_a_webhook() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let webhook = Silent::start(false).await;
    let run = allowed(&db, &nora, &webhook).await;
    let worker = {
        let (db, job) = (db.clone(), WorkOnRun { company: nora.company(), run: run.id });
        tokio::spawn(async move { engine::agents::work(&db, &job, &CancellationToken::new()).await })
    };
    while webhook.heard() == 0 {
        tokio::task::yield_now().await;
    }
    let mut t = db.tenant(&nora).await.expect("open");
    t.runs().cancel(run.id).await.expect("cancelled");
    t.commit().await.expect("kept");
    // Less than the time that a webhook has for its answer.
    tokio::time::timeout(Duration::from_secs(15), worker).await.expect("in time").expect("no panic").expect("well");
    let mut t = db.tenant(&nora).await.expect("open");
    assert_eq!(t.runs().get(run.id).await.expect("it is there").state, RunState::Cancelled);
    drop(t);
    assert_eq!(state_of_the_call(&db, &nora, &run).await, RunStepState::Unknown, "it may have happened");
}
