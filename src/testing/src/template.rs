//! The migrated template that every test database is a copy of.

use rustix::{
    io::Errno,
    process::{Pid, getpid, test_kill_process},
};
use service::{
    cluster::Cluster,
    db::{MIGRATOR, bootstrap, migrate},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::OnceCell;

/// One cluster per test binary; several binaries attach to the same one.
static CLUSTER: OnceCell<(Cluster, String)> = OnceCell::const_new();

/// Key of the advisory lock that lets one process make the template while others wait.
const MAKING: i64 = 0x5a1e_5721;

/// A fresh copy: its name, and how the application role connects to it.
pub async fn copy() -> (String, PgConnectOptions) {
    let (cluster, template) = CLUSTER.get_or_init(prepare).await;
    let name = format!("test_{}_{}", std::process::id(), unique());
    let mut conn = PgConnection::connect_with(&cluster.superuser("postgres")).await.expect("the test cluster answers");
    let sql = format!("CREATE DATABASE {name} TEMPLATE {template} OWNER saleswright_owner STRATEGY file_copy");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("the template can be copied");
    conn.close().await.expect("the connection closes");
    let app = cluster.connect("saleswright_app", &name);
    (name, app)
}

/// The superuser on a test database.
pub fn superuser(name: &str) -> PgConnectOptions {
    cluster().superuser(name)
}

/// The owner on a test database.
pub fn owner(name: &str) -> PgConnectOptions {
    cluster().connect("saleswright_owner", name)
}

fn cluster() -> &'static Cluster {
    &CLUSTER.get().expect("a test database was made before").0
}

async fn prepare() -> (Cluster, String) {
    let cluster = tokio::task::spawn_blocking(Cluster::throwaway)
        .await
        .expect("starting PostgreSQL does not panic")
        .expect("PostgreSQL 15 or newer is installed");
    let template = format!("template_{}", fingerprint());
    let mut conn = PgConnection::connect_with(&cluster.superuser("postgres")).await.expect("the test cluster answers");
    sqlx::query("SELECT pg_advisory_lock($1)").bind(MAKING).execute(&mut conn).await.expect("the lock is given");
    let there: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)")
            .bind(&template)
            .fetch_one(&mut conn)
            .await
            .expect("the catalog is readable");
    sweep(&mut conn).await;
    if !there {
        drop_templates(&mut conn).await;
        make(&cluster, &template).await;
        let sql = format!("ALTER DATABASE {template} IS_TEMPLATE true");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("the template is marked");
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(MAKING).execute(&mut conn).await.expect("the lock is freed");
    conn.close().await.expect("the connection closes");
    (cluster, template)
}

async fn make(cluster: &Cluster, template: &str) {
    bootstrap(&cluster.superuser("postgres"), template).await.expect("roles and template are made");
    migrate(&cluster.connect("saleswright_owner", template)).await.expect("the migrations run");
}

/// Databases of test processes that have ended without dropping them.
async fn sweep(conn: &mut PgConnection) {
    for name in databases(conn, "^test_[0-9]+_").await {
        if !owner_lives(&name) {
            drop_database(conn, &name).await;
        }
    }
}

/// Templates of earlier migrations.
async fn drop_templates(conn: &mut PgConnection) {
    for name in databases(conn, "^template_[0-9a-f]{16}$").await {
        let sql = format!("ALTER DATABASE {name} IS_TEMPLATE false");
        let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await;
        drop_database(conn, &name).await;
    }
}

async fn databases(conn: &mut PgConnection, pattern: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname ~ $1")
        .bind(pattern)
        .fetch_all(conn)
        .await
        .expect("the catalog is readable")
}

/// Whether the process whose number is in the name is still there. One of our own number can only
/// be left from an earlier process: this runs before we make any.
fn owner_lives(name: &str) -> bool {
    let pid = name.split('_').nth(1).and_then(|pid| pid.parse().ok()).and_then(Pid::from_raw);
    pid.is_some_and(|pid| pid != getpid() && test_kill_process(pid) != Err(Errno::SRCH))
}

/// Ends every connection to a database.
pub async fn cut_connections(name: &str) {
    let mut conn =
        PgConnection::connect_with(&cluster().superuser("postgres")).await.expect("the test cluster answers");
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(name)
        .execute(&mut conn)
        .await
        .expect("a superuser may end connections");
}

/// Opens a database or closes it to everybody.
pub async fn allow_connections(name: &str, allow: bool) {
    let mut conn =
        PgConnection::connect_with(&cluster().superuser("postgres")).await.expect("the test cluster answers");
    let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("a superuser may close a database");
}

/// Drops what is left of a test. Whoever fails leaves it to the next sweep.
pub fn discard(name: String) {
    let postgres = cluster().superuser("postgres");
    // A thread of its own, because the runtime of the test is about to end.
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            if let Ok(mut conn) = PgConnection::connect_with(&postgres).await {
                drop_database(&mut conn, &name).await;
            }
        });
    });
}

async fn drop_database(conn: &mut PgConnection, name: &str) {
    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
    let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await;
}

/// Changes with every migration.
fn fingerprint() -> String {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for migration in MIGRATOR.iter() {
        for byte in migration.checksum.iter() {
            sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{sum:016x}")
}

fn unique() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
