//! Conversations with agents: with a model that reads what was said before, and with the built-in writer.

use domain::{
    conversations::{NewMessage, Turn},
    runs::RunState,
};
use service::{Actor, Db};

use crate::{
    models::set_up,
    support::{Model, Says, demo, once, while_it_works},
};

/// Says the first thing, then the others, and works on each answer.
async fn talk(db: &Db, nora: &Actor, agent: &str, messages: &[&str]) -> Vec<Turn> {
    let message = |words: &str| NewMessage { message: words.to_owned() };
    let mut t = db.tenant(nora).await.expect("open");
    let agent = t.agents().by_name(agent).await.expect("it is there");
    let id = t.conversations().create(agent, &message(messages[0])).await.expect("begun").id;
    t.commit().await.expect("kept");
    for words in messages[1..].iter().map(Some).chain([None]) {
        let mut t = db.tenant(nora).await.expect("open");
        let run = t.conversations().turns(id).await.expect("turns").pop().expect("one").run;
        let run = t.runs().get(run).await.expect("it is there");
        t.commit().await.expect("read");
        assert_eq!(once(db, nora, &run).await.state, RunState::Succeeded);
        if let Some(words) = words {
            let mut t = db.tenant(nora).await.expect("open");
            t.conversations().say(id, &message(words)).await.expect("said");
            t.commit().await.expect("kept");
        }
    }
    let mut t = db.tenant(nora).await.expect("open");
    t.conversations().turns(id).await.expect("turns")
}

#[tokio::test]
async fn a_model_reads_what_was_said_before() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::Words("Blue."), Says::Words("As I said.")]).await;
    set_up(&db, &nora, "Mini", &model).await;
    let turns = talk(&db, &nora, "copywriter", &["Which colour?", "Are you sure?"]).await;
    assert_eq!(turns[1].answer.as_deref(), Some("As I said."));
    assert!(!turns[1].built_in);
    let asked = model.asked()[1]["messages"].clone();
    let roles: Vec<_> = asked.as_array().expect("messages").iter().map(|m| m["role"].as_str().unwrap_or("")).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"], "{asked}");
    assert!(asked.to_string().contains("Blue."), "{asked}");
}

#[tokio::test]
async fn the_built_in_writer_asks_for_what_it_needs_and_then_does_its_job() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let page = t.leads().list(&Default::default(), Default::default(), &Default::default()).await.expect("leads");
    let email = page.items.iter().find_map(|lead| lead.email.clone()).expect("an address").to_string();
    t.commit().await.expect("read");

    let second = format!("Write to {email}, please.\nTopic: calibration downtime");
    let turns = talk(&db, &nora, "copywriter", &["Hello, who are you?", &second]).await;
    let first = turns[0].answer.as_deref().expect("an answer");
    assert!(turns[0].built_in && first.contains("copywriter") && first.contains("**Topic**"), "{first}");
    let answer = turns[1].answer.as_deref().expect("an answer");
    assert!(answer.contains("calibration downtime") && answer.contains("Subject"), "{answer}");

    let turns = talk(&db, &nora, "reply-classifier", &["Please remove me from your list."]).await;
    assert!(turns[0].answer.as_deref().is_some_and(|answer| answer.contains("unsubscribe")), "{turns:?}");
}

#[tokio::test]
async fn words_of_a_model_are_read_while_it_writes() {
    let test = testing::db().await;
    let (db, nora) = demo(&test).await;
    let model = Model::start([Says::Hangs]).await;
    set_up(&db, &nora, "Slow", &model).await;
    let mut t = db.tenant(&nora).await.expect("open");
    let agent = t.agents().by_name("copywriter").await.expect("it is there");
    let hello = NewMessage { message: "Hello".to_owned() };
    let id = t.conversations().create(agent, &hello).await.expect("begun").id;
    let run = t.conversations().turns(id).await.expect("turns")[0].run;
    t.commit().await.expect("kept");

    let words = while_it_works(&db, &nora, run, "runs", async || {
        let mut t = db.tenant(&nora).await.expect("open");
        t.runs().writing(run).await.expect("read")
    })
    .await;
    assert_eq!(words, "One moment");
    let mut t = db.tenant(&nora).await.expect("open");
    assert_eq!(t.runs().writing(run).await.expect("read"), None, "nobody writes any more");
    assert!(t.runs().log(run).await.expect("read").iter().all(|event| event.kind != "text"));
}
