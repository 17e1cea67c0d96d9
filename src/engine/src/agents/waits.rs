//! Tools that answer later: another agent, a person, or the clock. The run is let go of meanwhile, and goes on
//! with the answer as if the tool had just given it.

use chrono::TimeDelta;
use domain::{
    agents::{Risk, Tool},
    runs::{NewRun, StepKind, WaitForPerson, WaitForTime},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use service::runs::{Asked, Intent, RunInHand, Wait};

use super::{
    Called, refuse,
    tools::{self, Trouble},
};

/// Work for another agent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOver {
    /// Name of the agent.
    agent: String,
    /// What it is to do, in words. It knows nothing but this and the parameters.
    task: String,
    /// Values for its inputs.
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// A question to a person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskPerson {
    /// What you want to know, in words that a person understands who sees nothing else.
    question: String,
    /// Two to ten answers to choose from; leave it out when any words will do.
    #[serde(default)]
    choices: Vec<String>,
}

/// A time to wait.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Minutes {
    /// Minutes, 1 to 10080.
    minutes: i64,
}

/// Whether a tool answers later.
pub(super) fn is_one(tool: Tool) -> bool {
    matches!(tool.name, "hand_over" | "ask_person" | "wait")
}

/// Calls such a tool: the run has the answer, or waits for it.
pub(super) async fn call(run: &mut RunInHand, key: &str, tool: Tool, arguments: Value) -> service::Result<Called> {
    let wait = match wait(tool, arguments.clone()) {
        Ok(wait) => wait,
        Err(why) => return refuse(run, key, tool.name, arguments, why).await,
    };
    let kind = if matches!(wait, Wait::Run(_)) { StepKind::Handoff } else { StepKind::ToolCall };
    let risk = Some(tool.risk).filter(|risk| *risk != Risk::Unsafe);
    let asked = Asked { key, kind, name: tool.name, risk, atomic: true, input: arguments.clone(), schema: None };
    match run.wait(asked, wait).await? {
        Ok(Intent::Have(step)) => Ok(Called::Step(step)),
        Ok(Intent::Stop | Intent::Do { .. }) => Ok(Called::Stop),
        Err(why) => refuse(run, key, tool.name, arguments, why.into()).await,
    }
}

fn wait(tool: Tool, arguments: Value) -> Result<Wait, Trouble> {
    let words = |problem: domain::Problem| Trouble::Words(problem.message);
    Ok(match tool.name {
        "hand_over" => {
            let HandOver { agent, task, parameters } = tools::read(arguments)?;
            Wait::Run(NewRun { agent, task, parameters, ..NewRun::default() })
        }
        "ask_person" => {
            let AskPerson { question, choices } = tools::read(arguments)?;
            Wait::Person(WaitForPerson { question, choices }.check().map_err(words)?)
        }
        _ => {
            let WaitForTime { minutes } =
                WaitForTime { minutes: tools::read::<Minutes>(arguments)?.minutes }.check().map_err(words)?;
            Wait::Time(TimeDelta::minutes(minutes))
        }
    })
}
