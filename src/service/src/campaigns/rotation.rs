//! Which mailbox of a campaign writes to whom: in turn, and those that can send. All e-mails to a lead leave from the
//! mailbox of the first one, so only who has got none yet is given to another.

use domain::{CampaignId, MailboxId, campaigns::Campaign, words::plural};
use uuid::Uuid;

use super::Campaigns;
use crate::Result;

/// Leads that one transaction gives to other mailboxes.
const BATCH: i64 = 1000;

/// The mailboxes of a campaign, in turn.
#[derive(Debug)]
pub(super) struct Rotation {
    mailboxes: Vec<MailboxId>,
    next: usize,
}

impl Rotation {
    /// Begins somewhere: who is added one by one comes to all of them as well.
    pub(super) fn new(mailboxes: Vec<MailboxId>, begin: usize) -> Self {
        Self { mailboxes, next: begin }
    }

    /// The next one; nothing where there is none.
    pub(super) fn next(&mut self) -> Option<MailboxId> {
        let next = self.mailboxes.get(self.next.checked_rem(self.mailboxes.len())?).copied();
        self.next = self.next.wrapping_add(1);
        next
    }
}

impl Campaigns<'_> {
    /// The mailboxes that new leads are given to: those that can send. While none can, all of them: the leads wait for
    /// whichever can again.
    pub(super) async fn senders_of(&mut self, campaign: &Campaign) -> Result<Vec<MailboxId>> {
        let able = self.able(campaign.id).await?;
        Ok(if able.is_empty() { campaign.mailboxes.clone() } else { able })
    }

    /// Mailboxes that are connected, and whose domain receivers believe.
    async fn able(&mut self, id: CampaignId) -> Result<Vec<MailboxId>> {
        Ok(sqlx::query_scalar!(
            r#"SELECT k.mailbox_id AS "id: MailboxId" FROM campaign_mailboxes k JOIN mailboxes b ON b.id = k.mailbox_id
               WHERE k.campaign_id = $1 AND b.state = 'connected' AND mailbox_failing(b.id) IS NULL
               ORDER BY k.position"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Gives leads to other mailboxes whose own one cannot send and has sent them nothing yet, so that one mailbox that
    /// is paused holds up nobody. Whether there may be more of them.
    pub(super) async fn rotate_away(&mut self, campaign: &Campaign) -> Result<bool> {
        let able = self.able(campaign.id).await?;
        if able.is_empty() || able.len() == campaign.mailboxes.len() {
            return Ok(false);
        }
        let away: Vec<Uuid> = campaign.mailboxes.iter().filter(|id| !able.contains(id)).map(|id| id.0).collect();
        let stranded = sqlx::query_scalar!(
            "SELECT e.id FROM enrolments e
             WHERE e.campaign_id = $1 AND e.is_open AND e.mailbox_id = ANY($2)
               AND NOT EXISTS (SELECT FROM messages m WHERE m.enrolment_id = e.id
                                 AND (m.sending_at IS NOT NULL OR m.state = 'claimed'))
             ORDER BY e.id LIMIT $3 FOR UPDATE OF e SKIP LOCKED",
            campaign.id.0,
            &away,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        if stranded.is_empty() {
            return Ok(false);
        }
        let mut rotation = Rotation::new(able.clone(), 0);
        let given: Vec<Uuid> = stranded.iter().filter_map(|_| rotation.next()).map(|id| id.0).collect();
        let now = self.t.now();
        sqlx::query!(
            "WITH g AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS g (enrolment, mailbox)), moved AS (
                 UPDATE enrolments e SET mailbox_id = g.mailbox FROM g WHERE e.id = g.enrolment
             )
             UPDATE messages m SET mailbox_id = g.mailbox, updated_at = $3 FROM g
             WHERE m.enrolment_id = g.enrolment AND m.state IN ('scheduled', 'deferred', 'held')",
            &stranded,
            &given,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.mailboxes().wake(&able, now).await?;
        let count = i64::try_from(given.len()).unwrap_or(BATCH);
        let text = format!("{} to other mailboxes", plural(count, "lead goes", "leads go"));
        self.log(campaign.id, "rotated", Some(&text)).await?;
        Ok(true)
    }
}
