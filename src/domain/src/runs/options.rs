//! How a run is to be done, and what it will probably take. Whoever starts a run may give it less than its agent has,
//! never more.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::RunStep;
use crate::{Problem, agents::Limits, problem::Problems};

/// What a tool that would have changed something answers in a dry run.
const NOT_DONE: &str = "This is a dry run: nothing was changed and nobody was reached. Go on as if it had been done.";

/// Limits of one run; what is absent is as the agent has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LowerLimits {
    /// Calls of tools and of models.
    pub steps: Option<u32>,
    /// Minutes from the first step to the last.
    pub minutes: Option<u32>,
    /// Tokens in and out.
    pub tokens: Option<u32>,
    /// US dollars.
    pub cost: Option<f64>,
}

impl LowerLimits {
    /// These limits where they are named, and those of the agent elsewhere.
    ///
    /// # Errors
    /// Each that is not above nothing, or above that of the agent, with its field.
    pub fn of(&self, agent: &Limits) -> Result<Limits, Vec<Problem>> {
        let mut problems = Problems::new();
        let mut whole = |field: &'static str, given: Option<u32>, most: u32, unlimited: bool| {
            let fits = |given: &u32| *given >= 1 && (unlimited || *given <= most);
            if given.as_ref().is_some_and(|given| !fits(given)) {
                let upper = if unlimited { String::new() } else { format!(", and at most the {most} of the agent") };
                let words = format!("Enter a whole number of at least 1{upper}.");
                problems.push(Problem::field(field, "limit_invalid", words));
            }
            given.unwrap_or(most)
        };
        let limits = Limits {
            steps: whole("limits.steps", self.steps, agent.steps, false),
            minutes: whole("limits.minutes", self.minutes, agent.minutes, false),
            // An agent without a limit of tokens lets a run have any.
            tokens: whole("limits.tokens", self.tokens, agent.tokens, agent.tokens == 0),
            cost: self.cost.unwrap_or(agent.cost),
        };
        if !(0.0..=agent.cost).contains(&limits.cost) {
            let words = format!("Enter US dollars from 0 to the {} of the agent.", agent.cost);
            problems.push(Problem::field("limits.cost", "limit_invalid", words));
        }
        problems.finish()?;
        Ok(limits)
    }
}

/// What the last runs of an agent took: half of them at most the first of two figures, nine of ten at most the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// How many runs it is made of.
    pub runs: i64,
    /// Calls of tools and models.
    pub steps: [i64; 2],
    /// Tokens in and out.
    pub tokens: [i64; 2],
    /// Millionths of a US dollar.
    pub cost_micros: [i64; 2],
    /// Milliseconds from the first step to the end.
    pub ms: [i64; 2],
}

/// What a tool that would have changed something answers in a dry run.
#[must_use]
pub fn left_undone() -> Value {
    json!({ "dry_run": true, "note": NOT_DONE })
}

impl RunStep {
    /// Whether it was left undone because its run is a dry one. No tool that is called answers this without a risk.
    #[must_use]
    pub fn was_left_undone(&self) -> bool {
        self.risk.is_none() && self.output.as_ref().is_some_and(|output| output["note"] == NOT_DONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGENT: Limits = Limits { steps: 20, minutes: 15, tokens: 50_000, cost: 1.0 };

    #[test]
    fn limits_are_only_lowered() {
        let less = LowerLimits { steps: Some(5), cost: Some(0.0), ..LowerLimits::default() };
        assert_eq!(less.of(&AGENT).expect("less"), Limits { steps: 5, cost: 0.0, ..AGENT });
        assert_eq!(LowerLimits::default().of(&AGENT).expect("the same"), AGENT);
        let more = LowerLimits { steps: Some(21), minutes: Some(0), tokens: Some(50_001), cost: Some(1.01) };
        let fields: Vec<_> = more.of(&AGENT).expect_err("more").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["limits.steps", "limits.minutes", "limits.tokens", "limits.cost"]);
        let nan = LowerLimits { cost: Some(f64::NAN), ..LowerLimits::default() };
        assert!(nan.of(&AGENT).is_err());
    }

    #[test]
    fn an_agent_without_a_limit_of_tokens_lets_any_be_set() {
        let free = Limits { tokens: 0, ..AGENT };
        let some = LowerLimits { tokens: Some(900_000), ..LowerLimits::default() };
        assert_eq!(some.of(&free).expect("a limit where there was none").tokens, 900_000);
        let none = LowerLimits { tokens: Some(0), ..LowerLimits::default() };
        assert!(none.of(&AGENT).is_err(), "nothing would mean no limit");
    }
}
