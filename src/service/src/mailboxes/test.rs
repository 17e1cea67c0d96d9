//! What a test of a connection has found.

use domain::{
    MailboxId,
    domains::Standing,
    mailboxes::{ConnectionTest, MailboxState, Protocol, TestStep},
};
use sqlx::types::Json;

use super::Mailboxes;
use crate::Result;

impl Mailboxes<'_> {
    /// What a test of the connection has found, step by step. Only steps on the way out hold a mailbox up: one whose
    /// replies cannot be read still sends.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record_test(&mut self, id: MailboxId, steps: Vec<TestStep>) -> Result<()> {
        let now = self.t.now();
        let failed = steps.iter().find(|step| step.protocol == Protocol::Smtp && step.standing == Standing::Fail);
        let failed = failed.map(|step| format!("{}: {}", step.step.label(), step.message));
        sqlx::query!(
            "UPDATE mailboxes SET test = $2 WHERE id = $1",
            id.0,
            Json(ConnectionTest { at: now, steps }) as _
        )
        .execute(self.t.conn())
        .await?;
        match failed {
            None => {
                sqlx::query!(
                    "UPDATE mailboxes
                     SET state = CASE WHEN state = 'reconnect' THEN 'connected' ELSE state END,
                         last_error = NULL, checked_at = $2
                     WHERE id = $1",
                    id.0,
                    now
                )
                .execute(self.t.conn())
                .await?;
                self.start_over(id).await?;
            }
            Some(words) => self.set_state(id, MailboxState::Reconnect, Some(&words)).await?,
        }
        self.t.tell("mailboxes", id.0).await
    }
}
