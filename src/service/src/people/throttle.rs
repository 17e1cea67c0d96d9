//! Wrong sign-ins are counted per address and per network address, both only as keyed hashes.

use chrono::Duration;

use crate::{Db, Error, Result};

/// Wrong tries before a pause.
const TRIES: i32 = 5;
/// The same for one network address, behind which a whole office may sit.
const TRIES_PER_HOST: i32 = 50;
/// How long the pause is, and how long a wrong try is remembered.
const PAUSE: Duration = Duration::minutes(2);

/// Where tries are counted, and how many are free.
pub(super) fn buckets(db: &Db, address: &str, ip: Option<&str>) -> Vec<(Vec<u8>, i32)> {
    let hash = |value: String| db.secrets().keyed_hash("sign-in-throttle", value.as_bytes());
    let mut buckets = vec![(hash(format!("address {address}")), TRIES)];
    buckets.extend(ip.map(|ip| (hash(format!("host {ip}")), TRIES_PER_HOST)));
    buckets
}

/// Goes on only if no bucket is closed.
pub(super) async fn check(db: &Db, buckets: &[(Vec<u8>, i32)]) -> Result<()> {
    let keys: Vec<Vec<u8>> = buckets.iter().map(|(key, _)| key.clone()).collect();
    let now = db.clock().now();
    let until = sqlx::query_scalar!(
        "SELECT max(locked_until) FROM sign_in_attempts WHERE bucket = ANY($1) AND locked_until > $2",
        &keys,
        now
    )
    .fetch_one(db.pool())
    .await?;
    match until {
        Some(until) => Err(Error::TooMany((until - now).num_seconds().max(1))),
        None => Ok(()),
    }
}

/// Counts a wrong try in every bucket; the last free one closes it.
pub(super) async fn count(db: &Db, buckets: &[(Vec<u8>, i32)]) -> Result<()> {
    let now = db.clock().now();
    for (key, free) in buckets {
        sqlx::query!(
            "INSERT INTO sign_in_attempts AS a (bucket, failures, last_at) VALUES ($1, 1, $2)
             ON CONFLICT (bucket) DO UPDATE SET
                 failures = CASE WHEN a.last_at < $3 THEN 1 ELSE a.failures + 1 END,
                 last_at = $2,
                 locked_until = CASE WHEN a.last_at >= $3 AND a.failures + 1 >= $4 THEN $5::timestamptz END",
            key,
            now,
            now - PAUSE,
            free,
            now + PAUSE,
        )
        .execute(db.pool())
        .await?;
    }
    Ok(())
}

/// A right password forgets the wrong ones of its address; the host keeps its count.
pub(super) async fn clear(db: &Db, buckets: &[(Vec<u8>, i32)]) -> Result<()> {
    if let Some((key, _)) = buckets.first() {
        sqlx::query!("DELETE FROM sign_in_attempts WHERE bucket = $1", key).execute(db.pool()).await?;
    }
    Ok(())
}
