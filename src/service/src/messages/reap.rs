//! The reaper: messages whose worker has not been heard of. A claim goes back in line; a hand-over
//! that had begun is unknown, because the server may have taken the e-mail.

use domain::{CompanyId, MessageId, messages::WORKER_ENDED};

use super::Messages;
use crate::{Db, Error, Result};

/// Judges every message whose lease has ended. Gives how many there were. One that cannot be judged
/// does not keep the others waiting.
///
/// # Errors
/// When the database is away; the next call goes on.
pub async fn reap(db: &Db) -> Result<usize> {
    let now = db.clock().now();
    let expired = db.platform().expired_leases(now).await?;
    for (company, message) in &expired {
        match judge(db, *company, *message).await {
            Err(Error::Unavailable) => return Err(Error::Unavailable),
            Err(error) => {
                tracing::error!(message.id = %message, error = &error as &dyn std::error::Error, "A message is not judged");
            }
            Ok(()) => {}
        }
    }
    Ok(expired.len())
}

async fn judge(db: &Db, company: CompanyId, message: MessageId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    t.messages().reap_one(message).await?;
    t.commit().await
}

impl Messages<'_> {
    async fn reap_one(&mut self, id: MessageId) -> Result<()> {
        let now = self.t.now();
        let released = sqlx::query_scalar!(
            r#"UPDATE messages SET state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'scheduled' END,
                   lease_token = NULL, lease_until = NULL
               WHERE id = $1 AND state = 'claimed' AND lease_until < $2 RETURNING mailbox_id"#,
            id.0,
            now,
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(mailbox) = released {
            self.t.mailboxes().plan_replies(mailbox.into(), false).await?;
            return self.t.mailboxes().wake(&[mailbox.into()], now).await;
        }
        let token = sqlx::query_scalar!(
            r#"SELECT lease_token AS "token!" FROM messages
               WHERE id = $1 AND state = 'sending' AND lease_until < $2 AND lease_token IS NOT NULL"#,
            id.0,
            now,
        )
        .fetch_optional(self.t.conn())
        .await?;
        match token {
            Some(token) => self.judge(id, token, WORKER_ENDED).await,
            None => Ok(()),
        }
    }
}
