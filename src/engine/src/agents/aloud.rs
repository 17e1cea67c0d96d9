//! What a model says, told while it says it. A few words at a time, so that who watches reads along and the
//! database hardly notices.

use std::{convert::Infallible, time::Duration};

use serde_json::Value;
use service::runs::Pulse;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::models::Heard;

/// How long words are gathered: three times a second is as fast as one reads.
const EVERY: Duration = Duration::from_millis(300);
/// Characters of the longest escape of JSON, two halves of a character outside the first plane.
const LONGEST_ESCAPE: usize = 12;
/// Tools that write something down for people, and the argument that holds its words.
const WRITERS: [(&str, &str); 3] = [("draft_mail", "body"), ("save_content", "body"), ("add_note", "text")];

/// Words on their way to those who watch.
pub(super) struct Words {
    text: String,
    begins: bool,
}

/// The two ends between a model and those who watch.
pub(super) fn channel() -> (Mouth, UnboundedReceiver<Words>) {
    let (say, heard) = unbounded_channel();
    (Mouth { say, begins: true, written: String::new() }, heard)
}

/// The end at the model.
pub(super) struct Mouth {
    say: UnboundedSender<Words>,
    begins: bool,
    /// What the call that comes now has written so far.
    written: String,
}

impl Mouth {
    /// Passes on what is heard. Nobody has to listen.
    pub fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Beginning => self.begins = true,
            Heard::Words("") => {}
            Heard::Words(words) => self.say(words),
            Heard::Call(tool, arguments) => {
                let Some(written) = writes(tool, arguments).filter(|written| *written != self.written) else { return };
                let before = std::mem::replace(&mut self.written, written.clone());
                let new = written.strip_prefix(&before).filter(|_| !before.is_empty());
                self.begins |= new.is_none();
                self.say(new.unwrap_or(&written));
            }
        }
    }

    fn say(&mut self, words: &str) {
        let begins = std::mem::take(&mut self.begins);
        let _ = self.say.send(Words { text: words.to_owned(), begins });
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

/// What a call writes down, as far as its arguments have come: JSON that breaks off, most likely within the words.
fn writes(tool: &str, arguments: &str) -> Option<String> {
    let (_, argument) = WRITERS.iter().find(|(name, _)| *name == tool)?;
    // The end of a string and of its object is missing, and the last escape may be half there.
    let whole = (0..=LONGEST_ESCAPE).find_map(|cut| {
        let begun = arguments.get(..arguments.len().checked_sub(cut)?)?;
        ["", "}", "\"}"].iter().find_map(|end| serde_json::from_str::<Value>(&format!("{begun}{end}")).ok())
    })?;
    Some(whole.get(argument)?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_writes_is_read_while_it_comes() {
        let arguments = r#"{"lead": "1", "body": "Gladly.\n\u201cYes\u201d \ud83d\ude00"}"#;
        let mut written = String::new();
        for end in 0..=arguments.len() {
            let Some(so_far) = writes("draft_mail", &arguments[..end]) else { continue };
            assert!(so_far.starts_with(&written), "{so_far} after {written}");
            written = so_far;
        }
        assert_eq!(written, "Gladly.\n“Yes” 😀");
        assert_eq!(writes("read_lead", arguments), None, "it writes nothing");
        assert_eq!(writes("draft_mail", "no JSON"), None);
    }

    #[test]
    fn only_what_is_new_is_told() {
        let (mut mouth, mut heard) = channel();
        mouth.hear(Heard::Words("I draft it."));
        for arguments in [r#"{"body": "Gla"#, r#"{"body": "Gladly."#, r#"{"body": "Gladly."}"#] {
            mouth.hear(Heard::Call("draft_mail", arguments));
        }
        mouth.hear(Heard::Call("add_note", r#"{"text": "Other"}"#));
        let told: Vec<_> =
            std::iter::from_fn(|| heard.try_recv().ok()).map(|words| (words.text, words.begins)).collect();
        let expected = [("I draft it.", true), ("Gla", true), ("dly.", false), ("Other", true)];
        assert_eq!(told, expected.map(|(words, begins)| (words.to_owned(), begins)));
    }
}
