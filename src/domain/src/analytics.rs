//! Figures about the work of agents, and what they mean. A share of a few is no share: under [`FEW`] ended runs
//! it is told as two counts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{AgentId, agents::Team, wire::wire_enum};

/// With fewer ended runs a share of them says more about chance than about an agent.
pub const FEW: i64 = 30;

wire_enum! {
    /// How far back figures reach, today included.
    pub enum Period {
        /// 7 days.
        Week = "7d",
        /// 30 days.
        Month = "30d",
        /// 90 days.
        Quarter = "90d",
    }
}

impl Period {
    /// Its days.
    #[must_use]
    pub const fn days(self) -> i32 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Quarter => "90 days",
        }
    }
}

/// What runs did that were started in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunFigures {
    /// Runs that were started.
    pub runs: i64,
    /// Those of them that have ended.
    pub ended: i64,
    /// Those of them that have succeeded.
    pub succeeded: i64,
    /// Half of the ended runs took at most so many milliseconds from their start to their end.
    pub p50_ms: Option<i64>,
    /// 95 of 100 ended runs took at most so many milliseconds.
    pub p95_ms: Option<i64>,
    /// Tokens sent to and answered by models, in the last attempt of each run.
    pub tokens: i64,
    /// What these cost, in millionths of a US dollar.
    pub cost_micros: i64,
    /// Calls that people were asked to approve.
    pub asked: i64,
    /// Those of them that they approved.
    pub approved: i64,
    /// Those of them that they denied.
    pub denied: i64,
    /// Drafts of e-mails that were written.
    pub drafts: i64,
    /// Those of them that somebody used.
    pub drafts_used: i64,
    /// Those of them that somebody dismissed.
    pub drafts_dismissed: i64,
}

impl RunFigures {
    /// Whether there are too few ended runs for a share of them.
    #[must_use]
    pub const fn are_few(&self) -> bool {
        self.ended < FEW
    }
}

/// The figures of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentFigures {
    /// The agent.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Its team.
    pub team: Team,
    /// What its runs did.
    #[serde(flatten)]
    pub figures: RunFigures,
}

/// The figures of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamFigures {
    /// The team.
    pub team: Team,
    /// What the runs of its agents did.
    #[serde(flatten)]
    pub figures: RunFigures,
}

/// The runs of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunsOfDay {
    /// The day, in the time zone of the company.
    pub day: NaiveDate,
    /// Runs that were started.
    pub runs: i64,
}

/// What the agents of a company did in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentAnalytics {
    /// The period.
    pub period: Period,
    /// When it begins: a midnight in the time zone of the company.
    pub since: DateTime<Utc>,
    /// All runs together.
    pub total: RunFigures,
    /// By team; those without runs are left out.
    pub teams: Vec<TeamFigures>,
    /// By agent, in the order of their teams and names; those without runs are left out.
    pub agents: Vec<AgentFigures>,
    /// By day, empty days included.
    pub days: Vec<RunsOfDay>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_fewer_than_thirty_that_ended() {
        let of = |runs, ended| RunFigures { runs, ended, ..RunFigures::default() };
        assert!(of(100, 29).are_few());
        assert!(!of(30, 30).are_few());
    }
}
