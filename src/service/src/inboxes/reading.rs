//! What a worker does with an inbox: take it for a time, move its cursor with each mail, say how it went. Whoever
//! has lost the lease changes nothing.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::{CompanyId, MailboxId, mailboxes::Security};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Inboxes;
use crate::{Db, Error, Result, inbound::Arrival};

/// Inboxes are looked at again after this time, when nobody waits at them.
const POLL: Duration = Duration::minutes(2);
/// So long an inbox belongs to a worker that says nothing more.
const LEASE: Duration = Duration::minutes(3);
/// The longest wait after a failure.
const MOST_WAIT: Duration = Duration::minutes(30);
/// The server and what is stored are compared this often.
const COMPARE: Duration = Duration::hours(1);
/// Days that a comparison goes back.
const COMPARED: i64 = 7;

/// An inbox in the hands of this worker.
#[derive(Clone, Copy, Debug)]
pub struct InHand {
    /// Whose.
    pub company: CompanyId,
    /// Of which mailbox.
    pub mailbox: MailboxId,
    token: Uuid,
}

/// How far an inbox has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The validity that `last_uid` counts within; absent when it is not known, or not any more.
    pub uid_validity: Option<u32>,
    /// Mails up to this one are stored.
    pub last_uid: u32,
    /// The mails from this day on are read.
    pub since: NaiveDate,
    /// The first day of a comparison, when one is due.
    pub compare_since: Option<NaiveDate>,
}

/// What a worker needs to sign in and go on.
#[derive(Clone, Debug)]
pub struct Source {
    /// Host of the server.
    pub host: String,
    /// Port of the server.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name used to sign in.
    pub username: String,
    /// Password.
    pub password: Zeroizing<String>,
    /// How far it has been read.
    pub cursor: Cursor,
}

/// A mail that the server has given.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'a> {
    /// What its uid counts within.
    pub uid_validity: u32,
    /// Its uid.
    pub uid: u32,
    /// Its bytes.
    pub raw: &'a [u8],
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// The uids count anew: it may be stored under another one.
    pub again: bool,
}

/// Takes the inbox that is due the longest, if one is.
///
/// # Errors
/// When the database is away.
pub async fn claim(db: &Db) -> Result<Option<InHand>> {
    let (now, token) = (db.clock().now(), db.clock().new_id());
    let claimed = db.platform().claim_inbox(now, token, now + LEASE).await?;
    Ok(claimed.map(|(company, mailbox)| InHand { company, mailbox, token }))
}

impl Inboxes<'_> {
    /// What the worker needs. Opens the password; nobody else calls it. `None` when it is not the worker's any more.
    ///
    /// # Errors
    /// Internal when the master key has changed.
    pub async fn source(&mut self, hand: &InHand) -> Result<Option<Source>> {
        let row = sqlx::query!(
            r#"SELECT host, port, security AS "security: Security", username, password_sealed, uid_validity, last_uid,
                      since AS "since: NaiveDate", compared_at
               FROM inboxes WHERE mailbox_id = $1 AND lease_token = $2"#,
            hand.mailbox.0,
            hand.token
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (company, now) = (self.t.actor().company(), self.t.now());
        let is_due = row.compared_at.is_none_or(|at| at + COMPARE <= now);
        let week = (now - Duration::days(COMPARED)).date_naive().max(row.since);
        Ok(Some(Source {
            host: row.host,
            port: u16::try_from(row.port).map_err(Error::internal)?,
            security: row.security,
            username: row.username,
            password: self.t.db().secrets().open(company, hand.mailbox.0, &row.password_sealed)?,
            cursor: Cursor {
                uid_validity: row.uid_validity.and_then(|validity| u32::try_from(validity).ok()),
                last_uid: u32::try_from(row.last_uid).unwrap_or_default(),
                since: row.since,
                compare_since: is_due.then_some(week),
            },
        }))
    }

    /// Stores a mail and moves the cursor behind it. False when the inbox is not the worker's any more.
    ///
    /// # Errors
    /// When the database is away; then nothing has happened.
    pub async fn keep(&mut self, hand: &InHand, mail: Fetched<'_>) -> Result<bool> {
        let now = self.t.now();
        let (validity, uid) = (i64::from(mail.uid_validity), i64::from(mail.uid));
        let ours = sqlx::query!(
            "UPDATE inboxes SET last_uid = CASE WHEN uid_validity = $3 THEN greatest(last_uid, $4) ELSE $4 END,
                 uid_validity = $3, lease_until = $5
             WHERE mailbox_id = $1 AND lease_token = $2",
            hand.mailbox.0,
            hand.token,
            validity,
            uid,
            now + LEASE
        )
        .execute(self.t.conn())
        .await?;
        if ours.rows_affected() == 0 {
            return Ok(false);
        }
        let key = format!("imap:{}:{}", mail.uid_validity, mail.uid);
        let arrival = Arrival { mailbox: hand.mailbox, uid_key: &key, raw: mail.raw, at: mail.at };
        if mail.again && self.t.inbound().is_known(arrival).await? {
            return Ok(true);
        }
        self.t.inbound().receive(arrival).await?;
        Ok(true)
    }

    /// Uids of stored mails.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn known(&mut self, hand: &InHand, uid_validity: u32, uids: &[u32]) -> Result<Vec<u32>> {
        let keys: Vec<String> = uids.iter().map(|uid| format!("imap:{uid_validity}:{uid}")).collect();
        let known = sqlx::query_scalar!(
            "SELECT uid_key FROM inbound_messages WHERE mailbox_id = $1 AND uid_key = ANY($2)",
            hand.mailbox.0,
            &keys
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(known.iter().filter_map(|key| key.rsplit(':').next()?.parse().ok()).collect())
    }

    /// What a comparison has found.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn compared(&mut self, hand: &InHand, missing: usize) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE inboxes SET missing = $3, compared_at = $4 WHERE mailbox_id = $1 AND lease_token = $2",
            hand.mailbox.0,
            hand.token,
            i32::try_from(missing).unwrap_or(i32::MAX),
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", hand.mailbox.0).await
    }

    /// Everything is read; the worker stays. False when the inbox is not the worker's any more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn renew(&mut self, hand: &InHand) -> Result<bool> {
        let now = self.t.now();
        let ours = sqlx::query!(
            "UPDATE inboxes SET read_at = $3, error = NULL, failures = 0, lease_until = $4
             WHERE mailbox_id = $1 AND lease_token = $2",
            hand.mailbox.0,
            hand.token,
            now,
            now + LEASE
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", hand.mailbox.0).await?;
        Ok(ours.rows_affected() == 1)
    }

    /// The worker gives the inbox back: it is read again soon, or, after a failure, later each time.
    ///
    /// # Errors
    /// When the database is away; the lease ends by itself.
    pub async fn give_back(&mut self, hand: &InHand, failure: Option<&str>) -> Result<()> {
        let now = self.t.now();
        let failures = sqlx::query_scalar!("SELECT failures FROM inboxes WHERE mailbox_id = $1", hand.mailbox.0)
            .fetch_optional(self.t.conn())
            .await?
            .unwrap_or_default();
        let wait = match failure {
            None => POLL,
            Some(_) => (POLL * 2_i32.pow(u32::try_from(failures.clamp(0, 4)).unwrap_or_default())).min(MOST_WAIT),
        };
        sqlx::query!(
            "UPDATE inboxes SET error = $3, failures = CASE WHEN $3::text IS NULL THEN 0 ELSE failures + 1 END,
                 next_read_at = $4, lease_token = NULL, lease_until = NULL
             WHERE mailbox_id = $1 AND lease_token = $2",
            hand.mailbox.0,
            hand.token,
            failure,
            now + wait
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", hand.mailbox.0).await
    }
}
