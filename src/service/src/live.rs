//! Tells open pages what changed: hints by LISTEN/NOTIFY, never data.

mod listener;

use std::sync::{Arc, Once};

use domain::CompanyId;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::broadcast;

use crate::{Result, Tenant};

/// The channel of the database that hints travel on.
pub(crate) const CHANNEL: &str = "saleswright_live";

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hint {
    /// Whose.
    #[serde(skip)]
    pub company: Option<CompanyId>,
    /// Which noun: `campaigns`, `leads`, `runs`, ...; `resync` after a gap.
    pub topic: String,
    /// Which one of them.
    pub id: Option<uuid::Uuid>,
}

impl Hint {
    /// “Read everything again”: something may have been missed.
    fn resync() -> Self {
        Self { company: None, topic: "resync".to_owned(), id: None }
    }

    /// Reads `{company}:{topic}:{id}`.
    fn parse(payload: &str) -> Option<Self> {
        let mut parts = payload.splitn(3, ':');
        let company = parts.next()?.parse().ok()?;
        let topic = parts.next()?.to_owned();
        Some(Self { company: Some(company), topic, id: parts.next()?.parse().ok() })
    }

    /// Whether a page of `company` should hear it.
    #[must_use]
    pub fn is_for(&self, company: CompanyId) -> bool {
        self.company.is_none_or(|c| c == company)
    }
}

/// Spreads the hints of the database to the pages that this process serves.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: PgConnectOptions,
    mouths: Mouths,
    listening: Once,
}

/// Where hints are passed on. Nobody listening is fine.
#[derive(Clone, Debug)]
struct Mouths {
    /// At most so often about one object.
    some: broadcast::Sender<Hint>,
    /// All of them.
    all: broadcast::Sender<Hint>,
}

impl Mouths {
    fn say(&self, hint: Hint) {
        let _ = self.some.send(hint);
    }

    fn say_now(&self, hint: &Hint) {
        let _ = self.all.send(hint.clone());
    }
}

impl Hub {
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        let mouths = Mouths { some: broadcast::channel(1024).0, all: broadcast::channel(1024).0 };
        Self(Arc::new(Inner { options, mouths, listening: Once::new() }))
    }

    /// Hints from now on, of every company; the caller keeps those of its own. Of one object there is one at once,
    /// and then at most two in a second: whoever reads everything again at each hint can follow. The first
    /// subscriber opens the connection, so processes without pages need none.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.listen();
        self.0.mouths.some.subscribe()
    }

    /// The same without a pause between hints of one object, for whoever reads no more than what is new.
    #[must_use]
    pub fn subscribe_to_all(&self) -> broadcast::Receiver<Hint> {
        self.listen();
        self.0.mouths.all.subscribe()
    }

    fn listen(&self) {
        self.0.listening.call_once(|| {
            tokio::spawn(listener::run(self.0.options.clone(), self.0.mouths.clone()));
        });
    }
}

impl Tenant {
    /// Tells open pages that something changed, when this transaction commits.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn tell(&mut self, topic: &str, id: impl Into<Option<uuid::Uuid>>) -> Result<()> {
        let id = id.into().map(|id| id.to_string()).unwrap_or_default();
        let hint = format!("{}:{topic}:{id}", self.actor().company());
        sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, hint).execute(self.conn()).await?;
        Ok(())
    }
}
