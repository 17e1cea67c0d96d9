//! Mails of the system itself: queued with the change that asks for them, sent by a worker, at most once.

use chrono::Duration;
use domain::{EmailAddress, messages::LEASE};
use uuid::Uuid;

use crate::{Result, Tenant, jobs::SendSystemMail};

/// Tries before a mail that no server takes is given up.
const TRIES: i32 = 6;

/// A mail in the hands of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemMail {
    /// Where it goes.
    pub recipient: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

impl Tenant {
    /// Queues a mail of the system.
    pub(crate) async fn queue_system_mail(&mut self, to: &EmailAddress, subject: &str, body: &str) -> Result<()> {
        let (mail, now): (Uuid, _) = (self.new_id(), self.now());
        sqlx::query!(
            "INSERT INTO system_mails (id, recipient, subject, body, next_at, created_at) VALUES ($1, $2, $3, $4, $5, $5)",
            mail,
            to.as_str(),
            subject,
            body,
            now
        )
        .execute(self.conn())
        .await?;
        let company = self.actor().company();
        self.enqueue(&SendSystemMail { company, mail }).await
    }

    /// Takes a waiting mail; nothing when another worker has it. Who is not heard of until the lease
    /// ends leaves it unknown.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take_system_mail(&mut self, id: Uuid) -> Result<Option<SystemMail>> {
        let until = self.now() + LEASE;
        Ok(sqlx::query_as!(
            SystemMail,
            "UPDATE system_mails SET state = 'sending', attempts = attempts + 1, lease_until = $2
             WHERE id = $1 AND state = 'waiting' RETURNING recipient, subject, body",
            id,
            until
        )
        .fetch_optional(self.conn())
        .await?)
    }

    /// What became of a mail: `sent`, `failed`, `unknown`, or `waiting` for another try. The text of one
    /// that has ended is not kept: the link in it opens something.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn finish_system_mail(&mut self, id: Uuid, state: &str, words: &str) -> Result<()> {
        let now = self.now();
        sqlx::query!(
            "UPDATE system_mails SET
                 state = CASE WHEN $2 = 'waiting' AND attempts >= $5 THEN 'failed' ELSE $2 END,
                 body = CASE WHEN $2 = 'waiting' AND attempts < $5 THEN body ELSE '' END,
                 last_error = $3, next_at = $4,
                 sent_at = CASE WHEN $2 = 'sent' THEN $6::timestamptz END
             WHERE id = $1 AND state = 'sending'",
            id,
            state,
            words,
            now + Duration::minutes(5),
            TRIES,
            now,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
