//! Samples of what AI would write at a step. They are read and never sent.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{DraftCheck, DraftInput, Origin};
use crate::LeadId;

/// Samples of a step.
pub const SAMPLES: u16 = 3;

/// How a step reads for one lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sample {
    /// For whom.
    pub lead: LeadId,
    /// Their name.
    pub lead_name: String,
    /// When somebody asked for it.
    pub asked_at: DateTime<Utc>,
    /// What was written; absent while it is being written.
    pub text: Option<DraftInput>,
    /// What it was judged by.
    pub checks: Vec<DraftCheck>,
    /// What it was written with, and what that cost.
    pub origin: Option<Origin>,
    /// Why no model wrote it, when one was asked.
    pub notice: Option<String>,
}
