//! The steps of a campaign: an e-mail and the wait before it.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Problem, StepId,
    drafts::{Writer, check_sources},
    template::{self, Part},
    wire::wire_enum,
};

/// The most steps of one campaign.
pub const MAX_STEPS: usize = 20;

wire_enum! {
    /// What a wait is counted in.
    pub enum DelayUnit {
        /// Minutes.
        Minutes = "minutes",
        /// Hours.
        Hours = "hours",
        /// Days of 24 hours.
        Days = "days",
        /// Days on which the sending window opens.
        WorkingDays = "working_days",
    }
}

wire_enum! {
    /// How the e-mails of a step come about.
    pub enum Writing {
        /// The template is filled in.
        Template = "template",
        /// Each one is written for its lead, and somebody approves it.
        Approve = "approve",
        /// Each one is written for its lead; it leaves by itself when every check passes.
        Auto = "auto",
    }
}

impl Writing {
    /// Whether an e-mail needs a draft before it can be sent.
    #[must_use]
    pub const fn needs_draft(self) -> bool {
        matches!(self, Self::Approve | Self::Auto)
    }

    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Template => "Fixed text",
            Self::Approve => "AI writes each, I approve",
            Self::Auto => "AI writes each, sends if all checks pass, else I approve",
        }
    }
}

/// The wait before a step, counted from the e-mail before it; before the first step, from the enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// How many, 0 to 365.
    pub amount: i32,
    /// Of what.
    pub unit: DelayUnit,
}

impl Delay {
    /// No wait.
    pub const NONE: Self = Self { amount: 0, unit: DelayUnit::Days };

    /// The wait as a span of time; working days have none, they depend on the calendar.
    #[must_use]
    pub fn fixed(self) -> Option<Duration> {
        let amount = i64::from(self.amount);
        match self.unit {
            DelayUnit::Minutes => Some(Duration::minutes(amount)),
            DelayUnit::Hours => Some(Duration::hours(amount)),
            DelayUnit::Days => Some(Duration::days(amount)),
            DelayUnit::WorkingDays => None,
        }
    }
}

impl std::fmt::Display for Delay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.amount == 0 {
            return f.write_str("At once");
        }
        let unit = match (self.unit, self.amount) {
            (DelayUnit::Minutes, 1) => "minute",
            (DelayUnit::Minutes, _) => "minutes",
            (DelayUnit::Hours, 1) => "hour",
            (DelayUnit::Hours, _) => "hours",
            (DelayUnit::Days, 1) => "day",
            (DelayUnit::Days, _) => "days",
            (DelayUnit::WorkingDays, 1) => "working day",
            (DelayUnit::WorkingDays, _) => "working days",
        };
        write!(f, "{} {unit}", self.amount)
    }
}

/// An e-mail step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Id.
    pub id: StepId,
    /// Place in the campaign, from 1.
    pub position: i32,
    /// The wait before it.
    pub delay: Delay,
    /// Subject, with variables.
    pub subject: String,
    /// Body as plain text, with variables.
    pub body: String,
    /// How its e-mails come about. Unless they are templates, subject and body are what the built-in writer
    /// fills in, and may be empty.
    pub writing: Writing,
    /// What the writer is told.
    pub instructions: String,
    /// Documents that the writer may quote: collections, or single ones as collection/key.
    pub sources: Vec<String>,
    /// Version for If-Match; grows with every change.
    pub version: i64,
}

/// What can be entered about a step; an absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct StepInput {
    /// The wait before it.
    pub delay: Option<Delay>,
    /// Subject.
    pub subject: Option<String>,
    /// Body.
    pub body: Option<String>,
    /// How its e-mails come about.
    pub writing: Option<Writing>,
    /// What the writer is told, at most 5,000 characters.
    pub instructions: Option<String>,
    /// Documents that the writer may quote, at most 10: collections, or single ones as collection/key.
    pub sources: Option<Vec<String>>,
}

impl StepInput {
    /// Holds what is entered within bounds. An unfinished e-mail may be saved; the launch checks it.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        match self.sources.take().map(check_sources).transpose() {
            Ok(sources) => self.sources = sources,
            Err(problem) => problems.push(problem),
        }
        if self.delay.is_some_and(|d| !(0..=365).contains(&d.amount)) {
            problems.push(Problem::field("delay", "delay_invalid", "Wait 0 to 365."));
        }
        if self.subject.as_ref().is_some_and(|s| s.chars().count() > 250) {
            problems.push(Problem::field("subject", "text_long", "Use at most 250 characters."));
        }
        if self.subject.as_ref().is_some_and(|s| s.contains(['\r', '\n'])) {
            problems.push(Problem::field("subject", "subject_lines", "Write the subject on one line."));
        }
        if self.body.as_ref().is_some_and(|b| b.len() > 100_000) {
            problems.push(Problem::field("body", "text_long", "Use at most 100,000 characters."));
        }
        if self.instructions.as_ref().is_some_and(|text| text.chars().count() > 5_000) {
            problems.push(Problem::field("instructions", "text_long", "Use at most 5,000 characters."));
        }
        if problems.is_empty() { Ok(self) } else { Err(problems) }
    }
}

impl Step {
    /// What keeps this e-mail from being sent.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.writing.needs_draft() {
            if self.instructions.trim().is_empty() {
                let words = "Say what the e-mail is to be about.";
                problems.push(Problem::field("instructions", "instructions_missing", words));
            }
        } else if self.subject.trim().is_empty() {
            problems.push(Problem::field("subject", "subject_missing", "Write a subject."));
        }
        if self.body.trim().is_empty() && !self.writing.needs_draft() {
            problems.push(Problem::field("body", "body_missing", "Write a text."));
        }
        problems.extend(template::mistakes(&self.subject, "subject"));
        problems.extend(template::mistakes(&self.body, "body"));
        problems
    }

    /// Variables that can be empty and have no fallback.
    pub fn variables_without_fallback(&self) -> Vec<String> {
        [&self.subject, &self.body]
            .into_iter()
            .flat_map(|text| template::parts(text))
            .filter_map(|part| match part {
                Part::Fact(variable, None) if !variable.always_known() => Some(variable.to_string()),
                _ => None,
            })
            .collect()
    }

    /// A complete step, for tests and examples.
    #[must_use]
    pub fn example() -> Self {
        Self {
            id: StepId(Uuid::nil()),
            position: 1,
            delay: Delay::NONE,
            subject: "A question about {company|your team}".into(),
            body: "Hi {first_name|there},\n\nwho looks after quality at {company|your company}?".into(),
            writing: Writing::Template,
            instructions: String::new(),
            sources: Vec::new(),
            version: 1,
        }
    }
}

/// A step as a real lead would read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preview {
    /// Subject.
    pub subject: String,
    /// Body as plain text, footer included.
    pub text: String,
    /// Variables without a value and without a fallback.
    pub missing: Vec<String>,
    /// The lead it was written for.
    pub lead_name: String,
    /// Who it would come from.
    pub from: String,
    /// What has written it, when the e-mails of the step are written for each lead: a preview asks no model.
    pub writer: Option<Writer>,
}

wire_enum! {
    /// Where a test mail stands.
    pub enum TestMailState {
        /// Nobody has taken it yet.
        Waiting = "waiting",
        /// On its way; it is never sent again.
        Sending = "sending",
        /// Handed over.
        Sent = "sent",
        /// Refused.
        Failed = "failed",
        /// Nobody knows whether it was handed over.
        Unknown = "unknown",
    }
}

impl TestMailState {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Sending => "Being sent",
            Self::Sent => "Sent",
            Self::Failed => "Refused",
            Self::Unknown => "Unknown",
        }
    }
}

/// A test mail: one step, written for one lead, sent to an address that somebody entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestMail {
    /// Id.
    pub id: Uuid,
    /// Where it went.
    pub recipient: String,
    /// Where it stands.
    pub state: TestMailState,
    /// The words of the server.
    pub detail: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_for_a_writer_needs_instructions_and_no_template() {
        let told = Step {
            writing: Writing::Approve,
            instructions: "Ask who looks after calibration.".into(),
            subject: String::new(),
            body: String::new(),
            ..Step::example()
        };
        assert_eq!(told.problems(), []);
        let codes = |step: &Step| step.problems().into_iter().map(|p| p.code.to_string()).collect::<Vec<_>>();
        assert_eq!(codes(&Step { instructions: " ".into(), ..told.clone() }), ["instructions_missing"]);
        assert_eq!(codes(&Step { writing: Writing::Template, ..told }), ["subject_missing", "body_missing"]);
    }

    #[test]
    fn delays_read_well() {
        for (amount, unit, text) in [
            (0, DelayUnit::Days, "At once"),
            (1, DelayUnit::Hours, "1 hour"),
            (3, DelayUnit::WorkingDays, "3 working days"),
        ] {
            assert_eq!(Delay { amount, unit }.to_string(), text);
        }
    }

    #[test]
    fn an_unfinished_step_may_be_saved_but_has_problems() {
        assert!(StepInput { subject: Some(String::new()), ..StepInput::default() }.check().is_ok());
        let step = Step { subject: " ".into(), body: String::new(), ..Step::example() };
        assert_eq!(step.problems().len(), 2);
    }

    #[test]
    fn a_subject_cannot_smuggle_a_header() {
        let input = StepInput { subject: Some("Hi\r\nBcc: x@example.com".into()), ..StepInput::default() };
        assert_eq!(input.check().expect_err("two lines")[0].code, "subject_lines");
    }
}
