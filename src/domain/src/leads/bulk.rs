//! Changes to many leads at once: what is done, to which of them, and what came of it.

use serde::{Deserialize, Serialize};

use super::{LeadFilter, LeadStatus};
use crate::{CampaignId, LeadId, Problem, UserId};

/// A change to many leads at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum BulkAction {
    /// Puts the leads into a campaign.
    Enrol {
        /// Which.
        campaign: CampaignId,
    },
    /// Gives them to somebody.
    Assign {
        /// Nobody when absent.
        owner: Option<UserId>,
    },
    /// Sets their status. Customers leave every campaign.
    SetStatus {
        /// To what.
        status: LeadStatus,
    },
    /// Adds a tag.
    AddTag {
        /// Which.
        tag: String,
    },
    /// Removes a tag.
    RemoveTag {
        /// Which.
        tag: String,
    },
    /// Deletes them.
    Delete,
}

/// Which leads a bulk change is about: some ids, or everything a filter finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LeadSelection {
    /// These.
    Ids(Vec<LeadId>),
    /// All that match.
    Filter(LeadFilter),
}

impl LeadSelection {
    /// The same, with conditions that leads can meet.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Self, Vec<Problem>> {
        match self {
            Self::Ids(ids) => Ok(Self::Ids(ids)),
            Self::Filter(filter) => filter.check().map(Self::Filter),
        }
    }
}

/// What a bulk change did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BulkOutcome {
    /// Leads selected.
    pub selected: i64,
    /// Leads changed.
    pub changed: i64,
    /// Leads left as they were: already so, or not the person's own.
    pub unchanged: i64,
}
