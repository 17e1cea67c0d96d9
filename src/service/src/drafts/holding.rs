//! Who has a draft open. One person at a time decides about a draft; who has gone away holds it for minutes only.

use domain::{
    DraftId, Permission,
    drafts::{DraftState, HELD},
};
use uuid::Uuid;

use super::Drafts;
use crate::{Error, Result};

impl Drafts<'_> {
    /// Holds a draft for the person who has opened it, and lets go of what they had open before. Nothing
    /// happens when somebody else holds it, or when they may not decide about it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn open_up(&mut self, id: DraftId) -> Result<()> {
        let draft = self.get(id).await?;
        let Some(me) = self.t.actor().user_id().filter(|_| self.t.actor().can(Permission::ApproveDrafts)) else {
            return Ok(());
        };
        let (now, name) = (self.t.now(), self.t.actor().name().to_owned());
        // What is being decided about at this moment is neither taken nor waited for.
        let rows = sqlx::query!(
            r#"SELECT id, held_by = $1 AND held_until > $3 AS "mine?", held_until > $3 AS "held?"
               FROM drafts WHERE id = $2 OR held_by = $1 FOR UPDATE SKIP LOCKED"#,
            me.0,
            id.0,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        let left: Vec<Uuid> = rows.iter().filter(|row| row.id != id.0).map(|row| row.id).collect();
        sqlx::query!("UPDATE drafts SET held_by = NULL, held_name = NULL, held_until = NULL WHERE id = ANY($1)", &left)
            .execute(self.t.conn())
            .await?;
        for draft in left {
            self.t.tell("drafts", draft).await?;
        }
        let waits = draft.state == DraftState::Open && draft.enrolment.is_some();
        let Some(row) = rows.into_iter().find(|row| row.id == id.0).filter(|_| waits) else { return Ok(()) };
        let mine = row.mine == Some(true);
        if row.held == Some(true) && !mine {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE drafts SET held_by = $2, held_name = $3, held_until = $4 WHERE id = $1",
            id.0,
            me.0,
            name,
            now + HELD
        )
        .execute(self.t.conn())
        .await?;
        // Who renews tells nobody, or two open pages would call each other for ever.
        if mine { Ok(()) } else { self.t.tell("drafts", id.0).await }
    }

    /// Goes on when nobody else has the draft open. The caller holds its row.
    pub(super) async fn require_free(&mut self, id: DraftId) -> Result<()> {
        let (now, me) = (self.t.now(), self.t.actor().user_id().map(|id| id.0));
        let holder = sqlx::query_scalar!(
            r#"SELECT held_name AS "name!" FROM drafts
               WHERE id = $1 AND held_until > $2 AND held_by IS DISTINCT FROM $3"#,
            id.0,
            now,
            me
        )
        .fetch_optional(self.t.conn())
        .await?;
        match holder {
            Some(name) => {
                let words = format!("{name} has this draft open. Go on with another one, or wait until they are done.");
                Err(Error::conflict("draft_held", words))
            }
            None => Ok(()),
        }
    }
}
