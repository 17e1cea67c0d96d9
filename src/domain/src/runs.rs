//! Runs: an agent does a task. A run says at every moment what it did, what it waits for, and how it
//! ended; nothing that has an outcome is ever done again.

mod approval;
mod evaluation;
mod filter;
mod options;
mod question;
mod state;
mod step;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    approval::{Approval, ApprovalState, Decision, Thing, ThingKind, ids_in, needs_approval},
    evaluation::{Evaluation, Taken, Verdict},
    filter::{RunFilter, RunView, day, micros},
    options::{Estimate, LowerLimits, left_undone},
    question::{
        ANSWER_HOURS, Awaited, ChildRun, MAX_ANSWER, MAX_WAIT_MINUTES, PersonAnswer, Question, WaitForPerson,
        WaitForTime,
    },
    state::{AnswerStatus, ExecutionStatus, Failure, RunOrigin, RunState},
    step::{RunStep, RunStepState, StepKind},
};
use crate::{AgentId, ConversationId, ModelId, RunId, UserId, agents::Limits};

/// Most characters of a task.
pub const MAX_TASK: usize = 10_000;

/// What somebody asks of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
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
    /// Limits below those of the agent.
    #[serde(default)]
    pub limits: LowerLimits,
    /// The model that is asked first.
    #[serde(default)]
    pub model: Option<ModelId>,
    /// Whether it follows the playbook of the agent, without a model.
    #[serde(default)]
    pub built_in: bool,
    /// Whether it is only tried: it reads and answers, but changes nothing and reaches nobody.
    #[serde(default)]
    pub dry_run: bool,
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
    /// The conversation in which it answers.
    pub conversation: Option<ConversationId>,
    /// Whether it is a run of the case that says whether its agent still does its job.
    pub evaluation: bool,
    /// Whether it is only tried: it changes nothing and reaches nobody.
    pub dry_run: bool,
    /// The model that is asked first, if somebody has chosen one.
    pub model: Option<ModelId>,
    /// Whether somebody has chosen the built-in writer.
    pub built_in: bool,
    /// Which attempt this is; the first is 1.
    pub attempt: i32,
    /// What this attempt has used.
    pub usage: Usage,
    /// Whether it has read text from outside.
    pub read_outside: bool,
    /// When it stops waiting for an answer, or has slept long enough.
    pub wake_at: Option<DateTime<Utc>>,
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
    /// The commands that work now. What was said in a conversation is said again there, not as a run.
    #[must_use]
    pub fn commands(&self) -> Vec<&'static str> {
        let fits = |command: &&str| *command != "fork" || self.conversation.is_none();
        self.state.commands().iter().copied().filter(fits).collect()
    }
}

impl Run {
    /// Why it ended without success, in words.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let failed = ExecutionStatus::from(self.state) == ExecutionStatus::Failed;
        failed.then(|| self.failure_detail.clone().unwrap_or_else(|| format!("{}.", self.state.label())))
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
    /// What these leave of limits; nothing when they leave too little for another run.
    #[must_use]
    pub fn left_of(&self, limits: &Limits) -> Option<Limits> {
        let whole = |left: i64| u32::try_from(left).ok().filter(|left| *left > 0);
        #[expect(clippy::cast_precision_loss, reason = "a cost of a few dollars")]
        let cost = limits.cost - self.cost_micros as f64 / 1_000_000.0;
        let tokens = match limits.tokens {
            0 => 0,
            most => whole(i64::from(most) - self.tokens_in - self.tokens_out)?,
        };
        Some(Limits {
            steps: whole(i64::from(limits.steps) - i64::from(self.steps))?,
            minutes: whole((i64::from(limits.minutes) * 60_000 - self.active_ms + 59_999) / 60_000)?,
            tokens,
            cost: Some(cost).filter(|cost| *cost >= 0.0)?,
        })
    }

    /// These and what a step is expected to use.
    #[must_use]
    pub const fn with(&self, more: &Self) -> Self {
        Self {
            steps: self.steps + more.steps,
            tokens_in: self.tokens_in + more.tokens_in,
            tokens_out: self.tokens_out + more.tokens_out,
            cost_micros: self.cost_micros + more.cost_micros,
            active_ms: self.active_ms + more.active_ms,
        }
    }

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

/// What readers of a stream are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEvent {
    /// Its number in the run, from 1 without gaps.
    pub seq: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// `state`, `step`, `approval`, or `text` for words of a model while it writes.
    pub kind: String,
    /// What it says.
    pub data: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let spent = Usage { steps: 1, tokens_in: 30, tokens_out: 30, cost_micros: 200_000, active_ms: 30_000 };
        let left = Limits { steps: 1, minutes: 1, tokens: 40, cost: 0.3 };
        assert_eq!(spent.left_of(&limits), Some(left));
        assert_eq!(Limits::default().within(left), left, "a run that it starts gets no more");
        assert_eq!(Usage { tokens_in: 100, ..spent }.left_of(&limits), None, "nothing is left to hand on");
        let free = Limits { tokens: 0, cost: 0.0, ..limits };
        assert_eq!(Usage::default().exceeds(&free), None, "what costs nothing needs no budget");
    }
}
