//! Runs that have called a system which answers later: its answer is taken once, however early it comes and
//! whatever becomes of the worker.

use chrono::{DateTime, Duration, Utc};
use domain::{
    RunId,
    agents::{Definition, Risk},
    runs::{Decision, NewRun, Run, RunState, RunStep, RunStepState, StepKind},
};
use serde_json::json;
use service::{
    Error, Tenant,
    deliveries::Delivery,
    runs::{AnswerAddress, Asked, Intent, RunInHand, Taken},
};
use standardwebhooks::Webhook;
use testing::{TestCompany, TestDb};
use uuid::Uuid;

const ANSWER: &[u8] = br#"{"verdict": "yes"}"#;

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

async fn with<T>(
    db: &TestDb,
    company: &TestCompany<'_>,
    act: impl AsyncFnOnce(&mut Tenant) -> service::Result<T>,
) -> service::Result<T> {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let done = act(&mut t).await?;
    t.commit().await.expect("kept");
    Ok(done)
}

async fn get(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> Run {
    with(db, company, async |t| t.runs().get(id).await).await.expect("it is there")
}

async fn step(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> RunStep {
    with(db, company, async |t| t.runs().steps(id).await).await.expect("steps").remove(0)
}

fn call<'a>() -> Asked<'a> {
    let input = json!({ "payload": {}, "wait_for_answer": true });
    Asked {
        key: "1",
        kind: StepKind::ToolCall,
        name: "call_webhook",
        risk: Some(Risk::Unsafe),
        atomic: false,
        input,
        schema: None,
    }
}

/// A run whose call was approved and is about to be made, in the hands of a worker, with the address of its answer.
async fn calling(db: &TestDb, company: &TestCompany<'_>) -> (RunId, RunInHand, AnswerAddress) {
    let file = "---\nname: caller\ndescription: Tests.\ntools: [call_webhook]\n---\nCall.";
    let run = with(db, company, async |t| {
        t.agents().create(Definition::from_markdown(file).expect("a file")).await?;
        t.runs().create(NewRun { agent: "caller".into(), task: "Call".into(), ..NewRun::default() }).await
    });
    let run = run.await.expect("started").id;
    let mut hand = take(db, company, run).await;
    assert!(matches!(hand.intend(call()).await, Ok(Intent::Stop)), "a person is asked first");
    let yes = Decision::Approve { for_this_run: false, edited: None };
    let asked = with(db, company, async |t| t.runs().approvals(run).await).await.expect("a question").remove(0);
    with(db, company, async |t| t.runs().decide(run, asked.id, yes).await).await.expect("decided");
    let mut hand = take(db, company, run).await;
    assert!(matches!(hand.intend(call()).await, Ok(Intent::Do { number: 1, .. })));
    let address = hand.address_of_answer(1, "crm.example").await.expect("an address");
    (run, hand, address)
}

async fn take(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> RunInHand {
    RunInHand::take(db, company.id, id).await.expect("asked").expect("it waits for a worker")
}

async fn answer(db: &TestDb, id: Uuid, secret: &str, body: &[u8]) -> service::Result<Taken> {
    let now = db.clock().now().timestamp();
    let signatures = Webhook::new(secret).expect("a secret").sign("a", now, body).expect("signed");
    db.take_answer(id, Delivery { id: "a", timestamp: &now.to_string(), signatures: &signatures, body }).await
}

async fn look(db: &TestDb, company: &TestCompany<'_>, run: RunId) {
    let waiting = db.platform().waiting_runs(db.clock().now()).await.expect("a list");
    assert!(waiting.contains(&(company.id, run)), "somebody looks after it");
    with(db, company, async |t| t.runs().reconcile(run).await).await.expect("looked after");
}

#[tokio::test]
async fn a_run_lets_go_and_goes_on_with_the_answer_as_text_from_outside() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (run, mut hand, address) = calling(&db, &acme).await;
    let again = hand.address_of_answer(1, "crm.example").await.expect("an address");
    assert_eq!((again.id, again.secret.as_str()), (address.id, address.secret.as_str()), "there is one");
    hand.wait_for_answer().await.expect("let go");
    assert_eq!(get(&db, &acme, run).await.state, RunState::WaitingTool);
    let awaited = with(&db, &acme, async |t| t.runs().awaited(run).await).await.expect("read").expect("one");
    assert_eq!(
        (awaited.step, awaited.host.as_str(), awaited.expires_at),
        (1, "crm.example", noon() + Duration::days(1))
    );

    let forged = answer(&db, address.id, "whsec_AAAA", ANSWER).await.expect("looked at");
    assert!(matches!(forged, Taken::Unsigned(_)), "{forged:?}");
    assert!(matches!(answer(&db, Uuid::nil(), &address.secret, ANSWER).await, Err(Error::NotFound(_))));
    assert!(matches!(answer(&db, address.id, &address.secret, b"yes").await, Err(Error::Invalid(_))), "no JSON");
    assert_eq!(get(&db, &acme, run).await.state, RunState::WaitingTool, "nothing of that was an answer");

    for _ in 0..2 {
        let taken = answer(&db, address.id, &address.secret, ANSWER).await.expect("taken");
        assert_eq!(taken, Taken::By(run), "the same answer twice is one");
    }
    let other = answer(&db, address.id, &address.secret, b"{}").await;
    assert!(matches!(other, Err(Error::Conflict(_))), "{other:?}");
    let (queued, done) = (get(&db, &acme, run).await, step(&db, &acme, run).await);
    assert_eq!((queued.state, queued.read_outside), (RunState::Queued, true));
    assert_eq!((done.state, done.outside), (RunStepState::Done, true));
    assert_eq!(done.output, Some(json!({ "answer": { "verdict": "yes" } })));
    let mut hand = take(&db, &acme, run).await;
    assert!(matches!(hand.intend(call()).await, Ok(Intent::Have(step)) if step.number == 1), "not called again");
}

#[tokio::test]
async fn an_answer_that_comes_before_the_call_has_returned_is_not_lost() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (run, mut hand, address) = calling(&db, &acme).await;
    assert_eq!(answer(&db, address.id, &address.secret, ANSWER).await.expect("taken"), Taken::By(run));
    assert_eq!(step(&db, &acme, run).await.state, RunStepState::Intended);
    hand.wait_for_answer().await.expect("let go");
    assert_eq!(get(&db, &acme, run).await.state, RunState::Queued, "there is nothing to wait for");
    assert_eq!(step(&db, &acme, run).await.output, Some(json!({ "answer": { "verdict": "yes" } })));
}

#[tokio::test]
async fn a_worker_that_ends_in_the_middle_of_the_call_loses_no_answer() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (run, hand, address) = calling(&db, &acme).await;
    drop(hand);
    db.clock().advance(Duration::seconds(61));
    look(&db, &acme, run).await;
    assert_eq!(get(&db, &acme, run).await.state, RunState::WaitingTool, "whoever was called can still say so");
    assert_eq!(answer(&db, address.id, &address.secret, ANSWER).await.expect("taken"), Taken::By(run));
    assert_eq!(get(&db, &acme, run).await.state, RunState::Queued);
}

#[tokio::test]
async fn an_answer_that_does_not_come_ends_the_wait_in_words() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (run, mut hand, address) = calling(&db, &acme).await;
    hand.wait_for_answer().await.expect("let go");
    db.clock().advance(Duration::hours(24));
    let late = answer(&db, address.id, &address.secret, ANSWER).await.expect("looked at");
    assert_eq!(late, Taken::Late, "whether or not somebody has looked");
    look(&db, &acme, run).await;
    let done = step(&db, &acme, run).await;
    assert!(done.output.is_some_and(|told| told["note"].as_str().is_some_and(|note| note.contains("24 hours"))));
    assert_eq!(get(&db, &acme, run).await.state, RunState::Queued);
    assert_eq!(answer(&db, address.id, &address.secret, ANSWER).await.expect("looked at"), Taken::Late);
}

#[tokio::test]
async fn a_run_that_was_cancelled_takes_no_answer() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let (run, mut hand, address) = calling(&db, &acme).await;
    hand.wait_for_answer().await.expect("let go");
    let cancelled = with(&db, &acme, async |t| t.runs().cancel(run).await).await.expect("cancelled");
    assert_eq!(cancelled.state, RunState::Cancelled);
    assert_eq!(answer(&db, address.id, &address.secret, ANSWER).await.expect("looked at"), Taken::Late);
    assert_eq!(get(&db, &acme, run).await.state, RunState::Cancelled);
    // The next attempt has an address of its own.
    with(&db, &acme, async |t| t.runs().retry(run).await).await.expect("tried again");
    assert_eq!(answer(&db, address.id, &address.secret, ANSWER).await.expect("looked at"), Taken::Late);
}
