//! What people decide about drafts, and for how long they can take it back. A decision that was taken back has
//! changed nothing outside of its draft.

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::{Draft, DraftState};
use crate::{Problem, wire::wire_enum};

/// For so long a decision can be taken back: nothing that follows from it happens sooner.
pub const UNDO: Duration = Duration::seconds(10);
/// For so long a draft is held for the person who has opened it last.
pub const HELD: Duration = Duration::minutes(3);
/// The most characters of a reason.
const MAX_REASON: usize = 1_000;

wire_enum! {
    /// What follows from a rejection.
    pub enum Rejection {
        /// The lead gets no e-mail of the campaign any more.
        LeaveCampaign = "leave_campaign",
        /// This e-mail is not sent; the next step follows as if it had been.
        SkipStep = "skip_step",
    }
}

impl Rejection {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LeaveCampaign => "Take the lead out of the campaign",
            Self::SkipStep => "Skip this e-mail, go on with the next step",
        }
    }
}

wire_enum! {
    /// What is wrong with a draft, as people say it most.
    pub enum RewriteReason {
        /// It says too much.
        TooLong = "too_long",
        /// It sounds wrong.
        WrongTone = "wrong_tone",
        /// It claims what is not so.
        WrongFact = "wrong_fact",
        /// It has nothing to do with the lead.
        NotRelevant = "not_relevant",
        /// Something else, which is told in words.
        Other = "other",
    }
}

impl RewriteReason {
    /// The words people read, and the writer too.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TooLong => "Too long",
            Self::WrongTone => "Wrong tone",
            Self::WrongFact => "Wrong fact",
            Self::NotRelevant => "Not relevant",
            Self::Other => "Other",
        }
    }
}

/// Why another draft is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Rewrite {
    /// What is wrong with this one.
    pub reasons: Vec<RewriteReason>,
    /// More about it, at most 1,000 characters. Needed where no reason is named, or `other`.
    pub reason: String,
}

impl Rewrite {
    /// What the writer is told.
    ///
    /// # Errors
    /// Nothing says what is wrong.
    pub fn words(&self) -> Result<String, Problem> {
        let named: Vec<_> = RewriteReason::ALL
            .iter()
            .filter(|reason| **reason != RewriteReason::Other && self.reasons.contains(reason))
            .map(|reason| format!("{}.", reason.label()))
            .collect();
        if named.is_empty() || self.reasons.contains(&RewriteReason::Other) || !self.reason.trim().is_empty() {
            return Ok([named.as_slice(), &[check_reason(&self.reason)?]].concat().join(" "));
        }
        Ok(named.join(" "))
    }
}

/// A reason in words, trimmed.
///
/// # Errors
/// It is empty or too long.
pub fn check_reason(reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Problem::field("reason", "reason_invalid", "Say why, in 1 to 1,000 characters."));
    }
    Ok(reason.to_owned())
}

/// Who has a draft open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holder {
    /// Name of the person.
    pub name: String,
    /// When somebody else may decide, unless they come back.
    pub until: DateTime<Utc>,
}

impl Draft {
    /// Until when the decision about it can be taken back; nothing where there is none to take back.
    #[must_use]
    pub fn undo_until(&self) -> Option<DateTime<Utc>> {
        let decided = matches!(self.state, DraftState::Approved | DraftState::Rejected);
        self.decided_at.filter(|_| decided).map(|at| at + UNDO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_says_what_is_wrong() {
        use RewriteReason::{Other, TooLong, WrongTone};
        let words = |reasons: &[RewriteReason], reason: &str| {
            Rewrite { reasons: reasons.to_vec(), reason: reason.to_owned() }.words().map_err(|problem| problem.code)
        };
        assert_eq!(words(&[WrongTone, TooLong], " "), Ok("Too long. Wrong tone.".to_owned()));
        assert_eq!(words(&[TooLong], " Two lines do."), Ok("Too long. Two lines do.".to_owned()));
        assert_eq!(words(&[Other], "In German"), Ok("In German".to_owned()));
        for (reasons, reason) in
            [(vec![], ""), (vec![Other], ""), (vec![TooLong, Other], " "), (vec![], &*"a".repeat(1_001))]
        {
            assert!(words(&reasons, reason).is_err(), "{reasons:?} {reason}");
        }
    }
}
