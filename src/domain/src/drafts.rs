//! Drafts of e-mails to a lead. A person takes the words of a draft or dismisses it; one that was written for a
//! campaign is what its e-mail says, once it is approved.

mod built_in;
mod checks;
mod claims;
mod decisions;
mod facts;
mod samples;
mod sources;
mod tone;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    CampaignId, DraftId, EnrolmentId, LeadId, Problem, Refusal, RunId, companies::check_name, problem::Problems,
    steps::Writing, wire::wire_enum,
};

pub use built_in::{TEMPLATE, write as write_built_in};
pub use checks::{DraftCheck, hints, judge, passes, require_approvable};
pub use decisions::{HELD, Holder, Rejection, Rewrite, RewriteReason, UNDO, check_reason};
pub use facts::{Fact, FactSource, Quoted, Sentence, ground, join};
pub use samples::{SAMPLES, Sample};
pub use sources::{MAX_SOURCES, Source, check_sources};

/// From this age on the facts of a draft are held against the lead once more before it is sent.
pub const STALE_AFTER: Duration = Duration::days(5);
/// The prompt that comes with the product; a company may write versions of its own.
pub const PROMPT: &str = "Write one short e-mail from the sender to the lead, as the instructions of the step ask. Use \
plain words and at most 120 words. Say nothing about the lead, their company or ours that no fact says. Do not \
flatter, do not press, and end with one question that is easy to answer. Notes are internal: never quote them.";

/// The most characters of a subject.
pub const MAX_SUBJECT: usize = 200;
/// The most characters of the text.
pub const MAX_BODY: usize = 20_000;

wire_enum! {
    /// What became of a draft.
    pub enum DraftState {
        /// Nobody has decided yet.
        Open = "open",
        /// Somebody took its words, or its e-mail was sent.
        Used = "used",
        /// Nobody wants it.
        Dismissed = "dismissed",
        /// Its e-mail may be sent.
        Approved = "approved",
        /// A person did not want it: its e-mail is skipped, or its lead leaves the campaign.
        Rejected = "rejected",
        /// Another one was asked for in its place.
        Replaced = "replaced",
        /// Its e-mail will not be sent: its lead has left the campaign.
        Withdrawn = "withdrawn",
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
            Self::Approved => "This draft was approved already.",
            Self::Rejected => "This draft was rejected already.",
            Self::Replaced => "Another draft was asked for in its place.",
            Self::Withdrawn => "This draft is not needed any more: its lead has left the campaign.",
        };
        Err(Refusal::new("draft_decided", message, &[]))
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "Waits for you",
            Self::Used => "Used",
            Self::Dismissed => "Dismissed",
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::Replaced => "Rewritten",
            Self::Withdrawn => "Withdrawn",
        }
    }
}

wire_enum! {
    /// What wrote a draft.
    pub enum Writer {
        /// A language model.
        Model = "model",
        /// The built-in writer, which needs no model.
        BuiltIn = "built_in",
    }
}

/// What an e-mail of a campaign was written with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Origin {
    /// What wrote it.
    pub writer: Writer,
    /// Version of the prompt; 0 is the one that comes with the product.
    pub prompt_version: i32,
    /// Name of the model at its provider.
    pub model: Option<String>,
    /// Tokens that were sent.
    pub tokens_in: i64,
    /// Tokens that were answered.
    pub tokens_out: i64,
    /// Cost in millionths of a US dollar.
    pub cost_micros: i64,
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
    /// The lead's place in a campaign, when it is an e-mail of one.
    pub enrolment: Option<EnrolmentId>,
    /// Which try it is at the same e-mail, from 1.
    pub revision: i32,
    /// The text in sentences, each with the facts that it rests on.
    pub sentences: Vec<Sentence>,
    /// What was known when it was written.
    pub facts: Vec<Fact>,
    /// What it was judged by.
    pub checks: Vec<DraftCheck>,
    /// Whether no check stands against it.
    pub passes: bool,
    /// What it was written with; absent when a person or a run wrote it.
    pub origin: Option<Origin>,
    /// What the writer wrote, when a person has changed it.
    pub original: Option<DraftInput>,
    /// Who has changed it last.
    pub edited_by: Option<String>,
    /// Why it is in the queue again, or is what it is.
    pub notice: Option<String>,
    /// Why it was rejected, or another one was asked for.
    pub reason: Option<String>,
    /// What follows from its rejection.
    pub rejection: Option<Rejection>,
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
    /// When somebody decided about it.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who.
    pub decided_by: Option<String>,
}

/// A draft in the queue for approval, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueuedDraft {
    /// The draft.
    pub draft: Draft,
    /// Name of the lead.
    pub lead_name: String,
    /// Where the e-mail goes.
    pub email: Option<String>,
    /// The firm that the lead works for.
    pub account: Option<String>,
    /// Score of the lead.
    pub score: i32,
    /// The campaign.
    pub campaign: CampaignId,
    /// Its name.
    pub campaign_name: String,
    /// Place of the step, from 1.
    pub step: i32,
    /// How the step is written.
    pub writing: Writing,
    /// The address that it leaves from.
    pub mailbox: String,
    /// When it leaves, at the earliest.
    pub due_at: DateTime<Utc>,
    /// It is so old that its facts are held against the lead once more.
    pub stale: bool,
    /// Who else has it open: until then only they decide about it.
    pub holder: Option<Holder>,
}

/// The queue as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueCount {
    /// Drafts that wait.
    pub waiting: i64,
    /// Of these: no check stands against them, and their facts are fresh.
    pub passing: i64,
    /// When the oldest was written.
    pub oldest_at: Option<DateTime<Utc>>,
}

/// Which drafts of the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueueFilter {
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// Those that pass every check, or those that do not.
    pub passes: Option<bool>,
    /// Written by a model, or by the built-in writer.
    pub writer: Option<Writer>,
    /// Only those that are older than five days.
    pub stale: bool,
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
    fn every_decision_has_its_words() {
        let words: Vec<_> = DraftState::ALL.iter().map(|s| s.require_open().map_err(|r| r.message)).collect();
        let distinct: std::collections::BTreeSet<_> = words.iter().flat_map(|w| w.as_ref().err()).collect();
        assert_eq!(distinct.len(), DraftState::ALL.len() - 1);
    }

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
