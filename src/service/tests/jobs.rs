//! The queue as the product needs it: a job exists with the change that caused it, and neither a
//! panic, nor a killed worker, nor a restart of the database loses it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use service::{
    Actor, Db,
    jobs::{Job, Worker},
};
use sqlx::{Connection, PgConnection};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

/// Longer than the waits between attempts of the queue.
const PATIENCE: Duration = Duration::from_secs(60);

/// A job that says its number.
#[derive(Serialize, Deserialize)]
struct Ring {
    number: u32,
}

impl Job for Ring {
    const NAME: &'static str = "ring";
    fn key(&self) -> String {
        format!("ring:{}", self.number)
    }
}

/// A worker that passes the numbers on, and what stops it.
fn bell(db: Db, rung: UnboundedSender<u32>) -> oneshot::Sender<()> {
    let (stop, stopped) = oneshot::channel();
    let worker = Worker::new(db).on(move |job: Ring| {
        let sent = rung.send(job.number);
        async move { Ok(sent?) }
    });
    tokio::spawn(worker.run(2, async move { drop(stopped.await) }));
    stop
}

async fn ring(db: &Db, actor: &Actor, number: u32) {
    let mut t = db.tenant(actor).await.expect("the company opens");
    t.enqueue(&Ring { number }).await.expect("queued");
    t.commit().await.expect("kept");
}

async fn next(rung: &mut UnboundedReceiver<u32>) -> u32 {
    tokio::time::timeout(PATIENCE, rung.recv()).await.expect("the job runs in time").expect("the worker is there")
}

#[tokio::test]
async fn a_job_exists_with_its_change_and_once_while_it_waits() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let mut dropped = db.tenant(&acme.owner).await.expect("the company opens");
    dropped.enqueue(&Ring { number: 1 }).await.expect("queued");
    drop(dropped);
    ring(&db, &acme.owner, 2).await;
    ring(&db, &acme.owner, 2).await;

    let mut admin = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    let waiting: Vec<String> =
        sqlx::query_scalar("SELECT key FROM graphile_worker.jobs WHERE task_identifier = 'ring'")
            .fetch_all(&mut admin)
            .await
            .expect("the queue is readable");
    assert_eq!(waiting, ["ring:2"]);

    let (sender, mut rung) = unbounded_channel();
    let _stop = bell(db.second_process(), sender);
    assert_eq!(next(&mut rung).await, 2);
}

#[tokio::test]
async fn a_job_that_panics_is_tried_again() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let (sender, mut attempts) = unbounded_channel();
    let tries = Arc::new(AtomicU32::new(0));
    let (_stop, stopped) = oneshot::channel::<()>();
    let worker = Worker::new(db.second_process()).on(move |_: Ring| {
        let (n, sender) = (tries.fetch_add(1, Ordering::Relaxed), sender.clone());
        async move {
            assert!(n > 0, "the first attempt fails");
            Ok(sender.send(n)?)
        }
    });
    tokio::spawn(worker.run(2, async move { drop(stopped.await) }));

    ring(&db, &acme.owner, 1).await;

    assert_eq!(next(&mut attempts).await, 1);
}

#[tokio::test]
async fn a_job_of_a_killed_worker_runs_elsewhere() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let (sender, mut taken) = unbounded_channel();
    // A runtime of its own dies like a process: all its tasks end where they are.
    let doomed = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let process = {
        let _inside = doomed.enter();
        db.second_process()
    };
    doomed.spawn(
        Worker::new(process)
            .on(move |job: Ring| {
                let sent = sender.send(job.number);
                async move {
                    sent?;
                    std::future::pending().await
                }
            })
            .run(2, std::future::pending()),
    );
    ring(&db, &acme.owner, 7).await;
    assert_eq!(next(&mut taken).await, 7);
    doomed.shutdown_background();
    // The dead do not show themselves; this only shortens the wait until that is noticed.
    let mut admin = PgConnection::connect_with(&db.superuser()).await.expect("the database answers");
    sqlx::query("UPDATE graphile_worker._private_workers SET last_heartbeat_at = now() - interval '1 hour'")
        .execute(&mut admin)
        .await
        .expect("the queue is writable");

    let (sender, mut rung) = unbounded_channel();
    let _stop = bell(db.second_process(), sender);
    assert_eq!(next(&mut rung).await, 7);
}

#[tokio::test]
async fn a_worker_survives_a_restart_of_the_database() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let (sender, mut rung) = unbounded_channel();
    let _stop = bell(db.second_process(), sender);
    ring(&db, &acme.owner, 1).await;
    assert_eq!(next(&mut rung).await, 1);

    db.cut_connections().await;

    ring(&db, &acme.owner, 2).await;
    assert_eq!(next(&mut rung).await, 2);
}

#[tokio::test]
async fn a_worker_ends_when_it_is_asked_to() {
    let db = testing::db().await;
    let acme = db.company("Acme").await;
    let (sender, mut rung) = unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = Worker::new(db.second_process()).on(move |job: Ring| {
        let sent = sender.send(job.number);
        async move { Ok(sent?) }
    });
    let run = tokio::spawn(worker.run(2, async move { drop(stopped.await) }));
    ring(&db, &acme.owner, 1).await;
    assert_eq!(next(&mut rung).await, 1);

    drop(stop);

    tokio::time::timeout(PATIENCE, run).await.expect("it ends in time").expect("without a panic");
}
