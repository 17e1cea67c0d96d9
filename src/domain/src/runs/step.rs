//! What a run did, one step after the other. A step that has an outcome is never done again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{agents::Risk, wire::wire_enum};

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
