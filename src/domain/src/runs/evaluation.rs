//! Evaluations: a run of the case that says whether an agent still does its job. The verdict is read from what the
//! run did, so it is the same whoever asks for it, and whenever.

use serde::{Deserialize, Serialize};

use super::{Run, RunState, StepKind};

/// Whether an evaluation found what its case expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    /// The run succeeded, and everything that is expected was found.
    pub passed: bool,
    /// What was expected and found.
    pub met: Vec<String>,
    /// What was expected and not found.
    pub unmet: Vec<String>,
}

/// A run of a case, and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The run.
    pub run: Run,
    /// The verdict; nothing while the run goes on.
    pub verdict: Option<Verdict>,
}

impl Verdict {
    /// The verdict on a run: where it stands, what it answered, and its steps by kind and name. There is none while
    /// it goes on. An expectation that nobody understands is not met.
    ///
    /// `answer contains: X`, `calls: TOOL`, `never calls: TOOL`, `steps at most: N`.
    #[must_use]
    pub fn of(state: RunState, expects: &[String], answer: &str, steps: &[(StepKind, String)]) -> Option<Self> {
        if !state.has_ended() {
            return None;
        }
        let (met, unmet): (Vec<_>, Vec<_>) =
            expects.iter().cloned().partition(|expected| is_met(expected, answer, steps));
        Some(Self { passed: state == RunState::Succeeded && unmet.is_empty(), met, unmet })
    }
}

fn is_met(expected: &str, answer: &str, steps: &[(StepKind, String)]) -> bool {
    let is_call = |kind: StepKind| matches!(kind, StepKind::ToolCall | StepKind::Handoff | StepKind::MemoryWrite);
    let calls = |tool: &str| steps.iter().any(|(kind, name)| is_call(*kind) && name == tool);
    let taken = steps.iter().filter(|(kind, _)| matches!(kind, StepKind::ToolCall | StepKind::ModelCall)).count();
    match expected.split_once(':').map(|(what, value)| (what.trim(), value.trim())) {
        Some(("answer contains", words)) => answer.to_lowercase().contains(&words.to_lowercase()),
        Some(("calls", tool)) => calls(tool),
        Some(("never calls", tool)) => !calls(tool),
        Some(("steps at most", most)) => most.parse().is_ok_and(|most: usize| taken <= most),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(state: RunState, expects: &[&str]) -> Option<Verdict> {
        let expects: Vec<_> = expects.iter().map(ToString::to_string).collect();
        let steps = [(StepKind::ToolCall, "read_lead".to_owned()), (StepKind::Handoff, "hand_over".to_owned())];
        Verdict::of(state, &expects, "The Plan for Corvus", &steps)
    }

    #[test]
    fn each_expectation_is_looked_for() {
        let table = [
            ("answer contains: plan FOR", true),
            ("answer contains: price", false),
            ("calls: read_lead", true),
            ("calls: hand_over", true),
            ("calls: add_note", false),
            ("never calls: add_note", true),
            ("never calls: hand_over", false),
            ("steps at most: 1", true),
            ("steps at most: 0", false),
            ("steps at most: few", false),
            ("is friendly", false),
        ];
        for (expected, met) in table {
            let verdict = verdict(RunState::Succeeded, &[expected]).expect("it has ended");
            assert_eq!(
                (verdict.passed, verdict.met.len(), verdict.unmet.len()),
                (met, met.into(), (!met).into()),
                "{expected}"
            );
        }
    }

    #[test]
    fn only_a_run_that_succeeded_passes() {
        let passed = |state| verdict(state, &["calls: read_lead"]).map(|verdict| verdict.passed);
        assert_eq!(passed(RunState::Succeeded), Some(true));
        assert_eq!(passed(RunState::Failed), Some(false), "though everything was found");
        assert_eq!(passed(RunState::Running), None);
        assert_eq!(passed(RunState::WaitingApproval), None);
    }
}
