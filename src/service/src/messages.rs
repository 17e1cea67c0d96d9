//! Messages: the send protocol. Claim, freeze, hand over, record; at each point a worker may die
//! and the row says what is true.
//!
//! 1. [`claim::claim_next`]: a few due messages of one mailbox, under the lock of the mailbox.
//! 2. [`Messages::begin_sending`]: a last look at campaign, enrolment and suppression; the e-mail is
//!    frozen and `sending` is committed. From here on nobody else ever tries this message.
//! 3. The hand-over, outside of any transaction (`engine::sender`).
//! 4. [`Messages::record`]: what the server said.
//!
//! A worker that dies before 2 leaves a claim that goes back in line. One that dies after 2 leaves
//! `sending`, which [`reap::reap`] turns into `unknown`. What becomes of that is in [`unknown`].

pub mod claim;
mod outcome;
pub mod reap;
mod replies;
mod room;
pub mod unknown;
mod why_not;
mod windows;

use domain::{
    CampaignId, EmailAddress, EnrolmentId, MailboxId, MessageId, ThreadId,
    enrolments::{EndReason, EnrolmentState},
    mailboxes::MailboxState,
    messages::{LEASE, SendOutcome},
};
use uuid::Uuid;

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
    /// The last look before the hand-over. Freezes the e-mail and marks it `sending`; the caller
    /// commits before the first byte leaves. False when it must not be sent any more.
    ///
    /// # Errors
    /// When the database is away; then nothing leaves.
    pub async fn begin_sending(&mut self, claimed: &Claimed, subject: &str, mime: &[u8], server: &str) -> Result<bool> {
        let now = self.t.now();
        let (campaign, enrolment) = match claimed.place {
            Place::Campaign { campaign, enrolment } => (campaign, enrolment),
            Place::Thread(thread) => return self.begin_reply(claimed, thread, mime, server).await,
        };
        // The campaign before the enrolment, as everybody locks them.
        let open = sqlx::query_scalar!(
            r#"SELECT c.state = 'running' AND e.state IN ('active', 'waiting_delay', 'waiting_window') AS "open!"
               FROM campaigns c, enrolments e WHERE c.id = $1 AND e.id = $2
               FOR SHARE OF c FOR UPDATE OF e"#,
            campaign.0,
            enrolment.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        if open != Some(true) {
            let suppressed = self.is_suppressed(claimed).await?;
            self.release(claimed, suppressed).await?;
            return Ok(false);
        }
        let ours = sqlx::query_scalar!(
            r#"WITH ours AS (
                   UPDATE messages SET state = 'sending', sending_at = $3, lease_until = $4,
                       first_attempt_at = coalesce(first_attempt_at, $3), recipient = $5, subject = coalesce(subject, $6),
                       message_id_header = $7, server = $8, updated_at = $3
                   WHERE id = $1 AND state = 'claimed' AND lease_token = $2 AND NOT (SELECT is_suppressed($5))
                     AND NOT waits_for_draft AND (NOT needs_draft OR draft_id IS NOT NULL)
                     AND (draft_id IS NULL OR EXISTS (SELECT FROM drafts d WHERE d.id = messages.draft_id
                                                        AND d.state IN ('approved', 'used')))
                   RETURNING id
               ), kept AS (
                   INSERT INTO message_contents (message_id, mime) SELECT id, $9 FROM ours ON CONFLICT DO NOTHING
               )
               SELECT count(*) AS "ours!" FROM ours"#,
            claimed.id.0,
            claimed.token,
            now,
            now + LEASE,
            claimed.recipient.as_str(),
            subject,
            claimed.message_id_header,
            server,
            mime,
        )
        .fetch_one(self.t.conn())
        .await?;
        if ours == 0 && self.is_suppressed(claimed).await? {
            self.release(claimed, true).await?;
        }
        Ok(ours == 1)
    }

    /// Keeps where the links of a message that was just begun lead, by their places from 1, and what it tells of. The
    /// caller's transaction is that of [`Self::begin_sending`].
    ///
    /// # Errors
    /// When the database is away; then nothing leaves.
    pub async fn keep_links(&mut self, claimed: &Claimed, links: &[String]) -> Result<()> {
        let Some(wants) = claimed.tracked.as_ref().map(Tracked::wants) else { return Ok(()) };
        sqlx::query!(
            "WITH m AS (
                 UPDATE messages SET tracks_opens = $2, tracks_clicks = $3 WHERE id = $1 RETURNING id, lead_id
             )
             INSERT INTO tracked_links (message_id, lead_id, place, url)
             SELECT m.id, m.lead_id, l.place::smallint, l.url
             FROM m, unnest($4::text[]) WITH ORDINALITY AS l (url, place) WHERE m.lead_id IS NOT NULL
             ON CONFLICT (company_id, message_id, place) DO UPDATE SET url = excluded.url",
            claimed.id.0,
            wants.opens,
            wants.clicks && !links.is_empty(),
            links,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Claims of a batch that were not begun go back in line.
    ///
    /// # Errors
    /// When the database is away; they go back when their lease ends.
    pub async fn give_back(&mut self, batch: &[Claimed]) -> Result<()> {
        let Some(first) = batch.first() else { return Ok(()) };
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
