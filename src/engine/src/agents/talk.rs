//! The built-in writer in a conversation: it takes what it needs out of what the person has written, or says
//! what is missing. The same messages always lead to the same answer.

use domain::{agents::Definition, conversations::Remembered, runs::ThingKind};
use serde_json::{Map, Value, json};
use service::{
    Error, Result,
    runs::{RunInHand, checked_parameters},
};

/// What every answer without a model begins with.
const LABEL: &str = "*Built-in writer: no language model has answered.*";

/// An input of the agent.
struct Input {
    name: String,
    schema: Value,
    required: bool,
}

impl Input {
    fn title(&self) -> &str {
        self.schema["title"].as_str().unwrap_or(&self.name)
    }

    /// The kind of thing whose id it is.
    fn thing(&self) -> Option<ThingKind> {
        ThingKind::parse(self.schema["format"].as_str()?)
    }

    fn is_words(&self) -> bool {
        self.schema["type"] == "string" && self.thing().is_none() && self.schema["enum"].is_null()
    }
}

/// The parameters that the conversation gives. The inner error is the answer that asks for the rest.
pub(super) async fn parameters(run: &RunInHand, talk: &Remembered) -> Result<Result<Map<String, Value>, String>> {
    let definition = run.definition();
    if definition.playbook.is_empty() {
        let words =
            "I work with a language model only. Somebody who manages agents can set one up under Settings, Models.";
        return Ok(Err(format!("{LABEL}\n\nI am **{}**. {words}", definition.name)));
    }
    let inputs = inputs(definition)?;
    let messages: Vec<_> =
        talk.turns.iter().map(|said| said.message.as_str()).chain([run.run().task.as_str()]).collect();
    let mut given = written(&inputs, &messages);
    let mut unknown = Vec::new();
    let mut t = run.tenant().await?;
    for input in &inputs {
        let Some(kind) = input.thing() else { continue };
        let words = given.remove(&input.name).and_then(|value| value.as_str().map(str::to_owned));
        let Some(words) = words.or_else(|| address(kind, &messages)) else { continue };
        match t.runs().meant(kind, &words).await?.first() {
            Some(id) => drop(given.insert(input.name.clone(), json!(id))),
            None => unknown.push(format!("I know no {kind} “{words}”.")),
        }
    }
    t.commit().await?;
    match checked_parameters(definition, given) {
        Ok(parameters) if unknown.is_empty() => Ok(Ok(parameters)),
        Ok(_) => Ok(Err(asks(definition, &inputs, &unknown))),
        Err(Error::Invalid(problems)) => {
            unknown.extend(problems.into_iter().map(|problem| problem.message));
            Ok(Err(asks(definition, &inputs, &unknown)))
        }
        Err(error) => Err(error),
    }
}

fn inputs(definition: &Definition) -> Result<Vec<Input>> {
    let schema = serde_json::to_value(&definition.inputs)?;
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    Ok(properties.into_iter().map(|(name, schema)| Input { required: required(&name), name, schema }).collect())
}

/// The values that stand in the messages as `Topic: calibration`, the last one of each. When nothing but one
/// text is needed, the last message is it.
fn written(inputs: &[Input], messages: &[&str]) -> Map<String, Value> {
    let mut given = Map::new();
    for (name, value) in messages.iter().flat_map(|message| message.lines()).filter_map(|line| line.split_once(':')) {
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        let meant = |input: &&Input| input.name.to_lowercase() == name || input.title().to_lowercase() == name;
        if let Some(input) = inputs.iter().find(meant).filter(|_| !value.is_empty()) {
            given.insert(input.name.clone(), typed(input, value));
        }
    }
    let needed: Vec<_> = inputs.iter().filter(|input| input.required && input.thing().is_none()).collect();
    if let ([only], Some(last)) = (needed.as_slice(), messages.last())
        && only.is_words()
        && !given.contains_key(&only.name)
        && inputs.iter().all(|input| !input.required || input.thing().is_none())
    {
        given.insert(only.name.clone(), json!(last));
    }
    given
}

fn typed(input: &Input, value: &str) -> Value {
    match input.schema["type"].as_str() {
        Some("boolean") => json!(matches!(value.to_lowercase().as_str(), "yes" | "true")),
        Some("integer") => value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number)),
        Some("number") => value.parse::<f64>().map_or_else(|_| json!(value), |number| json!(number)),
        _ => json!(value),
    }
}

/// An e-mail address in the last message that has one: it can only mean a lead.
fn address(kind: ThingKind, messages: &[&str]) -> Option<String> {
    let words = messages.iter().rev().flat_map(|message| message.split_whitespace());
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    words.map(trimmed).find(|word| kind == ThingKind::Lead && word.contains('@') && word.contains('.'))
}

/// The answer that asks for what is missing.
fn asks(definition: &Definition, inputs: &[Input], problems: &[String]) -> String {
    let job = definition.description.lines().next().unwrap_or_default();
    let line = |input: &Input| {
        let what = input.schema["description"].as_str().unwrap_or_default();
        format!("- **{}**{}: {what}", input.title(), if input.required { "" } else { " (if you like)" })
    };
    let lines: Vec<_> = inputs.iter().map(line).collect();
    let form: Vec<_> =
        inputs.iter().filter(|input| input.required).map(|input| format!("{}: …", input.title())).collect();
    format!(
        "{LABEL}\n\nI am **{}**. {job}\n\n{}\n\n{}\n\nWrite each on a line of its own:\n\n```\n{}\n```",
        definition.name,
        problems.join(" "),
        lines.join("\n"),
        form.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(file: &str) -> Vec<Input> {
        let text = format!("---\nname: x\ndescription: y\ninputs:\n  type: object\n{file}---\nz");
        inputs(&Definition::from_markdown(&text).expect("a definition")).expect("inputs")
    }

    #[test]
    fn values_stand_on_lines_of_their_own_and_the_last_one_counts() {
        let inputs = some(
            "  required: [lead, topic]\n  properties:\n    lead: {type: string, format: lead, title: Lead}\n    \
             topic: {type: string, title: Topic}\n    days: {type: integer}\n    save: {type: boolean, title: Save it}\n",
        );
        let given = written(&inputs, &["Lead: Anna\nTopic: lenses", "topic: prisms\nDays: 3\nsave it: yes\nOther: x"]);
        assert_eq!(Value::Object(given), json!({ "lead": "Anna", "topic": "prisms", "days": 3, "save": true }));
        assert!(written(&inputs, &["Hello"]).is_empty(), "a lead is needed too");
    }

    #[test]
    fn one_text_that_is_needed_is_the_message() {
        let inputs = some("  required: [reply]\n  properties:\n    reply: {type: string}\n    days: {type: integer}\n");
        let given = written(&inputs, &["Hi", "What does it cost?"]);
        assert_eq!(Value::Object(given), json!({ "reply": "What does it cost?" }));
    }

    #[test]
    fn an_address_means_a_lead() {
        let messages = ["Write to <anna@optics.example>, please."];
        assert_eq!(address(ThingKind::Lead, &messages).as_deref(), Some("anna@optics.example"));
        assert_eq!(address(ThingKind::Campaign, &messages), None);
    }
}
