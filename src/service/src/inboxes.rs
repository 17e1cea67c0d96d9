//! Inboxes: where the replies to a mailbox are read. The cursor moves with the mail that it stands behind, in one
//! commit, so whoever goes on reads each mail once.

mod reading;

use chrono::{Duration, NaiveDate};
use domain::{
    MailboxId, Permission, Problem,
    inboxes::{Inbox, InboxInput},
    mailboxes::{MailboxKind, Security},
};

pub use reading::{Days, Ended, Fetched, Headers, ImapServer, InHand, InTheWay, Reached, Source, Stuck, claim};

use uuid::Uuid;

use crate::{Error, Result, Tenant, audit::Entry};

/// Days before the first connection whose mails are read, too.
const BEFORE: i64 = 3;

/// The inboxes of the company.
#[derive(Debug)]
pub struct Inboxes<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The inboxes of the company.
    pub fn inboxes(&mut self) -> Inboxes<'_> {
        Inboxes { t: self }
    }
}

impl Inboxes<'_> {
    /// The inbox of a mailbox, if it has one.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a mailbox.
    pub async fn find(&mut self, mailbox: MailboxId) -> Result<Option<Inbox>> {
        self.t.require(Permission::Read).await?;
        self.t.mailboxes().get(mailbox).await?;
        Ok(sqlx::query_as!(
            Inbox,
            r#"SELECT mailbox_id AS "mailbox: MailboxId", host, port, security AS "security: Security", username,
                      since AS "since: NaiveDate", read_at, error, next_read_at, missing,
                      mended, compared_at
               FROM inboxes WHERE mailbox_id = $1"#,
            mailbox.0
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// The inbox of a mailbox.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, mailbox: MailboxId) -> Result<Inbox> {
        self.find(mailbox).await?.ok_or(Error::NotFound("inbox"))
    }

    /// Sets where the replies to a mailbox are read; a worker connects at once, and says which step fails, if one
    /// does. A password belongs to the server it was entered for, so with another one it is asked for.
    ///
    /// # Errors
    /// Problems of the input; a conflict for a sandbox mailbox.
    pub async fn set(&mut self, mailbox: MailboxId, input: InboxInput) -> Result<Inbox> {
        self.t.require(Permission::ManageMailboxes).await?;
        let of = self.t.mailboxes().get(mailbox).await?;
        if of.kind == MailboxKind::Sandbox {
            let words = "Replies to a sandbox mailbox come from the page of a caught mail. It needs no server.";
            return Err(Error::conflict("sandbox", words));
        }
        let input = input.check()?;
        let (port, security) = (input.port.unwrap_or_default(), input.security.unwrap_or(Security::Tls));
        // Whoever sets it at the same time waits here, and then sees which server the stored password is for.
        sqlx::query_scalar!("SELECT 1 FROM mailboxes WHERE id = $1 FOR NO KEY UPDATE", mailbox.0)
            .fetch_optional(self.t.conn())
            .await?;
        let old = self.find(mailbox).await?;
        let moved = old
            .as_ref()
            .is_none_or(|old| (old.host.as_str(), old.port, old.security) != (input.host.as_str(), port, security));
        if moved && input.password.is_none() {
            let words = "Enter the password. A stored one is used only with the server it was entered for.";
            return Err(Problem::field("password", "password_missing", words).into());
        }
        let company = self.t.actor().company();
        let seal = |password: &String| self.t.db().secrets().seal(company, mailbox.0, password);
        let sealed = input.password.as_ref().map(seal).transpose()?;
        let (now, place): (_, Uuid) = (self.t.now(), self.t.new_id());
        let elsewhere = moved || old.is_some_and(|old| old.username != input.username);
        sqlx::query!(
            "INSERT INTO inboxes AS i (mailbox_id, host, port, security, username, password_sealed, since, next_read_at,
                                       place)
             VALUES ($1, $2, $3, $4, $5, coalesce($6, ''::bytea), $7, $8, $10)
             ON CONFLICT (company_id, mailbox_id) DO UPDATE
                 SET host = $2, port = $3, security = $4, username = $5, password_sealed = coalesce($6, i.password_sealed),
                     place = CASE WHEN $9 THEN $10 ELSE i.place END,
                     missing = CASE WHEN $9 THEN 0 ELSE i.missing END, mended = CASE WHEN $9 THEN 0 ELSE i.mended END,
                     error = NULL, failures = 0, next_read_at = $8, lease_token = NULL, lease_until = NULL",
            mailbox.0,
            input.host,
            port,
            security.as_str(),
            input.username,
            sealed,
            (now - Duration::days(BEFORE)).date_naive(),
            now,
            elsewhere,
            place
        )
        .execute(self.t.conn())
        .await?;
        if elsewhere {
            // What was read there is known again by its octets or its id.
            sqlx::query!("DELETE FROM inbox_folders WHERE mailbox_id = $1", mailbox.0).execute(self.t.conn()).await?;
        }
        self.record("inbox.set", of.address.as_str(), mailbox).await?;
        self.get(mailbox).await
    }

    /// Reads no more replies to a mailbox. Those that are stored stay.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn remove(&mut self, mailbox: MailboxId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        let of = self.t.mailboxes().get(mailbox).await?;
        let gone = sqlx::query!("DELETE FROM inboxes WHERE mailbox_id = $1", mailbox.0).execute(self.t.conn()).await?;
        if gone.rows_affected() == 0 {
            return Err(Error::NotFound("inbox"));
        }
        self.record("inbox.removed", of.address.as_str(), mailbox).await
    }

    /// Compares what is stored with what the server has, and reads what is missing, as soon as a worker can.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn compare(&mut self, mailbox: MailboxId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        self.get(mailbox).await?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE inboxes SET compared_at = NULL, next_read_at = $2, lease_token = NULL, lease_until = NULL
             WHERE mailbox_id = $1",
            mailbox.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", mailbox.0).await
    }

    async fn record(&mut self, action: &str, address: &str, mailbox: MailboxId) -> Result<()> {
        self.t.audit().record(Entry::done(action).on(address)).await?;
        self.t.tell("mailboxes", mailbox.0).await
    }
}
