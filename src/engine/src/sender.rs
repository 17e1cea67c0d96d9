//! The sender of campaigns and of answers in the inbox: claims, freezes, hands over and records, mailbox by mailbox.
//!
//! The order is the promise: `sending` is committed before the first byte of an e-mail leaves, and
//! whatever happens after that, nobody else ever sends it.

mod seats;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::messages::SendOutcome;
use service::{
    Db, Result,
    messages::{Claimed, Content, Place},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::seats::Seats;
use crate::{
    mail::{MimeError, OutgoingMail, Signer, smtp::Session},
    post,
    tracking::{Body, body},
};

/// E-mails that are handed over at the same time by one process.
const LANES: usize = 24;
/// The longest sleep: a mailbox that was woken by another process is seen after this time at the latest.
const NAP: Duration = Duration::from_secs(1);
/// How often open pages hear of a batch that takes long.
const PROGRESS: Duration = Duration::from_millis(500);
/// The wait after the database did not answer.
const AWAY: Duration = Duration::from_secs(2);
/// How often a database that is away is asked again: for two minutes.
const TRIES: usize = 60;

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
    let Some((_seat, batch)) = seats.claim(db).await? else { return Ok(false) };
    let Some(first) = batch.first() else { return Ok(true) };
    let served = serve(db, first, &batch, stop).await;
    // Also after a failure: the others of the batch need not wait until their lease ends.
    if !matches!(served, Ok((_, begun)) if begun == batch.len()) {
        hand_back(db, first, &batch, stop).await?;
    }
    let (actor, begun) = served?;
    settle(db, &actor, &batch[..begun]).await?;
    Ok(true)
}

/// Serves a mailbox as far as it goes. Gives how many were begun.
async fn serve(
    db: &Db,
    first: &Claimed,
    batch: &[Claimed],
    stop: &CancellationToken,
) -> Result<(service::Actor, usize)> {
    let actor = db.platform().actor_of_mailbox(first.mailbox).await?;
    let mut t = db.tenant(&actor).await?;
    let connection = t.mailboxes().connection(first.mailbox).await;
    t.commit().await?;
    let begun = match connection {
        Ok(connection) => send_batch(db, &actor, &connection, batch, stop).await?,
        Err(error @ service::Error::Unavailable) => return Err(error),
        // Its password cannot be opened, say: it would be the same with the next batch.
        Err(error) => {
            tracing::error!(mailbox.id = %first.mailbox, error = &error as &dyn std::error::Error, "A mailbox cannot be used");
            let reason = "Its password can’t be read any more. Enter it again.".to_owned();
            give_back(db, &actor, first, &SendOutcome::NotStarted { reason, needs_person: true }).await?;
            0
        }
    };
    Ok((actor, begun))
}

/// Sends one after the other over one session, until a server cannot be reached or the worker is
/// asked to stop. Gives how many were begun.
async fn send_batch(
    db: &Db,
    actor: &service::Actor,
    connection: &service::mailboxes::Connection,
    batch: &[Claimed],
    stop: &CancellationToken,
) -> Result<usize> {
    let server = post::server(connection);
    let signer = match post::signer(connection) {
        Ok(signer) => signer,
        Err(error) => {
            if let Some(first) = batch.first() {
                give_back(db, actor, first, &unwritable(&error)).await?;
            }
            return Ok(0);
        }
    };
    let mut session: Option<Session> = None;
    let mut told = Instant::now();
    let mut begun = 0;
    for claimed in batch {
        if stop.is_cancelled() {
            break;
        }
        if told.elapsed() >= PROGRESS {
            settle(db, actor, &batch[..begun]).await?;
            told = Instant::now();
        }
        if session.as_ref().is_none_or(|s| !s.is_usable()) {
            session = match post::client(db).connect(&server).await {
                Ok(session) => Some(session),
                Err(error) => {
                    give_back(db, actor, claimed, &post::not_started(&error)).await?;
                    break;
                }
            };
        }
        begun += 1;
        if let Some(session) = &mut session
            && !send(db, actor, connection, signer.as_ref(), claimed, session).await?
        {
            break;
        }
    }
    if let Some(session) = session {
        session.quit().await;
    }
    Ok(begun)
}

/// One e-mail: freeze and commit, hand over, record and commit. Whether the mailbox can go on.
async fn send(
    db: &Db,
    actor: &service::Actor,
    connection: &service::mailboxes::Connection,
    signer: Option<&Signer>,
    claimed: &Claimed,
    session: &mut Session,
) -> Result<bool> {
    let mime = match &claimed.content {
        Content::Frozen(mime) => Ok((mime.clone(), None)),
        Content::Written(_) => freeze(db, connection, signer, claimed).map(|(mime, links)| (mime, Some(links))),
    };
    let (mime, links) = match mime {
        Ok(frozen) => frozen,
        Err(error) if error.is_about_the_lead() => {
            let reply = format!("The e-mail could not be written: {error}");
            return refuse(db, actor, claimed, &reply).await.map(|()| true);
        }
        Err(error) => return give_back(db, actor, claimed, &unwritable(&error)).await.map(|()| false),
    };
    let subject = match &claimed.content {
        Content::Written(written) => written.subject.as_str(),
        Content::Frozen(_) => "",
    };
    let mut t = db.tenant(actor).await?;
    let server = format!("{}:{}", connection.host, connection.port);
    let go = t.messages().begin_sending(claimed, subject, &mime, &server).await?;
    if let Some(links) = links.filter(|_| go) {
        t.messages().keep_links(claimed, &links).await?;
    }
    t.commit().await?;
    if !go {
        return Ok(true);
    }
    let return_path = connection.return_path(db, claimed.id.0);
    let outcome = post::outcome(session.hand_over(&return_path, claimed.recipient.as_str(), &mime).await);
    record(db, actor, claimed, &outcome).await?;
    Ok(!matches!(outcome, SendOutcome::NotStarted { .. }))
}

/// Keeps trying to record an outcome: the e-mail has left, and only this worker knows what was said.
/// A database that is away gets two minutes; a deadlock, say, two more tries.
async fn record(db: &Db, actor: &service::Actor, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
    let mut tries = 0;
    loop {
        let Err(error) = record_once(db, actor, claimed, outcome).await else { return Ok(()) };
        tries += 1;
        if tries > if matches!(error, service::Error::Unavailable) { TRIES } else { 2 } {
            return Err(error);
        }
        tokio::time::sleep(AWAY).await;
    }
}

async fn record_once(db: &Db, actor: &service::Actor, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().record(claimed.id, claimed.token, outcome).await?;
    t.commit().await
}

/// Tells open pages how far the campaigns of these e-mails are, and ends what has nothing left to
/// wait for. Not after each e-mail: a hint makes all commits of the database wait in one line.
async fn settle(db: &Db, actor: &service::Actor, done: &[Claimed]) -> Result<()> {
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
async fn give_back(db: &Db, actor: &service::Actor, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().not_begun(claimed, outcome).await?;
    t.commit().await
}

/// An e-mail that cannot be written is refused by ourselves.
async fn refuse(db: &Db, actor: &service::Actor, claimed: &Claimed, reply: &str) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().refuse(claimed, reply).await?;
    t.commit().await
}

/// What was claimed and not begun goes back in line at once, not when its lease ends. A database that was away for a
/// moment is asked again, unless somebody waits for this worker to stop.
async fn hand_back(db: &Db, first: &Claimed, batch: &[Claimed], stop: &CancellationToken) -> Result<()> {
    for _ in 1..TRIES {
        match release_rest(db, first, batch).await {
            Err(service::Error::Unavailable) if !stop.is_cancelled() => {}
            other => return other,
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(AWAY) => {}
        }
    }
    release_rest(db, first, batch).await
}

async fn release_rest(db: &Db, first: &Claimed, batch: &[Claimed]) -> Result<()> {
    let actor = db.platform().actor_of_mailbox(first.mailbox).await?;
    let mut t = db.tenant(&actor).await?;
    t.messages().give_back(batch).await?;
    t.commit().await
}

/// No e-mail of this mailbox can be written.
fn unwritable(error: &MimeError) -> SendOutcome {
    SendOutcome::NotStarted { reason: format!("No e-mail can be written: {error}"), needs_person: true }
}

/// The bytes of an e-mail, and where the links that are followed lead.
fn freeze(
    db: &Db,
    connection: &service::mailboxes::Connection,
    signer: Option<&Signer>,
    claimed: &Claimed,
) -> std::result::Result<(Vec<u8>, Vec<String>), MimeError> {
    let Content::Written(written) = &claimed.content else { return Ok((Vec::new(), Vec::new())) };
    let Body { html, links } = body(&written.text, claimed);
    let mail = OutgoingMail {
        from_name: connection.from_name.clone(),
        from_address: connection.address.to_string(),
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
        date: db.clock().now(),
    };
    Ok((post::write_down(&mail, signer)?, links))
}
