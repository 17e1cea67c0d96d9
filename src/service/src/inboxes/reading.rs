//! What a worker does with an inbox: take it for a time, move its cursor with each mail, say how it went. Whoever
//! has lost the lease changes nothing.

use std::collections::HashSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::{CompanyId, MailboxId, inboxes::Folder, mailboxes::Security};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{BEFORE, Inboxes};
use crate::{Db, Error, Result, inbound::Arrival};

/// Inboxes are looked at again after this time, when nobody waits at them.
const POLL: Duration = Duration::minutes(2);
/// So long an inbox belongs to a worker that says nothing more: longer than the largest mail may take.
const LEASE: Duration = Duration::minutes(5);
/// After the first failure. As a rule a server has hung up, and takes the next call.
const SOON: Duration = Duration::seconds(10);
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

/// How far a folder has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The validity that `last_uid` counts within; absent when it is not known, or not any more.
    pub uid_validity: Option<u32>,
    /// Mails up to this one are stored, or are none of ours.
    pub last_uid: u32,
    /// The mail at which reading has failed, if it has.
    pub stuck: Option<Stuck>,
}

/// Whose mails are read, by the days on which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// From this day on.
    pub since: NaiveDate,
    /// The same when the server counts anew: what is older was read to its end before.
    pub anew_since: NaiveDate,
    /// The first day of a comparison, when one is due.
    pub compare_since: Option<NaiveDate>,
}

/// A server that replies are read at, and who signs in there.
#[derive(Clone, Debug)]
pub struct ImapServer {
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
}

/// What a worker needs to sign in and go on.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where.
    pub server: ImapServer,
    /// From when on.
    pub days: Days,
    /// How far the INBOX has been read.
    pub inbox: Reached,
    /// How far the folder of junk mail has been read.
    pub junk: Reached,
}

/// A mail that reading does not get past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// What its uid counts within.
    pub uid_validity: u32,
    /// Its uid.
    pub uid: u32,
    /// How often it was tried.
    pub times: u32,
    /// Why it failed the last time.
    pub why: String,
}

/// A mail that the server has given.
#[derive(Clone, Copy, Debug)]
pub struct Fetched<'a> {
    /// Where it lies.
    pub folder: Folder,
    /// What its uid counts within.
    pub uid_validity: u32,
    /// Its uid.
    pub uid: u32,
    /// Its octets.
    pub raw: &'a [u8],
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// A comparison has found it missing.
    pub missing: bool,
    /// Why it is kept for a person to look at, when it could not be read.
    pub unreadable: Option<&'a str>,
}

/// The headers of a mail that the server has.
#[derive(Clone, Debug)]
pub struct Headers {
    /// Its uid.
    pub uid: u32,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// Their octets.
    pub raw: Vec<u8>,
}

/// How a worker leaves an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended<'a> {
    /// Everything is read.
    Read,
    /// In the middle: the worker is told to stop.
    Stopped,
    /// It did not get on, for the first reason; the second is the mail that it had in hand.
    Failed(&'a str, Option<InTheWay<'a>>),
}

/// The mail at which a worker has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InTheWay<'a> {
    /// Where it lies.
    pub folder: Folder,
    /// What its uid counts within.
    pub uid_validity: u32,
    /// Its uid.
    pub uid: u32,
    /// What a person is told who finds it set aside.
    pub why: &'a str,
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
    /// Where the replies to a mailbox are read, if they are, for a test. Opens the password; only a worker calls it.
    ///
    /// # Errors
    /// Internal when the master key has changed.
    pub async fn server(&mut self, mailbox: MailboxId) -> Result<Option<ImapServer>> {
        let row = sqlx::query!(
            r#"SELECT host, port, security AS "security: Security", username, password_sealed FROM inboxes
               WHERE mailbox_id = $1"#,
            mailbox.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let company = self.t.actor().company();
        Ok(Some(ImapServer {
            host: row.host,
            port: u16::try_from(row.port).map_err(Error::internal)?,
            security: row.security,
            username: row.username,
            password: self.t.db().secrets().open(company, mailbox.0, &row.password_sealed)?,
        }))
    }

    /// What the worker needs. Opens the password; nobody else calls it. `None` when it is not the worker's any more.
    ///
    /// # Errors
    /// Internal when the master key has changed.
    pub async fn source(&mut self, hand: &InHand) -> Result<Option<Source>> {
        let row = sqlx::query!(
            r#"SELECT host, port, security AS "security: Security", username, password_sealed,
                      since AS "since: NaiveDate", read_at AS "read_at: DateTime<Utc>",
                      compared_at AS "compared_at: DateTime<Utc>"
               FROM inboxes WHERE mailbox_id = $1 AND lease_token = $2"#,
            hand.mailbox.0,
            hand.token
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (company, now) = (self.t.actor().company(), self.t.now());
        let is_due = row.compared_at.is_none_or(|at| at + COMPARE <= now);
        let days_before = |at: DateTime<Utc>, days| (at - Duration::days(days)).date_naive().max(row.since);
        Ok(Some(Source {
            server: ImapServer {
                host: row.host,
                port: u16::try_from(row.port).map_err(Error::internal)?,
                security: row.security,
                username: row.username,
                password: self.t.db().secrets().open(company, hand.mailbox.0, &row.password_sealed)?,
            },
            days: Days {
                since: row.since,
                anew_since: row.read_at.map_or(row.since, |at| days_before(at, BEFORE)),
                compare_since: is_due.then(|| days_before(now, COMPARED)),
            },
            inbox: self.reached(hand.mailbox, Folder::Inbox).await?,
            junk: self.reached(hand.mailbox, Folder::Junk).await?,
        }))
    }

    /// How far a folder has been read; from its beginning, if never.
    async fn reached(&mut self, mailbox: MailboxId, folder: Folder) -> Result<Reached> {
        let row = sqlx::query!(
            "SELECT uid_validity, last_uid, stuck_validity, stuck_uid, stuck_count, stuck_why FROM inbox_folders
             WHERE mailbox_id = $1 AND folder = $2",
            mailbox.0,
            folder.as_str()
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(Reached::default()) };
        Ok(Reached {
            uid_validity: row.uid_validity.and_then(|validity| u32::try_from(validity).ok()),
            last_uid: u32::try_from(row.last_uid).unwrap_or_default(),
            stuck: match (row.stuck_validity, row.stuck_uid) {
                (Some(validity), Some(uid)) => Some(Stuck {
                    uid_validity: u32::try_from(validity).map_err(Error::internal)?,
                    uid: u32::try_from(uid).map_err(Error::internal)?,
                    times: u32::try_from(row.stuck_count).unwrap_or_default(),
                    why: row.stuck_why.unwrap_or_default(),
                }),
                _ => None,
            },
        })
    }

    /// Stores a mail, if it is not stored yet, and moves the cursor behind it, in one commit of the caller's. What a
    /// stranger has sent stays in the folder of junk mail. False when the inbox is not the worker's any more; then nothing
    /// has happened.
    ///
    /// # Errors
    /// When the database is away, or cannot take the mail; then nothing has happened.
    pub async fn keep(&mut self, hand: &InHand, mail: Fetched<'_>) -> Result<bool> {
        let Some(place) = self.advance(hand, mail.folder, mail.uid_validity, mail.uid).await? else {
            return Ok(false);
        };
        let counted_here = prefix(place, mail.folder, mail.uid_validity);
        let key = format!("{counted_here}{}", mail.uid);
        let arrival = Arrival { mailbox: hand.mailbox, uid_key: &key, raw: mail.raw, at: mail.at };
        if let Some(why) = mail.unreadable {
            self.t.inbound().set_aside(arrival, why).await?;
        } else {
            let is_junk = mail.folder == Folder::Junk;
            if self.t.inbound().is_known(arrival, &counted_here).await?
                || is_junk && !self.t.inbound().is_ours(hand.mailbox, mail.raw, mail.at).await?
            {
                return Ok(true);
            }
            self.t.inbound().receive(arrival).await?;
        }
        if mail.missing {
            sqlx::query!("UPDATE inboxes SET mended = mended + 1 WHERE mailbox_id = $1", hand.mailbox.0)
                .execute(self.t.conn())
                .await?;
        }
        Ok(true)
    }

    /// The mails up to this one are stored, or are none of ours: moves the cursor behind it. False when the inbox is not
    /// the worker's any more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn pass(&mut self, hand: &InHand, folder: Folder, uid_validity: u32, uid: u32) -> Result<bool> {
        Ok(self.advance(hand, folder, uid_validity, uid).await?.is_some())
    }

    /// Moves the cursor of a folder, never back, and renews the lease. Where the inbox lies, while it is the worker's.
    async fn advance(&mut self, hand: &InHand, folder: Folder, uid_validity: u32, uid: u32) -> Result<Option<Uuid>> {
        let now = self.t.now();
        let place = sqlx::query_scalar!(
            "UPDATE inboxes SET lease_until = $3 WHERE mailbox_id = $1 AND lease_token = $2 RETURNING place",
            hand.mailbox.0,
            hand.token,
            now + LEASE
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(place) = place else { return Ok(None) };
        sqlx::query!(
            "INSERT INTO inbox_folders AS f (mailbox_id, folder, uid_validity, last_uid) VALUES ($1, $2, $3, $4)
             ON CONFLICT (company_id, mailbox_id, folder) DO UPDATE
                 SET last_uid = CASE WHEN f.uid_validity = $3 THEN greatest(f.last_uid, $4) ELSE $4 END, uid_validity = $3,
                     stuck_uid = CASE WHEN f.stuck_validity = $3 AND f.stuck_uid = $4 THEN NULL ELSE f.stuck_uid END",
            hand.mailbox.0,
            folder.as_str(),
            i64::from(uid_validity),
            i64::from(uid)
        )
        .execute(self.t.conn())
        .await?;
        Ok(Some(place))
    }

    /// Those mails of the folder of junk mail that may be for us, by their headers. A report tells only in its body what it
    /// is about.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn wanted(&mut self, hand: &InHand, mails: &[Headers]) -> Result<Vec<u32>> {
        let mut wanted = Vec::new();
        for mail in mails {
            if self.t.inbound().may_be_ours(hand.mailbox, &mail.raw, mail.at).await? {
                wanted.push(mail.uid);
            }
        }
        Ok(wanted)
    }

    /// Those of the uids that no stored mail has.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unknown(
        &mut self,
        hand: &InHand,
        folder: Folder,
        uid_validity: u32,
        uids: &[u32],
    ) -> Result<Vec<u32>> {
        let place = sqlx::query_scalar!("SELECT place FROM inboxes WHERE mailbox_id = $1", hand.mailbox.0)
            .fetch_optional(self.t.conn())
            .await?;
        let Some(place) = place else { return Ok(Vec::new()) };
        let counted_here = prefix(place, folder, uid_validity);
        let keys: Vec<String> = uids.iter().map(|uid| format!("{counted_here}{uid}")).collect();
        let known = sqlx::query_scalar!(
            "SELECT uid_key FROM inbound_messages WHERE mailbox_id = $1 AND uid_key = ANY($2)",
            hand.mailbox.0,
            &keys
        )
        .fetch_all(self.t.conn())
        .await?;
        let known: HashSet<u32> = known.iter().filter_map(|key| key.rsplit(':').next()?.parse().ok()).collect();
        Ok(uids.iter().copied().filter(|uid| !known.contains(uid)).collect())
    }

    /// A comparison has found so many mails of a folder missing. It begins with the INBOX, and what the other folder lacks
    /// is added. Until it is over, the gap is shown.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn gap_found(&mut self, hand: &InHand, folder: Folder, missing: usize) -> Result<()> {
        sqlx::query!(
            "UPDATE inboxes SET missing = CASE WHEN $4 THEN 0 ELSE missing END + $3, mended = CASE WHEN $4 THEN 0 ELSE mended END
             WHERE mailbox_id = $1 AND lease_token = $2",
            hand.mailbox.0,
            hand.token,
            i32::try_from(missing).unwrap_or(i32::MAX),
            folder == Folder::Inbox
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", hand.mailbox.0).await
    }

    /// A comparison is over, and what was missing is read. What was known under another uid was not missing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn compared(&mut self, hand: &InHand) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE inboxes SET missing = mended, compared_at = $3 WHERE mailbox_id = $1 AND lease_token = $2",
            hand.mailbox.0,
            hand.token,
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
        if ours.rows_affected() == 0 {
            return Ok(false);
        }
        self.t.tell("mailboxes", hand.mailbox.0).await?;
        Ok(true)
    }

    /// The worker gives the inbox back: it is read again soon, or, after a failure, later each time.
    ///
    /// # Errors
    /// When the database is away; the lease ends by itself.
    pub async fn give_back(&mut self, hand: &InHand, ended: Ended<'_>) -> Result<()> {
        let now = self.t.now();
        let before = sqlx::query!(
            "SELECT failures, error FROM inboxes WHERE mailbox_id = $1 AND lease_token = $2 FOR UPDATE",
            hand.mailbox.0,
            hand.token
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(before) = before else { return Ok(()) };
        let (failures, error, wait) = match ended {
            Ended::Read => (0, None, POLL),
            Ended::Stopped => (before.failures, before.error, Duration::zero()),
            Ended::Failed(words, at) => {
                if let Some(mail) = at {
                    self.count_failure(hand, mail).await?;
                }
                (before.failures + 1, Some(words.to_owned()), wait_after(before.failures))
            }
        };
        sqlx::query!(
            "UPDATE inboxes SET error = $2, failures = $3, next_read_at = $4, lease_token = NULL, lease_until = NULL
             WHERE mailbox_id = $1",
            hand.mailbox.0,
            error,
            failures,
            now + wait
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", hand.mailbox.0).await
    }

    /// A failure at the same mail counts on; at another one it is the first. The caller holds the inbox.
    async fn count_failure(&mut self, hand: &InHand, mail: InTheWay<'_>) -> Result<()> {
        sqlx::query!(
            "INSERT INTO inbox_folders AS f (mailbox_id, folder, stuck_validity, stuck_uid, stuck_count, stuck_why)
             VALUES ($1, $2, $3, $4, 1, $5)
             ON CONFLICT (company_id, mailbox_id, folder) DO UPDATE
                 SET stuck_count = CASE WHEN f.stuck_validity = $3 AND f.stuck_uid = $4 THEN f.stuck_count + 1 ELSE 1 END,
                     stuck_validity = $3, stuck_uid = $4, stuck_why = $5",
            hand.mailbox.0,
            mail.folder.as_str(),
            i64::from(mail.uid_validity),
            i64::from(mail.uid),
            mail.why
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}

/// How the keys of mails begin that are counted in one folder at one place. The validities of two folders may be the same.
fn prefix(place: Uuid, folder: Folder, uid_validity: u32) -> String {
    match folder {
        Folder::Inbox => format!("imap:{place}:{uid_validity}:"),
        Folder::Junk => format!("imap:{place}/junk:{uid_validity}:"),
    }
}

fn wait_after(failures: i32) -> Duration {
    match u32::try_from(failures) {
        Ok(0) | Err(_) => SOON,
        Ok(n) => (POLL * 2_i32.pow((n - 1).min(8))).min(MOST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_forgiven_and_the_others_wait_longer_each_time() {
        let waits: Vec<_> = (0..8).map(|failures| wait_after(failures).num_seconds()).collect();
        assert_eq!(waits, [10, 120, 240, 480, 960, 1800, 1800, 1800]);
    }
}
