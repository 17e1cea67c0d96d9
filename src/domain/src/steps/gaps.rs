//! Gaps of a sequence: where a step can be put. A gap is named by the step behind it and not by a number, so that it
//! means the same after somebody else has moved another one.

use std::fmt;

use super::{Answer, Branch, Place, Sequence};
use crate::{Problem, StepId};

/// Where a step can be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Right before this step, wherever that stands.
    Before(StepId),
    /// At the end of a branch; of the main line when there is none.
    EndOf(Option<Branch>),
}

impl Gap {
    /// The gap that is written like this.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "end" {
            return Some(Self::EndOf(None));
        }
        let (word, id) = text.split_once(':')?;
        let id: StepId = id.parse().ok()?;
        match word {
            "before" => Some(Self::Before(id)),
            word => Some(Self::EndOf(Some(Branch { of: id, when: Answer::parse(word)? }))),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(id) => write!(f, "before:{id}"),
            Self::EndOf(Some(branch)) => write!(f, "{}:{}", branch.when, branch.of),
            Self::EndOf(None) => f.write_str("end"),
        }
    }
}

impl Sequence {
    /// The place of a gap. A step that is `moving` there leaves its own one, so it is not counted.
    ///
    /// # Errors
    /// A problem when the step behind the gap is gone.
    pub fn place(&self, gap: Gap, moving: Option<StepId>) -> Result<Place, Problem> {
        let behind = match gap {
            Gap::EndOf(branch) => return Ok(Place { position: None, branch }),
            Gap::Before(id) => self.get(id).ok_or_else(|| {
                Problem::field("to", "gap_gone", "The step before which it was to stand is gone. Choose another place.")
            })?,
        };
        let mut here = self.within(behind.branch).filter(|step| step.id == behind.id || Some(step.id) != moving);
        let position = here.position(|step| step.id == behind.id).and_then(|n| i32::try_from(n + 1).ok());
        Ok(Place { position, branch: behind.branch })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::steps::{Action, Step, StepKind};

    fn id(n: u128) -> StepId {
        StepId(Uuid::from_u128(n))
    }

    fn yes(of: u128) -> Option<Branch> {
        Some(Branch { of: id(of), when: Answer::Yes })
    }

    /// 1 mail, 2 condition (yes: 3 mail, 4 mail), 5 mail
    fn sequence() -> Sequence {
        let mut s = Sequence::default();
        for (n, kind, branch) in [
            (1, StepKind::Email, None),
            (2, StepKind::Condition, None),
            (5, StepKind::Email, None),
            (3, StepKind::Email, yes(2)),
            (4, StepKind::Email, yes(2)),
        ] {
            let step = Step { id: id(n), action: Action::empty(kind), ..Step::example() };
            s.add(step, Place { position: None, branch }).expect("it fits");
        }
        s
    }

    /// The steps in order after one of them has moved.
    fn moved(n: u128, gap: Gap) -> Result<Vec<u128>, Problem> {
        let mut s = sequence();
        let place = s.place(gap, Some(id(n)))?;
        s.relocate(id(n), place)?;
        Ok(s.steps().iter().map(|step| step.id.0.as_u128()).collect())
    }

    #[test]
    fn a_gap_is_read_as_it_was_written() {
        for gap in [Gap::Before(id(7)), Gap::EndOf(None), Gap::EndOf(yes(7))] {
            assert_eq!(Gap::parse(&gap.to_string()), Some(gap));
        }
        for nonsense in ["", "before", "before:7", "maybe:00000000-0000-0000-0000-000000000007"] {
            assert_eq!(Gap::parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_step_moves_into_each_gap() {
        for (n, gap, order) in [
            (1, Gap::Before(id(5)), [2, 3, 4, 1, 5]),
            (5, Gap::Before(id(1)), [5, 1, 2, 3, 4]),
            (5, Gap::Before(id(3)), [1, 2, 5, 3, 4]),
            (5, Gap::Before(id(4)), [1, 2, 3, 5, 4]),
            (1, Gap::EndOf(yes(2)), [2, 3, 4, 1, 5]),
            (3, Gap::Before(id(4)), [1, 2, 3, 4, 5]),
            (4, Gap::Before(id(3)), [1, 2, 4, 3, 5]),
            (3, Gap::EndOf(None), [1, 2, 4, 5, 3]),
            (2, Gap::Before(id(1)), [2, 3, 4, 1, 5]),
            (2, Gap::Before(id(2)), [1, 2, 3, 4, 5]),
        ] {
            assert_eq!(moved(n, gap).expect("it moves"), order, "{n} {gap}");
        }
    }

    #[test]
    fn no_step_moves_into_itself_or_to_what_is_gone() {
        for gap in [Gap::Before(id(3)), Gap::EndOf(yes(2))] {
            assert_eq!(moved(2, gap).expect_err("its own").code, "branch_own", "{gap}");
        }
        assert_eq!(moved(1, Gap::Before(id(9))).expect_err("gone").code, "gap_gone");
        assert_eq!(moved(2, Gap::EndOf(yes(1))).expect_err("no condition").code, "branch_unknown");
    }
}
