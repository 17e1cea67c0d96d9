//! What came back of the e-mails of a mailbox, and the pause that follows from too much of it.

use domain::{
    CampaignId, MailboxId, MessageId, Refusal,
    mailboxes::{BOUNCE_WINDOW, COMPLAINT_WINDOW, Health, Mailbox, Outlook},
};

use super::Mailboxes;
use crate::{Result, audit::Entry};

/// How an e-mail came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CameBack {
    /// It could not be delivered.
    Bounced,
    /// Its recipient has told their provider that it is spam.
    Complained,
}

impl Mailboxes<'_> {
    /// An e-mail came back: its mailbox is judged anew, and paused when it must not go on; its campaign is looked at
    /// later. The caller holds the message; a mailbox comes after it.
    pub(crate) async fn came_back(&mut self, message: MessageId, how: CameBack) -> Result<()> {
        let word = match how {
            CameBack::Bounced => "bounced",
            CameBack::Complained => "complained",
        };
        let judged = sqlx::query!(
            r#"UPDATE messages SET came_back = $2 WHERE id = $1 AND coalesce(came_back, '') NOT IN ($2, 'complained')
               RETURNING mailbox_id AS "mailbox: MailboxId", campaign_id AS "campaign: CampaignId""#,
            message.0,
            word
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(judged) = judged else { return Ok(()) };
        self.judge(judged.mailbox).await?;
        if let Some(campaign) = judged.campaign {
            self.t.campaigns().look_at(campaign).await?;
        }
        self.t.tell("mailboxes", judged.mailbox.0).await
    }

    /// Judges a mailbox by what came back, and pauses it when it must not go on. Whether it may.
    pub(super) async fn judge(&mut self, id: MailboxId) -> Result<bool> {
        let health = sqlx::query_as!(
            Health,
            r#"SELECT h.sent AS "sent!", h.bounced AS "bounced!", h.complained AS "complained!"
               FROM mailboxes m CROSS JOIN LATERAL mailbox_health(m.id, m.healthy_from, $2, $3) h WHERE m.id = $1"#,
            id.0,
            BOUNCE_WINDOW,
            COMPLAINT_WINDOW
        )
        .fetch_one(self.t.conn())
        .await?;
        let Outlook::Bad(reason) = health.outlook() else { return Ok(true) };
        let now = self.t.now();
        let paused = sqlx::query_scalar!(
            "UPDATE mailboxes SET state = 'paused', paused_by = 'system', pause_reason = $2, updated_at = $3,
                     version = version + 1
                 WHERE id = $1 AND paused_by IS DISTINCT FROM 'system' RETURNING address",
            id.0,
            reason,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(address) = paused {
            self.t.audit().record(Entry::done("mailbox.paused_by_system").on(address).details(reason)).await?;
            self.t.tell("mailboxes", id.0).await?;
        }
        Ok(false)
    }

    /// A person has read why the system paused it. From here on is counted anew.
    pub(super) async fn resume(&mut self, mailbox: &Mailbox, acknowledged: bool) -> Result<()> {
        let reason = mailbox.pause_reason.clone().unwrap_or_default();
        if !acknowledged {
            let words = format!("This mailbox paused by itself: {reason} Confirm that you have read this to resume.");
            return Err(Refusal::new("acknowledgement_needed", words, &["reconnect"]).into());
        }
        let now = self.t.now();
        sqlx::query!("UPDATE mailboxes SET healthy_from = $2 WHERE id = $1", mailbox.id.0, now)
            .execute(self.t.conn())
            .await?;
        let entry = Entry::done("mailbox.resumed").on(mailbox.address.as_str()).details(reason);
        self.t.audit().record(entry).await
    }
}
