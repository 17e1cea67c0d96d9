//! Web sessions in the database. A row's id is the hash of the cookie, so whoever reads the table
//! cannot sign in with it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tower_sessions_core::{
    session::{Id, Record},
    session_store::{self, SessionStore},
};
use uuid::Uuid;

use crate::Db;

/// Under this key a session keeps the id of the person who is signed in.
pub const USER_ID: &str = "user_id";

/// Sessions in PostgreSQL; made by [`Db::session_store`].
#[derive(Clone, Debug)]
pub struct PgSessionStore {
    db: Db,
}

impl PgSessionStore {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    async fn insert(&self, record: &Record) -> Result<bool, sqlx::Error> {
        let (user, expires_at) = columns(record);
        let rows = sqlx::query!(
            "INSERT INTO sessions (id, user_id, data, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
            hash(&record.id),
            user,
            serde_json::to_value(&record.data).unwrap_or_default(),
            expires_at,
        )
        .execute(self.db.pool())
        .await?;
        Ok(rows.rows_affected() == 1)
    }

    /// A session that is gone stays gone: a request that began before the sign-out must not bring
    /// it back when it ends.
    async fn update(&self, record: &Record) -> Result<(), sqlx::Error> {
        let (user, expires_at) = columns(record);
        sqlx::query!(
            "UPDATE sessions SET user_id = $2, data = $3, expires_at = $4 WHERE id = $1",
            hash(&record.id),
            user,
            serde_json::to_value(&record.data).unwrap_or_default(),
            expires_at,
        )
        .execute(self.db.pool())
        .await?;
        Ok(())
    }
}

#[async_trait]
impl SessionStore for PgSessionStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        while !self.insert(record).await.map_err(backend)? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.update(record).await.map_err(backend)
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let now = self.db.clock().now();
        let row =
            sqlx::query!("SELECT data, expires_at FROM sessions WHERE id = $1 AND expires_at > $2", hash(id), now)
                .fetch_optional(self.db.pool())
                .await
                .map_err(backend)?;
        row.map(|row| {
            Ok(Record {
                id: *id,
                data: serde_json::from_value(row.data).map_err(|e| session_store::Error::Decode(e.to_string()))?,
                expiry_date: OffsetDateTime::from_unix_timestamp(row.expires_at.timestamp())
                    .map_err(|e| session_store::Error::Decode(e.to_string()))?,
            })
        })
        .transpose()
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        sqlx::query!("DELETE FROM sessions WHERE id = $1", hash(id))
            .execute(self.db.pool())
            .await
            .map(|_| ())
            .map_err(backend)
    }
}

/// What has a column of its own: whose the session is, and when it ends.
fn columns(record: &Record) -> (Option<Uuid>, DateTime<Utc>) {
    let user = record.data.get(USER_ID).and_then(|v| v.as_str()).and_then(|v| v.parse().ok());
    let expires_at = DateTime::from_timestamp(record.expiry_date.unix_timestamp(), 0);
    (user, expires_at.unwrap_or_default())
}

fn hash(id: &Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn backend(error: sqlx::Error) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}
