//! The cluster against a real Postgres: it survives what kills it, and leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection};

use super::{Cluster, Durability};

/// Set for the copy of this program that only holds a cluster until it is killed.
const HOLD: &str = "SALESWRIGHT_TEST_HOLD";

/// Longer than a server needs to come back on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct DataDir(PathBuf);

impl DataDir {
    fn new(name: &str) -> DataDir {
        let path = std::env::temp_dir().join(format!("saleswright-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        DataDir(path)
    }

    fn open(&self) -> Cluster {
        Cluster::open(&self.0, Durability::Throwaway).unwrap()
    }

    /// The server's process, as its own file has it.
    fn server(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.0.join("postgres/postmaster.pid")).ok()?;
        Pid::from_raw(text.lines().next()?.parse().ok()?)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            tick.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

async fn query(cluster: &Cluster, sql: &'static str) -> sqlx::Result<i32> {
    let mut connection = PgConnection::connect_with(&cluster.superuser("postgres")).await?;
    sqlx::query_scalar(sql).fetch_one(&mut connection).await
}

async fn kill_and_wait_for_the_next(dir: &DataDir, cluster: &Cluster) {
    let killed = dir.server().unwrap();
    kill_process(killed, Signal::KILL).unwrap();
    until("another server answers", async || {
        let replaced = dir.server().is_some_and(|pid| pid != killed);
        (replaced && query(cluster, "SELECT 1").await.is_ok()).then_some(())
    })
    .await;
}

/// Opens the cluster in another process, waits until it runs there, and kills that process.
fn hold_in_a_process_and_kill_it(dir: &DataDir) {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cluster::tests::hold_until_killed", "--nocapture"])
        .env(HOLD, &dir.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("holding")));
    parent.kill().unwrap();
    parent.wait().unwrap();
}

#[tokio::test]
async fn a_killed_server_comes_back_with_its_data() {
    let dir = DataDir::new("killed-server");
    let cluster = Cluster::open(&dir.0, Durability::Full).unwrap();
    let mut connection = PgConnection::connect_with(&cluster.superuser("postgres")).await.unwrap();
    let create = sqlx::raw_sql("CREATE TABLE kept AS SELECT 7 AS n");
    create.execute(&mut connection).await.unwrap();

    kill_and_wait_for_the_next(&dir, &cluster).await;

    assert_eq!(query(&cluster, "SELECT n FROM kept").await.unwrap(), 7);
    drop(cluster);
    assert_eq!(dir.server(), None, "the last use stops the server");
}

#[tokio::test]
async fn the_server_lives_as_long_as_any_user_and_always_has_a_supervisor() {
    let dir = DataDir::new("attached");
    let first = dir.open();
    let server = dir.server();
    let second = dir.open();
    assert_eq!(dir.server(), server, "the second attaches");

    drop(first);
    assert_eq!(query(&second, "SELECT 1").await.unwrap(), 1);
    assert_eq!(dir.server(), server, "the server did not notice");

    kill_and_wait_for_the_next(&dir, &second).await;
    drop(second);
    assert_eq!(dir.server(), None);
}

#[tokio::test]
async fn a_killed_process_takes_its_server_along_and_the_next_one_starts() {
    let dir = DataDir::new("killed-parent");
    hold_in_a_process_and_kill_it(&dir);

    until("the guard has stopped the server", async || dir.server().is_none().then_some(())).await;

    let cluster = dir.open();
    assert_eq!(query(&cluster, "SELECT 1").await.unwrap(), 1);
}

#[tokio::test]
async fn a_start_right_after_a_kill_waits_for_the_old_server_to_end() {
    let dir = DataDir::new("quick-start");
    drop(dir.open());
    for _ in 0..3 {
        hold_in_a_process_and_kill_it(&dir);
        let cluster = dir.open();
        assert_eq!(query(&cluster, "SELECT 1").await.unwrap(), 1);
    }
}

/// Not a test by itself: the process that the tests above kill.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test program has no other way to take an argument")]
fn hold_until_killed() {
    let Some(dir) = std::env::var_os(HOLD) else {
        return;
    };
    let _cluster = Cluster::open(Path::new(&dir), Durability::Throwaway).unwrap();
    println!("holding");
    let _ = std::io::stdin().read(&mut [0]);
}
