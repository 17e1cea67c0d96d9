//! Changes to many leads of a campaign at once: what is done, to which of them, and what came of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::EnrolmentState;
use crate::{EnrolmentId, StepId};

/// A change to many enrolments at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum EnrolmentAction {
    /// Holds them until somebody lets them go on.
    Pause,
    /// Lets those go on that are held.
    Resume,
    /// Gives up the step that each of them is at; it goes on with the one that follows.
    Skip {
        /// Whoever has changed since then stays: the step that was meant may be behind them. Absent: nobody stays for that.
        #[serde(default)]
        as_of: Option<DateTime<Utc>>,
    },
    /// Gives up the step that each of them is at; it goes on with another one that is still ahead of it.
    Move {
        /// Which.
        step: StepId,
    },
    /// Takes them out of the campaign.
    Remove,
}

/// Which enrolments of a campaign a change is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentSelection {
    /// These.
    Ids(Vec<EnrolmentId>),
    /// All of them.
    All {
        /// Only those in this state.
        #[serde(default)]
        state: Option<EnrolmentState>,
    },
}

/// What a change to many enrolments did. Each that is selected is either changed or counted by why it was left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolmentsChanged {
    /// Enrolments selected.
    pub selected: i64,
    /// Enrolments changed.
    pub changed: i64,
    /// They were so already, or have changed since the question was asked.
    pub unchanged: i64,
    /// They had reached their end.
    pub ended: i64,
    /// Their e-mail is in the hands of a worker or of a mail server.
    pub in_flight: i64,
    /// They are at the step, or past it.
    pub passed: i64,
    /// They follow a version of the steps without it.
    pub elsewhere: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reads_as_it_is_written() {
        for (json, action) in [
            (r#"{"action":"pause"}"#, EnrolmentAction::Pause),
            (r#"{"action":"skip"}"#, EnrolmentAction::Skip { as_of: None }),
            (
                r#"{"action":"skip","as_of":"2026-11-23T09:00:00Z"}"#,
                EnrolmentAction::Skip { as_of: "2026-11-23T09:00:00Z".parse().ok() },
            ),
        ] {
            assert_eq!(serde_json::from_str::<EnrolmentAction>(json).expect(json), action);
        }
        let all = r#"{"all":{"state":"paused"}}"#;
        let paused = EnrolmentSelection::All { state: Some(EnrolmentState::Paused) };
        assert_eq!(serde_json::from_str::<EnrolmentSelection>(all).expect(all), paused);
        let all: EnrolmentSelection = serde_json::from_str(r#"{"all":{}}"#).expect("all of them");
        assert_eq!(all, EnrolmentSelection::All { state: None });
    }
}
