//! Tries that cost the hash of a password, counted before it is made, per address and per network
//! address; both are kept only as keyed hashes.

use chrono::Duration;

use crate::{Db, Error, Result};

/// Wrong sign-ins of one address before a pause.
const TRIES: i32 = 5;
/// Wrong sign-ins and new accounts of one network address, behind which a whole office may sit.
const TRIES_PER_HOST: i32 = 50;
/// How long the pause is, and how long tries are counted together.
const PAUSE: Duration = Duration::minutes(2);

/// Where tries are counted, and how many are free.
#[derive(Debug)]
pub(super) struct Bucket {
    key: Vec<u8>,
    free: i32,
}

impl Bucket {
    /// Of an address that somebody signs in with.
    pub(super) fn of_address(db: &Db, address: &str) -> Self {
        Self { key: key(db, &format!("address {address}")), free: TRIES }
    }

    /// Of the network address that a request came from.
    pub(super) fn of_host(db: &Db, ip: &str) -> Self {
        Self { key: key(db, &format!("host {ip}")), free: TRIES_PER_HOST }
    }

    /// Counts a try, if one is free; the last free one closes the bucket. One statement, so that of
    /// tries that come together no more than these pass.
    ///
    /// # Errors
    /// [`Error::TooMany`] while it is closed.
    pub(super) async fn take(&self, db: &Db) -> Result<()> {
        let now = db.clock().now();
        let taken = sqlx::query!(
            "INSERT INTO sign_in_attempts AS a (bucket, failures, first_at, last_at) VALUES ($1, 1, $2, $2)
             ON CONFLICT (bucket) DO UPDATE SET
                 failures = CASE WHEN a.first_at > $3 THEN a.failures + 1 ELSE 1 END,
                 first_at = CASE WHEN a.first_at > $3 THEN a.first_at ELSE $2 END,
                 last_at = $2,
                 locked_until = CASE WHEN a.first_at > $3 AND a.failures + 1 >= $4 THEN $5::timestamptz END
             WHERE a.locked_until IS NULL OR a.locked_until <= $2",
            self.key,
            now,
            now - PAUSE,
            self.free,
            now + PAUSE,
        )
        .execute(db.pool())
        .await?
        .rows_affected();
        if taken > 0 {
            return Ok(());
        }
        let until = sqlx::query_scalar!("SELECT max(locked_until) FROM sign_in_attempts WHERE bucket = $1", self.key)
            .fetch_one(db.pool())
            .await?;
        Err(Error::TooMany(until.map_or(1, |until| (until - now).num_seconds().max(1))))
    }

    /// Gives back a try that was right.
    pub(super) async fn give_back(&self, db: &Db) -> Result<()> {
        sqlx::query!(
            "UPDATE sign_in_attempts SET failures = greatest(failures - 1, 0), locked_until = NULL WHERE bucket = $1",
            self.key
        )
        .execute(db.pool())
        .await?;
        Ok(())
    }

    /// Forgets every try.
    pub(super) async fn clear(&self, db: &Db) -> Result<()> {
        sqlx::query!("DELETE FROM sign_in_attempts WHERE bucket = $1", self.key).execute(db.pool()).await?;
        Ok(())
    }
}

fn key(db: &Db, value: &str) -> Vec<u8> {
    db.secrets().keyed_hash("sign-in-throttle", value.as_bytes())
}
