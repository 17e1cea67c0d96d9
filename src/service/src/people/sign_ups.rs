//! Sign-ups: a link goes to the address that asks for an account, and only who reads the mail goes on.
//! Whether the address has an account already is told in that mail and nowhere else.

use chrono::{DateTime, Duration, Utc};
use domain::{
    EmailAddress,
    companies::{Membership, NewCompany, Person},
    messages::LEASE,
};
use uuid::Uuid;

use super::{NewPerson, People, SystemMail};
use crate::{Error, Origin, Result, jobs::SendSignUpMail};

/// What the links are signed for.
const PURPOSE: &str = "sign-up";
/// How long a link opens the form.
const OPEN: Duration = Duration::hours(24);
/// Who asks again sooner gets no second mail: the first is on its way.
const AGAIN: Duration = Duration::seconds(60);
/// Mails to one address in a day. Nobody fills somebody else's inbox with them.
const MAILS_A_DAY: i64 = 5;
/// Tries before a mail that no server takes is given up.
const TRIES: i32 = 6;

impl People<'_> {
    /// Mails a link to an address that asks for an account.
    ///
    /// # Errors
    /// A problem of the address; [`Error::TooMany`] when one network address asks too often. Never
    /// anything that depends on whether the address has an account.
    pub async fn ask_to_sign_up(&self, email: &str, origin: &Origin) -> Result<EmailAddress> {
        let address = EmailAddress::parse(email).map_err(|problem| problem.on("email"))?;
        self.take_host(origin).await?;
        let (id, now): (Uuid, _) = (self.db.clock().new_id(), self.db.clock().now());
        let mut tx = self.db.begin("BEGIN").await?;
        let asked = sqlx::query!(
            "INSERT INTO sign_ups (id, email, next_at, created_at)
             SELECT $1, $2, $3, $3
             FROM (SELECT count(*) AS mails, max(created_at) AS last FROM sign_ups
                   WHERE email = $2 AND created_at > $4) before
             WHERE before.mails < $5 AND (before.last IS NULL OR before.last <= $6)",
            id,
            address.as_str(),
            now,
            now - Duration::days(1),
            MAILS_A_DAY,
            now - AGAIN,
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if asked > 0 {
            crate::jobs::enqueue(&mut tx, &SendSignUpMail { sign_up: id }).await?;
        }
        tx.commit().await?;
        Ok(address)
    }

    /// The address that a link was mailed to.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that is not ours or is older than a day.
    pub async fn sign_up_address(&self, token: &str) -> Result<EmailAddress> {
        let ended = || Error::NotFound("link");
        let id = self.db.secrets().read_link_token(PURPOSE, token).ok_or_else(ended)?;
        let since = self.db.clock().now() - OPEN;
        sqlx::query_scalar!(
            r#"SELECT email AS "email: EmailAddress" FROM sign_ups WHERE id = $1 AND created_at > $2"#,
            id,
            since
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or_else(ended)
    }

    /// Makes the account and the company of somebody who has opened the link.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a link that has ended; problems of the input, also when the address has
    /// got an account since.
    pub async fn complete_sign_up(
        &self,
        token: &str,
        name: String,
        password: String,
        company: NewCompany,
        origin: Origin,
    ) -> Result<(Person, Membership)> {
        let email = self.sign_up_address(token).await?.into();
        self.sign_up(NewPerson { name, email, password }, company, origin).await
    }

    /// Takes the mail of a sign-up; nothing when another worker has it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take_sign_up_mail(&self, id: Uuid) -> Result<Option<SystemMail>> {
        let until = self.db.clock().now() + LEASE;
        let row = sqlx::query!(
            r#"UPDATE sign_ups SET state = 'sending', attempts = attempts + 1, lease_until = $2
               WHERE id = $1 AND state = 'waiting'
               RETURNING email, EXISTS (SELECT FROM platform_user_by_email(email)) AS "has_account!""#,
            id,
            until
        )
        .fetch_optional(self.db.pool())
        .await?;
        Ok(row.map(|row| {
            let url = &self.db.settings().public_url;
            let (subject, body) = if row.has_account {
                (
                    "You have an account with Saleswright",
                    format!(
                        "Somebody, probably you, asked for an account with this address. You have one: sign in \
                         at {url}/login\n\nIf it was not you, nothing has changed, and you need do nothing."
                    ),
                )
            } else {
                (
                    "Go on with your sign-up",
                    format!(
                        "Somebody, probably you, asked for an account with this address. Go on here, within a \
                         day:\n\n{url}/signup/{}\n\nIf it was not you, you need do nothing.",
                        self.db.secrets().link_token(PURPOSE, id)
                    ),
                )
            };
            SystemMail { recipient: row.email, subject: subject.to_owned(), body }
        }))
    }

    /// What became of the mail: `sent`, `failed`, `unknown`, or `waiting` for another try.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn finish_sign_up_mail(&self, id: Uuid, state: &str, words: &str) -> Result<()> {
        sqlx::query!(
            "UPDATE sign_ups SET state = CASE WHEN $2 = 'waiting' AND attempts >= $5 THEN 'failed' ELSE $2 END,
                 last_error = $3, next_at = $4
             WHERE id = $1 AND state = 'sending'",
            id,
            state,
            words,
            self.db.clock().now() + Duration::minutes(5),
            TRIES,
        )
        .execute(self.db.pool())
        .await?;
        Ok(())
    }

    /// Wakes workers for mails that are due, gives up those whose worker is not heard of any more, and
    /// forgets sign-ups whose links have ended.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn reconcile_sign_ups(&self, now: DateTime<Utc>) -> Result<()> {
        let mut tx = self.db.begin("BEGIN").await?;
        sqlx::query!("UPDATE sign_ups SET state = 'unknown' WHERE state = 'sending' AND lease_until < $1", now)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("DELETE FROM sign_ups WHERE created_at < $1 AND state NOT IN ('waiting', 'sending')", now - OPEN)
            .execute(&mut *tx)
            .await?;
        let waiting =
            sqlx::query_scalar!("SELECT id FROM sign_ups WHERE state = 'waiting' AND next_at <= $1 LIMIT 100", now)
                .fetch_all(&mut *tx)
                .await?;
        for sign_up in waiting {
            crate::jobs::enqueue(&mut tx, &SendSignUpMail { sign_up }).await?;
        }
        Ok(tx.commit().await?)
    }
}
