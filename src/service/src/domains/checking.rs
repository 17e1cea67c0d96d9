//! The check of a domain: what a worker needs for it, what it found, and when the next one is due.

use chrono::Duration;
use domain::{
    DomainId, MailboxId,
    domains::{Expected, RecordCheck, RecordKind, Standing, failing},
};
use sqlx::types::Json;

use super::Domains;
use crate::Result;

/// How long what was found counts.
const DAILY: Duration = Duration::hours(24);
/// A server may refuse thousands of e-mails for the same reason; one look is enough for a while.
const AGAIN: Duration = Duration::minutes(10);

/// What a worker needs to check a domain.
#[derive(Clone, Debug)]
pub struct ToCheck {
    /// Its name.
    pub name: String,
    /// What it should have.
    pub expected: Expected,
}

impl Domains<'_> {
    /// What a worker needs to check a domain; nothing when it is gone.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn to_check(&mut self, id: DomainId) -> Result<Option<ToCheck>> {
        let row = sqlx::query!(
            r#"SELECT d.name, d.selector, d.public_key,
                      ARRAY(SELECT DISTINCT lower(m.host) FROM mailboxes m
                            WHERE m.kind = 'smtp' AND split_part(m.address, '@', 2) = d.name ORDER BY 1) AS "hosts!"
               FROM sending_domains d WHERE d.id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|r| ToCheck {
            name: r.name,
            expected: Expected { selector: r.selector, public_key: r.public_key, hosts: r.hosts },
        }))
    }

    /// What a check has found, or why it could not be made. What was found before then stays, because it says more
    /// than a name server that does not answer. `checked` is what was asked about: a key that was changed meanwhile
    /// is not taken for seen.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record_check(
        &mut self,
        id: DomainId,
        checked: &Expected,
        outcome: std::result::Result<Vec<RecordCheck>, String>,
    ) -> Result<()> {
        let now = self.t.now();
        match outcome {
            Ok(records) => {
                let seen = records.iter().any(|r| r.kind == RecordKind::Dkim && r.standing != Standing::Fail);
                let failing: Vec<_> = failing(&records).iter().map(ToString::to_string).collect();
                sqlx::query!(
                    "UPDATE sending_domains SET records = $2, failing = $8, checked_at = $3, error = NULL, failures = 0,
                         next_check_at = CASE WHEN public_key IS NOT DISTINCT FROM $6 AND selector IS NOT DISTINCT FROM $7
                                              THEN $4 ELSE next_check_at END,
                         key_seen_at = CASE WHEN $5 AND public_key = $6 THEN coalesce(key_seen_at, $3) ELSE key_seen_at END,
                         old_selector = CASE WHEN $5 AND public_key = $6 THEN NULL ELSE old_selector END,
                         old_key_sealed = CASE WHEN $5 AND public_key = $6 THEN NULL ELSE old_key_sealed END
                     WHERE id = $1",
                    id.0,
                    Json(records) as _,
                    now,
                    now + DAILY,
                    seen,
                    checked.public_key,
                    checked.selector,
                    &failing,
                )
                .execute(self.t.conn())
                .await?;
            }
            Err(words) => {
                sqlx::query!(
                    "UPDATE sending_domains SET error = $2, failures = failures + 1,
                         next_check_at = $3::timestamptz
                             + least(interval '10 minutes' * power(2, least(failures, 10)), interval '6 hours')
                     WHERE id = $1",
                    id.0,
                    words,
                    now,
                )
                .execute(self.t.conn())
                .await?;
            }
        }
        self.t.tell("domains", id.0).await
    }

    /// A server has refused an e-mail of a mailbox for a reason of policy: what is known of its domain may be old.
    pub(crate) async fn doubt(&mut self, mailbox: MailboxId) -> Result<()> {
        let long_ago = self.t.now() - AGAIN;
        let id = sqlx::query_scalar!(
            r#"SELECT d.id AS "id: DomainId" FROM sending_domains d
               JOIN mailboxes m ON split_part(m.address, '@', 2) = d.name
               WHERE m.id = $1 AND m.kind = 'smtp' AND (d.checked_at IS NULL OR d.checked_at < $2)"#,
            mailbox.0,
            long_ago
        )
        .fetch_optional(self.t.conn())
        .await?;
        match id {
            Some(id) => self.queue_check(id).await,
            None => Ok(()),
        }
    }
}
