//! Drafts of e-mails to a lead. A draft is never sent by itself: a person takes its words, or dismisses it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{DraftId, LeadId, Problem, Refusal, RunId, companies::check_name, problem::Problems, wire::wire_enum};

/// The most characters of a subject.
pub const MAX_SUBJECT: usize = 200;
/// The most characters of the text.
pub const MAX_BODY: usize = 20_000;

wire_enum! {
    /// What became of a draft.
    pub enum DraftState {
        /// Nobody has decided yet.
        Open = "open",
        /// Somebody took its words.
        Used = "used",
        /// Nobody wants it.
        Dismissed = "dismissed",
    }
}

impl DraftState {
    /// Goes on when a draft in this state may be changed.
    ///
    /// # Errors
    /// A refusal for a draft that was decided about.
    pub fn require_open(self) -> Result<(), Refusal> {
        let message = match self {
            Self::Open => return Ok(()),
            Self::Used => "This draft was used already. Write a new one.",
            Self::Dismissed => "This draft was dismissed. Write a new one.",
        };
        Err(Refusal::new("draft_decided", message, &[]))
    }
}

/// A draft of an e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Draft {
    /// Id.
    pub id: DraftId,
    /// Whom it is to.
    pub lead: LeadId,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// What became of it.
    pub state: DraftState,
    /// Name of the agent that wrote it.
    pub agent: Option<String>,
    /// The run in which it was written.
    pub run: Option<RunId>,
    /// Who wrote it.
    pub author: String,
    /// Version for If-Match; grows with every change.
    pub version: i32,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When somebody used or dismissed it.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who.
    pub decided_by: Option<String>,
}

/// What can be entered in a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct DraftInput {
    /// Subject, 1 to 200 characters.
    pub subject: String,
    /// Plain text, 1 to 20,000 characters.
    pub body: String,
}

/// What was entered in a draft that exists, to change some of it.
impl From<Draft> for DraftInput {
    fn from(draft: Draft) -> Self {
        Self { subject: draft.subject, body: draft.body }
    }
}

impl DraftInput {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        let subject = check_name(&self.subject, MAX_SUBJECT)
            .map_err(|_| Problem::new("subject_invalid", "Enter a subject of 1 to 200 characters, on one line."));
        let subject = problems.check("subject", subject).unwrap_or_default();
        let body = self.body.replace("\r\n", "\n").trim().to_owned();
        if body.is_empty() || body.chars().count() > MAX_BODY {
            problems.push(Problem::field("body", "body_invalid", "Write a text of 1 to 20,000 characters."));
        }
        problems.finish()?;
        Ok(Self { subject, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_has_a_subject_and_a_text() {
        let fields = |input: DraftInput| -> Vec<String> {
            let problems = input.check().expect_err("it is wrong");
            problems.into_iter().filter_map(|p| p.field).map(String::from).collect()
        };
        assert_eq!(fields(DraftInput::default()), ["subject", "body"]);
        let long = DraftInput { subject: "Two\nlines".to_owned(), body: "a".repeat(MAX_BODY + 1) };
        assert_eq!(fields(long), ["subject", "body"]);
    }

    #[test]
    fn only_an_open_draft_is_changed() {
        let changed: Vec<_> = DraftState::ALL.iter().filter(|state| state.require_open().is_ok()).collect();
        assert_eq!(changed, [&DraftState::Open]);
    }
}
