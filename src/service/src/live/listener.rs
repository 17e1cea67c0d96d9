//! The ear of a process: one LISTEN connection, hints collected per object, gaps made known.

use std::{collections::HashSet, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::broadcast;

use super::{CHANNEL, Hint};

/// Hints about the same object within this time are one.
const COALESCE: Duration = Duration::from_millis(500);
/// The wait before another try to reach the database.
const RETRY: Duration = Duration::from_secs(1);

/// Listens for ever. Whenever it begins to, pages may have missed something and read again.
pub(super) async fn run(options: PgConnectOptions, hints: broadcast::Sender<Hint>) {
    loop {
        match listen(&options).await {
            Ok(mut listener) => {
                // Nobody listening is fine, here and below.
                let _ = hints.send(Hint::resync());
                forward(&mut listener, &hints).await;
            }
            Err(error) => tracing::debug!(%error, "Listening for hints failed"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

async fn listen(options: &PgConnectOptions) -> Result<PgListener, sqlx::Error> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Passes hints on until the connection is lost.
async fn forward(listener: &mut PgListener, hints: &broadcast::Sender<Hint>) {
    loop {
        let mut collected = HashSet::new();
        match listener.try_recv().await {
            Ok(Some(notification)) => collected.extend(Hint::parse(notification.payload())),
            _ => return,
        }
        let until = tokio::time::Instant::now() + COALESCE;
        let mut lost = false;
        while let Ok(next) = tokio::time::timeout_at(until, listener.try_recv()).await {
            match next {
                Ok(Some(notification)) => collected.extend(Hint::parse(notification.payload())),
                _ => {
                    lost = true;
                    break;
                }
            }
        }
        for hint in collected {
            let _ = hints.send(hint);
        }
        if lost {
            return;
        }
    }
}
