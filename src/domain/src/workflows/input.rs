//! What is entered about a workflow, and its check.

use serde::{Deserialize, Serialize};

use super::{MAX_HOURLY, MOST_ACTIONS, WorkflowAction, WorkflowActionKind, WorkflowTrigger};
use crate::{Problem, companies::check_name, leads::LeadFilter, problem::Problems, words::grouped};

/// What is entered about a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkflowInput {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// What sets it off.
    pub trigger: WorkflowTrigger,
    /// What the lead has to be like at that moment, as lists of leads are filtered; any lead when absent.
    #[serde(default)]
    pub conditions: LeadFilter,
    /// What is done, in this order; at most ten. One that is not enabled may have none yet.
    #[serde(default)]
    pub actions: Vec<WorkflowAction>,
    /// Whether it acts at most once for each lead; `false` when absent.
    #[serde(default)]
    pub once_per_lead: bool,
    /// Most leads for which it acts in an hour, 1 to 1,000; 100 when absent.
    #[serde(default = "hundred")]
    pub hourly_cap: i32,
    /// Whether it does anything; `false` when absent.
    #[serde(default)]
    pub enabled: bool,
}

const fn hundred() -> i32 {
    100
}

impl WorkflowInput {
    /// A workflow with this name and trigger that does nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>, trigger: WorkflowTrigger) -> Self {
        Self {
            name: name.into(),
            trigger,
            conditions: LeadFilter::default(),
            actions: Vec::new(),
            once_per_lead: false,
            hourly_cap: hundred(),
            enabled: false,
        }
    }

    /// Checks and tidies what was entered.
    ///
    /// # Errors
    /// Every problem found. Those of an action name its place, from 0: `actions.0.tag`.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        self.name = problems.check("name", check_name(&self.name, 100)).unwrap_or_default();
        self.trigger.check(&mut problems);
        self.conditions = self.conditions.check().unwrap_or_else(|found| {
            problems.extend(found);
            LeadFilter::default()
        });
        if !(1..=MAX_HOURLY).contains(&self.hourly_cap) {
            let most = grouped(MAX_HOURLY.into());
            let words = format!("Enter for how many leads it may act in an hour, 1 to {most}.");
            problems.push(Problem::field("hourly_cap", "hourly_cap_invalid", words));
        }
        if self.actions.len() > MOST_ACTIONS {
            let words = format!("A workflow has at most {MOST_ACTIONS} actions.");
            problems.push(Problem::field("actions", "actions_many", words));
        }
        let assigns = self.actions.iter().filter(|action| action.kind() == WorkflowActionKind::Assign).count();
        if assigns > 1 {
            let words = "A lead has one owner. Assign it once.";
            problems.push(Problem::field("actions", "assigns_many", words));
        }
        if self.enabled && self.actions.is_empty() {
            let words = "Add an action before turning it on.";
            problems.push(Problem::field("actions", "actions_missing", words));
        }
        let mut actions = Vec::new();
        for (place, action) in self.actions.into_iter().enumerate() {
            match action.check() {
                Ok(action) => actions.push(action),
                Err(problem) => {
                    let field = match problem.field.as_deref() {
                        Some(field) => format!("actions.{place}.{field}"),
                        None => format!("actions.{place}"),
                    };
                    problems.push(problem.on(field));
                }
            }
        }
        problems.finish()?;
        Ok(Self { actions, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> WorkflowInput {
        WorkflowInput {
            actions: vec![WorkflowAction::AddTag { tag: "Hot".into() }],
            enabled: true,
            ..WorkflowInput::new(" Hot leads ", WorkflowTrigger::ScoreCrossed { threshold: 70 })
        }
    }

    fn problems(input: WorkflowInput) -> Vec<(String, String)> {
        let problems = input.check().expect_err("problems");
        problems.into_iter().map(|p| (p.code.to_string(), p.field.unwrap_or_default().to_string())).collect()
    }

    #[test]
    fn what_was_entered_is_tidied() {
        let checked = input().check().expect("it is whole");
        assert_eq!(checked.name, "Hot leads");
        assert_eq!(checked.actions, [WorkflowAction::AddTag { tag: "hot".into() }]);
        assert_eq!(checked.clone().check(), Ok(checked), "and stays as it is");
    }

    #[test]
    fn a_workflow_without_actions_is_not_turned_on() {
        let none = WorkflowInput { actions: vec![], ..input() };
        assert_eq!(problems(none.clone()), [("actions_missing".into(), "actions".into())]);
        assert!(WorkflowInput { enabled: false, ..none }.check().is_ok());
    }

    #[test]
    fn problems_name_their_place() {
        let mut input = input();
        input.name = " ".into();
        input.trigger = WorkflowTrigger::ScoreCrossed { threshold: 101 };
        input.hourly_cap = 0;
        input.actions.push(WorkflowAction::AddTag { tag: String::new() });
        input.conditions.score_min = Some(80);
        input.conditions.score_max = Some(70);
        let expected = [
            ("name_missing", "name"),
            ("threshold_invalid", "threshold"),
            ("scores_crossed", "f.score.lte"),
            ("hourly_cap_invalid", "hourly_cap"),
            ("tag_missing", "actions.1.tag"),
        ];
        assert_eq!(problems(input), expected.map(|(code, field)| (code.to_owned(), field.to_owned())));
    }

    #[test]
    fn a_lead_is_assigned_once() {
        let assign = WorkflowAction::Assign { people: vec![crate::UserId(uuid::Uuid::nil())] };
        let twice = WorkflowInput { actions: vec![assign.clone(), assign], ..input() };
        assert_eq!(problems(twice), [("assigns_many".into(), "actions".into())]);
        let many = WorkflowInput { actions: vec![WorkflowAction::AddTag { tag: "a".into() }; 11], ..input() };
        assert_eq!(problems(many)[0].0, "actions_many");
    }
}
