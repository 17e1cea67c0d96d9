//! The most e-mails that the recipients of one domain get from the company. What is claimed is counted in
//! `messages/room.rs`; here the limits are read and set.

use domain::{MailboxId, Permission, mailboxes::RecipientLimits};

use super::Mailboxes;
use crate::{Result, audit::Entry};

impl Mailboxes<'_> {
    /// The limits of the company.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read.
    pub async fn limits(&mut self) -> Result<RecipientLimits> {
        self.t.require(Permission::Read).await?;
        let row =
            sqlx::query!("SELECT recipient_hourly, recipient_daily FROM companies").fetch_one(self.t.conn()).await?;
        Ok(RecipientLimits { per_hour: row.recipient_hourly, per_day: row.recipient_daily })
    }

    /// Sets both. What stands in line for the old ones is looked at again at once.
    ///
    /// # Errors
    /// Problems of the input.
    pub async fn set_limits(&mut self, input: RecipientLimits) -> Result<RecipientLimits> {
        self.t.require(Permission::ManageMailboxes).await?;
        let limits = input.check()?;
        if limits == self.limits().await? {
            return Ok(limits);
        }
        sqlx::query!(
            "UPDATE companies SET recipient_hourly = $1, recipient_daily = $2",
            limits.per_hour,
            limits.per_day
        )
        .execute(self.t.conn())
        .await?;
        let now = self.t.now();
        // Due now with a window that is over: the claim looks for the next open one, so none leaves at night. What
        // somebody else is just changing keeps its place.
        let mailboxes = sqlx::query_scalar!(
            r#"UPDATE messages SET due_at = $1, window_ends_at = $1, room_at = NULL, updated_at = $1
               WHERE id IN (SELECT id FROM messages WHERE state IN ('scheduled', 'deferred') AND waits_until = due_at
                              AND due_at > $1 FOR UPDATE SKIP LOCKED)
               RETURNING mailbox_id AS "id: MailboxId""#,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        self.wake(&mailboxes, now).await?;
        let words = |limit: Option<i32>| limit.map_or_else(|| "no limit".to_owned(), |most| most.to_string());
        let details = format!("{} an hour, {} in 24 hours", words(limits.per_hour), words(limits.per_day));
        self.t.audit().record(Entry::done("recipient_limits.set").details(details)).await?;
        self.t.tell("mailboxes", None).await?;
        Ok(limits)
    }
}
