//! The campaigns that send from a mailbox: whoever pauses it sees what waits then.

use domain::{CampaignId, MailboxId, campaigns::CampaignState};

use super::Mailboxes;
use crate::Result;

/// The most that are listed.
const MOST: i64 = 20;

/// A campaign that sends from a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedBy {
    /// Which.
    pub campaign: CampaignId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: CampaignState,
    /// It has no other mailbox.
    pub only_this: bool,
}

impl Mailboxes<'_> {
    /// The campaigns that send from a mailbox and have not ended, those that run first.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub async fn used_by(&mut self, id: MailboxId) -> Result<Vec<UsedBy>> {
        self.get(id).await?;
        Ok(sqlx::query_as!(
            UsedBy,
            r#"SELECT c.id AS "campaign: CampaignId", c.name, c.state AS "state: CampaignState",
                      NOT EXISTS (SELECT FROM campaign_mailboxes o
                                  WHERE o.campaign_id = c.id AND o.mailbox_id <> k.mailbox_id) AS "only_this!"
               FROM campaign_mailboxes k JOIN campaigns c ON c.id = k.campaign_id
               WHERE k.mailbox_id = $1 AND c.archived_at IS NULL AND c.state NOT IN ('stopped', 'completed', 'failed')
               ORDER BY c.state = 'running' DESC, c.updated_at DESC LIMIT $2"#,
            id.0,
            MOST
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
