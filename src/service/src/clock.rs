//! The one place that reads the time and makes ids, so that tests can stand still.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

/// Tells the time and makes ids.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<Mutex<DateTime<Utc>>>>);

impl Clock {
    /// The clock of the machine.
    #[must_use]
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `at` until it is moved.
    #[must_use]
    pub fn standing(at: DateTime<Utc>) -> Self {
        Self(Some(Arc::new(Mutex::new(at))))
    }

    /// Now, to the microsecond that the database keeps.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let now = match &self.0 {
            Some(standing) => *standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            None => Utc::now(),
        };
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }

    /// Moves a standing clock forward; a running one does not listen.
    pub fn advance(&self, by: Duration) {
        if let Some(standing) = &self.0 {
            *standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
        }
    }

    /// A new id (UUID version 7, so that ids sort by age).
    #[must_use]
    pub fn new_id<T: From<Uuid>>(&self) -> T {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        let id = Uuid::now_v7();
        id.into()
    }
}
