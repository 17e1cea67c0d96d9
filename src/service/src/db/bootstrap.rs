//! From an empty server to a database this version can work with.

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};

/// The migrations, compiled in.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// What the server must at least be: `ON DELETE SET NULL (column)` came with 15.
const LEAST_SERVER: i32 = 150_000;

/// Who holds this advisory lock prepares roles, databases and the tables of the queue; processes that
/// start at the same time wait, because grants to the same object at once are an error. (sqlx takes
/// one of its own for the migrations.)
const PREPARING: i64 = 0x5a1e_5000;

/// The roles, as SQL for an operator.
#[must_use]
pub fn roles_sql() -> &'static str {
    include_str!("../../../../migrations/roles.sql")
}

/// A role of the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Migrates.
    Owner,
    /// Serves and works.
    App,
}

impl Role {
    /// Its name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "saleswright_owner",
            Self::App => "saleswright_app",
        }
    }
}

/// Makes roles and database on a server where we are superuser: the private cluster and tests.
/// Does nothing where they are there already.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub async fn bootstrap(superuser: &PgConnectOptions, database: &str) -> Result<()> {
    let mut conn = PgConnection::connect_with(&superuser.clone().database("postgres")).await?;
    lock(&mut conn).await?;
    sqlx::raw_sql(roles_sql()).execute(&mut conn).await.context("making the roles")?;
    let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(database)
        .fetch_one(&mut conn)
        .await?;
    if !there {
        if !database.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            bail!("a database name has letters, digits and underscores only");
        }
        let sql = format!("CREATE DATABASE {database} OWNER {}", Role::Owner.name());
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.context("making the database")?;
    }
    conn.close().await?;
    Ok(())
}

/// Brings the schema to this version, as the owner. Runs of several processes wait for each other.
///
/// # Errors
/// When the server is too old or a migration fails; nothing of a failed migration is kept.
pub async fn migrate(owner: &PgConnectOptions) -> Result<()> {
    let mut conn = PgConnection::connect_with(owner).await.context("connecting as the owner")?;
    let version: i32 =
        sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(&mut conn).await?;
    if version < LEAST_SERVER {
        bail!("PostgreSQL 15 or newer is needed, this server is {}", version / 10_000);
    }
    MIGRATOR.run(&mut conn).await.context("migrating")?;
    lock(&mut conn).await?;
    crate::jobs::migrate(owner).await?;
    Ok(conn.close().await?)
}

/// Waits until nobody else prepares this database. The lock ends with the connection.
async fn lock(conn: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_lock($1)").bind(PREPARING).execute(conn).await?;
    Ok(())
}

/// Takes the schema back to `version` (0 for an empty one), as the owner.
///
/// # Errors
/// When a migration fails.
pub async fn migrate_down(owner: &PgConnectOptions, version: i64) -> Result<()> {
    let mut conn = PgConnection::connect_with(owner).await.context("connecting as the owner")?;
    MIGRATOR.undo(&mut conn, version).await.context("migrating down")?;
    conn.close().await?;
    Ok(())
}

/// Refuses a role for which row-level security does not hold.
///
/// # Errors
/// Says which role must be used instead.
pub async fn check_app_role(app: &PgConnectOptions) -> Result<()> {
    let mut conn = PgConnection::connect_with(app).await?;
    let (name, above): (String, bool) =
        sqlx::query_as("SELECT rolname::text, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            .fetch_one(&mut conn)
            .await?;
    let owns: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind = 'r' AND pg_get_userbyid(c.relowner) = current_user)",
    )
    .fetch_one(&mut conn)
    .await?;
    conn.close().await?;
    if above || owns {
        bail!(
            "the role {name} is above row-level security (superuser, BYPASSRLS or owner of tables). \
             Use {} in DATABASE_URL",
            Role::App.name()
        );
    }
    Ok(())
}

/// Whether an error means that the database cannot be reached, so that waiting may help.
#[must_use]
pub fn is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<std::io::Error>() || cause.downcast_ref().is_some_and(crate::error::is_away))
}
