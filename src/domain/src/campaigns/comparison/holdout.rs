//! What the e-mails of a campaign change: leads that are mailed beside those that chance has held out. Both are counted by
//! the same rule over the same time, each lead since it was placed, so whatever else happens meanwhile happens to both.

use serde::{Deserialize, Serialize};

use super::evidence;
use crate::wire::wire_enum;

/// Leads that each group needs before it is compared.
pub const FEWEST: i64 = 30;

/// How seldom chance alone may pass for an effect.
const ALPHA: f64 = 0.05;

wire_enum! {
    /// What is counted.
    pub enum Outcome {
        /// The person has written to us, whether or not it was an answer.
        Wrote = "wrote",
        /// The lead is qualified by now, or a customer even.
        Qualified = "qualified",
    }
}

impl Outcome {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Wrote => "Have written to you",
            Self::Qualified => "Are qualified",
        }
    }
}

/// What has become of leads that are treated alike, since each was placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupCount {
    /// Leads.
    pub leads: i64,
    /// Of these: have written to us since. A program that answers in the place of a person has not.
    pub wrote: i64,
    /// Of these: are qualified by now, or customers even.
    pub qualified: i64,
}

impl GroupCount {
    /// Leads with this outcome.
    #[must_use]
    pub const fn of(&self, outcome: Outcome) -> i64 {
        match outcome {
            Outcome::Wrote => self.wrote,
            Outcome::Qualified => self.qualified,
        }
    }
}

/// Leads that are mailed beside those that are held out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holdout {
    /// Leads that have got an e-mail of the campaign.
    pub mailed: GroupCount,
    /// Leads that get none, chosen by chance.
    pub held_out: GroupCount,
}

/// What the e-mails have changed, as far as that can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Not enough leads in each group yet.
    TooFew {
        /// How many the smaller one still needs.
        missing: i64,
    },
    /// The difference may be chance.
    NoDifference,
    /// More of those that were mailed.
    More,
    /// Fewer of those that were mailed.
    Fewer,
}

impl Holdout {
    /// What the e-mails have changed, with the test that decides between variants: as sure as 95 % however often somebody
    /// looks.
    #[must_use]
    pub fn effect(&self, outcome: Outcome) -> Effect {
        let (mailed, held_out) = (self.mailed, self.held_out);
        let fewest = mailed.leads.min(held_out.leads);
        if fewest < FEWEST {
            return Effect::TooFew { missing: FEWEST - fewest };
        }
        let (with, without) = (mailed.of(outcome), held_out.of(outcome));
        if evidence((with, mailed.leads), (without, held_out.leads)) < ALPHA.recip() {
            return Effect::NoDifference;
        }
        // with / mailed > without / held out, without a division.
        let is_more = i128::from(with) * i128::from(held_out.leads) > i128::from(without) * i128::from(mailed.leads);
        if is_more { Effect::More } else { Effect::Fewer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(leads: i64, wrote: i64) -> GroupCount {
        GroupCount { leads, wrote, qualified: 0 }
    }

    #[test]
    fn an_effect_needs_enough_leads_and_a_clear_difference() {
        for (mailed, held_out, effect) in [
            (group(500, 60), group(29, 0), Effect::TooFew { missing: 1 }),
            (group(0, 0), group(100, 0), Effect::TooFew { missing: 30 }),
            (group(500, 20), group(50, 1), Effect::NoDifference),
            (group(500, 0), group(500, 0), Effect::NoDifference),
            (group(900, 90), group(100, 1), Effect::NoDifference),
            (group(900, 90), group(900, 9), Effect::More),
            (group(900, 9), group(900, 90), Effect::Fewer),
        ] {
            assert_eq!(Holdout { mailed, held_out }.effect(Outcome::Wrote), effect, "{mailed:?} {held_out:?}");
        }
        let both = Holdout { mailed: group(900, 90), held_out: group(900, 9) };
        assert_eq!(both.effect(Outcome::Qualified), Effect::NoDifference, "each outcome is judged alone");
    }

    #[test]
    fn an_effect_travels_by_its_word() {
        let json = serde_json::to_value(Effect::TooFew { missing: 3 }).expect("JSON");
        assert_eq!(json, serde_json::json!({"effect": "too_few", "missing": 3}));
    }
}
