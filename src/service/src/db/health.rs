//! What `doctor` asks a database. Only questions: nothing is changed.

use anyhow::{Context, Result};
use chrono::{DateTime, Duration, Utc};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::MIGRATOR;
use crate::clock::Clock;

/// What a database says about itself.
#[derive(Clone, Debug)]
pub struct Health {
    /// Its version, in words.
    pub version: String,
    /// How many connections the server takes in all.
    pub max_connections: u32,
    /// How far its clock is before ours.
    pub clock_ahead: Duration,
    /// Migrations of this version that have not run; unknown without the owner.
    pub missing_migrations: Option<Vec<i64>>,
}

/// Asks as the application, and as the owner for what only the owner may read.
///
/// # Errors
/// When it cannot be reached.
pub async fn inspect(app: &PgConnectOptions, owner: Option<&PgConnectOptions>) -> Result<Health> {
    let mut conn = PgConnection::connect_with(app).await.context("the application cannot connect")?;
    let (version, max_connections, now): (String, i32, DateTime<Utc>) = sqlx::query_as(
        "SELECT current_setting('server_version'), current_setting('max_connections')::int, clock_timestamp()",
    )
    .fetch_one(&mut conn)
    .await?;
    let clock_ahead = now - Clock::system().now();
    conn.close().await?;
    let missing_migrations = match owner {
        Some(owner) => Some(missing(owner).await.context("the owner cannot connect")?),
        None => None,
    };
    Ok(Health { version, max_connections: max_connections.unsigned_abs(), clock_ahead, missing_migrations })
}

async fn missing(owner: &PgConnectOptions) -> Result<Vec<i64>> {
    let mut conn = PgConnection::connect_with(owner).await?;
    let begun: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut conn).await?;
    let done: Vec<i64> = if begun {
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(&mut conn).await?
    } else {
        Vec::new()
    };
    conn.close().await?;
    let wanted = MIGRATOR.iter().filter(|m| m.migration_type.is_up_migration()).map(|m| m.version);
    Ok(wanted.filter(|version| !done.contains(version)).collect())
}
