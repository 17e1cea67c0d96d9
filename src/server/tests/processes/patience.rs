//! How long a test waits for what must happen.

use std::time::Duration;

/// Longer than anything takes that nobody waits for on purpose: a worker looks once a minute.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Comes back once it is `done`.
///
/// # Panics
/// When it does not happen in time.
pub async fn until(what: &str, done: impl AsyncFn() -> bool) {
    until_within(PATIENCE, what, done).await;
}

/// The same, for what may take longer.
///
/// # Panics
/// When it does not happen in time.
pub async fn until_within(patience: Duration, what: &str, done: impl AsyncFn() -> bool) {
    let reached = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(patience, reached).await.is_ok(), "within {patience:?}: {what}");
}
