//! Looks behind the curtain, as the superuser: what no door of the product shows or does.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::CampaignId;
use service::jobs::Job;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// The state of the e-mail of every recipient, in an installation whose campaigns have one step.
///
/// # Panics
/// When the database does not answer, or somebody has two e-mails.
pub async fn fates(superuser: &PgConnectOptions) -> BTreeMap<String, String> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT l.email, m.state FROM messages m JOIN leads l ON l.id = m.lead_id")
            .fetch_all(&mut conn)
            .await
            .expect("a superuser reads everything");
    let count = rows.len();
    let fates: BTreeMap<_, _> = rows.into_iter().collect();
    assert_eq!(fates.len(), count, "one e-mail for each recipient");
    fates
}

/// Where a lead of a campaign has ended up, or stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Ending {
    /// The address it was written to, or would have been; nothing once a lead is gone that was never written to.
    pub address: Option<String>,
    /// State of its enrolment.
    pub place: String,
    /// Whether something is still to come.
    pub is_open: bool,
    /// Why it has ended as it did, where the state does not say it.
    pub reason: Option<String>,
    /// State of its e-mail.
    pub message: Option<String>,
    /// The e-mail, for what is signed with its id.
    pub message_id: Option<Uuid>,
    /// The lead.
    pub lead_id: Option<Uuid>,
    /// When the hand-over of its e-mail began.
    pub sending_at: Option<DateTime<Utc>>,
    /// What was said about it last.
    pub detail: Option<String>,
}

/// Every lead of a campaign of one step.
///
/// # Panics
/// When the database does not answer.
pub async fn endings(superuser: &PgConnectOptions, campaign: CampaignId) -> Vec<Ending> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query_as(
        "SELECT coalesce(m.recipient, l.email) AS address, e.state AS place, e.is_open, e.end_reason AS reason,
                m.state AS message, m.id AS message_id, e.lead_id, m.sending_at, m.detail
         FROM enrolments e
         LEFT JOIN messages m ON m.enrolment_id = e.id
         LEFT JOIN leads l ON l.id = e.lead_id
         WHERE e.campaign_id = $1 ORDER BY e.id",
    )
    .bind(campaign.0)
    .fetch_all(&mut conn)
    .await
    .expect("a superuser reads everything")
}

/// Brings then closer: what waits for another try, or for a mailbox whose server was away, is due now.
///
/// # Panics
/// When the database does not answer.
pub async fn let_waits_end(superuser: &PgConnectOptions) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    for change in [
        "UPDATE messages SET due_at = now() WHERE state IN ('scheduled', 'deferred') AND due_at > now()",
        "UPDATE mailboxes SET not_before = now(), next_send_at = now()
         WHERE not_before > now() OR next_send_at > now()",
    ] {
        sqlx::query(change).execute(&mut conn).await.expect("a superuser changes everything");
    }
}

/// Lets every mailbox ask its server for encryption, or for none, as if the server had changed since its last test.
///
/// # Panics
/// When the database does not answer.
pub async fn ask_for_encryption(superuser: &PgConnectOptions, asks: bool) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query("UPDATE mailboxes SET security = $1 WHERE kind = 'smtp'")
        .bind(if asks { "start_tls" } else { "none" })
        .execute(&mut conn)
        .await
        .expect("a superuser changes everything");
}

/// Ends connections of the application to the database, as an administrator does. How many there were.
///
/// # Panics
/// When the database does not answer.
pub async fn end_connections(superuser: &PgConnectOptions, most: i64) -> usize {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let ended: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid) FROM (
             SELECT pid FROM pg_stat_activity WHERE usename = 'saleswright_app' ORDER BY random() LIMIT $1) AS picked",
    )
    .bind(most)
    .fetch_all(&mut conn)
    .await
    .expect("a superuser ends connections");
    ended.len()
}

/// The process of a connection of the application that is in the middle of a transaction.
///
/// # Panics
/// When the database does not answer.
pub async fn busy_backend(superuser: &PgConnectOptions) -> Option<i32> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query_scalar(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'saleswright_app' AND xact_start IS NOT NULL
         ORDER BY random() LIMIT 1",
    )
    .fetch_optional(&mut conn)
    .await
    .expect("a superuser sees everybody")
}

/// Lets the time of a lease pass for every claim of a worker, of an e-mail or of a run: what was held until
/// later was held until now. Only for moments in which no worker lives, because a live one is inside its lease.
///
/// # Panics
/// When the database does not answer.
pub async fn let_leases_end(superuser: &PgConnectOptions) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    for change in [
        "UPDATE messages SET lease_until = now() - interval '1 second' WHERE state IN ('claimed', 'sending')",
        "UPDATE runs SET lease_until = now() - interval '1 second' WHERE state IN ('running', 'cancelling')",
    ] {
        sqlx::query(change).execute(&mut conn).await.expect("a superuser changes everything");
    }
}

/// Takes jobs of a kind out of the queue, as a worker does.
///
/// # Panics
/// When the database does not answer.
pub async fn take_jobs<J: Job>(superuser: &PgConnectOptions) -> Vec<J> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let payloads: Vec<serde_json::Value> = sqlx::query_scalar(
        "DELETE FROM graphile_worker._private_jobs j USING graphile_worker._private_tasks t
         WHERE t.id = j.task_id AND t.identifier = $1 RETURNING j.payload::jsonb",
    )
    .bind(J::NAME)
    .fetch_all(&mut conn)
    .await
    .expect("the queue");
    payloads.into_iter().map(|payload| serde_json::from_value(payload).expect("a job")).collect()
}

/// Sets what otherwise comes about by time, or by what others do at the same moment: `SET change` in the rows of a table
/// whose `column` is `id`.
///
/// # Panics
/// When the database does not answer, or finds no such row.
pub async fn change(superuser: &PgConnectOptions, table: &str, change: &str, column: &str, id: Uuid) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let statement = AssertSqlSafe(format!("UPDATE {table} SET {change} WHERE {column} = $1"));
    let changed = sqlx::query(statement).bind(id).execute(&mut conn).await.expect("a superuser changes everything");
    assert!(changed.rows_affected() > 0, "{table} {id}");
}

/// A table that nobody else writes, as long as this is kept.
#[derive(Debug)]
pub struct Lock {
    _conn: PgConnection,
}

/// Stops everybody who writes to `table`, where they are.
///
/// # Panics
/// When the database does not answer, or has no such table.
pub async fn lock(superuser: &PgConnectOptions, table: &'static str) -> Lock {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let lock = format!("BEGIN; LOCK TABLE {table} IN SHARE MODE");
    sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut conn).await.expect("there is such a table");
    Lock { _conn: conn }
}

/// State and text of the mails of the system, the oldest first.
///
/// # Panics
/// When the database does not answer.
pub async fn system_mails(superuser: &PgConnectOptions) -> Vec<(String, String)> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query_as("SELECT state, body FROM system_mails ORDER BY created_at, id")
        .fetch_all(&mut conn)
        .await
        .expect("a superuser reads everything")
}

/// Forgets one of the mails that have come back, as if it had never been stored.
///
/// # Panics
/// When the database does not answer.
pub async fn forget_a_mail(superuser: &PgConnectOptions) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let sql = "DELETE FROM inbound_messages WHERE id = (SELECT min(id::text)::uuid FROM inbound_messages)";
    sqlx::query(sql).execute(&mut conn).await.expect("a superuser changes everything");
}

/// Mails with this subject cannot be stored any more, as if there were a fault in ours.
///
/// # Panics
/// When the database does not answer.
pub async fn forbid_mails_named(superuser: &PgConnectOptions, subject: &'static str) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let sql = format!("ALTER TABLE inbound_messages ADD CHECK (subject <> '{subject}')");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("a superuser changes everything");
}

/// E-mails to this address cannot be marked as being sent any more, as if there were a fault in ours.
///
/// # Panics
/// When the database does not answer.
pub async fn forbid_mails_to(superuser: &PgConnectOptions, address: &'static str) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let sql = format!("ALTER TABLE messages ADD CHECK (recipient <> '{address}')");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.expect("a superuser changes everything");
}

/// How many e-mails each transaction has begun or recorded last that has, the oldest transaction first.
///
/// # Panics
/// When the database does not answer.
pub async fn transactions_of_mails(superuser: &PgConnectOptions) -> Vec<i64> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query_scalar(
        "SELECT count(*) FROM messages WHERE state IN ('sending', 'sent') GROUP BY xmin::text::bigint
         ORDER BY xmin::text::bigint",
    )
    .fetch_all(&mut conn)
    .await
    .expect("a superuser reads everything")
}

/// How many failed sign-ins are remembered.
///
/// # Panics
/// When the database does not answer.
pub async fn sign_in_attempts(superuser: &PgConnectOptions) -> i64 {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query_scalar("SELECT count(*) FROM sign_in_attempts")
        .fetch_one(&mut conn)
        .await
        .expect("a superuser reads everything")
}

/// Comes back once a connection of the database waits for a lock of another.
///
/// # Panics
/// When none does for long.
pub async fn until_somebody_waits(superuser: &PgConnectOptions) {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    for _ in 0..2_000 {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&mut conn)
        .await
        .expect("a superuser reads everything");
        if waiting > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("nobody waits for a lock");
}

/// Every sign-up with the state of its mail, the oldest first.
///
/// # Panics
/// When the database does not answer.
pub async fn sign_ups(superuser: &PgConnectOptions) -> Vec<(Uuid, String)> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    sqlx::query_as("SELECT id, state FROM sign_ups ORDER BY created_at, id")
        .fetch_all(&mut conn)
        .await
        .expect("a superuser reads everything")
}

/// How many rows each table has, without what the migrations note about themselves. Parts count with their table.
///
/// # Panics
/// When the database does not answer.
pub async fn rows(superuser: &PgConnectOptions) -> BTreeMap<String, i64> {
    let mut conn = PgConnection::connect_with(superuser).await.expect("the database answers");
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT relname::text, (xpath('/row/n/text()', query_to_xml(
                    format('SELECT count(*) AS n FROM %s', oid::regclass), false, true, '')))[1]::text::bigint
         FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
           AND relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut conn)
    .await
    .expect("a superuser reads everything");
    rows.into_iter().collect()
}
