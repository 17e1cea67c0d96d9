//! What becomes of e-mails whose server has said nothing: somebody finds a copy or another proof, the campaign has them
//! handed over once more, or they stay unknown.

use domain::{
    CampaignId, CompanyId, MailboxId, MessageId, Permission, Refusal,
    campaigns::{Campaign, OnUnknown},
    messages::{Evidence, FINAL_AFTER, LOOK_AGAIN, MessageState, RESEND_AFTER},
};

use super::{Messages, outcome::Row};
use crate::{Db, Error, Result};

/// E-mails that are looked for at once.
const MOST: i64 = 100;

/// An e-mail of which a copy is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Which.
    pub id: MessageId,
    /// Its `Message-ID`, with its angle brackets.
    pub header: String,
}

/// Sends again what campaigns want sent again, and gives up on what is unknown for too long, unless a pause has kept it
/// from its second try. Gives how many there were. One that fails does not keep the others waiting.
///
/// # Errors
/// When the database is away; the next call goes on.
pub async fn settle(db: &Db) -> Result<usize> {
    let due = db.platform().unknown_messages(db.clock().now()).await?;
    for (company, message) in &due {
        match settle_one(db, *company, *message).await {
            Err(Error::Unavailable) => return Err(Error::Unavailable),
            Err(error) => {
                tracing::error!(message.id = %message, error = &error as &dyn std::error::Error, "A message stays unsettled");
            }
            Ok(()) => {}
        }
    }
    Ok(due.len())
}

async fn settle_one(db: &Db, company: CompanyId, message: MessageId) -> Result<()> {
    let actor = db.platform().system_actor(company, "system").await?;
    let mut t = db.tenant(&actor).await?;
    t.messages().settle_one(message).await?;
    t.commit().await
}

impl Messages<'_> {
    /// Unknown e-mails of a mailbox of which a copy is to be looked for now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sought(&mut self, mailbox: MailboxId) -> Result<Vec<Sought>> {
        let now = self.t.now();
        Ok(sqlx::query_as!(
            Sought,
            r#"SELECT id AS "id: MessageId", message_id_header AS "header!" FROM messages
               WHERE mailbox_id = $1 AND final_at IS NULL AND message_id_header IS NOT NULL
                 AND (state = 'unknown' OR state IN ('deferred', 'held') AND resent_at IS NOT NULL AND evidence IS NULL)
                 AND (looked_at IS NULL OR looked_at <= $2)
               ORDER BY looked_at NULLS FIRST, id LIMIT $3"#,
            mailbox.0,
            now - LOOK_AGAIN,
            MOST,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Somebody has looked for a copy of an unknown e-mail.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn looked(&mut self, id: MessageId, found: bool) -> Result<()> {
        if found {
            return self.proven(id, Evidence::SentFolder, "A copy lies in the folder of sent mails.").await;
        }
        let now = self.t.now();
        sqlx::query!("UPDATE messages SET looked_at = $2 WHERE id = $1", id.0, now).execute(self.t.conn()).await?;
        Ok(())
    }

    async fn settle_one(&mut self, id: MessageId) -> Result<()> {
        let now = self.t.now();
        let Some(row) = self.lock_unknown(id).await? else { return self.give_up_looking(id).await };
        let asked = sqlx::query!(
            r#"SELECT coalesce(m.unknown_at, m.updated_at) AS "since!", m.resent_at,
                      c.state = 'running' AND coalesce(c.rules ->> 'on_unknown' = $2, false)
                      -- Where its mailbox is read, somebody has looked.
                      AND (m.looked_at IS NOT NULL OR NOT EXISTS (SELECT FROM inboxes i WHERE i.mailbox_id = m.mailbox_id))
                          AS "resend!",
                      -- Its second try is still to come, when the campaign goes on.
                      c.state IN ('pausing', 'paused') AND coalesce(c.rules ->> 'on_unknown' = $2, false)
                      AND m.resent_at IS NULL AS "waits!"
               FROM messages m JOIN campaigns c ON c.id = m.campaign_id WHERE m.id = $1 AND m.final_at IS NULL"#,
            id.0,
            OnUnknown::Resend.as_str(),
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(asked) = asked else { return Ok(()) };
        let due = asked.resend && asked.resent_at.is_none() && asked.since + RESEND_AFTER <= now;
        let words = "Nothing has shown for 24 hours that it was taken. It is handed over once more.";
        if due && self.send_again(&row, words).await? {
            return Ok(());
        }
        // A lead that has left for another reason gets nothing more, so nothing waits for this any longer.
        if due || asked.since + FINAL_AFTER <= now && !asked.waits {
            self.make_final(&row).await?;
        }
        Ok(())
    }

    /// How many unknown e-mails a campaign asks about.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn questions(&mut self, campaign: &Campaign) -> Result<i64> {
        if campaign.rules.on_unknown != OnUnknown::Ask {
            return Ok(0);
        }
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM messages
               WHERE campaign_id = $1 AND state = 'unknown' AND resent_at IS NULL AND final_at IS NULL"#,
            campaign.id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(count)
    }

    /// A person has an unknown e-mail of a campaign that asks about it handed over once more.
    ///
    /// # Errors
    /// [`Error::NotFound`]; refused when the campaign does not ask, when it is not a question (any more), when its copy
    /// is being looked for, or when its lead has left for another reason.
    pub async fn send_unknown_again(&mut self, campaign: CampaignId, id: MessageId) -> Result<()> {
        let row = self.asked_about(campaign, id).await?;
        if self.is_looked_for(id).await? {
            let words = "Its copy is being looked for in the folder of sent mails. Ask again in some minutes.";
            return Err(Refusal::new("being_looked_for", words, &[]).into());
        }
        if !self.send_again(&row, "Somebody has decided to hand it over once more.").await? {
            let words = "Its lead has left the campaign for another reason, so it is not sent again.";
            return Err(Refusal::new("lead_has_left", words, &[]).into());
        }
        Ok(())
    }

    /// A person leaves an unknown e-mail of a campaign that asks about it as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; refused when the campaign does not ask, or when it is not a question (any more).
    pub async fn leave_unknown(&mut self, campaign: CampaignId, id: MessageId) -> Result<()> {
        let row = self.asked_about(campaign, id).await?;
        self.make_final(&row).await?;
        self.log(&row, "left_unknown", "Somebody has decided to leave it unknown.").await
    }

    async fn asked_about(&mut self, campaign: CampaignId, id: MessageId) -> Result<Row> {
        self.t.require(Permission::RunCampaigns).await?;
        let rules = self.t.campaigns().load(campaign, false).await?.rules;
        let open = sqlx::query_scalar!(
            r#"SELECT state = 'unknown' AND resent_at IS NULL AND final_at IS NULL AS "open!"
               FROM messages WHERE id = $1 AND campaign_id = $2"#,
            id.0,
            campaign.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("e-mail"))?;
        if rules.on_unknown != OnUnknown::Ask {
            let words = "This campaign does not ask about unknown e-mails. Its settings say what becomes of them.";
            return Err(Refusal::new("campaign_does_not_ask", words, &[]).into());
        }
        let words = "It is not unknown any more, or somebody has decided already.";
        let row = if open { self.lock_unknown(id).await? } else { None };
        row.ok_or_else(|| Refusal::new("not_a_question", words, &[]).into())
    }

    /// Its mailbox is read, and nobody has looked for a copy yet.
    async fn is_looked_for(&mut self, id: MessageId) -> Result<bool> {
        let looked_for = sqlx::query_scalar!(
            r#"SELECT m.looked_at IS NULL AND EXISTS (SELECT FROM inboxes i WHERE i.mailbox_id = m.mailbox_id) AS "is!"
               FROM messages m WHERE m.id = $1"#,
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok(looked_for)
    }

    async fn make_final(&mut self, row: &Row) -> Result<()> {
        let now = self.t.now();
        sqlx::query!("UPDATE messages SET final_at = $2, updated_at = $2 WHERE id = $1", row.id.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.tell("campaigns", row.campaign.0).await
    }

    /// An answer of a person of which nobody will know any more.
    async fn give_up_looking(&mut self, id: MessageId) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE messages SET final_at = $2, updated_at = $2
             WHERE id = $1 AND campaign_id IS NULL AND state = 'unknown' AND final_at IS NULL
               AND coalesce(unknown_at, updated_at) <= $3",
            id.0,
            now,
            now - FINAL_AFTER,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Hands an unknown e-mail over once more: the same octets, the same Message-ID.
    /// False when its lead has left for another reason meanwhile.
    async fn send_again(&mut self, row: &Row, words: &str) -> Result<bool> {
        let now = self.t.now();
        if !self.reopen(row).await? {
            return Ok(false);
        }
        sqlx::query!("UPDATE messages SET resent_at = $2 WHERE id = $1", row.id.0, now).execute(self.t.conn()).await?;
        let slot = self.t.campaigns().next_slot(row.campaign, row.enrolment, row.step, now).await?;
        self.back_in_line(row, MessageState::Deferred, slot.due_at, slot.ends_at, words, 0).await?;
        self.log(row, "resent", words).await?;
        self.t.tell("campaigns", row.campaign.0).await?;
        Ok(true)
    }
}
