//! The ear of a process: one LISTEN connection, hints that pages hear at most so often about one object, gaps made
//! known.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::time::Instant;

use super::{CHANNEL, Hint, Mouths};

/// Pages hear of the same object once in this time, and the first time at once.
const COALESCE: Duration = Duration::from_millis(500);
/// The wait before another try to reach the database.
const RETRY: Duration = Duration::from_secs(1);

/// Listens for ever. Whenever it begins to, pages may have missed something and read again.
pub(super) async fn run(options: PgConnectOptions, mouths: Mouths) {
    loop {
        match listen(&options).await {
            Ok(mut listener) => {
                mouths.say_now(&Hint::resync());
                mouths.say(Hint::resync());
                forward(&mut listener, &mouths).await;
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
async fn forward(listener: &mut PgListener, mouths: &Mouths) {
    let mut quiet = Quiet::default();
    loop {
        let ends = quiet.ends();
        tokio::select! {
            notification = listener.try_recv() => {
                let Ok(Some(notification)) = notification else { break };
                let Some(hint) = Hint::parse(notification.payload()) else { continue };
                mouths.say_now(&hint);
                if quiet.begin(&hint, Instant::now()) {
                    mouths.say(hint);
                }
            }
            () = tokio::time::sleep_until(ends.unwrap_or_else(Instant::now)), if ends.is_some() => {
                if let Some(hint) = quiet.end(Instant::now()) {
                    mouths.say(hint);
                }
            }
        }
    }
    // What was held back when the connection was lost.
    quiet.again.into_iter().filter(|(_, again)| *again).for_each(|(hint, _)| mouths.say(hint));
}

/// Objects about which pages have just heard. They have all the same time, so the first to begin is the first to end.
#[derive(Debug, Default)]
struct Quiet {
    order: VecDeque<(Instant, Hint)>,
    /// Whether there was another hint meanwhile.
    again: HashMap<Hint, bool>,
}

impl Quiet {
    /// A hint that pages are to hear now, unless they have just heard of the same object.
    fn begin(&mut self, hint: &Hint, now: Instant) -> bool {
        if let Some(again) = self.again.get_mut(hint) {
            *again = true;
            return false;
        }
        self.order.push_back((now + COALESCE, hint.clone()));
        self.again.insert(hint.clone(), false);
        true
    }

    /// When the first of them ends.
    fn ends(&self) -> Option<Instant> {
        self.order.front().map(|(ends, _)| *ends)
    }

    /// Ends the first one; its hint, if there was another meanwhile.
    fn end(&mut self, now: Instant) -> Option<Hint> {
        let (_, hint) = self.order.pop_front()?;
        let again = self.again.remove(&hint)?;
        (again && self.begin(&hint, now)).then_some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hear_at_once_and_then_once_in_a_while() {
        let mut quiet = Quiet::default();
        let lead = |n: u128| Hint { company: None, topic: "leads".into(), id: Some(uuid::Uuid::from_u128(n)) };
        let begin = Instant::now();
        assert!(quiet.begin(&lead(1), begin), "the first is heard at once");
        assert!(!quiet.begin(&lead(1), begin) && !quiet.begin(&lead(1), begin));
        assert!(quiet.begin(&lead(2), begin), "another object has nothing to do with it");

        let later = begin + COALESCE;
        assert_eq!(quiet.ends(), Some(later));
        assert_eq!(quiet.end(later), Some(lead(1)), "both others are one");
        assert_eq!(quiet.end(later), None, "nothing more was heard of the second");
        assert_eq!(quiet.ends(), Some(later + COALESCE), "what was heard again is quiet once more");
        assert_eq!(quiet.end(later + COALESCE), None);
        assert_eq!(quiet.ends(), None);
    }
}
