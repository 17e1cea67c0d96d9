//! Starts runs by schedules: sleeps until the next one is due, or until one has changed. It may be late and
//! may run in several workers; what a time starts is decided by the row of its schedule.

use std::{sync::Arc, time::Duration};

use service::Db;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The longest sleep: a word of a change may be lost.
const LONGEST: Duration = Duration::from_secs(30);
/// The shortest, for a schedule that another worker holds.
const SHORTEST: Duration = Duration::from_millis(100);

/// Works until `stop` is cancelled.
pub async fn run(db: Db, changed: Arc<Notify>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let next = match service::triggers::fire_due(&db).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "Schedules wait for the database");
                None
            }
        };
        let until = next.and_then(|at| (at - db.clock().now()).to_std().ok());
        let wait = match next {
            Some(_) => until.unwrap_or_default().clamp(SHORTEST, LONGEST),
            None => LONGEST,
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}
