//! The migrated template that every test database is a copy of.

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
    if !there {
        sweep(&mut conn).await;
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

/// Databases of earlier runs that nobody uses any more.
async fn sweep(conn: &mut PgConnection) {
    let stale: Vec<(String, bool)> = sqlx::query_as(
        "SELECT datname::text, datistemplate FROM pg_database d WHERE datname ~ '^(test|template)_[0-9a-f]'
         AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("the catalog is readable");
    for (name, is_template) in stale {
        if is_template {
            let sql = format!("ALTER DATABASE {name} IS_TEMPLATE false");
            let _ = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *conn).await;
        }
        let _ = sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}"))).execute(&mut *conn).await;
    }
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
