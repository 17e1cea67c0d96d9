//! A reader of the events of one run, who knows the last one that was read: nothing is told twice, and
//! nothing is left out.

use domain::{RunId, runs::RunEvent};
use service::{Actor, Db, Error};

use crate::problem::Result;

/// Events that are read at once; the service gives no more.
const AT_ONCE: usize = 500;

/// Where a reader is.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// The run.
    pub run: RunId,
    after: i32,
    ended: bool,
}

impl Follow {
    /// Reads what comes after the event with the number `after`.
    pub const fn new(run: RunId, after: i32) -> Self {
        Self { run, after, ended: false }
    }

    /// Whether the run has ended and everything was read.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next events; none when there are none yet.
    ///
    /// # Errors
    /// 404 when the company has no such run; 401 when who reads has lost their rights.
    pub async fn read(&mut self, db: &Db, actor: &Actor) -> Result<Vec<RunEvent>> {
        let mut t = db.tenant(actor).await?;
        // Who reads for long may lose their rights meanwhile.
        t.rights_now().await?.ok_or(Error::Unauthenticated)?;
        // The state comes first: the events that are read after the end of a run are all that it has.
        let over = t.runs().get(self.run).await?.state.has_ended();
        let events = t.runs().events(self.run, self.after).await?;
        t.commit().await?;
        self.ended = over && events.len() < AT_ONCE;
        self.after = events.last().map_or(self.after, |last| last.seq);
        Ok(events)
    }
}
