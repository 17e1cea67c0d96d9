//! Hints as pages hear them: of every process, not too often, after the commit, and “read everything again” after a
//! gap.

use std::time::Duration;

use service::{Actor, Db, live::Hint};
use sqlx::{Connection, PgConnection};
use tokio::sync::broadcast::Receiver;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(20);

/// A page's ear at a process, once that process listens.
async fn listen(db: &Db) -> Receiver<Hint> {
    let mut hints = db.live().subscribe();
    assert_eq!(next(&mut hints).await.topic, "resync", "whoever begins to listen may have missed something");
    hints
}

async fn next(hints: &mut Receiver<Hint>) -> Hint {
    tokio::time::timeout(PATIENCE, hints.recv()).await.expect("a hint comes in time").expect("the hub is there")
}

async fn tell(db: &Db, actor: &Actor, topic: &str, id: Uuid) {
    let mut t = db.tenant(actor).await.expect("the company opens");
    t.tell(topic, id).await.expect("told");
    t.commit().await.expect("kept");
}

#[tokio::test]
async fn a_hint_reaches_the_pages_of_every_process() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let other = db.company("Other").await;
    let second = db.second_process();
    let mut hints = listen(&second).await;
    let mut all = second.live().subscribe_to_all();

    let (changed, marker) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for _ in 0..5 {
        tell(&db, &acme.owner, "campaigns", changed).await;
    }
    let mut dropped = db.tenant(&acme.owner).await.expect("the company opens");
    dropped.tell("leads", changed).await.expect("told");
    drop(dropped);

    let hint = next(&mut hints).await;
    assert_eq!((hint.topic.as_str(), hint.id), ("campaigns", Some(changed)));
    assert!(hint.is_for(acme.id) && !hint.is_for(other.id));

    // What comes next shows that what was not kept was not told. Of five at most the first and one for the rest are
    // heard, unless they took longer than a moment.
    tell(&db, &acme.owner, "leads", marker).await;
    let leads = loop {
        let hint = next(&mut hints).await;
        if hint.topic == "leads" {
            break hint.id;
        }
    };
    assert_eq!(leads, Some(marker));
    for _ in 0..5 {
        assert_eq!(next(&mut all).await.id, Some(changed), "who wants all of them gets them");
    }
    assert_eq!(next(&mut all).await.id, Some(marker));
}

#[tokio::test]
async fn after_a_gap_pages_read_everything_again() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut hints = listen(&db).await;

    let mut admin = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    let ended: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN %'",
    )
    .fetch_one(&mut admin)
    .await
    .expect("a superuser may end connections");
    assert_eq!(ended, 1, "a process listens with one connection");

    assert_eq!(next(&mut hints).await.topic, "resync");
    tell(&db, &acme.owner, "leads", Uuid::from_u128(3)).await;
    assert_eq!(next(&mut hints).await.topic, "leads");
}
