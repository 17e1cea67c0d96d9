//! Runs: an agent does a task. A run says at every moment what it did, what it waits for, and how it
//! ended; nothing that has an outcome is ever done again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    AgentId, ApprovalId, Refusal, RunId, UserId,
    agents::{Limits, Risk},
    wire::wire_enum,
};

/// Most characters of a task.
pub const MAX_TASK: usize = 10_000;

wire_enum! {
    /// Where a run stands.
    pub enum RunState {
        /// Waits for a free slot.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// A person has to allow a call.
        WaitingApproval = "waiting_approval",
        /// A person has to answer.
        WaitingInput = "waiting_input",
        /// A tool answers later.
        WaitingTool = "waiting_tool",
        /// Another run answers first.
        WaitingChild = "waiting_child",
        /// A person has to allow more of a limit.
        WaitingBudget = "waiting_budget",
        /// Waits for a time.
        Sleeping = "sleeping",
        /// Somebody has cancelled it; its worker has not confirmed yet.
        Cancelling = "cancelling",
        /// Done.
        Succeeded = "succeeded",
        /// Not done, and why.
        Failed = "failed",
        /// Stopped by somebody.
        Cancelled = "cancelled",
        /// Stopped by its limit of time.
        TimedOut = "timed_out",
    }
}

impl RunState {
    /// Whether nothing more happens by itself.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// Whether it needs a person.
    #[must_use]
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::WaitingApproval | Self::WaitingInput | Self::WaitingBudget)
    }

    /// Whether a worker holds it.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Running | Self::Cancelling)
    }

    /// The state after somebody cancels: at once, unless a worker has to stop first.
    ///
    /// # Errors
    /// A refusal when the run has ended in another way.
    pub fn cancel(self) -> Result<Self, Refusal> {
        match self {
            Self::Running | Self::Cancelling => Ok(Self::Cancelling),
            Self::Succeeded | Self::Failed | Self::TimedOut => Err(self.refusal("cancelled")),
            _ => Ok(Self::Cancelled),
        }
    }

    /// The state after somebody asks for another attempt.
    ///
    /// # Errors
    /// A refusal while the run goes on, and after it has succeeded.
    pub fn retry(self) -> Result<Self, Refusal> {
        match self {
            Self::Failed | Self::Cancelled | Self::TimedOut => Ok(Self::Queued),
            _ => Err(self.refusal("tried again")),
        }
    }

    /// The commands that work now.
    #[must_use]
    pub const fn commands(self) -> &'static [&'static str] {
        match self {
            Self::Failed | Self::Cancelled | Self::TimedOut => &["retry", "fork"],
            Self::Succeeded => &["fork"],
            Self::WaitingApproval | Self::WaitingBudget => &["approve", "deny", "cancel"],
            _ => &["cancel"],
        }
    }

    fn refusal(self, what: &str) -> Refusal {
        let message = format!("This run can't be {what}: it is {}.", self.label().to_lowercase());
        Refusal::new("run_state", message, self.commands())
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::WaitingApproval => "Needs approval",
            Self::WaitingInput => "Needs an answer",
            Self::WaitingTool => "Waits for a tool",
            Self::WaitingChild => "Waits for a run",
            Self::WaitingBudget => "Needs a higher limit",
            Self::Sleeping => "Sleeping",
            Self::Cancelling => "Cancelling",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::TimedOut => "Timed out",
        }
    }
}

wire_enum! {
    /// A run as programs know it that call it an execution: four words instead of thirteen.
    pub enum ExecutionStatus {
        /// Waits for a free slot.
        Pending = "pending",
        /// Works, or waits for somebody.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Failed, cancelled or timed out.
        Failed = "failed",
    }
}

wire_enum! {
    /// What came of a run that has ended.
    pub enum AnswerStatus {
        /// There is a result.
        Success = "success",
        /// There is none, and the error says why.
        Error = "error",
    }
}

impl From<RunState> for ExecutionStatus {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Queued => Self::Pending,
            RunState::Succeeded => Self::Completed,
            RunState::Failed | RunState::Cancelled | RunState::TimedOut => Self::Failed,
            _ => Self::Running,
        }
    }
}

impl ExecutionStatus {
    /// What came of it, once it has ended.
    #[must_use]
    pub const fn answer(self) -> Option<AnswerStatus> {
        match self {
            Self::Pending | Self::Running => None,
            Self::Completed => Some(AnswerStatus::Success),
            Self::Failed => Some(AnswerStatus::Error),
        }
    }
}

wire_enum! {
    /// Why a run failed.
    pub enum Failure {
        /// The agent could not do it; the words say why.
        AgentError = "agent_error",
        /// Its definition can do nothing without a language model.
        NoModel = "no_model",
        /// A call that acts outside was begun, and nobody knows whether it happened.
        OutcomeUnknown = "outcome_unknown",
        /// Its workers ended several times in the middle of it.
        WorkerLost = "worker_lost",
        /// Who started it has no rights any more.
        RightsLost = "rights_lost",
        /// A limit was reached and not raised.
        LimitReached = "limit_reached",
    }
}

wire_enum! {
    /// What started a run.
    pub enum RunOrigin {
        /// A person.
        Person = "person",
        /// A program with a key.
        Key = "key",
        /// A plan.
        Schedule = "schedule",
        /// Something that happened.
        Trigger = "trigger",
        /// Another run.
        Agent = "agent",
        /// The system itself: the command line.
        System = "system",
    }
}

wire_enum! {
    /// What a step of a run is.
    pub enum StepKind {
        /// Called a tool.
        ToolCall = "tool_call",
        /// Asked a language model.
        ModelCall = "model_call",
        /// Wrote a text.
        Text = "text",
        /// Answered: the end of the run.
        Answer = "answer",
        /// Handed over to another agent.
        Handoff = "handoff",
        /// Kept something for later.
        MemoryWrite = "memory_write",
    }
}

wire_enum! {
    /// How far a step is.
    pub enum RunStepState {
        /// Written down, not done yet.
        Intended = "intended",
        /// Waits for a person.
        Waiting = "waiting",
        /// Done.
        Done = "done",
        /// Tried, and it did not work.
        Failed = "failed",
        /// A person said no.
        Denied = "denied",
        /// Begun, and nobody knows whether it happened.
        Unknown = "unknown",
    }
}

wire_enum! {
    /// What became of a question to a person.
    pub enum ApprovalState {
        /// Nobody has answered yet.
        Pending = "pending",
        /// Yes.
        Approved = "approved",
        /// No.
        Denied = "denied",
        /// Nobody answered in time; counts as no.
        Expired = "expired",
        /// The run has ended otherwise.
        Withdrawn = "withdrawn",
    }
}

/// What a run has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Usage {
    /// Calls of tools and models.
    pub steps: i32,
    /// Tokens sent to models.
    pub tokens_in: i64,
    /// Tokens that models answered.
    pub tokens_out: i64,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    /// Milliseconds in the hands of workers.
    pub active_ms: i64,
}

impl Usage {
    /// The first limit that another step would pass, by its name in the definition.
    #[must_use]
    pub fn exceeds(&self, limits: &Limits) -> Option<&'static str> {
        let micros = limits.cost * 1_000_000.0;
        #[expect(clippy::cast_precision_loss, reason = "a cost of a few dollars")]
        let cost = self.cost_micros as f64;
        if i64::from(self.steps) >= i64::from(limits.steps) {
            Some("steps")
        } else if self.active_ms >= i64::from(limits.minutes) * 60_000 {
            Some("minutes")
        } else if self.tokens_in + self.tokens_out >= i64::from(limits.tokens) && limits.tokens > 0 {
            Some("tokens")
        } else if cost > micros || (cost >= micros && micros > 0.0) {
            Some("cost")
        } else {
            None
        }
    }
}

/// What somebody asks of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// Name of the agent.
    pub agent: String,
    /// What it is to do, in words.
    #[serde(default)]
    pub task: String,
    /// Values for its inputs.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub parameters: Map<String, Value>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    /// Id.
    pub id: RunId,
    /// The agent.
    pub agent_id: AgentId,
    /// Its name when the run was made.
    pub agent: String,
    /// The version that works.
    pub agent_version: i32,
    /// What it is to do, in words.
    pub task: String,
    /// Values for its inputs.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub parameters: Map<String, Value>,
    /// How much it may take.
    pub limits: Limits,
    /// Where it stands.
    pub state: RunState,
    /// What it answered.
    pub answer: Option<String>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// The same in words.
    pub failure_detail: Option<String>,
    /// Who started it.
    pub started_by: String,
    /// The person, if it was one.
    pub person: Option<UserId>,
    /// What started it.
    pub origin: RunOrigin,
    /// The run it came from.
    pub parent: Option<RunId>,
    /// Which attempt this is; the first is 1.
    pub attempt: i32,
    /// What this attempt has used.
    pub usage: Usage,
    /// Whether it has read text from outside.
    pub read_outside: bool,
    /// Number of its last event.
    pub seq: i32,
    /// Made.
    pub created_at: DateTime<Utc>,
    /// First taken by a worker.
    pub started_at: Option<DateTime<Utc>>,
    /// Ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Run {
    /// Why it ended without success, in words.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let failed = ExecutionStatus::from(self.state) == ExecutionStatus::Failed;
        failed.then(|| self.failure_detail.clone().unwrap_or_else(|| format!("{}.", self.state.label())))
    }
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunStep {
    /// Its place, from 1.
    pub number: i32,
    /// Names the place in the work; the same in every attempt.
    pub key: String,
    /// What it is.
    pub kind: StepKind,
    /// Name of the tool, the model, or the text.
    pub name: String,
    /// Risk of the tool.
    pub risk: Option<Risk>,
    /// How far it is.
    pub state: RunStepState,
    /// Arguments of the call.
    pub input: Value,
    /// What came back.
    pub output: Option<Value>,
    /// Why it did not work.
    pub error: Option<String>,
    /// Whether the output holds text from outside.
    pub outside: bool,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens in.
    pub tokens_in: i64,
    /// Tokens out.
    pub tokens_out: i64,
    /// Millionths of a US dollar.
    pub cost_micros: i64,
    /// Begun.
    pub started_at: DateTime<Utc>,
    /// Ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A question of a run to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// The run.
    pub run: RunId,
    /// Its agent.
    pub agent: String,
    /// The tool, or `limit:steps` and the like.
    pub tool: String,
    /// With exactly these arguments.
    pub arguments: Value,
    /// With these instead, if a person has changed them.
    pub edited: Option<Value>,
    /// What became of it.
    pub state: ApprovalState,
    /// Why it was denied.
    pub reason: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Counts as no from then on.
    pub expires_at: DateTime<Utc>,
    /// Asked.
    pub created_at: DateTime<Utc>,
}

/// The answer of a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Yes; for all further calls of this tool in the run when `for_this_run`; with other arguments when
    /// `edited`.
    Approve {
        /// Also for further calls of the same tool in this run.
        for_this_run: bool,
        /// The arguments instead.
        edited: Option<Value>,
    },
    /// No, and why: the agent reads it.
    Deny {
        /// Why.
        reason: String,
    },
}

/// What readers of a stream are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEvent {
    /// Its number in the run, from 1 without gaps.
    pub seq: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// `state`, `step`, `approval`.
    pub kind: String,
    /// What it says.
    pub data: Value,
}

/// Which runs a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Those in this view.
    pub view: Option<RunView>,
    /// Those of this agent.
    pub agent: Option<AgentId>,
}

wire_enum! {
    /// A view of the list of runs.
    pub enum RunView {
        /// A person has to do something.
        NeedsYou = "needs_you",
        /// Not ended.
        Open = "open",
        /// Failed or timed out.
        Failed = "failed",
    }
}

impl RunView {
    /// The states it shows.
    #[must_use]
    pub fn states(self) -> Vec<RunState> {
        let shown = |state: &RunState| match self {
            Self::NeedsYou => state.needs_person(),
            Self::Open => !state.has_ended(),
            Self::Failed => matches!(state, RunState::Failed | RunState::TimedOut),
        };
        RunState::ALL.iter().copied().filter(shown).collect()
    }
}

/// What an evaluation expects of a run and did not find; an expectation that nobody understands is not met.
///
/// `answer contains: X`, `calls: TOOL`, `never calls: TOOL`, `steps at most: N`.
#[must_use]
pub fn unmet(expects: &[String], answer: &str, steps: &[RunStep]) -> Vec<String> {
    let calls = |tool: &str| steps.iter().any(|step| step.kind == StepKind::ToolCall && step.name == tool);
    let taken = steps.iter().filter(|step| matches!(step.kind, StepKind::ToolCall | StepKind::ModelCall)).count();
    let met = |expected: &String| match expected.split_once(':').map(|(what, value)| (what.trim(), value.trim())) {
        Some(("answer contains", words)) => answer.to_lowercase().contains(&words.to_lowercase()),
        Some(("calls", tool)) => calls(tool),
        Some(("never calls", tool)) => !calls(tool),
        Some(("steps at most", most)) => most.parse().is_ok_and(|most: usize| taken <= most),
        _ => false,
    };
    expects.iter().filter(|expected| !met(expected)).cloned().collect()
}

/// Whether a tool may be called without asking a person.
///
/// What acts outside needs an approval. A grant for the rest of a run spares it, unless the run has read
/// text from outside: then somebody could have written what the agent now wants.
#[must_use]
pub fn needs_approval(risk: Risk, granted: bool, read_outside: bool) -> bool {
    risk == Risk::Unsafe && (!granted || read_outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_waits_for_a_worker_only_when_one_holds_the_run() {
        let table: Vec<_> =
            RunState::ALL.iter().map(|state| (state.as_str(), state.cancel().map_or("-", RunState::as_str))).collect();
        assert_eq!(
            table,
            [
                ("queued", "cancelled"),
                ("running", "cancelling"),
                ("waiting_approval", "cancelled"),
                ("waiting_input", "cancelled"),
                ("waiting_tool", "cancelled"),
                ("waiting_child", "cancelled"),
                ("waiting_budget", "cancelled"),
                ("sleeping", "cancelled"),
                ("cancelling", "cancelling"),
                ("succeeded", "-"),
                ("failed", "-"),
                ("cancelled", "cancelled"),
                ("timed_out", "-"),
            ]
        );
    }

    #[test]
    fn only_what_ended_without_success_is_tried_again() {
        let tried: Vec<_> = RunState::ALL.iter().filter(|s| s.retry().is_ok()).map(|s| s.as_str()).collect();
        assert_eq!(tried, ["failed", "cancelled", "timed_out"]);
        assert_eq!(RunState::Succeeded.retry().expect_err("done").allowed, ["fork"]);
    }

    #[test]
    fn an_execution_is_a_run_in_four_words() {
        let table: Vec<_> = RunState::ALL
            .iter()
            .map(|&state| {
                let status = ExecutionStatus::from(state);
                (state.as_str(), status.as_str(), status.answer().map_or("-", AnswerStatus::as_str))
            })
            .collect();
        assert_eq!(
            table,
            [
                ("queued", "pending", "-"),
                ("running", "running", "-"),
                ("waiting_approval", "running", "-"),
                ("waiting_input", "running", "-"),
                ("waiting_tool", "running", "-"),
                ("waiting_child", "running", "-"),
                ("waiting_budget", "running", "-"),
                ("sleeping", "running", "-"),
                ("cancelling", "running", "-"),
                ("succeeded", "completed", "success"),
                ("failed", "failed", "error"),
                ("cancelled", "failed", "error"),
                ("timed_out", "failed", "error"),
            ]
        );
        assert!(RunState::ALL.iter().all(|&s| ExecutionStatus::from(s).answer().is_some() == s.has_ended()));
    }

    #[test]
    fn a_limit_stops_before_it_is_passed() {
        let limits = Limits { steps: 2, minutes: 1, tokens: 100, cost: 0.5 };
        let used = |change: fn(&mut Usage)| {
            let mut usage = Usage::default();
            change(&mut usage);
            usage.exceeds(&limits)
        };
        assert_eq!(used(|_| {}), None);
        assert_eq!(used(|u| u.steps = 1), None);
        assert_eq!(used(|u| u.steps = 2), Some("steps"));
        assert_eq!(used(|u| u.active_ms = 60_000), Some("minutes"));
        assert_eq!(used(|u| (u.tokens_in, u.tokens_out) = (60, 40)), Some("tokens"));
        assert_eq!(used(|u| u.cost_micros = 500_000), Some("cost"));
        let free = Limits { tokens: 0, cost: 0.0, ..limits };
        assert_eq!(Usage::default().exceeds(&free), None, "what costs nothing needs no budget");
    }

    #[test]
    fn a_grant_ends_where_text_from_outside_begins() {
        assert!(!needs_approval(Risk::Read, false, true));
        assert!(!needs_approval(Risk::Write, false, true));
        assert!(needs_approval(Risk::Unsafe, false, false));
        assert!(!needs_approval(Risk::Unsafe, true, false));
        assert!(needs_approval(Risk::Unsafe, true, true));
    }
}
