//! The stream of hints, as a browser reads it.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use domain::{agents::Definition, keys::Scope, runs::NewRun};
use futures::StreamExt;
use uuid::Uuid;

use crate::support::{TestApp, header_of};

const PATIENCE: Duration = Duration::from_secs(20);

/// Reads the stream up to the first event with `word` in it; everything that was read.
async fn read_until(body: Body, word: &str) -> (String, Body) {
    let mut stream = body.into_data_stream();
    let mut text = String::new();
    while !text.contains(word) {
        let chunk = tokio::time::timeout(PATIENCE, stream.next()).await.expect("an event comes in time");
        text.push_str(&String::from_utf8_lossy(&chunk.expect("the stream is open").expect("the stream is whole")));
    }
    (text, Body::from_stream(stream))
}

#[tokio::test]
async fn a_page_hears_of_its_own_company_only() {
    let app = TestApp::new().await;
    let acme = app.db.company("Acme").await;
    let rival = app.db.company("Rival").await;
    let cookie = app.sign_in(&acme.owner_email, false).await;
    let answer = app.get(&format!("/t/{}/live", acme.slug), &cookie).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(header_of(&answer, "content-type").starts_with("text/event-stream"));
    assert_eq!(header_of(&answer, "content-encoding"), "", "a compressed stream is held back");
    assert_eq!(header_of(&answer, "x-accel-buffering"), "no");
    let (text, body) = read_until(answer.into_body(), "resync").await;
    assert!(text.starts_with("event: version\n"), "a page learns first who serves it: {text}");

    let (theirs, ours) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for (actor, id) in [(&rival.owner, theirs), (&acme.owner, ours)] {
        let mut t = app.db.tenant(actor).await.expect("the company opens");
        t.tell("leads", id).await.expect("told");
        t.commit().await.expect("kept");
    }

    let (text, _) = read_until(body, &ours.to_string()).await;
    assert!(!text.contains(&theirs.to_string()), "{text}");
    assert!(text.contains(r#""topic":"leads""#), "{text}");
}

#[tokio::test]
async fn strangers_hear_nothing() {
    let app = TestApp::new().await;
    let acme = app.db.company("Acme").await;
    let rival = app.db.company("Rival").await;
    let stream = format!("/t/{}/live", acme.slug);
    assert_eq!(app.get(&stream, "").await.status(), StatusCode::UNAUTHORIZED);
    let cookie = app.sign_in(&rival.owner_email, false).await;
    assert_eq!(app.get(&stream, &cookie).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_events_of_a_run_end_with_the_rights_of_their_reader() {
    let app = TestApp::new().await;
    let acme = app.db.company("Acme").await;
    let (key, secret) = acme.key(&[Scope::RunsRead]).await;
    let mut t = app.db.tenant(&acme.owner).await.expect("the company opens");
    let scout = Definition::new("scout", "Looks.", "Look.");
    t.agents().create(scout).await.expect("created");
    let new = NewRun { agent: "scout".to_owned(), ..NewRun::default() };
    let run = t.runs().create(new).await.expect("started").id;
    t.commit().await.expect("kept");
    let events = Request::get(format!("/api/v1/runs/{run}/events"))
        .header(header::AUTHORIZATION, format!("Bearer {secret}"))
        .body(Body::empty())
        .expect("a request");
    let (_, body) = read_until(app.send(events).await.into_body(), "queued").await;

    let mut t = app.db.tenant(&acme.owner).await.expect("the company opens");
    t.keys().revoke(key.api_key_id().expect("a key")).await.expect("revoked");
    t.runs().cancel(run).await.expect("cancelled");
    t.commit().await.expect("kept");
    let rest = tokio::time::timeout(PATIENCE, to_bytes(body, 1 << 20)).await.expect("it ends").expect("read");
    assert!(!String::from_utf8_lossy(&rest).contains("cancelled"), "{rest:?}");
}
