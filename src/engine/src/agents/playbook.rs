//! The built-in writer: follows the playbook of an agent, without a language model and without the network.
//! The same run gone through again asks for the same steps, so it goes on where a worker ended.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use domain::{
    agents::{PlayStep, Work},
    runs::{Failure, RunStepState, StepKind},
};
use minijinja::{Environment, UndefinedBehavior, Value as Jinja, value::Serde};
use serde_json::{Map, Value, json};
use service::{Db, Result, runs::RunInHand};
use tokio_util::sync::CancellationToken;

use super::{Called, End, call, give_up, talk, writer};

/// Elements of a list that a step is done for.
const EACH: usize = 20;
/// Instructions of a template; the longest of the catalogue takes a few thousand.
const FUEL: u64 = 200_000;
/// Bytes that a template may write.
const TEXT: usize = 1024 * 1024;

/// Goes through the playbook of a run.
pub(super) async fn follow(db: &Db, run: RunInHand, halt: &CancellationToken) -> Result<End> {
    let mut parameters = run.run().parameters.clone();
    if let Some(talk) = run.talk() {
        match talk::parameters(&run, talk).await? {
            Ok(given) => parameters = given,
            Err(answer) => {
                run.succeed(&answer).await?;
                return Ok(End::Ended);
            }
        }
    }
    if run.definition().playbook.is_empty() {
        let words = "This agent works with a language model only, and no model is set up. Give it a playbook, or set up \
                     a model.";
        return give_up(run, Failure::NoModel, words).await;
    }
    let mut play = Play::new(run, &parameters).await?;
    let steps = play.run.definition().playbook.clone();
    for (place, step) in steps.iter().enumerate() {
        if halt.is_cancelled() {
            return Ok(End::Halted(Box::new(play.run)));
        }
        match play.step(db, place, step, halt).await {
            Ok(Next::GoOn) => {}
            Ok(Next::Answer(answer)) => {
                play.run.succeed(answer.trim()).await?;
                return Ok(End::Ended);
            }
            Ok(Next::Stop) => return Ok(End::Ended),
            Err(Wrong::Words(words)) => return give_up(play.run, Failure::AgentError, &words).await,
            // Another worker holds it, or it was cancelled: whoever beats knows which.
            Err(Wrong::Fault(service::Error::Conflict(_))) => {
                halt.cancelled().await;
                return Ok(End::Halted(Box::new(play.run)));
            }
            Err(Wrong::Fault(error)) => return Err(error),
        }
    }
    give_up(play.run, Failure::AgentError, "The playbook ended without an answer.").await
}

/// A run and what its steps have answered so far.
struct Play {
    run: RunInHand,
    names: BTreeMap<String, Jinja>,
    engine: Environment<'static>,
}

enum Next {
    GoOn,
    Answer(String),
    Stop,
}

enum Wrong {
    /// The run fails with these words.
    Words(String),
    /// A worker tries again later.
    Fault(service::Error),
}

impl From<service::Error> for Wrong {
    fn from(error: service::Error) -> Self {
        Self::Fault(error)
    }
}

impl From<minijinja::Error> for Wrong {
    fn from(error: minijinja::Error) -> Self {
        Self::Words(format!("A template of the playbook can't be filled in: {error:#}."))
    }
}

impl Play {
    async fn new(run: RunInHand, parameters: &Map<String, Value>) -> Result<Self> {
        let mut t = run.tenant().await?;
        let company = t.company().await?.name;
        let today = t.today();
        t.commit().await?;
        let mut names = BTreeMap::new();
        names.insert("task".to_owned(), Jinja::from(run.run().task.clone()));
        names.insert("parameters".to_owned(), Jinja::from(Serde(parameters)));
        names.insert("payload".to_owned(), Jinja::from(Serde(run.payload())));
        names.insert("company".to_owned(), Jinja::from(Serde(json!({ "name": company }))));
        names.insert("today".to_owned(), Jinja::from(today.to_string()));
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Chainable);
        engine.set_fuel(Some(FUEL));
        writer::add_filters(&mut engine);
        Ok(Self { run, names, engine })
    }

    async fn step(&mut self, db: &Db, place: usize, step: &PlayStep, halt: &CancellationToken) -> Result<Next, Wrong> {
        if let Some(when) = &step.when
            && !self.value(when)?.is_true()
        {
            return Ok(Next::GoOn);
        }
        let Some(work) = step.work() else {
            return Err(Wrong::Words(format!("Step {} of the playbook does nothing.", place + 1)));
        };
        let Some(each) = &step.each else {
            return Ok(match self.once(db, &place.to_string(), work, step.keep.as_deref(), halt).await? {
                Once::Value(value) => {
                    self.keep(step.keep.as_deref(), value);
                    Next::GoOn
                }
                Once::Answer(answer) => Next::Answer(answer),
                Once::Stop => Next::Stop,
            });
        };
        let mut values = Vec::new();
        let items: Vec<Jinja> =
            self.value(each)?.try_iter().map(|items| items.take(EACH).collect()).unwrap_or_default();
        for (n, item) in items.into_iter().enumerate() {
            self.names.insert("item".to_owned(), item);
            match self.once(db, &format!("{place}.{n}"), work, step.keep.as_deref(), halt).await? {
                Once::Value(value) => values.push(value),
                Once::Answer(answer) => return Ok(Next::Answer(answer)),
                Once::Stop => return Ok(Next::Stop),
            }
        }
        self.names.remove("item");
        self.keep(step.keep.as_deref(), Jinja::from(values));
        Ok(Next::GoOn)
    }

    async fn once(
        &mut self,
        db: &Db,
        key: &str,
        work: Work<'_>,
        name: Option<&str>,
        halt: &CancellationToken,
    ) -> Result<Once, Wrong> {
        match work {
            Work::Answer(template) => Ok(Once::Answer(self.text(template)?)),
            Work::Write(template) => {
                let text = self.text(template)?;
                self.run.note(key, StepKind::Text, name.unwrap_or("text"), json!(text)).await?;
                Ok(Once::Value(Jinja::from(text)))
            }
            Work::Call(tool, with) => {
                let mut arguments = Map::new();
                for (name, value) in with {
                    let value = self.argument(&serde_json::to_value(value).map_err(service::Error::from)?)?;
                    if let Some(name) = name.as_str().filter(|_| !value.is_null()) {
                        arguments.insert(name.to_owned(), value);
                    }
                }
                match call(db, &mut self.run, key, tool, Value::Object(arguments), halt).await? {
                    Called::Stop => Ok(Once::Stop),
                    Called::Step(step) => match (step.state, step.output) {
                        (RunStepState::Done, Some(output)) => Ok(Once::Value(Jinja::from(Serde(output)))),
                        (RunStepState::Denied, _) => {
                            let denied = json!({ "denied": true, "reason": step.error });
                            Ok(Once::Value(Jinja::from(Serde(denied))))
                        }
                        // The work of another agent is missing then, and the rest can still be done.
                        (RunStepState::Failed, _) if step.kind == StepKind::Handoff => {
                            let failed = json!({ "failed": true, "reason": step.error });
                            Ok(Once::Value(Jinja::from(Serde(failed))))
                        }
                        _ => Err(Wrong::Words(format!("`{tool}`: {}", step.error.unwrap_or_default()))),
                    },
                }
            }
        }
    }

    fn keep(&mut self, name: Option<&str>, value: Jinja) {
        if let Some(name) = name {
            self.names.insert(name.to_owned(), value);
        }
    }

    fn value(&self, expression: &str) -> Result<Jinja, minijinja::Error> {
        self.engine.compile_expression(expression)?.eval(self.names.clone())
    }

    fn text(&self, template: &str) -> Result<String, minijinja::Error> {
        let mut text = Capped(Vec::new());
        self.engine.template_from_str(template)?.render_captured_to(self.names.clone(), &mut text)?;
        Ok(String::from_utf8_lossy(&text.0).into_owned())
    }

    /// An argument: a text that is one expression and nothing else gives its value as it is.
    fn argument(&self, value: &Value) -> Result<Value, Wrong> {
        Ok(match value {
            Value::String(text) => match one_expression(text) {
                Some(expression) => {
                    let value = self.value(expression)?;
                    if value.is_undefined() { Value::Null } else { serde_json::to_value(value).unwrap_or_default() }
                }
                None => Value::String(self.text(text)?),
            },
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.argument(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(name, value)| Ok((name.clone(), self.argument(value)?)))
                    .collect::<Result<_, Wrong>>()?,
            ),
            other => other.clone(),
        })
    }
}

enum Once {
    Value(Jinja),
    Answer(String),
    Stop,
}

/// The expression of a text that is `{{ expression }}` alone.
fn one_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%")).then_some(inner)
}

/// A text that does not grow for ever.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > TEXT {
            return Err(io::Error::other("the text is longer than a megabyte"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_one_expression_keeps_its_value() {
        assert_eq!(one_expression("{{ lead.id }}"), Some(" lead.id "));
        assert_eq!(one_expression(" {{ {'a': 1} }} ").map(str::trim), Some("{'a': 1}"));
        assert_eq!(one_expression("{{ a }} and {{ b }}"), None);
        assert_eq!(one_expression("Hello {{ a }}"), None);
    }
}
