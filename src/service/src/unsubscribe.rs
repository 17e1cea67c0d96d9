//! Leaving: the link under every campaign e-mail. Looking changes nothing, because mail scanners
//! follow links; only a POST does, from the page or from the mail program (RFC 8058).

use std::collections::BTreeSet;

use domain::{
    CampaignId, EmailAddress, LeadId, MessageId,
    suppressions::{SuppressionReason, SuppressionTarget},
};

use crate::{Actor, Db, Error, Result, campaigns::Concerning, messages::claim::UNSUBSCRIBE, suppressions::Because};

/// What a recipient sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The company that writes.
    pub company: String,
    /// The address, most of it hidden: links are forwarded.
    pub masked_address: String,
    /// Whether the address gets no more e-mail.
    pub done: bool,
}

struct Recipient {
    actor: Actor,
    message: MessageId,
    /// The address that was written to, and the one that the lead has now.
    addresses: BTreeSet<EmailAddress>,
    /// Absent once it was deleted.
    lead: Option<LeadId>,
    campaign: CampaignId,
    campaign_name: String,
    page: Unsubscribe,
}

impl Db {
    /// Reads a link. Changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that is not ours.
    pub async fn unsubscribe(&self, token: &str) -> Result<Unsubscribe> {
        Ok(self.recipient(token).await?.page)
    }

    /// Puts the person of a link on the suppression list of the company, with the address that was
    /// written to and the one known now; in effect before the next claim. Doing it twice is the same as once.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that is not ours.
    pub async fn confirm_unsubscribe(&self, token: &str) -> Result<Unsubscribe> {
        let recipient = self.recipient(token).await?;
        let mut t = self.tenant(&recipient.actor).await?;
        let detail = format!("Through the campaign {}", recipient.campaign_name);
        let because = Because {
            reason: SuppressionReason::Unsubscribed,
            detail: Some(&detail),
            campaign: Some(recipient.campaign),
            inbound: None,
        };
        let mut new = false;
        for address in recipient.addresses {
            let target = SuppressionTarget::Address(address);
            new |= t.suppressions().suppress(&target, because).await?;
        }
        if new {
            let about = Concerning { lead: recipient.lead, message: Some(recipient.message), ..Concerning::default() };
            t.campaigns().log_of(recipient.campaign, "unsubscribed", None, about).await?;
            t.tell("campaigns", recipient.campaign.0).await?;
        }
        t.commit().await?;
        Ok(Unsubscribe { done: true, ..recipient.page })
    }

    async fn recipient(&self, token: &str) -> Result<Recipient> {
        let unknown = || Error::NotFound("link");
        let message = self.secrets().read_link_token(UNSUBSCRIBE, token).map(MessageId).ok_or_else(unknown)?;
        let company = self.platform().message_company(message).await?.ok_or_else(unknown)?;
        let actor = self.platform().system_actor(company, "recipient").await?;
        let mut t = self.tenant(&actor).await?;
        let row = sqlx::query!(
            r#"
            SELECT coalesce(m.recipient, l.email) AS "address: EmailAddress", l.email AS "present?: EmailAddress", c.name AS company,
                   l.id AS "lead?: LeadId", m.campaign_id AS "campaign!: CampaignId", k.name AS campaign_name,
                   coalesce(is_suppressed(coalesce(m.recipient, l.email)), false) AS "done!"
            FROM messages m
            JOIN campaigns k ON k.id = m.campaign_id
            CROSS JOIN companies c
            LEFT JOIN leads l ON l.id = m.lead_id
            WHERE m.id = $1
            "#,
            message.0
        )
        .fetch_optional(t.conn())
        .await?
        .ok_or_else(unknown)?;
        t.commit().await?;
        let address = row.address.ok_or_else(unknown)?;
        Ok(Recipient {
            actor,
            message,
            lead: row.lead,
            campaign: row.campaign,
            campaign_name: row.campaign_name,
            page: Unsubscribe { company: row.company, masked_address: address.masked(), done: row.done },
            addresses: row.present.into_iter().chain([address]).collect(),
        })
    }
}
