//! Where a run stands, what started it and why it failed. A state says by itself what it allows.

use crate::{Refusal, wire::wire_enum};

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
            Self::WaitingInput => &["answer", "cancel"],
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
        /// A step of a campaign.
        Campaign = "campaign",
        /// A workflow of the company.
        Workflow = "workflow",
        /// The system itself: the command line.
        System = "system",
    }
}

impl RunOrigin {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Person => "Any person",
            Self::Key => "A key",
            Self::Schedule => "A schedule",
            Self::Trigger => "Something that happened",
            Self::Agent => "Another run",
            Self::Campaign => "A campaign",
            Self::Workflow => "A workflow",
            Self::System => "The system",
        }
    }
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
}
