//! Conversations with agents. An agent remembers of one what fits into a number of tokens, the newest first,
//! and is told when something was left out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AgentId, ConversationId, Problem, RunId,
    runs::{MAX_TASK, RunState},
};

/// Tokens of earlier messages that an agent reads.
pub const REMEMBERED_TOKENS: usize = 6_000;

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conversation {
    /// Id.
    pub id: ConversationId,
    /// The agent that is talked to.
    pub agent_id: AgentId,
    /// Its name.
    pub agent: String,
    /// The beginning of the first message.
    pub title: String,
    /// Who began it.
    pub created_by: String,
    /// Begun.
    pub created_at: DateTime<Utc>,
    /// When the last message came.
    pub updated_at: DateTime<Utc>,
}

/// A message and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Turn {
    /// The run that answers.
    pub run: RunId,
    /// Who wrote.
    pub from: String,
    /// The message.
    pub message: String,
    /// Written.
    pub at: DateTime<Utc>,
    /// The agent that answers.
    pub agent: String,
    /// Where its run stands.
    pub state: RunState,
    /// What it answered.
    pub answer: Option<String>,
    /// Why it did not.
    pub failure: Option<String>,
    /// No language model took part in the answer.
    pub built_in: bool,
    /// When it had answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// What other agents have said to it on the way.
    pub helpers: Vec<Helper>,
}

/// Another agent that part of the work was handed over to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Helper {
    /// Its run.
    pub run: RunId,
    /// Its name.
    pub agent: String,
    /// Where it stands.
    pub state: RunState,
    /// What it answered.
    pub answer: Option<String>,
}

/// A message to an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The words.
    pub message: String,
}

impl NewMessage {
    /// The words, trimmed.
    ///
    /// # Errors
    /// When there are none, or too many.
    pub fn words(&self) -> Result<&str, Problem> {
        let words = self.message.trim();
        if words.is_empty() || words.chars().count() > MAX_TASK {
            return Err(Problem::field("message", "message_invalid", "Write a message of 1 to 10,000 characters."));
        }
        Ok(words)
    }

    /// What the conversation is called that it begins.
    #[must_use]
    pub fn title(&self) -> String {
        let line = self.message.trim().lines().next().unwrap_or_default();
        match line.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", line[..end].trim_end()),
            None => line.to_owned(),
        }
    }
}

/// An earlier message with its answer, as an agent reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// What the person said.
    pub message: String,
    /// What the agent said.
    pub answer: String,
}

/// What an agent remembers of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The newest turns, the oldest of them first.
    pub turns: Vec<Earlier>,
    /// How many older ones were left out.
    pub left_out: usize,
}

impl Remembered {
    /// As many turns as fit into `tokens`, of those that come with the newest first.
    #[must_use]
    pub fn within(tokens: usize, newest_first: Vec<Earlier>) -> Self {
        let all = newest_first.len();
        let mut left = tokens;
        let fits = |said: &Earlier| {
            // Four characters are about a token.
            let size = (said.message.chars().count() + said.answer.chars().count()) / 4 + 1;
            left.checked_sub(size).map(|rest| left = rest).is_some()
        };
        let mut turns: Vec<_> = newest_first.into_iter().take_while(fits).collect();
        turns.reverse();
        Self { left_out: all - turns.len(), turns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> Earlier {
        Earlier { message: message.to_owned(), answer: "x".repeat(40) }
    }

    #[test]
    fn the_newest_turns_are_remembered_in_their_order() {
        let newest_first = vec![said("third"), said("second"), said("first")];
        let words = |tokens| {
            let Remembered { turns, left_out } = Remembered::within(tokens, newest_first.clone());
            (turns.into_iter().map(|said| said.message).collect::<Vec<_>>(), left_out)
        };
        assert_eq!(words(100), (vec!["first".to_owned(), "second".to_owned(), "third".to_owned()], 0));
        assert_eq!(words(30), (vec!["second".to_owned(), "third".to_owned()], 1));
        assert_eq!(words(0), (Vec::new(), 3));
    }

    #[test]
    fn a_message_has_words_and_gives_the_title() {
        let message = |text: &str| NewMessage { message: text.to_owned() };
        assert!(message(" \n ").words().is_err());
        assert!(message(&"x".repeat(MAX_TASK + 1)).words().is_err());
        assert_eq!(message(" Hello\nthere ").words(), Ok("Hello\nthere"));
        assert_eq!(message(" Hello\nthere ").title(), "Hello");
        assert_eq!(message(&"ä".repeat(100)).title().chars().count(), 81);
    }
}
