//! What a model says, told while it says it. A few words at a time, so that who watches reads along and the
//! database hardly notices.

use std::{convert::Infallible, time::Duration};

use service::runs::Pulse;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::models::Heard;

/// How long words are gathered: three times a second is as fast as one reads.
const EVERY: Duration = Duration::from_millis(300);

/// Words on their way to those who watch.
pub(super) struct Words {
    text: String,
    begins: bool,
}

/// The two ends between a model and those who watch.
pub(super) fn channel() -> (Mouth, UnboundedReceiver<Words>) {
    let (say, heard) = unbounded_channel();
    (Mouth { say, begins: true }, heard)
}

/// The end at the model.
pub(super) struct Mouth {
    say: UnboundedSender<Words>,
    begins: bool,
}

impl Mouth {
    /// Passes on what is heard. Nobody has to listen.
    pub fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Beginning => self.begins = true,
            Heard::Words("") => {}
            Heard::Words(words) => {
                let begins = std::mem::take(&mut self.begins);
                let _ = self.say.send(Words { text: words.to_owned(), begins });
            }
        }
    }
}

/// Tells the words of a step until nobody waits for them any more. Words that can't be told are no loss: the
/// whole answer is written down at its end.
pub(super) async fn tell(pulse: &Pulse, step: i32, mut heard: UnboundedReceiver<Words>) -> Infallible {
    while let Some(mut words) = heard.recv().await {
        tokio::time::sleep(EVERY).await;
        while let Ok(more) = heard.try_recv() {
            if more.begins {
                words = more;
            } else {
                words.text.push_str(&more.text);
            }
        }
        if let Err(error) = pulse.tell(step, &words.text, words.begins).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "The words of a model could not be told");
        }
    }
    std::future::pending().await
}
