//! Workflows: rules of a company. When something happens to a lead, and the lead is as the conditions say, the
//! actions follow one after the other. A workflow is never set off by what it has caused itself.

mod actions;
mod input;
mod log;
mod trigger;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{WorkflowId, leads::LeadFilter};

pub use crate::triggers::MAX_DEPTH;
pub use actions::{WorkflowAction, WorkflowActionKind};
pub use input::WorkflowInput;
pub use log::{
    ActionOutcome, ActionResult, ReasonCount, WorkflowFiring, WorkflowFiringState, WorkflowLook, WorkflowNotStarted,
};
pub use trigger::{WorkflowTrigger, WorkflowTriggerKind};

/// Most workflows of one company.
pub const MOST: usize = 100;
/// Most actions of one workflow.
pub const MOST_ACTIONS: usize = 10;
/// Most people among whom leads are shared out.
pub const MOST_PEOPLE: usize = 50;
/// Most leads in an hour for which a workflow can be allowed to act.
pub const MAX_HOURLY: i32 = 1_000;

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Workflow {
    /// Id.
    pub id: WorkflowId,
    /// Its name.
    pub name: String,
    /// What sets it off.
    pub trigger: WorkflowTrigger,
    /// The same in words.
    pub trigger_words: String,
    /// What the lead has to be like at that moment; all of it must hold.
    pub conditions: LeadFilter,
    /// The same in words.
    pub conditions_words: String,
    /// What is done, in this order.
    pub actions: Vec<WorkflowAction>,
    /// Each action in words.
    pub actions_words: Vec<String>,
    /// Whether it acts at most once for each lead.
    pub once_per_lead: bool,
    /// Most leads for which it acts in an hour.
    pub hourly_cap: i32,
    /// Whether it does anything.
    pub enabled: bool,
    /// Why the system has turned it off.
    pub paused: Option<String>,
    /// Who saved it last: it acts with their rights.
    pub saved_by: String,
    /// It has acted for as many leads within the hour as it may, and acts for none before this.
    pub used_up_until: Option<DateTime<Utc>>,
    /// Made.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// Version for If-Match; grows with every change.
    pub version: i64,
}

impl From<Workflow> for WorkflowInput {
    fn from(w: Workflow) -> Self {
        Self {
            name: w.name,
            trigger: w.trigger,
            conditions: w.conditions,
            actions: w.actions,
            once_per_lead: w.once_per_lead,
            hourly_cap: w.hourly_cap,
            enabled: w.enabled,
        }
    }
}
