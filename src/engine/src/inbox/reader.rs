//! What a reader does at an open INBOX: mails behind the cursor, the comparison of the last days, a look into the folder of
//! junk mail, and the wait for more (RFC 2177). No transaction is open while the server is asked.

mod junk;

use std::time::Duration;

use async_imap::{
    extensions::idle::IdleResponse,
    imap_proto::{AttributeValue, MailboxDatum, Response},
    types::UnsolicitedResponse,
};
use chrono::{DateTime, NaiveDate, Utc};
use domain::inboxes::Folder;
use service::{
    Actor, Db,
    inboxes::{Days, Fetched, InHand, Reached, Source, Stuck},
};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    End,
    ask::{Failure, PATIENCE, Server, ask, step},
    copies, folders,
    session::Opened,
};

/// The lease is renewed this often while the reader waits.
const RENEW: Duration = Duration::from_secs(60);
/// A server may hang up on a client that has waited for 30 minutes (RFC 2177).
const REISSUE: Duration = Duration::from_secs(29 * 60);
/// Nobody tells what is new in a folder that is not open, so the one of junk mail is looked into this often.
const ASIDE: Duration = Duration::from_secs(5 * 60);
/// The largest mail that is read whole, in octets.
const WHOLE: u32 = 10 * 1024 * 1024;
/// What is read of a larger one: its headers, and as a rule its text.
const PART: u32 = 256 * 1024;
/// Octets a second of a slow server. The largest mail takes less than the lease.
const SLOWEST: u32 = 64 * 1024;
/// Sizes that are asked for at once.
const BATCH: usize = 200;
/// A mail at which reading has failed so often is set aside for a person.
const TRIES: u32 = 3;

/// Whoever reads an inbox.
pub(super) struct Reader<'r> {
    db: &'r Db,
    actor: &'r Actor,
    hand: InHand,
    days: Days,
    inbox: Reached,
    junk: Reached,
    /// An e-mail has become unknown, or is to be looked for again.
    seeks: bool,
    held: &'r mut Option<Held>,
}

/// The folder that is open now.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub folder: Folder,
    /// What its uids count within.
    pub uid_validity: u32,
}

/// The mail that a reader asks for or stores: if it fails now, this one is in the way.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub open: Open,
    pub uid: u32,
}

/// A mail that the server has.
struct Listed {
    uid: u32,
    size: u32,
    at: DateTime<Utc>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(db: &'r Db, actor: &'r Actor, hand: InHand, source: Source, held: &'r mut Option<Held>) -> Self {
        let Source { days, inbox, junk, .. } = source;
        Self { db, actor, hand, days, inbox, junk, seeks: false, held }
    }

    /// Reads until everything is here, then waits for more if it may stay.
    pub(super) async fn work(mut self, opened: Opened, waits: bool, stop: &CancellationToken) -> Result<(), End> {
        let (waits, marks) = (waits && opened.tells, opened.marks);
        let inbox = Open { folder: Folder::Inbox, uid_validity: opened.uid_validity };
        let (mut server, mut aside) = (opened.server, None);
        loop {
            server.news = false;
            let compares = self.days.compare_since.is_some();
            self.catch_up(&mut server, inbox, stop).await?;
            self.look_for_copies(&mut server, inbox).await?;
            // Only now, so that nothing that is wrong there keeps replies in the INBOX.
            if aside.is_none_or(|at: Instant| compares || at.elapsed() >= ASIDE) {
                self.look_into_junk(&mut server, inbox, marks, stop).await?;
                aside = Some(Instant::now());
            }
            if compares {
                self.compared().await?;
            }
            self.renew().await?;
            if stop.is_cancelled() {
                return Err(End::Stopped);
            }
            if !waits {
                // Nothing is lost when the server does not hear the good-bye.
                let _unheard = step("Signing out", server.session.logout()).await;
                return Ok(());
            }
            // What was told while others were read is not told again.
            if !server.news {
                server = self.wait(server, stop).await?;
            }
        }
    }

    /// Reads what is new in a folder, and what a comparison finds missing when one is due.
    async fn catch_up(&mut self, server: &mut Server, open: Open, stop: &CancellationToken) -> Result<(), End> {
        self.read_new(server, open, stop).await?;
        match self.days.compare_since {
            Some(since) => self.compare(server, open, since, stop).await,
            None => Ok(()),
        }
    }

    fn reached(&mut self, folder: Folder) -> &mut Reached {
        match folder {
            Folder::Inbox => &mut self.inbox,
            Folder::Junk => &mut self.junk,
        }
    }

    /// Mails behind the cursor, the oldest first.
    async fn read_new(&mut self, server: &mut Server, open: Open, stop: &CancellationToken) -> Result<(), End> {
        let Days { since, anew_since, .. } = self.days;
        let reached = self.reached(open.folder);
        let same = reached.uid_validity == Some(open.uid_validity);
        let (from, since) = if same { (reached.last_uid, since) } else { (0, anew_since) };
        let what = format!("SINCE {} UID {}:*", day(since), from.saturating_add(1));
        // The star stands for the last mail, however small its uid is.
        let mut uids = search(server, "Looking for mails", &what).await?;
        uids.retain(|uid| *uid > from);
        let wanted = self.sift(server, open, &uids).await?;
        self.store(server, open, &wanted, false, stop).await?;
        match uids.last() {
            Some(last) if open.folder == Folder::Junk => self.pass(open, *last).await,
            _ => Ok(()),
        }
    }

    /// Looks for copies of e-mails whose server has said nothing.
    async fn look_for_copies(&mut self, server: &mut Server, inbox: Open) -> Result<(), End> {
        let mut t = self.db.tenant(self.actor).await?;
        let sought = t.messages().sought(self.hand.mailbox).await?;
        t.commit().await?;
        self.seeks = false;
        if sought.is_empty() {
            return Ok(());
        }
        let looked = copies::look(server, &sought).await?;
        back_to(server, inbox).await?;
        for (message, found) in looked {
            let mut t = self.db.tenant(self.actor).await?;
            t.messages().looked(message, found).await?;
            t.commit().await?;
        }
        Ok(())
    }

    /// Compares the last days with what is stored, and reads what is missing.
    async fn compare(
        &mut self,
        server: &mut Server,
        open: Open,
        since: NaiveDate,
        stop: &CancellationToken,
    ) -> Result<(), End> {
        let Open { folder, uid_validity } = open;
        let mut there = search(server, "Comparing", &format!("SINCE {}", day(since))).await?;
        // What has come since is not missing, it is next.
        let reached = self.reached(folder);
        there.retain(|uid| reached.uid_validity == Some(uid_validity) && *uid <= reached.last_uid);
        let mut t = self.db.tenant(self.actor).await?;
        let unknown = t.inboxes().unknown(&self.hand, folder, uid_validity, &there).await?;
        t.commit().await?;
        let missing = self.sift(server, open, &unknown).await?;
        let mut t = self.db.tenant(self.actor).await?;
        t.inboxes().gap_found(&self.hand, folder, missing.len()).await?;
        t.commit().await?;
        self.store(server, open, &missing, true, stop).await
    }

    /// A comparison is over, in all folders.
    async fn compared(&self) -> Result<(), End> {
        let mut t = self.db.tenant(self.actor).await?;
        t.inboxes().compared(&self.hand).await?;
        Ok(t.commit().await?)
    }

    async fn store(
        &mut self,
        server: &mut Server,
        open: Open,
        uids: &[u32],
        missing: bool,
        stop: &CancellationToken,
    ) -> Result<(), End> {
        for chunk in uids.chunks(BATCH) {
            for listed in self.list(server, chunk).await? {
                if stop.is_cancelled() {
                    return Err(End::Stopped);
                }
                *self.held = Some(Held { open, uid: listed.uid });
                self.take(server, open, &listed, missing).await?;
                *self.held = None;
            }
        }
        Ok(())
    }

    /// Reads one mail and stores it. What has stood in the way too often is not asked for again, but set aside.
    async fn take(&mut self, server: &mut Server, open: Open, mail: &Listed, missing: bool) -> Result<(), End> {
        let Open { folder, uid_validity } = open;
        let is_this = |stuck: &mut Stuck| (stuck.uid_validity, stuck.uid) == (uid_validity, mail.uid);
        let stuck = self.reached(folder).stuck.take_if(is_this);
        let times = stuck.as_ref().map_or(0, |stuck| stuck.times);
        let (raw, after) = if times < TRIES {
            // It was deleted in the meantime, if there is nothing.
            let Some(raw) = fetch(server, mail, times + 1 == TRIES).await? else { return Ok(()) };
            (raw, Ok(()))
        } else {
            headers(server, mail.uid, times == TRIES).await
        };
        self.keep(Fetched {
            folder,
            uid_validity,
            uid: mail.uid,
            raw: &raw,
            at: mail.at,
            missing,
            unreadable: stuck.as_ref().filter(|_| times >= TRIES).map(|stuck| stuck.why.as_str()),
        })
        .await?;
        *self.held = None;
        Ok(after?)
    }

    /// Number, size and time of mails, the oldest first.
    async fn list(&self, server: &mut Server, uids: &[u32]) -> Result<Vec<Listed>, Failure> {
        let set = uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let (now, mut listed) = (self.db.clock().now(), Vec::new());
        let command = format!("UID FETCH {set} (UID RFC822.SIZE INTERNALDATE)");
        ask(server, "Looking at mails", PATIENCE, &command, |told| {
            let Response::Fetch(_, values) = told else { return };
            let (mut uid, mut mail) = (None, Listed { uid: 0, size: 0, at: now });
            for value in values {
                match value {
                    AttributeValue::Uid(it) => uid = Some(*it),
                    AttributeValue::Rfc822Size(size) => mail.size = *size,
                    AttributeValue::InternalDate(date) => mail.at = moment(date).unwrap_or(now).min(now),
                    _ => {}
                }
            }
            listed.extend(uid.filter(|uid| uids.contains(uid)).map(|uid| Listed { uid, ..mail }));
        })
        .await?;
        listed.sort_by_key(|mail| mail.uid);
        listed.dedup_by_key(|mail| mail.uid);
        Ok(listed)
    }

    async fn keep(&mut self, mail: Fetched<'_>) -> Result<(), End> {
        let mut t = self.db.tenant(self.actor).await?;
        let kept = t.inboxes().keep(&self.hand, mail).await?;
        t.commit().await?;
        if !kept {
            return Err(End::NotOurs);
        }
        self.moved(Open { folder: mail.folder, uid_validity: mail.uid_validity }, mail.uid);
        Ok(())
    }

    /// Moves the cursor behind a mail, as the service does with the stored one.
    fn moved(&mut self, open: Open, uid: u32) {
        let reached = self.reached(open.folder);
        if reached.uid_validity.replace(open.uid_validity) == Some(open.uid_validity) {
            reached.last_uid = reached.last_uid.max(uid);
        } else {
            reached.last_uid = uid;
        }
    }

    /// Says that everything is read, and asks whether a comparison is due.
    async fn renew(&mut self) -> Result<(), End> {
        let mut t = self.db.tenant(self.actor).await?;
        if !t.inboxes().renew(&self.hand).await? {
            return Err(End::NotOurs);
        }
        let source = t.inboxes().source(&self.hand).await?.ok_or(End::NotOurs)?;
        self.seeks = !t.messages().sought(self.hand.mailbox).await?.is_empty();
        t.commit().await?;
        self.days.compare_since = source.days.compare_since;
        (self.inbox.stuck, self.junk.stuck) = (source.inbox.stuck, source.junk.stuck);
        Ok(())
    }

    /// Waits until the server has something new, a comparison is due, or another folder is to be looked into, which is
    /// sooner than the wait has to be asked for anew.
    async fn wait(&mut self, server: Server, stop: &CancellationToken) -> Result<Server, End> {
        let told = server.session.unsolicited_responses.clone();
        let mut idle = server.session.idle();
        step("Waiting", idle.init()).await?;
        // A mail that comes while the wait begins is told before the server agrees to it.
        let mut news = false;
        while let Ok(word) = told.try_recv() {
            news |= matches!(word, UnsolicitedResponse::Exists(_));
        }
        let begun = Instant::now();
        while !news && !self.seeks && begun.elapsed() < ASIDE && self.days.compare_since.is_none() {
            // Servers say now and then that they are still here, which is no reason to forget the lease.
            let (wait, _interrupt) = idle.wait_with_timeout(REISSUE);
            let answer = tokio::select! {
                () = stop.cancelled() => break,
                answer = timeout(RENEW, wait) => answer,
            };
            match answer {
                Ok(Ok(IdleResponse::Timeout)) | Err(_) => self.renew().await?,
                Ok(Ok(_)) => news = true,
                Ok(Err(_)) => return Err(Failure::new("Waiting: the server hung up.").into()),
            }
        }
        Ok(Server { session: step("Waiting", idle.done()).await?, news: false })
    }
}

/// Opens the INBOX again, as it was.
async fn back_to(server: &mut Server, inbox: Open) -> Result<(), Failure> {
    match folders::back_to_inbox(server).await? {
        Some(validity) if validity == inbox.uid_validity => Ok(()),
        _ => Err(Failure::new("Opening INBOX: the server counts its mails anew.")),
    }
}

pub(super) async fn search(server: &mut Server, name: &str, what: &str) -> Result<Vec<u32>, Failure> {
    let mut uids = Vec::new();
    ask(server, name, PATIENCE, &format!("UID SEARCH {what}"), |told| {
        if let Response::MailboxData(MailboxDatum::Search(found)) = told {
            uids.extend(found);
        }
    })
    .await?;
    uids.sort_unstable();
    uids.dedup();
    Ok(uids)
}

async fn body(server: &mut Server, uid: u32, part: &str, patience: Duration) -> Result<Option<Vec<u8>>, Failure> {
    let mut octets = None;
    ask(server, "Reading a mail", patience, &format!("UID FETCH {uid} (UID {part})"), |told| {
        let Response::Fetch(_, values) = told else { return };
        if !values.iter().any(|value| matches!(value, AttributeValue::Uid(it) if *it == uid)) {
            return;
        }
        for value in values {
            if let AttributeValue::BodySection { data, .. } = value {
                // An empty mail has no data, and is one all the same; whether it may be empty tells its size.
                octets = Some(data.as_deref().unwrap_or_default().to_vec());
            }
        }
    })
    .await?;
    Ok(octets)
}

/// The octets of a mail, or the first of them when it is too large, or when the whole seems to be; nothing when it is gone.
async fn fetch(server: &mut Server, mail: &Listed, is_last_try: bool) -> Result<Option<Vec<u8>>, Failure> {
    let whole = if is_last_try { PART } else { WHOLE };
    let (part, size) = if mail.size > whole { (format!("<0.{PART}>"), PART) } else { (String::new(), mail.size) };
    let patience = PATIENCE + Duration::from_secs((size / SLOWEST).into());
    let raw = body(server, mail.uid, &format!("BODY.PEEK[]{part}"), patience).await?;
    if mail.size > 0 && raw.as_ref().is_some_and(Vec::is_empty) {
        return Err(Failure::new("Reading a mail: the server gives nothing of it."));
    }
    Ok(raw)
}

/// What there is of a mail that the server does not give out, and how it went. They may be in the way as the whole is,
/// so they are asked for only once.
async fn headers(server: &mut Server, uid: u32, asks: bool) -> (Vec<u8>, Result<(), Failure>) {
    if !asks {
        return (Vec::new(), Ok(()));
    }
    match body(server, uid, "BODY.PEEK[HEADER]", PATIENCE).await {
        Ok(raw) => (raw.unwrap_or_default(), Ok(())),
        Err(failure) if failure.refused => (Vec::new(), Ok(())),
        Err(failure) => (Vec::new(), Err(failure)),
    }
}

/// A day as searches write it (RFC 9051, `date`).
fn day(day: NaiveDate) -> String {
    day.format("%-d-%b-%Y").to_string()
}

/// A moment as servers write it (RFC 9051, `date-time`).
fn moment(date: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(date.trim(), "%d-%b-%Y %H:%M:%S %z").ok().map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_those_of_imap() {
        assert_eq!(day("2026-11-02".parse().expect("a day")), "2-Nov-2026");
        let at = moment(" 2-Nov-2026 09:30:00 +0100").expect("a moment");
        assert_eq!(at.to_rfc3339(), "2026-11-02T08:30:00+00:00");
        assert_eq!(moment("yesterday"), None);
    }
}
