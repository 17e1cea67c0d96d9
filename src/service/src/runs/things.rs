//! What the ids in arguments stand for, so that people can judge a call by names, and what names stand for.

use domain::{
    PageRequest, Permission,
    accounts::AccountFilter,
    campaigns::CampaignFilter,
    leads::{LeadFilter, LeadSort},
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

    /// The things of a kind that words mean, at most two: an id, the address of a lead, or else what a search finds.
    ///
    /// # Errors
    /// [`crate::Error::Forbidden`] without the right to read.
    pub async fn meant(&mut self, kind: ThingKind, words: &str) -> Result<Vec<Uuid>> {
        self.t.require(Permission::Read).await?;
        let words = words.trim();
        if let Ok(id) = words.parse() {
            return Ok(vec![id]);
        }
        let first = PageRequest { per: Some(2), ..PageRequest::default() };
        let q = Some(words.to_owned());
        Ok(match kind {
            ThingKind::Lead => {
                let exact = sqlx::query_scalar!("SELECT id FROM leads WHERE email = lower($1)", words)
                    .fetch_optional(self.t.conn())
                    .await?;
                if let Some(id) = exact {
                    return Ok(vec![id]);
                }
                let filter = LeadFilter { q, ..LeadFilter::default() };
                let page = self.t.leads().list(&filter, LeadSort::default(), &first).await?;
                page.items.into_iter().map(|lead| lead.id.0).collect()
            }
            ThingKind::Account => {
                let page = self.t.accounts().list(&AccountFilter { q }, &first).await?;
                page.items.into_iter().map(|account| account.id.0).collect()
            }
            ThingKind::Campaign => {
                let filter = CampaignFilter { q, ..CampaignFilter::default() };
                let page = self.t.campaigns().list(&filter, &first).await?;
                page.items.into_iter().map(|campaign| campaign.id.0).collect()
            }
        })
    }
}
