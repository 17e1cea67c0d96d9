//! Other ways in which a campaign could go on. All of them are played from one moment, so that what differs between two
//! is what was edited, and never what was sent in the meantime.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Simulation;
use crate::wire::wire_enum;

wire_enum! {
    /// How a campaign could go on instead.
    pub enum OtherWay {
        /// With the settings of the simulation before, and in a campaign that has not started with its steps.
        Before = "before",
        /// With the steps that leads get now, as if nothing had been edited.
        Unpublished = "unpublished",
        /// With the edited steps for everybody: leads in the middle of older ones are moved to them.
        Moved = "moved",
    }
}

/// What comes of another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Otherwise {
    /// Which.
    pub way: OtherWay,
    /// Its figures.
    pub figures: SimulatedFigures,
}

/// The figures of a simulation that are held against those of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedFigures {
    /// Leads that are mailed, or would be.
    pub leads: i64,
    /// E-mails in all.
    pub mails: i64,
    /// Days on which some leave.
    pub days: i64,
    /// When the last one leaves; absent when there is none.
    pub last_mail_at: Option<DateTime<Utc>>,
    /// When the last lead reaches the end of its sequence; absent when that is more than 400 days ahead.
    pub ends_at: Option<DateTime<Utc>>,
    /// Leads that get nothing.
    pub nothing: i64,
}

impl Simulation {
    /// Its figures.
    #[must_use]
    pub fn figures(&self) -> SimulatedFigures {
        SimulatedFigures {
            leads: self.leads,
            mails: self.mails,
            days: i64::try_from(self.days.len()).unwrap_or(i64::MAX),
            last_mail_at: self.last_mail_at,
            ends_at: self.ends_at,
            nothing: self.never.iter().map(|one| one.leads).sum(),
        }
    }

    /// Those of another way, where it was played.
    #[must_use]
    pub fn figures_of(&self, way: OtherWay) -> Option<SimulatedFigures> {
        self.otherwise.iter().find(|one| one.way == way).map(|one| one.figures)
    }
}
