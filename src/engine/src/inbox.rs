//! Reads what comes back: each inbox has one reader among all workers, who stores mail by mail and then waits for the
//! next one. A mail and the place of the cursor behind it are one commit, so a reader that dies loses and doubles nothing.

mod session;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, NaiveDate, Utc};
use futures::TryStreamExt;
use service::{
    Actor, Db,
    inboxes::{Cursor, Fetched, InHand, claim},
};
use tokio::{sync::Semaphore, time::Instant};
use tokio_rustls::rustls::ClientConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{mail::tls, post};
use session::{Failure, Imap, Opened, open, step};

/// How often somebody looks for inboxes that are due.
const LOOK: Duration = Duration::from_secs(2);
/// Inboxes that one worker waits at; it reads others now and then.
const WAITING: usize = 200;
/// The lease is renewed this often while the reader waits.
const RENEW: Duration = Duration::from_secs(60);
/// A server may hang up on a client that has waited for 30 minutes (RFC 2177).
const REISSUE: Duration = Duration::from_secs(29 * 60);
/// The largest mail that is read whole, in octets.
const WHOLE: u32 = 10 * 1024 * 1024;
/// What is read of a larger one: its headers, and as a rule its text.
const PART: u32 = 256 * 1024;
/// Sizes that are asked for at once.
const BATCH: usize = 200;

/// Reads inboxes until `stop` is cancelled.
pub async fn run(db: Db, stop: CancellationToken) {
    run_with(db, tls::web(), stop).await;
}

/// The same, for an installation with its own certificate authority.
pub async fn run_with(db: Db, tls: Arc<ClientConfig>, stop: CancellationToken) {
    let (readers, places) = (TaskTracker::new(), Arc::new(Semaphore::new(WAITING)));
    while !stop.is_cancelled() {
        match claim(&db).await {
            Ok(Some(hand)) => {
                let (db, tls, stop) = (db.clone(), tls.clone(), stop.clone());
                let place = places.clone().try_acquire_owned().ok();
                readers.spawn(async move {
                    let waits = place.is_some();
                    if let Err(error) = read(&db, tls, hand, waits, &stop).await {
                        let error = error.as_ref() as &dyn std::error::Error;
                        tracing::warn!(mailbox.id = %hand.mailbox, error, "The reader of an inbox waits for the database");
                    }
                    drop(place);
                });
                continue;
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "Inboxes wait for the database");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    readers.close();
    readers.wait().await;
}

/// Why a reader ends.
enum End {
    /// It was told to, or somebody else has the inbox now.
    Quietly,
    /// The server.
    Failed(Failure),
    /// The database.
    Away(service::Error),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<service::Error> for End {
    fn from(error: service::Error) -> Self {
        Self::Away(error)
    }
}

/// Reads an inbox and, if there is a place for it, waits there for what comes.
async fn read(
    db: &Db,
    tls: Arc<ClientConfig>,
    hand: InHand,
    waits: bool,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let actor = db.platform().system_actor(hand.company, "inbox").await?;
    let mut t = db.tenant(&actor).await?;
    let Some(source) = t.inboxes().source(&hand).await? else { return Ok(()) };
    t.commit().await?;
    let end = match open(post::guard(db), tls, &source).await {
        Err(failure) => End::Failed(failure),
        Ok(opened) => {
            let reader = Reader { db, actor: &actor, hand, cursor: source.cursor, validity: opened.uid_validity };
            match reader.work(opened, waits, stop).await {
                Ok(()) => End::Quietly,
                Err(end) => end,
            }
        }
    };
    let failure = match end {
        End::Away(error) => return Err(error.into()),
        End::Failed(failure) => Some(failure.0),
        End::Quietly => None,
    };
    let mut t = db.tenant(&actor).await?;
    t.inboxes().give_back(&hand, failure.as_deref()).await?;
    Ok(t.commit().await?)
}

struct Reader<'r> {
    db: &'r Db,
    actor: &'r Actor,
    hand: InHand,
    cursor: Cursor,
    validity: u32,
}

/// A mail that the server has.
struct Listed {
    uid: u32,
    size: u32,
    at: DateTime<Utc>,
}

impl Reader<'_> {
    async fn work(mut self, opened: Opened, waits: bool, stop: &CancellationToken) -> Result<(), End> {
        let mut session = opened.session;
        loop {
            self.read_new(&mut session).await?;
            if let Some(since) = self.cursor.compare_since {
                self.compare(&mut session, since).await?;
            }
            self.renew().await?;
            if !waits || !opened.tells || stop.is_cancelled() {
                // Nothing is lost when the server does not hear the good-bye.
                let _unheard = step("Signing out", session.logout()).await;
                return Ok(());
            }
            session = self.wait(session, stop).await?;
        }
    }

    /// Mails behind the cursor, the oldest first.
    async fn read_new(&mut self, session: &mut Imap) -> Result<(), End> {
        let same = self.cursor.uid_validity == Some(self.validity);
        let (from, again) = if same { (self.cursor.last_uid, false) } else { (0, self.cursor.last_uid > 0) };
        let query = format!("SINCE {} UID {}:*", day(self.cursor.since), from.saturating_add(1));
        // The star stands for the last mail, however small its uid is.
        let uids = step("Looking for mails", session.uid_search(query)).await?;
        let uids = sorted(uids.into_iter().filter(|uid| *uid > from));
        self.store(session, &uids, again).await
    }

    /// Compares the last days with what is stored, and reads what is missing.
    async fn compare(&mut self, session: &mut Imap, since: NaiveDate) -> Result<(), End> {
        let there = step("Comparing", session.uid_search(format!("SINCE {}", day(since)))).await?;
        let there = sorted(there.into_iter().filter(|uid| *uid <= self.cursor.last_uid));
        let mut t = self.db.tenant(self.actor).await?;
        let known = t.inboxes().known(&self.hand, self.validity, &there).await?;
        let missing: Vec<u32> = there.into_iter().filter(|uid| !known.contains(uid)).collect();
        t.inboxes().compared(&self.hand, missing.len()).await?;
        t.commit().await?;
        self.cursor.compare_since = None;
        self.store(session, &missing, true).await
    }

    async fn store(&mut self, session: &mut Imap, uids: &[u32], again: bool) -> Result<(), End> {
        for chunk in uids.chunks(BATCH) {
            for listed in self.sizes(session, chunk).await? {
                let part =
                    if listed.size > WHOLE { format!("BODY.PEEK[]<0.{PART}>") } else { "BODY.PEEK[]".to_owned() };
                let fetched =
                    async { session.uid_fetch(listed.uid.to_string(), part).await?.try_collect::<Vec<_>>().await };
                let fetched = step("Reading a mail", fetched).await?;
                // It may have been deleted in the meantime.
                let Some(raw) = fetched.iter().find(|mail| mail.uid == Some(listed.uid)).and_then(|mail| mail.body())
                else {
                    continue;
                };
                let mail = Fetched { uid_validity: self.validity, uid: listed.uid, raw, at: listed.at, again };
                let mut t = self.db.tenant(self.actor).await?;
                if !t.inboxes().keep(&self.hand, mail).await? {
                    return Err(End::Quietly);
                }
                t.commit().await?;
                self.cursor.uid_validity = Some(self.validity);
                self.cursor.last_uid = self.cursor.last_uid.max(listed.uid);
            }
        }
        Ok(())
    }

    async fn sizes(&self, session: &mut Imap, uids: &[u32]) -> Result<Vec<Listed>, End> {
        let set = uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let fetched = async {
            let sizes = session.uid_fetch(set, "(UID RFC822.SIZE INTERNALDATE)").await?;
            sizes.try_collect::<Vec<_>>().await
        };
        let now = self.db.clock().now();
        let mut listed: Vec<Listed> = step("Looking at mails", fetched)
            .await?
            .iter()
            .filter_map(|mail| {
                let at = mail.internal_date().map_or(now, |at| at.with_timezone(&Utc)).min(now);
                Some(Listed { uid: mail.uid?, size: mail.size.unwrap_or_default(), at })
            })
            .collect();
        listed.sort_by_key(|mail| mail.uid);
        Ok(listed)
    }

    /// Says that everything is read, and asks whether a comparison is due.
    async fn renew(&mut self) -> Result<(), End> {
        let mut t = self.db.tenant(self.actor).await?;
        if !t.inboxes().renew(&self.hand).await? {
            return Err(End::Quietly);
        }
        let source = t.inboxes().source(&self.hand).await?;
        t.commit().await?;
        self.cursor.compare_since = source.and_then(|source| source.cursor.compare_since);
        Ok(())
    }

    /// Waits until the server has something new.
    async fn wait(&mut self, session: Imap, stop: &CancellationToken) -> Result<Imap, End> {
        use async_imap::extensions::idle::IdleResponse;

        let mut idle = session.idle();
        step("Waiting", idle.init()).await?;
        let begun = Instant::now();
        while begun.elapsed() < REISSUE && self.cursor.compare_since.is_none() {
            let (news, _interrupt) = idle.wait_with_timeout(RENEW);
            let news = tokio::select! {
                () = stop.cancelled() => break,
                news = news => news.map_err(|error| Failure(format!("Waiting: {error}.")))?,
            };
            if !matches!(news, IdleResponse::Timeout) {
                break;
            }
            self.renew().await?;
        }
        Ok(step("Waiting", idle.done()).await?)
    }
}

/// A day as searches write it (RFC 9051, `date`).
fn day(day: NaiveDate) -> String {
    day.format("%-d-%b-%Y").to_string()
}

fn sorted(uids: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut uids: Vec<u32> = uids.collect();
    uids.sort_unstable();
    uids
}
