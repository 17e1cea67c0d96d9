//! What the ids in arguments stand for, so that people can judge a call by names.

use domain::{
    Permission,
    runs::{Thing, ThingKind},
};
use uuid::Uuid;

use super::Runs;
use crate::Result;

/// Ids that are looked up at most.
const MOST: usize = 1_000;

impl Runs<'_> {
    /// The leads, accounts and campaigns with these ids, in the order of the ids; others are left out.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read.
    pub async fn things(&mut self, ids: &[Uuid]) -> Result<Vec<Thing>> {
        self.t.require(Permission::Read).await?;
        let ids = &ids[..ids.len().min(MOST)];
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(sqlx::query_as!(
            Thing,
            r#"
            SELECT found.kind AS "kind!: ThingKind", found.id AS "id!", found.name AS "name!"
            FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted (id, place)
            JOIN (
                SELECT 'lead' AS kind, id, coalesce(nullif(concat_ws(' ', first_name, last_name), ''), email) AS name
                FROM leads WHERE id = ANY($1)
                UNION ALL SELECT 'account', id, name FROM accounts WHERE id = ANY($1)
                UNION ALL SELECT 'campaign', id, name FROM campaigns WHERE id = ANY($1)
            ) AS found USING (id)
            ORDER BY wanted.place
            "#,
            ids
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
