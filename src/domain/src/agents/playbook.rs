//! What an agent does without a language model: tool calls and texts in a fixed order. The texts are
//! Jinja templates over what the calls have answered.

mod bounds;

use minijinja::Environment;
use serde::{Deserialize, Serialize};
use yaml_serde::{Mapping, Value};

use crate::{Problem, connectors::lists};

/// A step as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlayStep {
    /// Only if this expression is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Once for each element of this expression, which is `item` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// Calls this tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// With these arguments: texts are templates.
    #[serde(skip_serializing_if = "Mapping::is_empty")]
    pub with: Mapping,
    /// Writes this template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
    /// Ends the run with this template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Keeps the result under this name.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub keep: Option<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Work<'s> {
    /// Calls a tool with arguments.
    Call(&'s str, &'s Mapping),
    /// Writes a text.
    Write(&'s str),
    /// Ends the run.
    Answer(&'s str),
}

impl PlayStep {
    /// What it does; nothing when it names none or several things.
    #[must_use]
    pub fn work(&self) -> Option<Work<'_>> {
        match (&self.call, &self.write, &self.answer) {
            (Some(tool), None, None) => Some(Work::Call(tool, &self.with)),
            (None, Some(text), None) => Some(Work::Write(text)),
            (None, None, Some(text)) => Some(Work::Answer(text)),
            _ => None,
        }
    }
}

/// Whether a playbook can be followed: each step does one thing, calls only tools of the agent, and the
/// last one answers. No playbook at all is fine: such an agent needs a model.
pub(super) fn check(steps: &[PlayStep], tools: &[String]) -> Result<(), Problem> {
    let wrong =
        |n: usize, what: String| Problem::new("playbook_invalid", format!("Step {} of the playbook {what}", n + 1));
    let last = steps.len().saturating_sub(1);
    for (n, step) in steps.iter().enumerate() {
        let work = step
            .work()
            .ok_or_else(|| wrong(n, "has to do one thing: give it one of `call`, `write` and `answer`.".to_owned()))?;
        let mut templates: Vec<&str> = Vec::new();
        match work {
            Work::Call(tool, arguments) => {
                if !tools.iter().any(|listed| lists(listed, tool)) {
                    return Err(wrong(n, format!("calls `{tool}`. Add it to the tools of the agent.")));
                }
                arguments.values().for_each(|value| texts(value, &mut templates));
            }
            Work::Write(text) | Work::Answer(text) => templates.push(text),
        }
        if matches!(work, Work::Answer(_)) != (n == last) {
            return Err(wrong(last, "is the one that answers, and no other.".to_owned()));
        }
        let expressions = || [&step.when, &step.each].into_iter().flatten();
        if templates.iter().any(|text| bounds::is_deep(text, false))
            || expressions().any(|text| bounds::is_deep(text, true))
        {
            return Err(wrong(n, "has a template that is too long. Make several steps of it.".to_owned()));
        }
        let engine = Environment::new();
        for template in templates {
            engine
                .template_from_str(template)
                .map_err(|e| wrong(n, format!("has a template that can't be read: {e}.")))?;
        }
        for expression in expressions() {
            engine
                .compile_expression(expression)
                .map_err(|e| wrong(n, format!("has an expression that can't be read: {e}.")))?;
        }
    }
    Ok(())
}

/// What could fill the memory of a worker: the first template or expression that is not `known` and makes
/// texts grow.
pub(super) fn check_growth(steps: &[PlayStep], known: impl Fn(&str) -> bool) -> Result<(), Problem> {
    for (n, step) in steps.iter().enumerate() {
        let mut templates: Vec<&str> = Vec::new();
        match step.work() {
            Some(Work::Call(_, arguments)) => arguments.values().for_each(|value| texts(value, &mut templates)),
            Some(Work::Write(text) | Work::Answer(text)) => templates.push(text),
            None => {}
        }
        let expressions = [&step.when, &step.each].into_iter().flatten().map(String::as_str);
        let templates = templates.into_iter().filter(|text| !known(text)).find_map(bounds::of_template);
        if let Some(what) =
            templates.or_else(|| expressions.filter(|text| !known(text)).find_map(bounds::of_expression))
        {
            let words = format!("Step {} of the playbook uses {what}, which can make a text grow without end.", n + 1);
            return Err(Problem::new("playbook_grows", words));
        }
    }
    Ok(())
}

/// Every template and expression of a playbook.
pub(super) fn sources(steps: &[PlayStep]) -> Vec<&str> {
    let mut all: Vec<&str> = Vec::new();
    for step in steps {
        step.with.values().for_each(|value| texts(value, &mut all));
        all.extend([&step.when, &step.each, &step.write, &step.answer].into_iter().flatten().map(String::as_str));
    }
    all
}

fn texts<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => into.push(text),
        Value::Sequence(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Mapping(map) => map.values().for_each(|item| texts(item, into)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> PlayStep {
        yaml_serde::from_str(text).expect("a step")
    }

    #[test]
    fn what_goes_too_deep_is_refused_and_the_deepest_that_is_not_can_be_read() {
        let answer = |text: String| PlayStep { answer: Some(text), ..PlayStep::default() };
        let chain = |link: &str, count: usize| answer(format!("{{{{ a{} }}}}", link.repeat(count)));
        let branches = |count: usize| answer(format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(count)));
        for (deep, flat) in [
            (chain("~a", 50_000), chain("~a", 245)),
            (chain(".b", 50_000), chain(".b", 245)),
            (chain("|d", 50_000), chain("|d", 245)),
            (branches(10_000), branches(100)),
        ] {
            assert!(check(&[deep], &[]).is_err());
            assert_eq!(check(std::slice::from_ref(&flat), &[]), Ok(()));
            assert_eq!(check_growth(&[flat], |_| false), Ok(()));
        }
        let when = PlayStep { when: Some(format!("a{}", "~a".repeat(50_000))), ..answer("b".to_owned()) };
        assert!(check(&[when], &[]).is_err());
    }

    #[test]
    fn a_playbook_ends_with_its_answer_and_calls_only_tools_of_the_agent() {
        let tools = ["read_lead".to_owned()];
        let call = step("call: read_lead\nwith: {lead: '{{ parameters.lead }}'}\nas: lead");
        let answer = step("answer: 'Hello {{ lead.name }}'");
        assert_eq!(check(&[call.clone(), answer.clone()], &tools), Ok(()));
        assert_eq!(check(&[], &tools), Ok(()));
        for wrong in [
            vec![call.clone()],
            vec![answer.clone(), call.clone()],
            vec![step("call: enrol_leads"), answer.clone()],
            vec![step("write: a\nanswer: b")],
            vec![step("answer: '{{ unclosed'")],
            vec![step("when: 'a +'\nanswer: a")],
        ] {
            assert!(check(&wrong, &tools).is_err(), "{wrong:?}");
        }
    }
}
