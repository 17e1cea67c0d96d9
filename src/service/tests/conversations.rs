//! Conversations: one message after the other, remembered as far as there is room, and gone as a whole.

use chrono::{DateTime, Duration, Utc};
use domain::{
    AgentId, ConversationId, PageRequest, Role, RunId,
    agents::Definition,
    conversations::NewMessage,
    runs::{Failure, RunState},
};
use service::{Actor, Error, runs::RunInHand};
use testing::{TestCompany, TestDb};

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn message(words: &str) -> NewMessage {
    NewMessage { message: words.to_owned() }
}

async fn with<T>(
    db: &TestDb,
    actor: &Actor,
    act: impl AsyncFnOnce(&mut service::Tenant) -> service::Result<T>,
) -> service::Result<T> {
    let mut t = db.tenant(actor).await.expect("open");
    let done = act(&mut t).await?;
    t.commit().await.expect("kept");
    Ok(done)
}

/// An agent that could not be run without a topic.
async fn agent(db: &TestDb, company: &TestCompany<'_>) -> AgentId {
    let text = "---\nname: guide\ndescription: Tests.\ninputs: {type: object, required: [topic], properties: {topic: {type: string}}}\n---\nDo it.";
    let definition = Definition::from_markdown(text).expect("a file");
    with(db, &company.owner, async |t| t.agents().create(definition).await).await.expect("created").id
}

async fn begin(db: &TestDb, actor: &Actor, agent: AgentId, words: &str) -> (ConversationId, RunId) {
    let id = with(db, actor, async |t| t.conversations().create(agent, &message(words)).await).await.expect("begun").id;
    let turns = with(db, actor, async |t| t.conversations().turns(id).await).await.expect("turns");
    (id, turns[0].run)
}

async fn take(db: &TestDb, company: &TestCompany<'_>, id: RunId) -> RunInHand {
    RunInHand::take(db, company.id, id).await.expect("asked").expect("it waits for a worker")
}

#[tokio::test]
async fn an_agent_answers_one_message_after_the_other() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let guide = agent(&db, &acme).await;
    let (id, first) = begin(&db, &acme.owner, guide, "Hello\nthere").await;
    let say =
        async |words: &str| with(&db, &acme.owner, async |t| t.conversations().say(id, &message(words)).await).await;
    assert!(
        matches!(say("Are you there?").await, Err(Error::Conflict(problem)) if problem.code == "conversation_busy")
    );
    assert!(matches!(say(" ").await, Err(Error::Invalid(_))));
    take(&db, &acme, first).await.succeed("Hello.").await.expect("held");

    let second = say("What now?").await.expect("said");
    let hand = take(&db, &acme, second.id).await;
    let talk = hand.talk().expect("it is a conversation");
    assert_eq!((talk.turns.len(), talk.left_out), (1, 0));
    assert_eq!((talk.turns[0].message.as_str(), talk.turns[0].answer.as_str()), ("Hello\nthere", "Hello."));
    hand.fail(Failure::AgentError, "No idea.").await.expect("held");

    let third = say("Once more.").await.expect("said");
    let retried = with(&db, &acme.owner, async |t| t.runs().retry(second.id).await).await;
    assert!(matches!(retried, Err(Error::Conflict(_))), "the third is open");
    take(&db, &acme, third.id).await.succeed("Done.").await.expect("held");
    let turns = with(&db, &acme.owner, async |t| t.conversations().turns(id).await).await.expect("turns");
    let states: Vec<_> = turns.iter().map(|turn| (turn.message.as_str(), turn.state)).collect();
    assert_eq!(
        states,
        [("Hello\nthere", RunState::Succeeded), ("What now?", RunState::Failed), ("Once more.", RunState::Succeeded),]
    );
    let list = with(&db, &acme.owner, async |t| t.conversations().list(Some(guide), &PageRequest::default()).await);
    assert_eq!(list.await.expect("a list").items[0].title, "Hello");
}

#[tokio::test]
async fn conversations_are_of_their_company_and_of_those_who_may_run_agents() {
    let db = testing::db_at(noon()).await;
    let (acme, other) = (db.company("Acme").await, db.company("Other").await);
    let guide = agent(&db, &acme).await;
    let (id, run) = begin(&db, &acme.owner, guide, "Hello").await;
    let viewer = acme.member(Role::Viewer).await;
    let refused = with(&db, &viewer, async |t| t.conversations().create(guide, &message("Hi")).await).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))));
    let say = with(&db, &other.owner, async |t| t.conversations().say(id, &message("Hi")).await).await;
    assert!(matches!(say, Err(Error::NotFound("conversation"))));
    let delete = async |actor: &Actor| with(&db, actor, async |t| t.conversations().delete(id).await).await;
    assert!(matches!(delete(&other.owner).await, Err(Error::NotFound("conversation"))));
    assert!(matches!(delete(&acme.owner).await, Err(Error::Conflict(_))), "it still answers");
    take(&db, &acme, run).await.succeed("Hello.").await.expect("held");
    let member = acme.member(Role::Member).await;
    assert!(matches!(delete(&member).await, Err(Error::Forbidden(_))), "somebody else has spoken");
    delete(&acme.owner).await.expect("deleted");
    let kept = with(&db, &acme.owner, async |t| t.runs().get(run).await).await.expect("what was done stays");
    assert_eq!((kept.task.as_str(), kept.answer, kept.conversation), ("", None, None), "what was said does not");
    let (own, run) = begin(&db, &member, guide, "Hello").await;
    take(&db, &acme, run).await.succeed("Hello.").await.expect("held");
    with(&db, &member, async |t| t.conversations().delete(own).await).await.expect("their own");
}

#[tokio::test]
async fn what_nobody_has_touched_for_a_year_is_deleted() {
    let db = testing::db_at(noon()).await;
    let acme = db.company("Acme").await;
    let guide = agent(&db, &acme).await;
    let (id, run) = begin(&db, &acme.owner, guide, "Hello").await;
    take(&db, &acme, run).await.succeed("Hello.").await.expect("held");
    let there = async || with(&db, &acme.owner, async |t| t.conversations().get(id).await).await.is_ok();
    db.clock().advance(Duration::days(360));
    db.platform().sweep(db.clock().now()).await.expect("swept");
    assert!(there().await);
    db.clock().advance(Duration::days(7));
    db.platform().sweep(db.clock().now()).await.expect("swept");
    assert!(!there().await);
}
