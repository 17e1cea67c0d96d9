//! The ledger of a campaign: where every lead of the audience is. Its sum is the audience, always.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    StepId,
    campaigns::CampaignState,
    enrolments::{EndReason, EnrolmentState},
    messages::MessageState,
};

/// Leads that stand at the same place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LedgerLine {
    /// Where.
    pub state: EnrolmentState,
    /// Why, for those that have ended.
    pub reason: Option<EndReason>,
    /// How many.
    pub leads: i64,
}

/// E-mails of one step that stand at the same place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageLine {
    /// The step; the same in every version.
    pub step: StepId,
    /// Its place, from 1, when the last of them was planned.
    pub position: i32,
    /// Where.
    pub state: MessageState,
    /// How many.
    pub messages: i64,
}

/// The account of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ledger {
    /// Leads frozen at the start.
    pub audience: i64,
    /// Leads that are still being placed.
    pub enrolling: i64,
    /// Leads that have been placed.
    pub lines: Vec<LedgerLine>,
    /// E-mails, step by step.
    pub messages: Vec<MessageLine>,
}

impl Ledger {
    /// Leads accounted for.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.enrolling + self.lines.iter().map(|l| l.leads).sum::<i64>()
    }

    /// Whether nobody is missing and nobody counted twice.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        self.sum() == self.audience
    }

    /// Leads in any of these states.
    #[must_use]
    pub fn leads(&self, states: &[EnrolmentState]) -> i64 {
        self.lines.iter().filter(|l| states.contains(&l.state)).map(|l| l.leads).sum()
    }

    /// Leads that have reached an end.
    #[must_use]
    pub fn ended(&self) -> i64 {
        self.lines.iter().filter(|l| !l.state.is_open()).map(|l| l.leads).sum()
    }

    /// Leads for which every step is done. Whoever has answered is not among them, wherever “finished” is said.
    #[must_use]
    pub fn finished(&self) -> i64 {
        self.leads(&[EnrolmentState::Finished])
    }

    /// Leads that have answered.
    #[must_use]
    pub fn replied(&self) -> i64 {
        self.leads(&[EnrolmentState::Replied])
    }

    /// Leads with whom a meeting is booked; they are among those that have answered.
    #[must_use]
    pub fn meetings(&self) -> i64 {
        self.lines.iter().filter(|l| l.reason == Some(EndReason::MeetingBooked)).map(|l| l.leads).sum()
    }

    /// Leads that have become customers before the last step. Those who had answered by then are not among them.
    #[must_use]
    pub fn converted(&self) -> i64 {
        self.leads(&[EnrolmentState::Converted])
    }

    /// Leads that have reached an end before the last step, neither by an answer nor as customers.
    #[must_use]
    pub fn left_early(&self) -> i64 {
        self.ended() - self.finished() - self.replied() - self.converted()
    }

    /// E-mails in this state, over all steps.
    #[must_use]
    pub fn messages_in(&self, state: MessageState) -> i64 {
        self.messages.iter().filter(|m| m.state == state).map(|m| m.messages).sum()
    }
}

/// A file in which every lead of the audience has one row, made when a campaign paused or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SendProof {
    /// Its number in the campaign, from 1.
    pub number: i32,
    /// When it was made: everything in it is of this moment.
    pub made_at: DateTime<Utc>,
    /// What the campaign was then.
    pub state: CampaignState,
    /// Counted from its rows.
    pub ledger: Ledger,
    /// Rows below its head: one for each lead.
    pub rows: i64,
    /// Its size, in bytes.
    pub size: i64,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
    /// Whether the file can still be downloaded. The hash stays when it can't.
    pub is_kept: bool,
}

impl SendProof {
    /// Whether it has one row for each lead of the audience.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.rows == self.ledger.audience && self.ledger.is_balanced()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_lead_shows() {
        let line = |state, leads| LedgerLine { state, reason: None, leads };
        let mut ledger = Ledger {
            audience: 10,
            enrolling: 4,
            lines: vec![line(EnrolmentState::Active, 5), line(EnrolmentState::Finished, 1)],
            messages: vec![],
        };
        assert!(ledger.is_balanced());
        assert_eq!(ledger.ended(), 1);
        ledger.enrolling -= 1;
        assert!(!ledger.is_balanced());
    }

    #[test]
    fn whoever_has_answered_is_not_finished() {
        use EnrolmentState as E;
        let places = [(E::Finished, 3), (E::Replied, 2), (E::Bounced, 1), (E::Skipped, 4), (E::Active, 5)];
        let lines = places.map(|(state, leads)| LedgerLine { state, reason: None, leads }).to_vec();
        let ledger = Ledger { audience: 15, lines, ..Ledger::default() };
        assert_eq!((ledger.finished(), ledger.replied(), ledger.left_early()), (3, 2, 5));
        assert_eq!(ledger.finished() + ledger.replied() + ledger.left_early(), ledger.ended());
    }

    #[test]
    fn whoever_has_bought_has_not_left_early() {
        use EnrolmentState as E;
        let lines = [(E::Converted, 3), (E::Replied, 2), (E::Stopped, 1), (E::Active, 4)];
        let lines = lines.map(|(state, leads)| LedgerLine { state, reason: None, leads }).to_vec();
        let ledger = Ledger { audience: 10, lines, ..Ledger::default() };
        assert!(ledger.is_balanced());
        assert_eq!((ledger.ended(), ledger.converted(), ledger.replied(), ledger.left_early()), (6, 3, 2, 1));
    }

    #[test]
    fn whoever_has_a_meeting_has_answered() {
        let line = |reason, leads| LedgerLine { state: EnrolmentState::Replied, reason, leads };
        let lines = vec![line(None, 4), line(Some(EndReason::MeetingBooked), 2)];
        let ledger = Ledger { audience: 6, lines, ..Ledger::default() };
        assert_eq!((ledger.meetings(), ledger.replied(), ledger.left_early()), (2, 6, 0));
    }
}
