//! What people do with a thread: done, snoozed, assigned, another class, no more e-mail.

use chrono::{DateTime, Utc};
use domain::{
    CompanyId, EmailAddress, Permission, ThreadId, UserId,
    suppressions::{SuppressionReason, SuppressionTarget},
    threads::{Thread, ThreadChange, ThreadClass, ThreadState, require_version},
};
use uuid::Uuid;

use super::{Locked, Threads};
use crate::{Db, Error, Result, audit::Entry, jobs::WakeThread, suppressions::Because};

impl Threads<'_> {
    /// Changes what is to be done about a thread, whose it is or what it is about.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems of the change; a conflict when it was changed since version `seen`.
    pub async fn change(&mut self, id: ThreadId, change: &ThreadChange, seen: Option<i64>) -> Result<Thread> {
        self.t.require(Permission::EditCampaigns).await?;
        let now = self.t.now();
        let thread = self.lock(id).await?;
        require_version(thread.version, seen)?;
        change.check(now)?;
        if let Some(state) = change.state {
            self.set_state(id, state, change.snoozed_until).await?;
        }
        if let Some(assignee) = change.assignee {
            self.assign(id, assignee).await?;
        }
        if let Some(class) = change.class.filter(|class| *class != thread.class) {
            self.correct(id, &thread, class).await?;
        }
        if let Some(unread) = change.unread {
            sqlx::query!("UPDATE threads SET unread = $2 WHERE id = $1", id.0, unread).execute(self.t.conn()).await?;
        }
        self.changed(id).await
    }

    /// The person who has written wants no more e-mail: their address is suppressed, and nothing is left to do.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when the address is not known, or the thread was changed since `seen`.
    pub async fn unsubscribe(&mut self, id: ThreadId, seen: Option<i64>) -> Result<Thread> {
        self.t.require(Permission::EditCampaigns).await?;
        let thread = self.lock(id).await?;
        require_version(thread.version, seen)?;
        let address = thread.from_address.as_deref().and_then(|address| EmailAddress::parse(address).ok());
        let Some(address) = address else {
            let words = "Nobody can tell the address of whoever has written. Put it on the suppression list by hand.";
            return Err(Error::conflict("address_unknown", words));
        };
        let detail = format!("{} marked it in the inbox.", self.t.actor().name());
        let because = Because {
            reason: SuppressionReason::Unsubscribed,
            detail: Some(&detail),
            campaign: None,
            inbound: thread.inbound,
        };
        self.t.suppressions().suppress(&SuppressionTarget::Address(address.clone()), because).await?;
        self.t.audit().record(Entry::done("thread.unsubscribed").on(address.to_string())).await?;
        if thread.class != ThreadClass::Unsubscribe {
            self.correct(id, &thread, ThreadClass::Unsubscribe).await?;
        }
        self.set_state(id, ThreadState::Done, None).await?;
        self.changed(id).await
    }

    pub(crate) async fn set_state(
        &mut self,
        id: ThreadId,
        state: ThreadState,
        until: Option<DateTime<Utc>>,
    ) -> Result<()> {
        sqlx::query!(
            "UPDATE threads SET state = $2, snoozed_until = $3, unread = unread AND $2 = 'needs_answer' WHERE id = $1",
            id.0,
            state.as_str(),
            until
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        match until {
            Some(until) => self.t.enqueue_at(&WakeThread { company, thread: id }, until).await,
            None => Ok(()),
        }
    }

    async fn assign(&mut self, id: ThreadId, assignee: Option<UserId>) -> Result<()> {
        self.t.members().require_there(assignee).await?;
        sqlx::query!("UPDATE threads SET assignee_id = $2 WHERE id = $1", id.0, assignee.map(|id| id.0))
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    /// Another class, and what was wrong, so that people see where rules and models err.
    async fn correct(&mut self, id: ThreadId, was: &Locked, class: ThreadClass) -> Result<()> {
        let (correction, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        let name = self.t.actor().name().to_owned();
        sqlx::query!(
            "WITH correction AS (
                 INSERT INTO thread_corrections (id, thread_id, inbound_id, at, by_name, was, was_confidence, was_by, became)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             )
             UPDATE threads SET class = $9, class_why = $10, class_confidence = 'sure', classified_by = 'person' WHERE id = $2",
            correction,
            id.0,
            was.inbound.map(|id| id.0),
            now,
            name,
            was.class.as_str(),
            was.confidence.as_str(),
            was.by.as_str(),
            class.as_str(),
            format!("{name} says so."),
        )
        .execute(self.t.conn())
        .await?;
        was.tell_class(self.t, class).await
    }

    pub(crate) async fn changed(&mut self, id: ThreadId) -> Result<Thread> {
        sqlx::query!("UPDATE threads SET version = version + 1 WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.t.tell("threads", id.0).await?;
        self.get(id).await
    }
}

/// Brings a thread back whose time has come; nothing happens when it was changed meanwhile.
///
/// # Errors
/// When the database is away.
pub async fn wake(db: &Db, company: CompanyId, thread: ThreadId) -> Result<()> {
    let actor = db.platform().system_actor(company, "inbox").await?;
    let mut t = db.tenant(&actor).await?;
    let now = t.now();
    let woken = sqlx::query!(
        "UPDATE threads SET state = 'needs_answer', snoozed_until = NULL, unread = true, version = version + 1
         WHERE id = $1 AND state = 'snoozed' AND snoozed_until <= $2",
        thread.0,
        now
    )
    .execute(t.conn())
    .await?;
    if woken.rows_affected() == 1 {
        t.tell("threads", thread.0).await?;
    }
    t.commit().await
}
