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

/// A step that a run has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it is.
    pub kind: StepKind,
    /// Name of the tool or the model.
    pub name: String,
    /// It did what it should.
    pub done: bool,
}

impl Verdict {
    /// The verdict on a run: where it stands, what it answered, and its steps. There is none while it goes on. An
    /// expectation that nobody understands is not met.
    ///
    /// `answer contains: X`, `calls: TOOL` and it was done, `never calls: TOOL` even in vain, `steps at most: N`.
    #[must_use]
    pub fn of(state: RunState, expects: &[String], answer: &str, steps: &[Taken]) -> Option<Self> {
        if !state.has_ended() {
            return None;
        }
        let (met, unmet): (Vec<_>, Vec<_>) =
            expects.iter().cloned().partition(|expected| is_met(expected, answer, steps));
        Some(Self { passed: state == RunState::Succeeded && unmet.is_empty(), met, unmet })
    }
}

fn is_met(expected: &str, answer: &str, steps: &[Taken]) -> bool {
    let is_call = |kind: StepKind| matches!(kind, StepKind::ToolCall | StepKind::Handoff | StepKind::MemoryWrite);
    let calls =
        |tool: &str, any: bool| steps.iter().any(|step| is_call(step.kind) && step.name == tool && (any || step.done));
    let counts = |step: &&Taken| matches!(step.kind, StepKind::ToolCall | StepKind::ModelCall);
    let taken = steps.iter().filter(counts).count();
    match expected.split_once(':').map(|(what, value)| (what.trim(), value.trim())) {
        Some(("answer contains", words)) => answer.to_lowercase().contains(&words.to_lowercase()),
        Some(("calls", tool)) => calls(tool, false),
        Some(("never calls", tool)) => !calls(tool, true),
        Some(("steps at most", most)) => most.parse().is_ok_and(|most: usize| taken <= most),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(state: RunState, expects: &[&str]) -> Option<Verdict> {
        let expects: Vec<_> = expects.iter().map(ToString::to_string).collect();
        let step = |kind, name: &str, done| Taken { kind, name: name.to_owned(), done };
        let steps = [
            step(StepKind::ToolCall, "read_lead", true),
            step(StepKind::Handoff, "hand_over", true),
            step(StepKind::MemoryWrite, "remember", false),
        ];
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
            ("calls: remember", false),
            ("never calls: remember", false),
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
