//! Threads: the inbox. A mail that comes changes its thread in the transaction that stores it, and people say what is
//! to be done about it. A class sorts threads; nothing ends because of one that is not sure.

mod change;
mod classes;
mod drafting;
mod entries;
mod holding;
mod keep;
mod meeting;
mod query;
mod replies;
mod texts;

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, InboundId, LeadId, MailboxId, Page, PageRequest, Permission, ThreadId,
    inbound::Confidence,
    threads::{ClassifiedBy, Effect, Thread, ThreadClass, ThreadFilter, ThreadInFull},
};

pub use change::wake;
pub use classes::Unsure;
pub use drafting::{DRAFTER, Drafting};

use crate::{Error, Result, Tenant, cursor};

/// Threads are counted up to this number.
const COUNTED: i64 = 1_000;

/// The threads of the company.
#[derive(Debug)]
pub struct Threads<'t> {
    t: &'t mut Tenant,
}

/// A mail that was stored.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub id: InboundId,
    pub mailbox: MailboxId,
    pub at: DateTime<Utc>,
    /// Somebody has written whom nobody has written to.
    pub stranger: bool,
    /// What was done because of it.
    pub effects: Vec<Effect>,
}

impl Tenant {
    /// The inbox.
    pub fn threads(&mut self) -> Threads<'_> {
        Threads { t: self }
    }
}

impl Threads<'_> {
    /// The threads that a filter names, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read; a cursor that is none of this list.
    pub async fn list(&mut self, filter: &ThreadFilter, page: &PageRequest) -> Result<Page<Thread>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = query::select(self.t, None, filter, after, limit + 1).await?;
        Ok(Page::from_rows(rows, limit, false, false, |thread| cursor::encode(thread.last_at, thread.id.0)))
    }

    /// How many threads a filter names, counted up to a thousand.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn count(&mut self, filter: &ThreadFilter) -> Result<i64> {
        self.t.require(Permission::Read).await?;
        query::count(self.t, filter, COUNTED).await
    }

    /// How many threads need an answer and were read by nobody, counted up to a hundred: for the navigation.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unread(&mut self) -> Result<i64> {
        Ok(sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM
               (SELECT FROM threads WHERE unread AND state = 'needs_answer' LIMIT 100) waiting"#
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// One thread.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: ThreadId) -> Result<Thread> {
        self.t.require(Permission::Read).await?;
        let found = query::select(self.t, Some(id), &ThreadFilter::default(), cursor::After::default(), 1).await?;
        found.into_iter().next().ok_or(Error::NotFound("conversation"))
    }

    /// One thread with its newest mails.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn in_full(&mut self, id: ThreadId) -> Result<ThreadInFull> {
        let thread = self.get(id).await?;
        let (entries, earlier) = self.entries(&thread).await?;
        let corrections = self.corrections(id).await?;
        Ok(ThreadInFull { thread, entries, earlier, corrections })
    }

    /// The threads before and after one in the order of the list, among those that a filter names.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn beside(
        &mut self,
        thread: &Thread,
        filter: &ThreadFilter,
    ) -> Result<(Option<ThreadId>, Option<ThreadId>)> {
        let place = cursor::After { at: Some(thread.last_at), id: Some(thread.id.0) };
        let next = query::select(self.t, None, filter, place, 1).await?;
        let before = query::before(self.t, filter, thread).await?;
        Ok((before, next.first().map(|thread| thread.id)))
    }

    /// Says that somebody who may do something about a thread has read it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn read(&mut self, id: ThreadId) -> Result<()> {
        if !self.t.actor().can(Permission::EditCampaigns) {
            return Ok(());
        }
        let read = sqlx::query!("UPDATE threads SET unread = false WHERE id = $1 AND unread", id.0)
            .execute(self.t.conn())
            .await?;
        if read.rows_affected() == 0 { Ok(()) } else { self.t.tell("threads", id.0).await }
    }

    async fn lock(&mut self, id: ThreadId) -> Result<Locked> {
        sqlx::query_as!(
            Locked,
            r#"SELECT version, class AS "class: ThreadClass",
                      class_confidence AS "confidence: Confidence",
                      classified_by AS "by: ClassifiedBy", class_inbound_id AS "inbound: InboundId",
                      from_address, lead_id AS "lead: LeadId", campaign_id AS "campaign: CampaignId"
               FROM threads WHERE id = $1 FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("conversation"))
    }
}

impl Locked {
    /// Tells whoever looks at answers what the last one is about.
    async fn tell_class(&self, t: &mut Tenant, class: ThreadClass) -> Result<()> {
        match self.lead.zip(self.inbound) {
            Some((lead, mail)) => t.events().reply_classified(lead, self.campaign, mail, class).await,
            None => Ok(()),
        }
    }
}

/// What a change of a thread looks at.
struct Locked {
    version: i64,
    class: ThreadClass,
    confidence: Confidence,
    by: ClassifiedBy,
    inbound: Option<InboundId>,
    from_address: Option<String>,
    lead: Option<LeadId>,
    campaign: Option<CampaignId>,
}
