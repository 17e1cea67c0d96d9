//! Agents: who does what in a run. An agent is its definition, and a definition is a Markdown file: YAML
//! front matter with name, job, tools and limits, then the instructions for a language model.

mod file;
mod playbook;
mod tools;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use yaml_serde::Mapping;

use crate::{AgentId, Problem, problem::Problems, runs::RunState, wire::wire_enum};

pub use playbook::{PlayStep, Work};
pub use tools::{Autonomy, Risk, TOOLS, Tool, tool};

/// The most characters of a definition, front matter and instructions together.
pub const MAX_DEFINITION: usize = 200_000;
/// The most bytes of one upload.
pub const MAX_UPLOAD: usize = 20 * 1024 * 1024;
/// The most files of one import.
pub const MAX_FILES: usize = 200;

wire_enum! {
    /// The part of the house an agent works for.
    pub enum Team {
        /// Writing, research and figures for sales and marketing.
        Marketing = "marketing",
        /// Checks before something leaves.
        Testing = "testing",
        /// What users asked for.
        UserStories = "user_stories",
        /// Integrations and data.
        Engineering = "engineering",
        /// Agents that a company has added itself.
        Own = "own",
    }
}

impl Team {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Marketing => "Marketing",
            Self::Testing => "Testing",
            Self::UserStories => "User stories",
            Self::Engineering => "Engineering",
            Self::Own => "Your own",
        }
    }
}

wire_enum! {
    /// Where an agent came from.
    pub enum Origin {
        /// The catalogue of the product; it follows new versions of it until somebody edits it.
        Catalogue = "catalogue",
        /// Written here.
        Written = "written",
        /// A file.
        Imported = "imported",
    }
}

wire_enum! {
    /// How an agent is doing, by its runs.
    pub enum AgentStatus {
        /// Nothing is under way, and the last run did not fail.
        Idle = "idle",
        /// A run has not ended.
        Running = "running",
        /// The last run failed or took too long.
        Error = "error",
    }
}

impl AgentStatus {
    /// The status of an agent, by whether a run of it is open and how its last one stands.
    #[must_use]
    pub const fn of(open: bool, last: Option<RunState>) -> Self {
        match last {
            _ if open => Self::Running,
            Some(RunState::Failed | RunState::TimedOut) => Self::Error,
            _ => Self::Idle,
        }
    }
}

/// How much one run may take. A run that would pass a limit stops before it does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Calls of tools and of models, 1 to 200.
    pub steps: u32,
    /// Minutes from the first step to the last, 1 to 240.
    pub minutes: u32,
    /// Tokens in and out, up to 2,000,000.
    pub tokens: u32,
    /// US dollars, 0 to 100.
    pub cost: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 20, minutes: 15, tokens: 50_000, cost: 1.0 }
    }
}

impl Limits {
    /// These limits, and no more than is left of others. Tokens without a limit have the other one.
    #[must_use]
    pub fn within(self, left: Self) -> Self {
        let tokens = match (self.tokens, left.tokens) {
            (0, other) | (other, 0) => other,
            (own, other) => own.min(other),
        };
        Self {
            steps: self.steps.min(left.steps),
            minutes: self.minutes.min(left.minutes),
            tokens,
            cost: self.cost.min(left.cost),
        }
    }

    fn check(&self) -> Result<(), Problem> {
        let wrong = |what: &str| Problem::new("limit_invalid", format!("The limit `{what}`."));
        if !(1..=200).contains(&self.steps) {
            return Err(wrong("steps` is a number from 1 to 200"));
        }
        if !(1..=240).contains(&self.minutes) {
            return Err(wrong("minutes` is a number from 1 to 240"));
        }
        if self.tokens > 2_000_000 {
            return Err(wrong("tokens` is at most 2,000,000"));
        }
        if !(0.0..=100.0).contains(&self.cost) {
            return Err(wrong("cost` is a number of US dollars from 0 to 100"));
        }
        Ok(())
    }
}

/// A task with its parameters: what an example shows, and what an evaluation runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Case {
    /// What is asked for, in words.
    pub task: String,
    /// Values for the inputs.
    #[serde(skip_serializing_if = "Mapping::is_empty")]
    pub parameters: Mapping,
    /// What must be true of the run: `answer contains: x`, `calls: x`, `never calls: x`, `steps at most: n`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<String>,
}

/// What an agent is: the content of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Name, 1 to 100 characters; unique in the company, upper and lower case alike.
    pub name: String,
    /// Its job, in words.
    pub description: String,
    /// Team; [`Team::Own`] when the file names none.
    pub team: Team,
    /// Names of the tools it may call. One that is not known here is kept, and never called.
    pub tools: Vec<String>,
    /// Names of the agents that it may hand work over to.
    pub hands_over_to: Vec<String>,
    /// Which model it asks for; `default` is the company's first one.
    pub model: String,
    /// A colour of the file's own world.
    pub color: Option<String>,
    /// How much a run may take.
    pub limits: Limits,
    /// JSON Schema (2020-12) of its parameters: an object.
    pub inputs: Mapping,
    /// An example of a run.
    pub example: Option<Case>,
    /// A case that says whether it still does its job.
    pub evaluation: Option<Case>,
    /// What it does without a language model.
    pub playbook: Vec<PlayStep>,
    /// Further keys of the file, as they stood there.
    pub more: Mapping,
    /// What a language model is told.
    pub instructions: String,
}

impl Definition {
    /// Names of the parameters that a run must have.
    #[must_use]
    pub fn required_inputs(&self) -> Vec<String> {
        let names = self.inputs.get("required").and_then(|names| names.as_sequence());
        names.into_iter().flatten().filter_map(|name| name.as_str().map(ToOwned::to_owned)).collect()
    }

    /// A definition with nothing but a name, a job and instructions.
    #[must_use]
    pub fn new(name: &str, description: &str, instructions: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            team: Team::Own,
            tools: Vec::new(),
            hands_over_to: Vec::new(),
            model: "default".to_owned(),
            color: None,
            limits: Limits::default(),
            inputs: Mapping::new(),
            example: None,
            evaluation: None,
            playbook: Vec::new(),
            more: Mapping::new(),
            instructions: instructions.to_owned(),
        }
    }

    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        self.name = self.name.trim().to_owned();
        self.description = self.description.trim().to_owned();
        self.instructions = self.instructions.trim().to_owned();
        if self.name.is_empty() || self.name.chars().count() > 100 || self.name.chars().any(char::is_control) {
            problems.push(Problem::field("name", "name_invalid", "Enter a name of 1 to 100 characters."));
        }
        if self.description.is_empty() || self.description.chars().count() > 10_000 {
            let message = "Say in at most 10,000 characters what the agent is for.";
            problems.push(Problem::field("description", "description_invalid", message));
        }
        if self.instructions.is_empty() {
            let message = "Write the instructions: what the agent is to do, and how.";
            problems.push(Problem::field("instructions", "instructions_missing", message));
        }
        if let Some(long) = self.tools.iter().find(|tool| tool.is_empty() || tool.chars().count() > 100) {
            let message = format!("“{}” is no name of a tool.", long.chars().take(40).collect::<String>());
            problems.push(Problem::field("tools", "tool_invalid", message));
        }
        if self.hands_over_to.iter().any(|name| name.trim().is_empty() || name.chars().count() > 100) {
            let message = "Name the agents that it may hand work over to.";
            problems.push(Problem::field("hands_over_to", "handover_invalid", message));
        }
        problems.check("limits", self.limits.check());
        problems.check("playbook", playbook::check(&self.playbook, &self.tools));
        if self.to_markdown().chars().count() > MAX_DEFINITION {
            let message = "A definition has at most 200,000 characters. Make the instructions shorter.";
            problems.push(Problem::field("instructions", "definition_long", message));
        }
        problems.finish()?;
        Ok(self)
    }

    /// Refuses templates that can make texts grow, unless they are `known`.
    ///
    /// # Errors
    /// The first one.
    pub fn check_growth(&self, known: impl Fn(&str) -> bool) -> Result<(), Problem> {
        playbook::check_growth(&self.playbook, known)
    }

    /// Every template and expression of its playbook.
    #[must_use]
    pub fn templates(&self) -> Vec<&str> {
        playbook::sources(&self.playbook)
    }
}

/// An agent as the catalogue shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentSummary {
    /// Id.
    pub id: AgentId,
    /// Name.
    pub name: String,
    /// Team.
    pub team: Team,
    /// Its job, in words.
    pub description: String,
    /// Names of the tools it may call.
    pub tools: Vec<String>,
    /// Whether it may be run.
    pub enabled: bool,
    /// Where it came from.
    pub origin: Origin,
    /// Its newest version; the first is 1.
    pub version: i32,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// How it is doing.
    pub status: AgentStatus,
    /// When its last run was started.
    pub last_run: Option<DateTime<Utc>>,
}

impl AgentSummary {
    /// A name for its file that every system takes.
    #[must_use]
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
        format!("{}.md", self.name.chars().map(plain).collect::<String>())
    }
}

/// A version of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentVersion {
    /// Its number.
    pub version: i32,
    /// Why it was made, in words.
    pub note: String,
    /// Who made it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_at_once() {
        let wrong = Definition { limits: Limits { steps: 0, ..Limits::default() }, ..Definition::new(" ", "", "") };
        let fields: Vec<_> = wrong.check().expect_err("nothing is right").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["name", "description", "instructions", "limits"]);
    }

    #[test]
    fn an_agent_is_as_its_runs_are() {
        let table: Vec<_> = RunState::ALL
            .iter()
            .filter(|state| state.has_ended())
            .map(|&state| (state.as_str(), AgentStatus::of(false, Some(state)).as_str()))
            .collect();
        assert_eq!(table, [("succeeded", "idle"), ("failed", "error"), ("cancelled", "idle"), ("timed_out", "error")]);
        assert_eq!(AgentStatus::of(false, None), AgentStatus::Idle);
        assert_eq!(AgentStatus::of(true, Some(RunState::Failed)), AgentStatus::Running, "an older one goes on");
    }

    #[test]
    fn a_tool_of_another_world_is_kept() {
        let agent = Definition { tools: vec!["WebSearch".into()], ..Definition::new("a", "b", "c") };
        assert_eq!(agent.check().expect("fine").tools, ["WebSearch"]);
    }
}
