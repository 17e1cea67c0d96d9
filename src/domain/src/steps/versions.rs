//! Versions of a sequence: what a campaign that has started is changed to, and what that means for leads who are
//! in the middle of the old one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Sequence, Step};
use crate::StepId;

/// A version of the steps of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SequenceVersion {
    /// From 1.
    pub number: i32,
    /// When it was published; absent while it is being edited.
    pub published_at: Option<DateTime<Utc>>,
    /// Whether new leads get it.
    pub is_current: bool,
    /// Who made it, in words.
    pub created_by: String,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Open leads that are in it.
    pub leads: i64,
    /// Its steps.
    pub steps: i64,
}

/// What is different about a step in another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "change", rename_all = "snake_case")]
#[cfg_attr(target_pointer_width = "64", expect(clippy::large_enum_variant, reason = "a list of them is short"))]
pub enum StepChange {
    /// It is new.
    Added {
        /// The step.
        step: Step,
    },
    /// It is gone.
    Removed {
        /// The step.
        step: Step,
    },
    /// It stands elsewhere, and says and does the same.
    Moved {
        /// The step, where it stands now.
        step: Step,
        /// Its place before.
        from: i32,
    },
    /// It says or does something else.
    Changed {
        /// As it was.
        before: Step,
        /// As it is.
        after: Step,
    },
}

impl StepChange {
    /// Whether only words are different, so that nobody takes another way.
    #[must_use]
    pub fn is_wording(&self) -> bool {
        match self {
            Self::Changed { before, after } => {
                let (Some(old), Some(new)) = (before.email(), after.email()) else { return false };
                before.branch == after.branch
                    && before.delay == after.delay
                    && old.writing == new.writing
                    && old.window == new.window
            }
            Self::Added { .. } | Self::Removed { .. } | Self::Moved { .. } => false,
        }
    }
}

/// What is different in `new`, in its reading order; steps that are gone come last.
#[must_use]
pub fn difference(old: &Sequence, new: &Sequence) -> Vec<StepChange> {
    let order = |s: &Sequence, other: &Sequence| -> Vec<StepId> {
        s.steps().iter().map(|step| step.id).filter(|id| other.get(*id).is_some()).collect()
    };
    let (common, before) = (order(new, old), order(old, new));
    let place = |ids: &[StepId], id| ids.iter().position(|other| *other == id);
    let same = |a: &Step, b: &Step| a.action == b.action && a.delay == b.delay && a.branch == b.branch;
    let changes = new.steps().iter().filter_map(|step| {
        let Some(was) = old.get(step.id) else { return Some(StepChange::Added { step: step.clone() }) };
        if !same(was, step) {
            return Some(StepChange::Changed { before: was.clone(), after: step.clone() });
        }
        (place(&common, step.id) != place(&before, step.id))
            .then(|| StepChange::Moved { step: step.clone(), from: was.position })
    });
    let gone = old.steps().iter().filter(|step| new.get(step.id).is_none());
    changes.chain(gone.map(|step| StepChange::Removed { step: step.clone() })).collect()
}

impl Sequence {
    /// Where a lead goes on in this version who stands before `at` of `old`: at the same step, or at the first one
    /// after it that still exists; what came before `at` is behind it. When all that was to come is gone, it goes on
    /// with what is new behind the last step that it has done. Nothing when the sequence is over for it.
    #[must_use]
    pub fn landing(&self, old: &Self, at: StepId) -> Option<&Step> {
        let done: Vec<StepId> = old.steps().iter().map(|step| step.id).take_while(|id| *id != at).collect();
        let mut here = old.get(at);
        while let Some(step) = here {
            if let Some(found) = self.get(step.id).filter(|found| !done.contains(&found.id)) {
                return Some(found);
            }
            here = old.after(step.id);
        }
        let last = self.steps().iter().rev().find(|step| done.contains(&step.id))?;
        let mut next = self.after(last.id);
        while let Some(step) = next.filter(|step| old.get(step.id).is_some()) {
            next = self.after(step.id);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::steps::{Action, Delay, DelayUnit, StepKind};

    fn id(n: u128) -> StepId {
        StepId(Uuid::from_u128(n))
    }

    fn step(n: u128) -> Step {
        Step { id: id(n), ..Step::example() }
    }

    fn of(ids: &[u128]) -> Sequence {
        Sequence::of(ids.iter().map(|n| step(*n)).collect())
    }

    fn words(old: &Sequence, new: &Sequence) -> Vec<String> {
        let word = |change| match change {
            StepChange::Added { step } => format!("+{}", step.id.0.as_u128()),
            StepChange::Removed { step } => format!("-{}", step.id.0.as_u128()),
            StepChange::Moved { step, from } => format!("{}: {from} -> {}", step.id.0.as_u128(), step.position),
            StepChange::Changed { after, .. } => format!("*{}", after.id.0.as_u128()),
        };
        difference(old, new).into_iter().map(word).collect()
    }

    #[test]
    fn what_is_different_is_named_and_nothing_else() {
        assert_eq!(words(&of(&[1, 2, 3]), &of(&[1, 2, 3])), [] as [&str; 0]);
        // Steps that only move up because one is gone have not moved.
        assert_eq!(words(&of(&[1, 2, 3]), &of(&[1, 3, 4])), ["+4", "-2"]);
        assert_eq!(words(&of(&[1, 2]), &of(&[2, 1])), ["2: 2 -> 1", "1: 1 -> 2"]);
        let mut new = of(&[1, 2]);
        new.replace(Step { position: 2, ..step(2) }.with_email(|e| e.subject = "Other".into()));
        assert_eq!(words(&of(&[1, 2]), &new), ["*2"]);
    }

    #[test]
    fn another_delay_is_more_than_wording() {
        let changed = |change: fn(&mut Step)| {
            let mut new = step(1);
            change(&mut new);
            difference(&of(&[1]), &Sequence::of(vec![new]))[0].is_wording()
        };
        assert!(changed(|s| *s = s.clone().with_email(|e| e.body = "Other".into())));
        assert!(!changed(|s| s.delay = Delay { amount: 1, unit: DelayUnit::Days }));
        assert!(!changed(|s| s.action = Action::empty(StepKind::Wait)));
    }

    #[test]
    fn a_lead_goes_on_at_the_same_step_or_the_next_one_that_is_left() {
        let number = |s: Option<&Step>| s.map(|s| s.id.0.as_u128());
        let old = of(&[1, 2, 3]);
        for (new, at, lands) in [
            (of(&[1, 2, 3]), 2, Some(2)),
            (of(&[1, 3]), 2, Some(3)),
            (of(&[3, 1, 2]), 2, Some(2)),
            // Everything that was to come is gone, and a new step takes its place.
            (of(&[1, 4]), 2, Some(4)),
            (of(&[1]), 2, None),
        ] {
            assert_eq!(number(new.landing(&old, id(at))), lands, "{new:?}");
        }
    }

    #[test]
    fn nobody_does_a_step_twice() {
        // Step 1 stands after step 2 now, and the lead has it behind it.
        assert_eq!(of(&[2, 1]).landing(&of(&[1, 2]), id(2)).map(|s| s.id), Some(id(2)));
        assert_eq!(of(&[3, 1]).landing(&of(&[1, 2]), id(2)), None);
    }
}
