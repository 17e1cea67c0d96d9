//! The sender of campaigns and of answers in the inbox: claims, freezes, hands over and records, mailbox by mailbox.
//!
//! The order is the promise: `sending` is committed before the first byte of an e-mail leaves, and
//! whatever happens after that, nobody else ever sends it.

mod books;
mod seats;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::messages::SendOutcome;
use service::{
    Actor, Db, Result,
    messages::{Claimed, Content, Place},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    books::{AWAY, Letter, Pen, TRIES, record},
    seats::Seats,
};
use crate::{
    mail::{MimeError, OutgoingMail, Signer, smtp::Session},
    post,
    tracking::{Body, body},
};

/// E-mails that are handed over at the same time by one process.
const LANES: usize = 32;
/// The longest sleep: a mailbox that was woken by another process is seen after this time at the latest.
const NAP: Duration = Duration::from_secs(1);
/// How often open pages hear of a batch that takes long.
const PROGRESS: Duration = Duration::from_millis(500);

/// Sends until `stop` is cancelled; then finishes the e-mails that are being handed over.
pub async fn run(db: Db, stop: CancellationToken) {
    let (lanes, seats) = (TaskTracker::new(), Arc::new(Seats::default()));
    for _ in 0..LANES {
        lanes.spawn(lane(db.clone(), seats.clone(), stop.clone()));
    }
    lanes.close();
    lanes.wait().await;
}

async fn lane(db: Db, seats: Arc<Seats>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let nap = match take_turn(&db, &seats, &stop).await {
            Ok(true) => continue,
            Ok(false) => NAP,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "The sender waits for the database");
                AWAY
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// One turn of one mailbox. False when nothing was due anywhere.
///
/// # Errors
/// When the database is away. What was claimed goes back in line when its lease ends.
pub async fn turn(db: &Db, stop: &CancellationToken) -> Result<bool> {
    take_turn(db, &Seats::default(), stop).await
}

async fn take_turn(db: &Db, seats: &Seats, stop: &CancellationToken) -> Result<bool> {
    let Some((_seat, mut pen, batch)) = seats.claim(db).await? else { return Ok(false) };
    let batch: Vec<_> = batch.into_iter().map(Arc::new).collect();
    let Some(first) = batch.first() else { return Ok(true) };
    let served = serve(db, &mut pen, first, &batch, stop).await;
    // Also after a failure: the others of the batch need not wait until their lease ends.
    if !matches!(served, Ok(begun) if begun == batch.len()) {
        hand_back(db, pen.actor(), first, stop).await?;
    }
    settle(db, pen.actor(), &batch[..served?]).await?;
    Ok(true)
}

/// Serves a mailbox as far as it goes. Gives how many were begun.
async fn serve(
    db: &Db,
    pen: &mut Pen,
    first: &Claimed,
    batch: &[Arc<Claimed>],
    stop: &CancellationToken,
) -> Result<usize> {
    let mut t = db.tenant(pen.actor()).await?;
    let connection = t.mailboxes().connection(first.mailbox).await;
    t.commit().await?;
    match connection {
        Ok(connection) => send_batch(db, pen, &connection, batch, stop).await,
        Err(error @ service::Error::Unavailable) => Err(error),
        // Its password cannot be opened, say: it would be the same with the next batch.
        Err(error) => {
            tracing::error!(mailbox.id = %first.mailbox, error = &error as &dyn std::error::Error, "A mailbox cannot be used");
            let reason = "Its password can’t be read any more. Enter it again.".to_owned();
            give_back(db, pen.actor(), first, &SendOutcome::NotStarted { reason, needs_person: true }).await?;
            Ok(0)
        }
    }
}

/// Sends one after the other over one session, until a server cannot be reached or the worker is
/// asked to stop. Gives how many were begun.
async fn send_batch(
    db: &Db,
    pen: &mut Pen,
    connection: &service::mailboxes::Connection,
    batch: &[Arc<Claimed>],
    stop: &CancellationToken,
) -> Result<usize> {
    let signer = match post::signer(connection) {
        Ok(signer) => signer,
        Err(error) => {
            if let Some(first) = batch.first() {
                give_back(db, pen.actor(), first, &unwritable(&error)).await?;
            }
            return Ok(0);
        }
    };
    let way = Way { db, connection, signer, name: format!("{}:{}", connection.host, connection.port).into() };
    let mut session = None;
    let begun = way.send_all(pen, batch, &mut session, stop).await;
    // Whatever else has happened, and before anybody is waited for.
    let kept = pen.rest().await;
    if let Some(session) = session {
        session.quit().await;
    }
    kept.and(begun)
}

/// The way out of a mailbox.
struct Way<'w> {
    db: &'w Db,
    connection: &'w service::mailboxes::Connection,
    signer: Option<Signer>,
    /// Its server, as `host:port`.
    name: Arc<str>,
}

impl Way<'_> {
    async fn send_all(
        &self,
        pen: &mut Pen,
        batch: &[Arc<Claimed>],
        session: &mut Option<Session>,
        stop: &CancellationToken,
    ) -> Result<usize> {
        let server = post::server(self.connection);
        let mut told = Instant::now();
        let mut begun = 0;
        for claimed in batch {
            if stop.is_cancelled() {
                break;
            }
            if told.elapsed() >= PROGRESS {
                pen.rest().await?;
                settle(self.db, pen.actor(), &batch[..begun]).await?;
                told = Instant::now();
            }
            if session.as_ref().is_none_or(|s| !s.is_usable()) {
                pen.rest().await?;
                *session = match post::client(self.db).connect(&server).await {
                    Ok(session) => Some(session),
                    Err(error) => {
                        give_back(self.db, pen.actor(), claimed, &post::not_started(&error)).await?;
                        break;
                    }
                };
            }
            begun += 1;
            if let Some(session) = session
                && !self.send(pen, claimed, session).await?
            {
                break;
            }
        }
        Ok(begun)
    }

    /// One e-mail: freeze, begin and commit, hand over, record. Whether the mailbox can go on.
    async fn send(&self, pen: &mut Pen, claimed: &Arc<Claimed>, session: &mut Session) -> Result<bool> {
        let letter = match self.freeze(claimed) {
            Ok(letter) => Arc::new(letter),
            Err(error) if error.is_about_the_lead() => {
                let reply = format!("The e-mail could not be written: {error}");
                return refuse(self.db, pen.actor(), claimed, &reply).await.map(|()| true);
            }
            Err(error) => {
                return give_back(self.db, pen.actor(), claimed, &unwritable(&error)).await.map(|()| false);
            }
        };
        if !pen.begin(letter.clone()).await? {
            return Ok(true);
        }
        let return_path = self.connection.return_path(self.db, claimed.id.0);
        match post::outcome(session.hand_over(&return_path, claimed.recipient.as_str(), &letter.mime).await) {
            // Written down together with the next one, or when this lane rests.
            SendOutcome::Accepted { reply, queue_id } => {
                pen.taken(claimed.clone(), reply, queue_id);
                Ok(true)
            }
            outcome => {
                record(self.db, pen.actor(), claimed, &outcome).await?;
                Ok(!matches!(outcome, SendOutcome::NotStarted { .. }))
            }
        }
    }

    /// The bytes of an e-mail, and where the links that are followed lead.
    fn freeze(&self, claimed: &Arc<Claimed>) -> std::result::Result<Letter, MimeError> {
        let letter = |subject: &str, mime, links| Letter {
            claimed: claimed.clone(),
            subject: subject.to_owned(),
            mime,
            server: self.name.clone(),
            links,
        };
        let written = match &claimed.content {
            Content::Frozen(mime) => return Ok(letter("", mime.clone(), None)),
            Content::Written(written) => written,
        };
        let Body { html, links } = body(&written.text, claimed);
        let mail = OutgoingMail {
            from_name: self.connection.from_name.clone(),
            from_address: self.connection.address.to_string(),
            to_name: claimed.recipient_name.clone(),
            to_address: claimed.recipient.to_string(),
            reply_to: None,
            subject: written.subject.clone(),
            text: written.text.clone(),
            html: Some(html),
            message_id: claimed.message_id_header.clone(),
            in_reply_to: claimed.thread.last().cloned(),
            references: claimed.thread.clone(),
            unsubscribe_url: claimed.unsubscribe_url.clone(),
            unsubscribe_mailto: claimed.unsubscribe_mailto.clone(),
            date: self.db.clock().now(),
        };
        let mime = post::write_down(&mail, self.signer.as_ref())?;
        Ok(letter(&written.subject, mime, Some(links)))
    }
}

/// Tells open pages how far the campaigns of these e-mails are, and ends what has nothing left to
/// wait for. Not after each e-mail: a hint makes all commits of the database wait in one line.
async fn settle(db: &Db, actor: &Actor, done: &[Arc<Claimed>]) -> Result<()> {
    let campaigns = done.iter().filter_map(|claimed| match claimed.place {
        Place::Campaign { campaign, .. } => Some(campaign),
        Place::Thread(_) => None,
    });
    let campaigns: BTreeSet<_> = campaigns.collect();
    for campaign in campaigns {
        let mut t = db.tenant(actor).await?;
        t.campaigns().settle_after(campaign).await?;
        t.commit().await?;
    }
    Ok(())
}

/// The connection could not be made: nothing of this claim was begun.
async fn give_back(db: &Db, actor: &Actor, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().not_begun(claimed, outcome).await?;
    t.commit().await
}

/// An e-mail that cannot be written is refused by ourselves.
async fn refuse(db: &Db, actor: &Actor, claimed: &Claimed, reply: &str) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().refuse(claimed, reply).await?;
    t.commit().await
}

/// What was claimed and not begun goes back in line at once, not when its lease ends. A database that was away for a
/// moment is asked again, unless somebody waits for this worker to stop.
async fn hand_back(db: &Db, actor: &Actor, first: &Claimed, stop: &CancellationToken) -> Result<()> {
    for _ in 1..TRIES {
        match release_rest(db, actor, first).await {
            Err(service::Error::Unavailable) if !stop.is_cancelled() => {}
            other => return other,
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(AWAY) => {}
        }
    }
    release_rest(db, actor, first).await
}

async fn release_rest(db: &Db, actor: &Actor, first: &Claimed) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().give_back(first).await?;
    t.commit().await
}

/// No e-mail of this mailbox can be written.
fn unwritable(error: &MimeError) -> SendOutcome {
    SendOutcome::NotStarted { reason: format!("No e-mail can be written: {error}"), needs_person: true }
}
