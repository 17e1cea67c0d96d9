//! Idempotent requests of programs: the answer is kept with the effect, so a repeated request gets
//! the first answer and nothing happens twice.

use domain::Problem;

use crate::{Error, Result, Tenant};

/// What a key of a request means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// Never seen: do it, then [`Idempotency::finish`] in the same transaction.
    First,
    /// Done before: this was the answer.
    Replay {
        /// Status.
        status: u16,
        /// Headers, as name and value.
        headers: Vec<(String, String)>,
        /// Body.
        body: Vec<u8>,
    },
}

/// Answers that are kept for the program that acts.
#[derive(Debug)]
pub struct Idempotency<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// Answers that are kept for repeated requests.
    pub fn idempotency(&mut self) -> Idempotency<'_> {
        Idempotency { t: self }
    }
}

impl Idempotency<'_> {
    /// Looks a key up, and takes it. A request with the same key that is still under way is waited
    /// for: its row is locked until it commits.
    ///
    /// # Errors
    /// A problem when the key belongs to another request.
    pub async fn begin(&mut self, key: &str, fingerprint: &[u8]) -> Result<Idempotent> {
        if key.is_empty() || key.len() > 255 {
            return Err(Problem::field("Idempotency-Key", "key_invalid", "Use 1 to 255 characters.").into());
        }
        let Some(program) = self.t.actor().api_key_id() else { return Ok(Idempotent::First) };
        let now = self.t.now();
        let taken = sqlx::query!(
            "INSERT INTO idempotent_answers (api_key_id, key, fingerprint, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            program.0,
            key,
            fingerprint,
            now
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        if taken == 1 {
            return Ok(Idempotent::First);
        }
        let row = sqlx::query!(
            "SELECT fingerprint, status, headers, body FROM idempotent_answers WHERE api_key_id = $1 AND key = $2",
            program.0,
            key
        )
        .fetch_one(self.t.conn())
        .await?;
        if row.fingerprint != fingerprint {
            return Err(Problem::field(
                "Idempotency-Key",
                "key_reused",
                "This key belongs to another request. Use a new key for each request.",
            )
            .into());
        }
        let (Some(status), Some(body)) = (row.status, row.body) else {
            return Err(Error::conflict("request_in_progress", "A request with this key is still under way."));
        };
        Ok(Idempotent::Replay {
            status: u16::try_from(status).map_err(Error::internal)?,
            headers: row.headers.map(serde_json::from_value).transpose()?.unwrap_or_default(),
            body,
        })
    }

    /// Keeps the answer, in the transaction of its effect.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn finish(&mut self, key: &str, status: u16, headers: &[(String, String)], body: &[u8]) -> Result<()> {
        let Some(program) = self.t.actor().api_key_id() else { return Ok(()) };
        sqlx::query!(
            "UPDATE idempotent_answers SET status = $3, headers = $4, body = $5 WHERE api_key_id = $1 AND key = $2",
            program.0,
            key,
            i32::from(status),
            serde_json::to_value(headers)?,
            body,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}
