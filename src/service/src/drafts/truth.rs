//! Whether a draft is still true: what it rests on is held against the lead once more when it is old.

use domain::{
    DraftId, MessageId, Permission,
    drafts::{Draft, Fact, STALE_AFTER, ground, judge},
};
use sqlx::types::Json;

use super::{Drafts, facts::changes};
use crate::{Error, Result};

impl Drafts<'_> {
    /// What the draft rests on and is not so any more, in words; nothing while it is fresh.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn changed(&mut self, id: DraftId) -> Result<Vec<String>> {
        self.t.require(Permission::Read).await?;
        let fresh = self.t.now() - STALE_AFTER;
        let stale = sqlx::query_scalar!(
            r#"SELECT coalesce(checked_at <= $2, false) AS "stale!" FROM drafts WHERE id = $1"#,
            id.0,
            fresh
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("draft"))?;
        if !stale {
            return Ok(Vec::new());
        }
        let facts = self.facts_now(id).await?;
        let draft = self.get(id).await?;
        Ok(differences(&draft, &facts))
    }

    /// Holds an old draft against the lead before it is sent. False when something has changed: then it waits
    /// for a person again. The caller holds the enrolment.
    pub(crate) async fn is_still_true(&mut self, id: DraftId) -> Result<bool> {
        let facts = self.facts_now(id).await?;
        let Some(draft) = self.load(&[id.0]).await?.pop() else { return Ok(false) };
        let changed = differences(&draft, &facts);
        let now = self.t.now();
        if changed.is_empty() {
            sqlx::query!("UPDATE drafts SET checked_at = $2 WHERE id = $1", id.0, now).execute(self.t.conn()).await?;
            return Ok(true);
        }
        let forbidden = self.rules_now().await?.forbidden_terms;
        let mut sentences = ground(&draft.body, &facts, &draft.sentences, None);
        let checks = judge(&draft.subject, &mut sentences, &facts, &forbidden);
        sqlx::query!(
            "WITH waits AS (
                 UPDATE messages m SET waits_for_draft = true, draft_id = NULL, updated_at = $2
                 FROM drafts d WHERE d.id = $1 AND m.id = d.message_id
             )
             UPDATE drafts SET state = 'open', decided_at = NULL, decided_by = NULL, notice = $3, facts = $4,
                 sentences = $5, checks = $6, passes = false, checked_at = $2, version = version + 1
             WHERE id = $1",
            id.0,
            now,
            changed.join(" "),
            Json(&facts) as _,
            Json(&sentences) as _,
            Json(&checks) as _,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("drafts", id.0).await?;
        Ok(false)
    }

    /// What is known now about the lead of a draft.
    pub(super) async fn facts_now(&mut self, id: DraftId) -> Result<Vec<Fact>> {
        let message = sqlx::query_scalar!(r#"SELECT message_id AS "id: MessageId" FROM drafts WHERE id = $1"#, id.0)
            .fetch_one(self.t.conn())
            .await?;
        let Some(message) = message else { return Ok(Vec::new()) };
        let Some(about) = self.about(message).await? else { return Ok(Vec::new()) };
        Ok(self.known(about.lead, &about.email, &about.sender).await?.unwrap_or_default())
    }
}

/// What a draft rests on and is not so any more.
fn differences(draft: &Draft, now: &[Fact]) -> Vec<String> {
    let mut rests_on: Vec<&str> =
        draft.sentences.iter().flat_map(|sentence| sentence.facts.iter().map(String::as_str)).collect();
    rests_on.sort_unstable();
    rests_on.dedup();
    changes(&rests_on, &draft.facts, now)
}
