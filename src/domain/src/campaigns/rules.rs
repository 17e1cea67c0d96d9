//! The rules of a campaign: who is left out, what a pause does to plans, and what an answer does.

use serde::{Deserialize, Serialize};

use crate::{Problem, problem::Problems, tracking::Tracking, wire::wire_enum};

wire_enum! {
    /// What happens to e-mails that became due while nothing could be sent.
    pub enum CatchUp {
        /// Everything that is planned moves by the length of the break, so that nothing comes in a burst.
        Spread = "spread",
        /// What has become due waits for the next time the window opens.
        NextWindow = "next_window",
        /// What has become due goes at once, as fast as mailboxes may.
        Now = "now",
    }
}

impl CatchUp {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Spread => "Move everything by the length of the break",
            Self::NextWindow => "Send what became due in the next window",
            Self::Now => "Send what became due at once",
        }
    }
}

wire_enum! {
    /// Whose public holidays count.
    pub enum Holidays {
        /// Nobody's.
        Ignored = "ignored",
        /// Those of the country of the lead; of the company's where it has none.
        Lead = "lead",
        /// Those of the company's country.
        Company = "company",
    }
}

impl Holidays {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ignored => "Send on holidays too",
            Self::Lead => "Not on holidays in the lead’s country",
            Self::Company => "Not on holidays in our country",
        }
    }
}

wire_enum! {
    /// What an answer does to the one who has written it.
    pub enum OnReply {
        /// The sequence ends.
        Stop = "stop",
        /// The sequence waits until somebody lets it go on.
        Pause = "pause",
        /// The sequence goes on.
        GoOn = "go_on",
    }
}

impl OnReply {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Stop => "Stop the sequence",
            Self::Pause => "Pause it until somebody resumes it",
            Self::GoOn => "Go on",
        }
    }
}

wire_enum! {
    /// What happens to an e-mail whose server has not said whether it took it.
    pub enum OnUnknown {
        /// It is never sent again: the lead may have it.
        Never = "never",
        /// It is handed over once more when nothing has shown for 24 hours that it was taken.
        Resend = "resend",
        /// A person decides about each; without an answer it stays unknown for good after 72 hours.
        Ask = "ask",
    }
}

impl OnUnknown {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Never => "Never send it again",
            Self::Resend => "Send it once more after 24 hours without evidence",
            Self::Ask => "Ask us about each",
        }
    }
}

wire_enum! {
    /// What an answer does to colleagues of the one who has written it.
    pub enum OnColleague {
        /// Nothing.
        Nothing = "nothing",
        /// Their next e-mail waits some days.
        Delay = "delay",
        /// Their sequences end.
        Stop = "stop",
    }
}

impl OnColleague {
    /// What people choose.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing",
            Self::Delay => "Delay their next e-mail",
            Self::Stop => "Stop their sequences",
        }
    }
}

/// Who is left out when leads are placed; customers unless said otherwise. Each is a reason in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Exclusions {
    /// Whoever is a customer.
    pub customers: bool,
    /// Whoever is in another campaign that has not ended for them.
    pub active_elsewhere: bool,
    /// Whoever got an e-mail from us in the last so many days, 0 to 365; 0 leaves nobody out.
    pub contacted_within_days: i32,
    /// Whoever works where somebody has answered us.
    pub account_replied: bool,
    /// Whoever lacks a value of a variable without a fallback.
    pub missing_variable: bool,
    /// Whoever's address was neither checked nor ever took a mail.
    pub unverified: bool,
}

impl Default for Exclusions {
    fn default() -> Self {
        Self {
            customers: true,
            active_elsewhere: false,
            contacted_within_days: 0,
            account_replied: false,
            missing_variable: false,
            unverified: false,
        }
    }
}

/// The rules of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Who is left out.
    pub exclude: Exclusions,
    /// So many of a hundred leads get nothing, so that one sees what the e-mails change: 0 to 50.
    pub holdout_percent: i32,
    /// What a break does to what is planned.
    pub catch_up: CatchUp,
    /// On whose holidays nothing is sent.
    pub holidays: Holidays,
    /// What an answer does.
    pub on_reply: OnReply,
    /// What it does to colleagues.
    pub on_colleague: OnColleague,
    /// For how many days, when it delays them: 1 to 90.
    pub colleague_delay_days: i32,
    /// What happens to an e-mail whose server has said nothing.
    pub on_unknown: OnUnknown,
    /// What is asked about e-mails that were sent; nothing unless said otherwise.
    pub tracking: Tracking,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            exclude: Exclusions::default(),
            holdout_percent: 0,
            catch_up: CatchUp::Spread,
            holidays: Holidays::Ignored,
            on_reply: OnReply::Stop,
            on_colleague: OnColleague::Nothing,
            colleague_delay_days: 5,
            on_unknown: OnUnknown::Never,
            tracking: Tracking::default(),
        }
    }
}

impl Rules {
    /// Whether they are within bounds.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Problems::new();
        for (field, value, least, most) in [
            ("contacted_within_days", self.exclude.contacted_within_days, 0, 365),
            ("holdout_percent", self.holdout_percent, 0, 50),
            ("colleague_delay_days", self.colleague_delay_days, 1, 90),
        ] {
            if !(least..=most).contains(&value) {
                problems.push(Problem::field(field, "number_invalid", format!("Use {least} to {most}.")));
            }
        }
        problems.finish()
    }

    /// Whether a lead belongs to those who get nothing, by a number that is spread evenly.
    #[must_use]
    pub fn holds_out(&self, spread: u64) -> bool {
        i32::try_from(spread % 100).is_ok_and(|place| place < self.holdout_percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_leads_is_held_out() {
        let rules = Rules { holdout_percent: 15, ..Rules::default() };
        assert_eq!((0..1000).filter(|spread| rules.holds_out(*spread)).count(), 150);
        assert!(!(0..1000).any(|spread| Rules::default().holds_out(spread)));
    }

    #[test]
    fn bounds_are_named() {
        let wrong = Rules { holdout_percent: 51, colleague_delay_days: 0, ..Rules::default() };
        let fields: Vec<_> = wrong.check().expect_err("two").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["holdout_percent", "colleague_delay_days"]);
        assert_eq!(Rules::default().check(), Ok(()));
    }

    #[test]
    fn rules_of_an_older_campaign_are_the_defaults() {
        assert_eq!(serde_json::from_str::<Rules>("{}").expect("rules"), Rules::default());
    }
}
