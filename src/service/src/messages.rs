//! Messages: the send protocol. Claim, freeze, hand over, record; at each point a worker may die
//! and the row says what is true.
//!
//! 1. [`Messages::claim`]: a few due messages of one mailbox, under the lock of the mailbox.
//! 2. [`Messages::begin_sending`]: a last look at campaign, enrolment and suppression; the e-mail is
//!    frozen and `sending` is committed. From here on nobody else ever tries this message.
//! 3. The hand-over, outside of any transaction (`engine::sender`).
//! 4. [`Messages::record`]: what the server said.
//!
//! A worker that dies before 2 leaves a claim that goes back in line. One that dies after 2 leaves
//! `sending`, which [`Messages::reap`] turns into `unknown`: it is never sent again by itself.

pub mod claim;
mod outcome;
pub mod reap;

use domain::{EmailAddress, EnrolmentId, CampaignId, MailboxId, MessageId, messages::LEASE};
use uuid::Uuid;

use crate::{Result, Tenant, campaigns::Written};

/// The e-mails of the company.
#[derive(Debug)]
pub struct Messages<'t> {
    t: &'t mut Tenant,
}

/// A message in the hands of this worker.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Which.
    pub id: MessageId,
    /// Its campaign.
    pub campaign: CampaignId,
    /// Its enrolment.
    pub enrolment: EnrolmentId,
    /// The mailbox it leaves from.
    pub mailbox: MailboxId,
    /// Proof that it is ours.
    pub token: Uuid,
    /// Where it goes.
    pub recipient: EmailAddress,
    /// Name of the recipient.
    pub recipient_name: String,
    /// `Message-ID` header: the same for every try.
    pub message_id_header: String,
    /// Link of the footer and of the List-Unsubscribe header.
    pub unsubscribe_url: String,
    /// What it says, or its bytes when an earlier try has frozen them.
    pub content: Content,
}

/// What a message says.
#[derive(Clone, Debug)]
pub enum Content {
    /// Written, not frozen yet.
    Written(Written),
    /// Frozen by an earlier try that the server answered with “later”.
    Frozen(Vec<u8>),
}

impl Tenant {
    /// The e-mails of the company.
    pub fn messages(&mut self) -> Messages<'_> {
        Messages { t: self }
    }
}

impl Messages<'_> {
    /// The last look before the hand-over. Freezes the e-mail and marks it `sending`; the caller
    /// commits before the first byte leaves. False when it must not be sent any more.
    ///
    /// # Errors
    /// When the database is away; then nothing leaves.
    pub async fn begin_sending(&mut self, claimed: &Claimed, subject: &str, mime: &[u8], server: &str) -> Result<bool> {
        let now = self.t.now();
        let running = self.t.campaigns().share(claimed.campaign).await?
            == Some(domain::campaigns::CampaignState::Running);
        let open = sqlx::query_scalar!(
            r#"SELECT state IN ('active', 'waiting_delay', 'waiting_window') AS "open!"
               FROM enrolments WHERE id = $1 FOR UPDATE"#,
            claimed.enrolment.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let suppressed = sqlx::query_scalar!(r#"SELECT is_suppressed($1) AS "s!""#, claimed.recipient.as_str())
            .fetch_one(self.t.conn())
            .await?;
        if !running || open != Some(true) || suppressed {
            self.release(claimed, suppressed).await?;
            return Ok(false);
        }
        let ours = sqlx::query!(
            "UPDATE messages SET state = 'sending', sending_at = $3, lease_until = $4,
                 first_attempt_at = coalesce(first_attempt_at, $3), recipient = $5, subject = coalesce(subject, $6),
                 message_id_header = $7, server = $8, updated_at = $3
             WHERE id = $1 AND state = 'claimed' AND lease_token = $2",
            claimed.id.0,
            claimed.token,
            now,
            now + LEASE,
            claimed.recipient.as_str(),
            subject,
            claimed.message_id_header,
            server,
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        if ours == 0 {
            return Ok(false);
        }
        sqlx::query!(
            "INSERT INTO message_contents (message_id, mime) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            claimed.id.0,
            mime,
        )
        .execute(self.t.conn())
        .await?;
        Ok(true)
    }

    /// Gives a claim back, or ends it when the address must not be mailed any more.
    async fn release(&mut self, claimed: &Claimed, suppressed: bool) -> Result<()> {
        if suppressed {
            let enrolment = claimed.enrolment.0;
            return self
                .t
                .enrolments()
                .end(&[enrolment], domain::enrolments::EnrolmentState::Suppressed, None)
                .await;
        }
        sqlx::query!(
            "UPDATE messages SET state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'scheduled' END,
                 lease_token = NULL, lease_until = NULL
             WHERE id = $1 AND state = 'claimed' AND lease_token = $2",
            claimed.id.0,
            claimed.token,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}
