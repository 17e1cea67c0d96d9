//! Reads what comes back: each inbox has one reader among all workers, who stores mail by mail and then waits for the
//! next one. A mail and the place of the cursor behind it are one commit, so a reader that dies loses and doubles nothing.

mod ask;
mod copies;
mod folders;
mod reader;
mod session;
mod test;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use service::{
    Actor, Db,
    inboxes::{Ended, InHand, InTheWay, claim},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::rustls::ClientConfig;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{mail::tls, post};
use ask::Failure;
use reader::{Held, Reader};
pub(crate) use test::test;

/// How often somebody looks for inboxes that are due.
const LOOK: Duration = Duration::from_secs(2);
/// Inboxes that one worker waits at.
const WAITING: usize = 200;
/// Inboxes beyond these that it reads at the same time, without staying.
const VISITS: usize = 20;
/// What a person is told of a failure of ours.
const FAULT: &str = "this failed on our side, and is tried again. The log tells why.";

/// Reads inboxes until `stop` is cancelled.
pub async fn run(db: Db, stop: CancellationToken) {
    run_with(db, tls::web(), stop).await;
}

/// The same, for an installation with its own certificate authority.
pub async fn run_with(db: Db, tls: Arc<ClientConfig>, stop: CancellationToken) {
    let (readers, turns) = (TaskTracker::new(), Arc::new(Semaphore::new(WAITING + VISITS)));
    let places = Arc::new(Semaphore::new(WAITING));
    while !stop.is_cancelled() {
        let turn = tokio::select! {
            () = stop.cancelled() => break,
            turn = turns.clone().acquire_owned() => turn.ok(),
        };
        match claim(&db).await {
            Ok(Some(hand)) => {
                let place = places.clone().try_acquire_owned().ok();
                let visit = Visit { db: db.clone(), tls: tls.clone(), hand, place, stop: stop.clone() };
                readers.spawn(async move {
                    let _until_the_end = turn;
                    if let Err(error) = visit.begin().await {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(mailbox.id = %hand.mailbox, error, "The reader of an inbox waits for the database");
                    }
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

/// Why a reader ends before everything is read.
enum End {
    /// It was told to.
    Stopped,
    /// Somebody else has the inbox now.
    NotOurs,
    /// The server.
    Failed(Failure),
    /// Ourselves.
    Fault(service::Error),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<service::Error> for End {
    fn from(error: service::Error) -> Self {
        Self::Fault(error)
    }
}

/// A worker at an inbox that it has claimed.
struct Visit {
    db: Db,
    tls: Arc<ClientConfig>,
    hand: InHand,
    /// Whoever has one may stay and wait.
    place: Option<OwnedSemaphorePermit>,
    stop: CancellationToken,
}

impl Visit {
    async fn begin(self) -> service::Result<()> {
        let actor = self.db.platform().system_actor(self.hand.company, "inbox").await?;
        let mut held = None;
        // A server says what it likes, and libraries break on it: that is a failure as others are, and not the last visit.
        let read = AssertUnwindSafe(self.read(&actor, &mut held)).catch_unwind().await;
        let (words, why) = match read {
            Ok(Ok(())) => return self.give_back(&actor, Ended::Read).await,
            Ok(Err(End::Stopped)) => return self.give_back(&actor, Ended::Stopped).await,
            Ok(Err(End::NotOurs)) => return Ok(()),
            Ok(Err(End::Failed(failure))) => (failure.to_string(), failure.to_string()),
            Ok(Err(End::Fault(error))) => {
                if matches!(error, service::Error::Unavailable) {
                    held = None;
                }
                let cause = &error as &dyn std::error::Error;
                tracing::error!(mailbox.id = %self.hand.mailbox, error = cause, "A mail could not be stored");
                let why = "Storing it has failed again and again, so nothing was done with it.";
                (format!("Storing a mail: {FAULT}"), why.to_owned())
            }
            Err(_) => {
                tracing::error!(mailbox.id = %self.hand.mailbox, "The reader of an inbox has panicked");
                let why = "Reading it has broken its reader again and again, so nothing was done with it.";
                (format!("Reading: {FAULT}"), why.to_owned())
            }
        };
        let at = held.map(|Held { open, uid }| InTheWay {
            folder: open.folder,
            uid_validity: open.uid_validity,
            uid,
            why: &why,
        });
        self.give_back(&actor, Ended::Failed(&words, at)).await
    }

    async fn give_back(&self, actor: &Actor, ended: Ended<'_>) -> service::Result<()> {
        let mut t = self.db.tenant(actor).await?;
        t.inboxes().give_back(&self.hand, ended).await?;
        t.commit().await
    }

    /// Leaves the mail that it has in hand in `held`.
    async fn read(&self, actor: &Actor, held: &mut Option<Held>) -> Result<(), End> {
        let mut t = self.db.tenant(actor).await?;
        let source = t.inboxes().source(&self.hand).await?.ok_or(End::NotOurs)?;
        t.commit().await?;
        let server = session::open(post::guard(&self.db), self.tls.clone(), &source.server).await?;
        let reader = Reader::new(&self.db, actor, self.hand, source, held);
        reader.work(server, self.place.is_some(), &self.stop).await
    }
}
