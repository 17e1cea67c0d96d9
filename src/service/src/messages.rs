//! Messages: the send protocol. Claim, freeze, hand over, record; at each point a worker may die
//! and the row says what is true.
//!
//! 1. [`claim::claim_next`]: a few due messages of one mailbox, under the lock of the mailbox.
//! 2. [`Messages::begin`]: a last look at campaign, enrolment and suppression; the e-mail is
//!    frozen and `sending` is committed. From here on nobody else ever tries this message.
//! 3. The hand-over, outside of any transaction (`engine::sender`).
//! 4. [`Messages::record`]: what the server said.
//!
//! What several lanes of a worker bring at the same time is one transaction ([`Messages::keep`]).
//!
//! A worker that dies before 2 leaves a claim that goes back in line. One that dies after 2 leaves
//! `sending`, which [`reap::reap`] turns into `unknown`. What becomes of that is in [`unknown`].

mod begin;
pub mod claim;
mod outcome;
pub mod reap;
mod replies;
mod room;
mod taken;
pub mod unknown;
mod why_not;
mod windows;

use domain::{
    CampaignId, EmailAddress, EnrolmentId, MailboxId, MessageId, ThreadId,
    enrolments::{EndReason, EnrolmentState},
    mailboxes::MailboxState,
    messages::SendOutcome,
};
use uuid::Uuid;

pub use begin::Ready;
pub use taken::Taken;

use crate::{Result, Tenant, campaigns::Written, tracking::Tracked};

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
    /// Whose e-mail it is.
    pub place: Place,
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
    /// Link of the footer and of the List-Unsubscribe header. An answer has none: RFC 8058 is about mail to many, and
    /// so are the rules of the large providers; who is answered has written first.
    pub unsubscribe_url: Option<String>,
    /// Address that unsubscribes by mail, of a mailbox whose replies are read.
    pub unsubscribe_mailto: Option<String>,
    /// How opens and clicks are told, where the campaign asks and a name for the links is there.
    pub tracked: Option<Tracked>,
    /// Ids of the e-mails of its thread that came before, the first one first (RFC 5322, 3.6.4).
    pub thread: Vec<String>,
    /// What it says, or its bytes when an earlier try has frozen them.
    pub content: Content,
}

impl Claimed {
    /// Which claim of which e-mail. After a crash of the database two lanes may hold the same e-mail: one by a claim that
    /// was lost, one by the claim that came after it.
    pub(crate) const fn proof(&self) -> (MessageId, Uuid) {
        (self.id, self.token)
    }
}

/// What an e-mail is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The sequence of a lead.
    Campaign {
        /// Its campaign.
        campaign: CampaignId,
        /// Its enrolment.
        enrolment: EnrolmentId,
    },
    /// A conversation in which a person has written it.
    Thread(ThreadId),
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
    /// Claims of the batch of `first` that were not begun go back in line.
    ///
    /// # Errors
    /// When the database is away; they go back when their lease ends.
    pub async fn give_back(&mut self, first: &Claimed) -> Result<()> {
        let now = self.t.now();
        let freed = sqlx::query!(
            "UPDATE messages SET state = CASE WHEN attempts > 0 THEN 'deferred' ELSE 'scheduled' END,
                 lease_token = NULL, lease_until = NULL
             WHERE lease_token = $1 AND state = 'claimed'",
            first.token,
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        match first.place {
            _ if freed == 0 => Ok(()),
            Place::Campaign { .. } => self.t.mailboxes().wake(&[first.mailbox], now).await,
            Place::Thread(_) => self.t.mailboxes().plan_replies(first.mailbox, false).await,
        }
    }

    /// The server could not be reached: nothing was begun, and the mailbox waits or asks for a person.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn not_begun(&mut self, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
        let SendOutcome::NotStarted { reason, needs_person } = outcome else { return Ok(()) };
        let now = self.t.now();
        self.release(claimed, false).await?;
        if *needs_person {
            self.t.mailboxes().set_state(claimed.mailbox, MailboxState::Reconnect, Some(reason)).await?;
        } else {
            self.t.mailboxes().back_off(claimed.mailbox, now, reason).await?;
        }
        match claimed.place {
            Place::Campaign { .. } => Ok(()),
            Place::Thread(_) => self.t.mailboxes().plan_replies(claimed.mailbox, true).await,
        }
    }

    /// An e-mail that we cannot write ourselves: it ends without having left.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn refuse(&mut self, claimed: &Claimed, reason: &str) -> Result<()> {
        let enrolment = match claimed.place {
            Place::Campaign { enrolment, .. } => enrolment,
            Place::Thread(thread) => return self.refuse_reply(claimed, thread, reason).await,
        };
        self.t.enrolments().end(&[enrolment.0], EnrolmentState::Failed, Some(EndReason::Rejected)).await?;
        sqlx::query!("UPDATE messages SET detail = $2 WHERE id = $1 AND state = 'cancelled'", claimed.id.0, reason)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    async fn is_suppressed(&mut self, claimed: &Claimed) -> Result<bool> {
        Ok(sqlx::query_scalar!(r#"SELECT is_suppressed($1) AS "s!""#, claimed.recipient.as_str())
            .fetch_one(self.t.conn())
            .await?)
    }

    /// Gives a claim back, or ends it when the address must not be mailed any more.
    async fn release(&mut self, claimed: &Claimed, suppressed: bool) -> Result<()> {
        if let Place::Campaign { enrolment, .. } = claimed.place
            && suppressed
        {
            return self.t.enrolments().end(&[enrolment.0], EnrolmentState::Suppressed, None).await;
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
