//! Tells open pages what changed: hints by LISTEN/NOTIFY, never data.

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
    /// Which noun: `campaigns`, `leads`, `imports`, `mailboxes`, `sandbox`; `resync` after a gap.
    pub topic: String,
    /// Which one of them.
    pub id: Option<uuid::Uuid>,
}

/// Spreads the hints of the database to the pages that this process serves.
#[derive(Clone, Debug)]
pub struct Hub {
    options: PgConnectOptions,
    hints: broadcast::Sender<Hint>,
}

impl Hub {
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self { options, hints: broadcast::channel(1024).0 }
    }

    /// Hints from now on, of every company; the caller keeps those of its own.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
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
