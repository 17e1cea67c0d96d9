//! What agents remember: only in runs, for a time, each by itself, and marked for ever where text from
//! outside stood behind it.

use chrono::{DateTime, Duration, Utc};
use domain::{
    AgentId, PageRequest, Role,
    agents::{Definition, Risk},
    memories::{Memory, MemoryKind, NewMemory},
    runs::{NewRun, StepKind},
};
use serde_json::json;
use service::{
    Actor, Error,
    runs::{Asked, Intent, Outcome, RunInHand},
};
use testing::{TestCompany, TestDb};

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

async fn agent(db: &TestDb, company: &TestCompany<'_>, name: &str) -> AgentId {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let agent = t.agents().create(Definition::new(name, "Tests.", "Do it.")).await.expect("created");
    t.commit().await.expect("kept");
    agent.id
}

/// A run of the agent in the hands of a worker.
async fn run(db: &TestDb, company: &TestCompany<'_>, agent: &str) -> RunInHand {
    let mut t = db.tenant(&company.owner).await.expect("open");
    let new = NewRun { agent: agent.to_owned(), task: "Do it".to_owned(), ..NewRun::default() };
    let run = t.runs().create(new).await.expect("started");
    t.commit().await.expect("kept");
    RunInHand::take(db, company.id, run.id).await.expect("asked").expect("it waits for a worker")
}

async fn remember(run: &RunInHand, text: &str, days: i64) -> service::Result<Memory> {
    let mut t = run.tenant().await.expect("open");
    let memory = t.memories().remember(NewMemory { kind: MemoryKind::Fact, text: text.to_owned(), days }).await?;
    t.commit().await.expect("kept");
    Ok(memory)
}

async fn recall(run: &RunInHand, words: &str) -> Vec<String> {
    let mut t = run.tenant().await.expect("open");
    let found = t.memories().recall(words, 10).await.expect("found");
    found.into_iter().map(|memory| memory.text).collect()
}

async fn listed(db: &TestDb, actor: &Actor, agent: AgentId) -> service::Result<Vec<Memory>> {
    let mut t = db.tenant(actor).await.expect("open");
    Ok(t.memories().list(agent, &PageRequest::default()).await?.items)
}

#[tokio::test]
async fn an_agent_finds_what_it_kept_and_nothing_of_others() {
    let db = testing::db_at(noon()).await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let scout = agent(&db, &acme, "scout").await;
    agent(&db, &acme, "planner").await;
    agent(&db, &other, "scout").await;
    let hand = run(&db, &acme, "scout").await;
    remember(&hand, "Nora prefers short mails.", 30).await.expect("kept");
    remember(&hand, "Halden buys lenses in spring.", 30).await.expect("kept");
    assert!(matches!(remember(&hand, &"x".repeat(2_001), 30).await, Err(Error::Invalid(_))));
    assert!(matches!(remember(&hand, "For ever", 10_000).await, Err(Error::Invalid(_))));

    assert_eq!(recall(&hand, "lenses spring").await, ["Halden buys lenses in spring."]);
    assert_eq!(recall(&hand, "").await.len(), 2, "the newest without words");
    assert_eq!(recall(&hand, "\"no' (such -words").await, Vec::<String>::new());
    assert!(recall(&run(&db, &acme, "planner").await, "").await.is_empty(), "each by itself");
    assert!(recall(&run(&db, &other, "scout").await, "").await.is_empty(), "of the company");
    assert!(matches!(listed(&db, &other.owner, scout).await, Err(Error::NotFound("agent"))));

    let mut t = db.tenant(&acme.owner).await.expect("open");
    let outside_of_a_run = t.memories().recall("lenses", 10).await;
    assert!(matches!(outside_of_a_run, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn what_text_from_outside_has_led_to_stays_marked() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let scout = agent(&db, &acme, "scout").await;
    let mut hand = run(&db, &acme, "scout").await;
    remember(&hand, "From the task.", 30).await.expect("kept");
    let asked = Asked {
        key: "1",
        kind: StepKind::ToolCall,
        name: "read_lead",
        risk: Some(Risk::Read),
        atomic: true,
        input: json!({}),
        schema: None,
    };
    let Intent::Do { number, .. } = hand.intend(asked).await.expect("held") else { panic!("to be done") };
    let mut t = hand.tenant().await.expect("open");
    let read = Outcome { output: Some(json!({})), outside: true, ..Outcome::default() };
    hand.record(&mut t, number, read).await.expect("held");
    t.commit().await.expect("kept");
    remember(&hand, "From a mail.", 30).await.expect("kept");
    let marks: Vec<_> = listed(&db, &acme.owner, scout).await.expect("a list");
    let marks: Vec<_> = marks.into_iter().map(|memory| (memory.text, memory.outside)).collect();
    assert_eq!(marks, [("From a mail.".to_owned(), true), ("From the task.".to_owned(), false)]);
}

#[tokio::test]
async fn memories_end_and_are_forgotten_by_those_who_manage_agents() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let scout = agent(&db, &acme, "scout").await;
    let hand = run(&db, &acme, "scout").await;
    let short = remember(&hand, "For a day.", 1).await.expect("kept");
    let long = remember(&hand, "For a month.", 30).await.expect("kept");
    db.clock().advance(Duration::days(1));
    assert_eq!(recall(&hand, "").await, ["For a month."]);
    db.platform().sweep(db.clock().now()).await.expect("swept");
    let delete = async |actor: &Actor, id| {
        let mut t = db.tenant(actor).await.expect("open");
        t.memories().delete(scout, id).await?;
        t.commit().await
    };
    assert!(matches!(delete(&acme.owner, short.id).await, Err(Error::NotFound("memory"))), "swept away");
    let member = acme.member(Role::Member).await;
    assert!(matches!(delete(&member, long.id).await, Err(Error::Forbidden(_))));
    delete(&acme.owner, long.id).await.expect("forgotten");
    remember(&hand, "Once more.", 30).await.expect("kept");
    let mut t = db.tenant(&acme.owner).await.expect("open");
    t.memories().delete_all(scout).await.expect("forgotten");
    t.commit().await.expect("kept");
    assert!(listed(&db, &acme.owner, scout).await.expect("a list").is_empty());
}
