//! What set a workflow off and what came of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::WorkflowActionKind;
use crate::{CampaignId, LeadId, RunId, WorkflowFiringId, wire::wire_enum};

wire_enum! {
    /// How far a workflow is with something that happened.
    pub enum WorkflowFiringState {
        /// A worker looks at it next.
        Pending = "pending",
        /// Its actions follow one after the other.
        Running = "running",
        /// All of its actions were carried out, or refused.
        Done = "done",
        /// Nothing was done.
        NotStarted = "not_started",
    }
}

wire_enum! {
    /// Why a workflow did nothing.
    pub enum WorkflowNotStarted {
        /// It is not enabled.
        Disabled = "disabled",
        /// Whoever saved it may not do any more what it does.
        RightsLost = "rights_lost",
        /// Too many workflows and triggers in a row.
        TooDeep = "too_deep",
        /// It has caused this itself.
        OwnChange = "own_change",
        /// It has acted for as many leads within an hour as it may.
        HourlyCap = "hourly_cap",
        /// It has acted for this lead before.
        OncePerLead = "once_per_lead",
        /// The lead is gone.
        LeadGone = "lead_gone",
    }
}

impl WorkflowNotStarted {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Disabled => "The workflow is off.",
            Self::RightsLost => "Whoever saved it has lost the rights that it needs.",
            Self::TooDeep => "Too many workflows in a row: it would go on for ever.",
            Self::OwnChange => "It has caused this itself.",
            Self::HourlyCap => "It has acted for as many leads within the hour as it may.",
            Self::OncePerLead => "It has acted for this lead before.",
            Self::LeadGone => "The lead was deleted.",
        }
    }
}

wire_enum! {
    /// What came of an action.
    pub enum ActionOutcome {
        /// It was carried out.
        Done = "done",
        /// It was begun, and its end is not known yet.
        Waiting = "waiting",
        /// The lead was like that already.
        Unchanged = "unchanged",
        /// It was refused.
        Refused = "refused",
    }
}

/// What came of one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionResult {
    /// Which kind of action.
    pub action: WorkflowActionKind,
    /// What came of it.
    pub outcome: ActionOutcome,
    /// The same in words.
    pub words: String,
    /// A word for programs that says why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The campaign that the lead was to be enrolled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// The run that it has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The id of its call, which the receiver gets as `webhook-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<uuid::Uuid>,
}

impl ActionResult {
    /// What came of an action, in words.
    pub fn new(action: WorkflowActionKind, outcome: ActionOutcome, words: impl Into<String>) -> Self {
        Self { action, outcome, words: words.into(), reason: None, campaign: None, run: None, call: None }
    }

    /// An action that was refused.
    pub fn refused(action: WorkflowActionKind, reason: impl Into<String>, words: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(action, ActionOutcome::Refused, words) }
    }
}

/// Something that set a workflow off, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkflowFiring {
    /// Id.
    pub id: WorkflowFiringId,
    /// When.
    pub at: DateTime<Utc>,
    /// What happened, in words.
    pub cause: String,
    /// The lead it happened to.
    pub lead: Option<LeadId>,
    /// Its name.
    pub lead_name: Option<String>,
    /// How many things that happened this stands for.
    pub events: i32,
    /// How far it is.
    pub state: WorkflowFiringState,
    /// Why nothing was done.
    pub reason: Option<WorkflowNotStarted>,
    /// What came of each action, in their order.
    pub results: Vec<ActionResult>,
    /// When the last action was through.
    pub done_at: Option<DateTime<Utc>>,
}

/// How often something came out in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReasonCount {
    /// What it was, in words.
    pub words: String,
    /// How often.
    pub count: i64,
}

/// What a workflow has done lately, and what it would have done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkflowLook {
    /// For how many leads it has acted in the last 30 days.
    pub acted: i64,
    /// Why it did nothing at other times, the most frequent first.
    pub not_started: Vec<ReasonCount>,
    /// Why single actions were refused, the most frequent first.
    pub refused: Vec<ReasonCount>,
    /// Leads that were created in the last 30 days; only of a workflow that new leads set off.
    pub created: Option<i64>,
    /// How many of those meet the conditions as they are now.
    pub matching: Option<i64>,
}
