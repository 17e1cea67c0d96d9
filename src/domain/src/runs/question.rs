//! What a run waits for besides approvals: the words of a person, the answer of a system, a time, and the end of
//! another run. A wait has an end of its own, so that no run waits for ever.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Problem, RunId, runs::RunState};

/// Most characters of a person's answer.
pub const MAX_ANSWER: usize = 5_000;
/// The longest that a run sleeps: a week.
pub const MAX_WAIT_MINUTES: i64 = 7 * 24 * 60;

/// How long a system may take that answers later.
pub const ANSWER_HOURS: i64 = 24;

/// A question to people, as an agent asks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WaitForPerson {
    /// What it wants to know.
    pub question: String,
    /// The answers to choose from; any words when there are none.
    #[serde(default)]
    pub choices: Vec<String>,
}

impl WaitForPerson {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(self) -> Result<Self, Problem> {
        let question = self.question.trim().to_owned();
        let choices: Vec<_> = self.choices.iter().map(|choice| choice.trim().to_owned()).collect();
        let fits = |text: &String, most: usize| !text.is_empty() && text.chars().count() <= most;
        if !fits(&question, 2_000) {
            let message = "Ask a question of 1 to 2,000 characters.";
            return Err(Problem::field("question", "question_invalid", message));
        }
        if choices.len() > 10 || choices.len() == 1 || !choices.iter().all(|choice| fits(choice, 200)) {
            let message = "Give two to ten choices of at most 200 characters, or none.";
            return Err(Problem::field("choices", "choices_invalid", message));
        }
        Ok(Self { question, choices })
    }
}

/// A time to wait, as an agent asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitForTime {
    /// Minutes, 1 to 10,080.
    pub minutes: i64,
}

impl WaitForTime {
    /// The same, checked.
    ///
    /// # Errors
    /// When it is nothing, or longer than a week.
    pub fn check(self) -> Result<Self, Problem> {
        if (1..=MAX_WAIT_MINUTES).contains(&self.minutes) {
            return Ok(self);
        }
        Err(Problem::field("minutes", "minutes_invalid", "Wait for 1 to 10,080 minutes, which is a week."))
    }
}

/// A question that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    /// Number of the step that asks.
    pub step: i32,
    /// What the agent wants to know.
    pub question: String,
    /// The answers to choose from; any words when there are none.
    pub choices: Vec<String>,
    /// Until then; afterwards the agent goes on without an answer.
    pub expires_at: DateTime<Utc>,
}

/// What a person answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PersonAnswer {
    /// Number of the step that asked, so that an answer never meets another question.
    pub step: i32,
    /// The answer.
    pub answer: String,
}

impl PersonAnswer {
    /// The words, trimmed, if they answer the question.
    ///
    /// # Errors
    /// When they are empty, too long, or none of the choices.
    pub fn words(&self, asked: &WaitForPerson) -> Result<String, Problem> {
        let words = self.answer.trim();
        let wrong = |message: &str| Err(Problem::field("answer", "answer_invalid", message.to_owned()));
        if words.is_empty() || words.chars().count() > MAX_ANSWER {
            return wrong("Write an answer of 1 to 5,000 characters.");
        }
        if !asked.choices.is_empty() && !asked.choices.iter().any(|choice| choice == words) {
            return wrong("Choose one of the answers.");
        }
        Ok(words.to_owned())
    }
}

/// An answer that a run waits for, of a system that it has called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Awaited {
    /// Number of the step that has called it.
    pub step: i32,
    /// The host that was called.
    pub host: String,
    /// When the call was made.
    pub since: DateTime<Utc>,
    /// Until then; afterwards the agent goes on without an answer.
    pub expires_at: DateTime<Utc>,
}

/// A run that another one has handed work over to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChildRun {
    /// Id.
    pub id: RunId,
    /// Name of its agent.
    pub agent: String,
    /// Where it stands.
    pub state: RunState,
    /// The key of the step that waits for it.
    pub step: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(choices: &[&str]) -> WaitForPerson {
        let choices = choices.iter().map(|&choice| choice.to_owned()).collect();
        WaitForPerson { question: " Which one? ".into(), choices }
    }

    #[test]
    fn a_question_is_one_and_offers_a_choice_or_none() {
        assert_eq!(asked(&[]).check().expect("a question").question, "Which one?");
        assert!(asked(&["a", "b"]).check().is_ok());
        assert!(asked(&["a"]).check().is_err(), "one is no choice");
        assert!(asked(&["a", " "]).check().is_err());
        assert!(WaitForPerson { question: "  ".into(), choices: Vec::new() }.check().is_err());
    }

    #[test]
    fn an_answer_is_one_of_the_choices_where_there_are_some() {
        let answer = |words: &str, asked: &WaitForPerson| {
            PersonAnswer { step: 1, answer: words.into() }.words(asked).map_err(|problem| problem.field)
        };
        assert_eq!(answer(" Both. ", &asked(&[])), Ok("Both.".to_owned()));
        assert_eq!(answer("b", &asked(&["a", "b"])), Ok("b".to_owned()));
        assert!(answer("c", &asked(&["a", "b"])).is_err());
        assert!(answer(" ", &asked(&[])).is_err());
        assert!(answer(&"x".repeat(MAX_ANSWER + 1), &asked(&[])).is_err());
    }

    #[test]
    fn nobody_waits_longer_than_a_week() {
        assert!(WaitForTime { minutes: MAX_WAIT_MINUTES }.check().is_ok());
        assert!(WaitForTime { minutes: MAX_WAIT_MINUTES + 1 }.check().is_err());
        assert!(WaitForTime { minutes: 0 }.check().is_err());
    }
}
