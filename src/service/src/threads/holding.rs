//! Who is replying. It forbids nothing: two who answer at the same time see each other, and whoever is second is asked
//! to read again.

use domain::{Permission, ThreadId, threads::HELD};
use uuid::Uuid;

use super::Threads;
use crate::Result;

impl Threads<'_> {
    /// Says that the person is replying to a thread, and to no other one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn hold(&mut self, id: ThreadId) -> Result<()> {
        let Some(me) = self.t.actor().user_id().filter(|_| self.t.actor().can(Permission::EditCampaigns)) else {
            return Ok(());
        };
        self.let_go(Some(id)).await?;
        let (now, name) = (self.t.now(), self.t.actor().name().to_owned());
        let before = sqlx::query!(
            r#"WITH before AS (SELECT held_by, held_until FROM threads WHERE id = $1 FOR NO KEY UPDATE)
               UPDATE threads t SET held_by = $2, held_name = $3, held_until = $4 FROM before b
               WHERE t.id = $1 AND (b.held_by = $2 OR b.held_until IS NULL OR b.held_until <= $5)
               RETURNING b.held_by = $2 AND b.held_until > $5 AS "mine?""#,
            id.0,
            me.0,
            name,
            now + HELD,
            now,
        )
        .fetch_optional(self.t.conn())
        .await?;
        // Who renews tells nobody, or two open pages would call each other for ever.
        match before {
            Some(before) if before.mine != Some(true) => self.t.tell("threads", id.0).await,
            _ => Ok(()),
        }
    }

    /// The person replies to none any more, but perhaps to `but`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn let_go(&mut self, but: Option<ThreadId>) -> Result<()> {
        let Some(me) = self.t.actor().user_id() else { return Ok(()) };
        let left: Vec<Uuid> = sqlx::query_scalar!(
            "UPDATE threads SET held_by = NULL, held_name = NULL, held_until = NULL
             WHERE held_by = $1 AND id IS DISTINCT FROM $2 RETURNING id",
            me.0,
            but.map(|id| id.0)
        )
        .fetch_all(self.t.conn())
        .await?;
        for thread in left {
            self.t.tell("threads", thread).await?;
        }
        Ok(())
    }

    /// Name of somebody else who is replying.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn replying(&mut self, id: ThreadId) -> Result<Option<String>> {
        let (now, me) = (self.t.now(), self.t.actor().user_id().map(|id| id.0));
        Ok(sqlx::query_scalar!(
            "SELECT held_name FROM threads WHERE id = $1 AND held_until > $2 AND held_by IS DISTINCT FROM $3",
            id.0,
            now,
            me
        )
        .fetch_optional(self.t.conn())
        .await?
        .flatten())
    }
}
