//! What becomes of running campaigns when the records of a domain begin to fail, and of its mailboxes when they pass.

use std::collections::BTreeMap;

use domain::{
    CampaignId, DomainId, MailboxId,
    domains::{RecordCheck, failing, failing_words},
};
use sqlx::types::Json;

use super::Domains;
use crate::Result;

impl Domains<'_> {
    /// Pauses running campaigns none of whose mailboxes receivers would believe any more. One that has another
    /// mailbox goes on, for the leads of that one. Nothing happens before the first check, or after one that could not
    /// be made.
    ///
    /// # Errors
    /// When the database is away; the next check does it.
    pub async fn hold_campaigns(&mut self, id: DomainId) -> Result<()> {
        let domain = sqlx::query!(
            r#"SELECT name, records AS "records: Json<Vec<RecordCheck>>" FROM sending_domains
               WHERE id = $1 AND checked_at IS NOT NULL AND error IS NULL"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(domain) = domain else { return Ok(()) };
        let broken = failing(&domain.records.0);
        if broken.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(
            r#"SELECT c.id AS "campaign: CampaignId", m.kind = 'sandbox' AS "sandbox!",
                      d.records AS "records?: Json<Vec<RecordCheck>>"
               FROM campaigns c
               JOIN campaign_mailboxes k ON k.campaign_id = c.id
               JOIN mailboxes m ON m.id = k.mailbox_id
               LEFT JOIN sending_domains d ON d.name = split_part(m.address, '@', 2)
               WHERE c.state = 'running' AND EXISTS (
                   SELECT FROM campaign_mailboxes o JOIN mailboxes b ON b.id = o.mailbox_id
                   WHERE o.campaign_id = c.id AND b.kind = 'smtp' AND split_part(b.address, '@', 2) = $1)"#,
            domain.name
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut believed: BTreeMap<CampaignId, bool> = BTreeMap::new();
        for row in rows {
            let one = row.sandbox || row.records.is_some_and(|records| failing(&records.0).is_empty());
            *believed.entry(row.campaign).or_default() |= one;
        }
        let reason = format!("{}, check again, then resume.", failing_words(&domain.name, &broken));
        for (campaign, _) in believed.into_iter().filter(|(_, believed)| !believed) {
            self.t.campaigns().hold(campaign, &reason).await?;
        }
        Ok(())
    }

    /// Lets the mailboxes of a domain that passes have their turns at once. A claim has put them off while it failed.
    ///
    /// # Errors
    /// When the database is away; they have their turns some minutes later.
    pub async fn wake_mailboxes(&mut self, id: DomainId) -> Result<()> {
        let mailboxes = sqlx::query_scalar!(
            r#"SELECT m.id AS "id: MailboxId" FROM sending_domains d
               JOIN mailboxes m ON m.kind = 'smtp' AND split_part(m.address, '@', 2) = d.name
               WHERE d.id = $1 AND d.failing = '{}'"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        let now = self.t.now();
        self.t.mailboxes().wake(&mailboxes, now).await
    }
}
