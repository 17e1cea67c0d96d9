//! The books of one company: what its lanes write down before and after each hand-over. Whoever comes while something is
//! being written is written down with the others in the next transaction, so many lanes cost few of them; whoever comes
//! alone waits for nobody.

use std::{sync::Arc, time::Duration};

use domain::messages::SendOutcome;
use futures::future::join_all;
use service::{
    Actor, Db, Error, Result,
    messages::{Claimed, Ready, Taken},
};
use tokio::sync::{mpsc, oneshot};

/// The wait after the database did not answer.
pub(super) const AWAY: Duration = Duration::from_secs(2);
/// How often a database that is away is asked again: for two minutes.
pub(super) const TRIES: usize = 60;
/// Pages that wait to be written; the next lane waits for room.
const WAITING: usize = 64;

/// An e-mail as it will be handed over.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) claimed: Arc<Claimed>,
    pub(super) subject: String,
    pub(super) mime: Vec<u8>,
    /// Whom it will be handed over to, as `host:port`.
    pub(super) server: Arc<str>,
    /// Where its links lead, unless it was frozen by an earlier try.
    pub(super) links: Option<Vec<String>>,
}

/// An e-mail that the server has taken.
#[derive(Debug)]
struct Delivered {
    claimed: Arc<Claimed>,
    reply: String,
    queue_id: Option<String>,
}

/// What one lane brings: an e-mail that was taken, one that is ready, or both.
#[derive(Debug)]
struct Page {
    actor: Actor,
    done: Option<Delivered>,
    next: Option<Arc<Letter>>,
    /// Whether the one that is ready may leave.
    answer: oneshot::Sender<Result<bool>>,
}

/// Where lanes of a company write.
#[derive(Clone, Debug)]
pub(super) struct Books(mpsc::Sender<Page>);

impl Books {
    /// Books that are kept until nobody writes into them any more.
    pub(super) fn open(db: &Db) -> Self {
        let (books, pages) = mpsc::channel(WAITING);
        tokio::spawn(keep(db.clone(), pages));
        Self(books)
    }

    /// The same books, as long as somebody else writes into them.
    pub(super) fn downgrade(&self) -> WeakBooks {
        WeakBooks(self.0.downgrade())
    }

    /// For one lane.
    pub(super) fn pen(self, actor: Actor) -> Pen {
        Pen { books: self, actor, done: None }
    }
}

/// Books that may have been closed.
#[derive(Debug)]
pub(super) struct WeakBooks(mpsc::WeakSender<Page>);

impl WeakBooks {
    pub(super) fn upgrade(&self) -> Option<Books> {
        self.0.upgrade().map(Books)
    }
}

/// What one lane writes with. An e-mail that was taken is written down together with the next one that is ready, which
/// is at hand already; before the lane waits for anything else, it calls [`Pen::rest`].
#[derive(Debug)]
pub(super) struct Pen {
    books: Books,
    actor: Actor,
    done: Option<Delivered>,
}

impl Pen {
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The server has taken an e-mail.
    pub(super) fn taken(&mut self, claimed: Arc<Claimed>, reply: String, queue_id: Option<String>) {
        self.done = Some(Delivered { claimed, reply, queue_id });
    }

    /// Whether an e-mail may leave. It is marked `sending`, and that is committed, when this says so.
    pub(super) async fn begin(&mut self, next: Arc<Letter>) -> Result<bool> {
        self.write(Some(next)).await
    }

    /// Writes down what was taken, if something was.
    pub(super) async fn rest(&mut self) -> Result<()> {
        if self.done.is_some() {
            self.write(None).await?;
        }
        Ok(())
    }

    async fn write(&mut self, next: Option<Arc<Letter>>) -> Result<bool> {
        let (answer, answered) = oneshot::channel();
        let page = Page { actor: self.actor.clone(), done: self.done.take(), next, answer };
        // The books end with their last pen, and this is one.
        self.books.0.send(page).await.expect("the books are open");
        answered.await.expect("each page is answered")
    }
}

async fn keep(db: Db, mut pages: mpsc::Receiver<Page>) {
    let mut some = Vec::new();
    while pages.recv_many(&mut some, WAITING).await > 0 {
        write(&db, std::mem::take(&mut some)).await;
    }
}

/// Writes down what lanes have brought: together, or each for itself when that does not go.
async fn write(db: &Db, mut pages: Vec<Page>) {
    // Nobody would hand over the e-mail of a lane that is gone.
    for page in pages.iter_mut().filter(|page| page.answer.is_closed()) {
        page.next = None;
    }
    if let [page] = &pages[..]
        && page.done.is_none()
    {
        alone(db, pages.remove(0)).await;
        return;
    }
    match together(db, &pages).await {
        Ok(begun) => {
            for (page, begun) in pages.into_iter().zip(begun) {
                let _ = page.answer.send(Ok(begun));
            }
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "E-mails are written down one by one");
            join_all(pages.into_iter().map(|page| alone(db, page))).await;
        }
    }
}

async fn together(db: &Db, pages: &[Page]) -> Result<Vec<bool>> {
    let Some(newest) = pages.last() else { return Ok(Vec::new()) };
    let taken: Vec<_> = pages.iter().filter_map(|page| page.done.as_ref()).map(Delivered::as_taken).collect();
    let ready: Vec<_> = pages.iter().filter_map(|page| page.next.as_deref()).map(Letter::as_ready).collect();
    let mut t = db.tenant(&newest.actor).await?;
    let begun = t.messages().keep(&taken, &ready).await?;
    t.commit().await?;
    let mut begun = begun.into_iter();
    Ok(pages.iter().map(|page| page.next.is_some() && begun.next().unwrap_or(false)).collect())
}

/// One page for itself: what was taken is tried again and again, what is ready once.
async fn alone(db: &Db, page: Page) {
    let Page { actor, done, next, answer } = page;
    let kept = async {
        if let Some(done) = &done {
            record(db, &actor, &done.claimed, &done.outcome()).await?;
        }
        let Some(next) = next else { return Ok(false) };
        let mut t = db.tenant(&actor).await?;
        let begun = t.messages().begin(&[next.as_ready()]).await?;
        t.commit().await?;
        Ok(begun == [true])
    };
    let _ = answer.send(kept.await);
}

/// Keeps trying to record an outcome: the e-mail has left, and only this worker knows what was said.
/// A database that is away gets two minutes; a deadlock, say, two more tries.
pub(super) async fn record(db: &Db, actor: &Actor, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
    let mut tries = 0;
    loop {
        let Err(error) = record_once(db, actor, claimed, outcome).await else { return Ok(()) };
        tries += 1;
        if tries > if matches!(error, Error::Unavailable) { TRIES } else { 2 } {
            return Err(error);
        }
        tokio::time::sleep(AWAY).await;
    }
}

async fn record_once(db: &Db, actor: &Actor, claimed: &Claimed, outcome: &SendOutcome) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    t.messages().record(claimed.id, claimed.token, outcome).await?;
    t.commit().await
}

impl Letter {
    fn as_ready(&self) -> Ready<'_> {
        let Self { claimed, subject, mime, server, links } = self;
        Ready { claimed, subject, mime, server, links: links.as_deref() }
    }
}

impl Delivered {
    fn as_taken(&self) -> Taken<'_> {
        Taken { claimed: &self.claimed, reply: &self.reply, queue_id: self.queue_id.as_deref() }
    }

    fn outcome(&self) -> SendOutcome {
        SendOutcome::Accepted { reply: self.reply.clone(), queue_id: self.queue_id.clone() }
    }
}

#[cfg(test)]
mod tests;
