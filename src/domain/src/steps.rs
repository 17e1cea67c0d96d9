//! The steps of a campaign: what is done to a lead, and the wait before it.

mod email;
mod gaps;
mod input;
mod mails;
mod sequence;
mod versions;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Problem, StepId, UserId, leads::LeadFilter, wire::wire_enum, words::sentence};

pub use email::{Email, MAX_VARIANTS, MIN_SENDS, Thread, Variant, WinBy, WinnerRule, Writing, letter};
pub use gaps::Gap;
pub use input::{Place, StepInput};
pub use mails::{Preview, TestMail, TestMailState};
pub use sequence::{MAX_DEPTH, MAX_STEPS, Sequence};
pub use versions::{SequenceVersion, StepChange, difference};

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

/// The wait before a step, counted from the end of the step before it; before the first step, from the enrolment.
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

    /// Whether there is nothing to wait for.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.amount == 0
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

wire_enum! {
    /// What a step does.
    pub enum StepKind {
        /// Sends an e-mail.
        Email = "email",
        /// Only waits.
        Wait = "wait",
        /// Goes one of two ways, by what is true now.
        Condition = "condition",
        /// Waits until something is true; goes the other way when it is not in time.
        WaitFor = "wait_for",
        /// Gives a person something to do.
        Task = "task",
        /// Starts an agent.
        Agent = "agent",
        /// Tells another system.
        Webhook = "webhook",
        /// Ends the sequence for the lead.
        End = "end",
    }
}

impl StepKind {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Wait => "Wait",
            Self::Condition => "Condition",
            Self::WaitFor => "Wait for an event",
            Self::Task => "Task for a person",
            Self::Agent => "Agent",
            Self::Webhook => "Webhook",
            Self::End => "End",
        }
    }

    /// Whether two ways lead on from it.
    #[must_use]
    pub const fn branches(self) -> bool {
        matches!(self, Self::Condition | Self::WaitFor)
    }
}

wire_enum! {
    /// The two ways that lead on from a condition.
    pub enum Answer {
        /// It holds.
        Yes = "yes",
        /// It does not.
        No = "no",
    }
}

impl Answer {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Yes => "Yes",
            Self::No => "No",
        }
    }
}

/// One of the ways that lead on from a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// The condition.
    pub of: StepId,
    /// Which way.
    pub when: Answer,
}

/// What a condition asks. Opens and clicks are those of people, never those of programs that look at mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "asks", rename_all = "snake_case")]
pub enum Test {
    /// The person has opened an e-mail of this campaign.
    Opened {
        /// Which; any when absent.
        #[serde(default)]
        step: Option<StepId>,
    },
    /// The person has opened a link of an e-mail of this campaign.
    Clicked {
        /// Of which; of any when absent.
        #[serde(default)]
        step: Option<StepId>,
    },
    /// The person has answered. Only for campaigns that go on after an answer.
    Replied,
    /// The lead matches, by its fields or its score.
    Lead {
        /// What it has to be like.
        filter: Box<LeadFilter>,
    },
}

impl Test {
    /// The step whose e-mail it asks about.
    #[must_use]
    pub const fn step(&self) -> Option<StepId> {
        match self {
            Self::Opened { step } | Self::Clicked { step } => *step,
            Self::Replied | Self::Lead { .. } => None,
        }
    }

    /// The question in words.
    #[must_use]
    pub fn words(&self, sequence: &Sequence) -> String {
        let mail = |step: Option<StepId>| match step.and_then(|id| sequence.get(id)) {
            Some(step) => format!("the e-mail of step {}", step.position),
            None => "any e-mail".to_owned(),
        };
        match self {
            Self::Opened { step } => format!("Opened {}?", mail(*step)),
            Self::Clicked { step } => format!("Clicked a link in {}?", mail(*step)),
            Self::Replied => "Replied?".to_owned(),
            Self::Lead { filter } => format!("{}?", sentence(&filter.words())),
        }
    }
}

/// What a step does, with what it needs for that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Sends an e-mail.
    Email(Email),
    /// Only waits.
    Wait,
    /// Goes one of two ways, by what is true now.
    Condition {
        /// What it asks.
        test: Test,
    },
    /// Waits until something is true.
    WaitFor {
        /// For what.
        test: Test,
        /// For how long; then it goes the way of no.
        timeout: Delay,
    },
    /// Gives a person something to do.
    Task {
        /// What, with variables.
        title: String,
        /// More about it, with variables.
        details: String,
        /// Who; the owner of the lead when absent, and anybody when it has none.
        assignee: Option<UserId>,
        /// Days until it is due.
        due_in_days: i32,
        /// Whether the sequence goes on only when it is done.
        wait: bool,
    },
    /// Starts an agent with the lead.
    Agent {
        /// Its name.
        agent: String,
        /// What it is to do, with variables.
        task: String,
        /// Whether the sequence goes on only when its run has ended.
        wait: bool,
    },
    /// Tells the webhook of the company about the lead.
    Webhook {
        /// What the event is called there.
        event: String,
    },
    /// Ends the sequence.
    End,
}

impl Action {
    /// An action of this kind with nothing entered yet.
    #[must_use]
    pub fn empty(kind: StepKind) -> Self {
        match kind {
            StepKind::Email => Self::Email(Email::default()),
            StepKind::Wait => Self::Wait,
            StepKind::Condition => Self::Condition { test: Test::Clicked { step: None } },
            StepKind::WaitFor => Self::WaitFor {
                test: Test::Clicked { step: None },
                timeout: Delay { amount: 3, unit: DelayUnit::WorkingDays },
            },
            StepKind::Task => {
                Self::Task { title: String::new(), details: String::new(), assignee: None, due_in_days: 1, wait: true }
            }
            StepKind::Agent => Self::Agent { agent: String::new(), task: String::new(), wait: true },
            StepKind::Webhook => Self::Webhook { event: String::new() },
            StepKind::End => Self::End,
        }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        match self {
            Self::Email(_) => StepKind::Email,
            Self::Wait => StepKind::Wait,
            Self::Condition { .. } => StepKind::Condition,
            Self::WaitFor { .. } => StepKind::WaitFor,
            Self::Task { .. } => StepKind::Task,
            Self::Agent { .. } => StepKind::Agent,
            Self::Webhook { .. } => StepKind::Webhook,
            Self::End => StepKind::End,
        }
    }

    /// What it asks, of a condition.
    #[must_use]
    pub const fn test(&self) -> Option<&Test> {
        match self {
            Self::Condition { test } | Self::WaitFor { test, .. } => Some(test),
            _ => None,
        }
    }
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Id; the same in every version of the sequence.
    pub id: StepId,
    /// Place in reading order, from 1.
    pub position: i32,
    /// The branch in which it stands; absent on the main line.
    pub branch: Option<Branch>,
    /// The wait before it.
    pub delay: Delay,
    /// Version for If-Match; grows with every change.
    pub version: i64,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
}

impl Step {
    /// Its e-mail, if it is one.
    #[must_use]
    pub const fn email(&self) -> Option<&Email> {
        match &self.action {
            Action::Email(email) => Some(email),
            _ => None,
        }
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> StepKind {
        self.action.kind()
    }

    /// What people call it: the subject, the title, the question.
    #[must_use]
    pub fn name(&self, sequence: &Sequence) -> String {
        let or = |text: &str, empty: &str| if text.trim().is_empty() { empty.to_owned() } else { text.to_owned() };
        match &self.action {
            Action::Email(Email { thread: Thread::Reply, subject, .. }) => or(subject, "Answer in the thread"),
            Action::Email(email) => or(&email.subject, "No subject yet"),
            Action::Wait => format!("Wait {}", self.delay),
            Action::Condition { test } | Action::WaitFor { test, .. } => test.words(sequence),
            Action::Task { title, .. } => or(title, "No title yet"),
            Action::Agent { agent, .. } => or(agent, "No agent yet"),
            Action::Webhook { event } => or(event, "No name yet"),
            Action::End => "The sequence ends here".to_owned(),
        }
    }

    /// What keeps this step from being done.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        match &self.action {
            Action::Email(email) => email.problems(),
            Action::Wait if self.delay.is_none() => {
                vec![Problem::field("delay", "delay_missing", "Say how long to wait.")]
            }
            Action::Condition { test: Test::Lead { filter } } | Action::WaitFor { test: Test::Lead { filter }, .. }
                if filter.is_empty() =>
            {
                vec![Problem::field("test", "test_empty", "Say what the lead has to be like.")]
            }
            Action::Task { title, .. } if title.trim().is_empty() => {
                vec![Problem::field("title", "title_missing", "Say what is to be done.")]
            }
            Action::Agent { agent, .. } if agent.is_empty() => {
                vec![Problem::field("agent", "agent_missing", "Choose an agent.")]
            }
            Action::Webhook { event } if event.is_empty() => {
                vec![Problem::field("event", "event_missing", "Say what the event is called.")]
            }
            _ => Vec::new(),
        }
    }

    /// A complete step, for tests and examples.
    #[must_use]
    pub fn example() -> Self {
        Self {
            id: StepId(Uuid::nil()),
            position: 1,
            branch: None,
            delay: Delay::NONE,
            version: 1,
            action: Action::Email(Email {
                subject: "A question about {company|your team}".into(),
                body: "Hi {first_name|there},\n\nwho looks after quality at {company|your company}?".into(),
                ..Email::default()
            }),
        }
    }

    /// The same, with another e-mail.
    #[must_use]
    pub fn with_email(self, change: impl FnOnce(&mut Email)) -> Self {
        let mut step = self;
        if let Action::Email(email) = &mut step.action {
            change(email);
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_for_a_writer_needs_instructions_and_no_template() {
        let told = Step::example().with_email(|e| {
            *e =
                Email { writing: Writing::Approve, instructions: "Ask who looks after it.".into(), ..Email::default() };
        });
        assert_eq!(told.problems(), []);
        let codes = |step: Step| step.problems().into_iter().map(|p| p.code.to_string()).collect::<Vec<_>>();
        assert_eq!(codes(told.clone().with_email(|e| e.instructions = " ".into())), ["instructions_missing"]);
        assert_eq!(codes(told.with_email(|e| e.writing = Writing::Template)), ["subject_missing", "body_missing"]);
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
    fn a_step_travels_flat() {
        let json = serde_json::to_value(Step::example()).expect("a step is JSON");
        assert_eq!((&json["kind"], &json["writing"]), (&"email".into(), &"template".into()));
        assert_eq!(serde_json::from_value::<Step>(json).expect("and back"), Step::example());
        for kind in StepKind::ALL {
            let step = Step { action: Action::empty(*kind), ..Step::example() };
            let json = serde_json::to_value(&step).expect("a step is JSON");
            assert_eq!(json["kind"], kind.as_str());
            assert_eq!(serde_json::from_value::<Step>(json).expect("and back"), step);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (kind, code) in [
            (StepKind::Wait, "delay_missing"),
            (StepKind::Task, "title_missing"),
            (StepKind::Agent, "agent_missing"),
            (StepKind::Webhook, "event_missing"),
        ] {
            let step = Step { action: Action::empty(kind), ..Step::example() };
            assert_eq!(step.problems()[0].code, code);
        }
    }
}
