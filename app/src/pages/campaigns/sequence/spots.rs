//! The places at which a step can stand, in words, for whoever moves one without a mouse.

use domain::{
    StepId,
    steps::{Branch, Gap},
    words::quoted_start,
};

use super::SequenceStep;

/// A place at which a step can stand.
pub(super) struct Spot {
    pub(super) gap: Gap,
    pub(super) words: String,
    /// The steps in whose branches it lies.
    within: Vec<StepId>,
}

impl Spot {
    /// Whether this step can move there: it does not stand there, and the place lies in no branch of its own.
    pub(super) fn takes(&self, step: StepId) -> bool {
        self.gap != Gap::Before(step) && !self.within.contains(&step)
    }
}

/// All of them, in reading order.
pub(super) fn all_spots(steps: &[SequenceStep]) -> Vec<Spot> {
    let mut spots = Vec::new();
    let end = Spot { gap: Gap::EndOf(None), words: "at the end of the sequence".to_owned(), within: Vec::new() };
    push_spots(steps, end, &mut spots);
    spots
}

/// Those of one branch, or of the main line, up to its end.
fn push_spots(steps: &[SequenceStep], end: Spot, spots: &mut Vec<Spot>) {
    for step in steps {
        let Ok(id) = step.id.parse::<StepId>() else { continue };
        let name = format!("step {} {}", step.position, quoted_start(&step.name));
        spots.push(Spot { gap: Gap::Before(id), words: format!("before {name}"), within: end.within.clone() });
        for (when, inner) in &step.branches {
            let inner_end = Spot {
                gap: Gap::EndOf(Some(Branch { of: id, when: *when })),
                words: format!("at the end of {} of {name}", when.label()),
                within: end.within.iter().copied().chain([id]).collect(),
            };
            push_spots(inner, inner_end, spots);
        }
    }
    spots.push(end);
}

#[cfg(test)]
mod tests {
    use domain::steps::{Answer, StepKind};

    use super::*;

    fn step(n: u128, position: i32, branches: Vec<(Answer, Vec<SequenceStep>)>) -> SequenceStep {
        SequenceStep {
            id: id(n).to_string(),
            position,
            kind: if branches.is_empty() { StepKind::Email } else { StepKind::Condition },
            delay: String::new(),
            name: format!("Name {n}"),
            body: String::new(),
            note: String::new(),
            problems: Vec::new(),
            branches,
        }
    }

    fn id(n: u128) -> StepId {
        StepId(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn every_place_is_there_but_those_in_the_step_itself() {
        let branches = vec![(Answer::Yes, vec![step(3, 3, Vec::new())]), (Answer::No, Vec::new())];
        let spots = all_spots(&[step(1, 1, Vec::new()), step(2, 2, branches)]);
        let words = |moving: u128| -> Vec<&str> {
            spots.iter().filter(|spot| spot.takes(id(moving))).map(|spot| spot.words.as_str()).collect()
        };
        assert_eq!(
            words(1),
            [
                "before step 2 “Name 2”",
                "before step 3 “Name 3”",
                "at the end of Yes of step 2 “Name 2”",
                "at the end of No of step 2 “Name 2”",
                "at the end of the sequence"
            ]
        );
        assert_eq!(words(2), ["before step 1 “Name 1”", "at the end of the sequence"]);
    }
}
