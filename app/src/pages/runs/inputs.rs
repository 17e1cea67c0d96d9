//! The inputs of an agent as a form, and the form as parameters. What was entered is text and becomes what
//! the schema of its input says; what does not fit stays text, and the service says what is wrong with it.

use std::collections::BTreeMap;

use domain::{Problem, agents::Definition};
use serde_json::{Map, Value};

use super::start::{Input, InputLook};

/// Texts that may be longer than this get a field of several lines.
const LINE: u64 = 200;
/// The longest text where the schema names no other length.
const LONGEST: u32 = 10_000;

/// An input that an agent declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its name in the parameters.
    pub name: String,
    schema: Value,
    required: bool,
}

impl Declared {
    /// What people read.
    pub(super) fn title(&self) -> String {
        self.text("title").unwrap_or(&self.name).to_owned()
    }

    /// `lead`, `account` or `campaign`, when it stands for one.
    pub fn format(&self) -> Option<&str> {
        self.text("format")
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.schema[key].as_str()
    }

    /// Its field; `things` are the values of one that stands for a thing of the company.
    pub(super) fn field(self, things: Option<Vec<(String, String)>>) -> Input {
        let schema = &self.schema;
        let kind = self.text("type").unwrap_or("string");
        let longest = schema["maxLength"].as_u64();
        let values = schema["enum"].as_array().map(|values| values.iter().map(|v| (plain(v), plain(v))).collect());
        let look = match (things.or(values), kind) {
            (Some(choices), _) => InputLook::Choice(choices),
            (None, "boolean") => InputLook::Tick,
            (None, "integer") => InputLook::Number,
            (None, "array" | "object") => InputLook::Lines,
            (None, "string") if longest.is_none_or(|most| most > LINE) => InputLook::Lines,
            _ => InputLook::Line,
        };
        let mut hint = self.text("description").unwrap_or_default().to_owned();
        if kind == "array" {
            hint = format!("{hint} One in each line.").trim_start().to_owned();
        }
        Input {
            name: format!("parameters.{}", self.name),
            thing: self.format().map(str::to_owned),
            label: self.title(),
            hint,
            look,
            value: plain(&schema["default"]),
            optional: !self.required,
            longest: longest.and_then(|most| u32::try_from(most).ok()).unwrap_or(LONGEST),
            least: plain(&schema["minimum"]),
            most: plain(&schema["maximum"]),
        }
    }

    /// What was entered as what the schema says; nothing for an empty field.
    fn value(&self, entered: Option<&str>) -> Option<Value> {
        let kind = self.text("type").unwrap_or("string");
        if kind == "boolean" {
            return Some(Value::Bool(entered == Some("true")));
        }
        let text = entered?.replace("\r\n", "\n");
        if text.trim().is_empty() {
            return None;
        }
        let read = match kind {
            "integer" => text.trim().parse::<i64>().ok().map(Value::from),
            "number" => text.trim().parse::<f64>().ok().map(Value::from),
            "array" => Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect()),
            "object" => serde_json::from_str(&text).ok(),
            _ => None,
        };
        Some(read.unwrap_or(Value::String(text)))
    }
}

/// The inputs that a definition declares, in their order.
pub fn declared(definition: &Definition) -> Vec<Declared> {
    let inputs = &definition.inputs;
    let required: Vec<_> = inputs.get("required").and_then(|names| names.as_sequence()).into_iter().flatten().collect();
    let properties = inputs.get("properties").and_then(|value| value.as_mapping());
    properties
        .into_iter()
        .flatten()
        .filter_map(|(name, schema)| {
            Some(Declared {
                name: name.as_str()?.to_owned(),
                schema: serde_json::to_value(schema).ok()?,
                required: required.contains(&name),
            })
        })
        .collect()
}

/// The parameters that a form means; its fields are named `parameters.NAME`.
pub fn parameters(declared: &[Declared], form: &BTreeMap<String, String>) -> Map<String, Value> {
    let entered = |input: &Declared| form.get(&format!("parameters.{}", input.name)).map(String::as_str);
    declared.iter().filter_map(|input| Some((input.name.clone(), input.value(entered(input))?))).collect()
}

/// The arguments that a person has put in the place of `asked`; nothing when they are the same.
///
/// # Errors
/// A problem of the field `arguments` when the text is no JSON.
pub(super) fn edited(asked: &Value, text: &str) -> Result<Option<Value>, Problem> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let message = format!("This is no JSON: {error}. Correct it, or put back what stood there.");
        Problem::field("arguments", "arguments_invalid", message)
    })?;
    Ok(Some(value).filter(|value| value != asked))
}

/// A value as it is entered: of a list, one in each line.
pub(super) fn entered(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("\n"),
        other => plain(other),
    }
}

/// A value as it stands in a field.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs() -> Vec<Declared> {
        let file = "---\nname: x\ndescription: y\ninputs:\n  type: object\n  required: [lead]\n  properties:\n    lead: \
                    {type: string, format: lead, title: Lead}\n    drafts: {type: integer, minimum: 1, default: 5}\n    \
                    share: {type: number}\n    save: {type: boolean, default: true}\n    tags: {type: array}\n    tone: \
                    {type: string, enum: [plain, warm]}\n    reply: {type: string, maxLength: 4000}\n---\nWork.\n";
        declared(&Definition::from_markdown(file).expect("a definition"))
    }

    #[test]
    fn a_form_becomes_what_the_schema_says() {
        let form = [
            ("parameters.drafts", "3"),
            ("parameters.share", "0.5"),
            ("parameters.tags", "a\r\n\r\nb "),
            ("parameters.tone", ""),
            ("parameters.reply", "Yes\r\nplease"),
            ("parameters.unknown", "x"),
        ];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let expected = json!({"drafts": 3, "share": 0.5, "tags": ["a", "b"], "reply": "Yes\nplease", "save": false});
        assert_eq!(Value::Object(parameters(&inputs(), &form)), expected);
    }

    #[test]
    fn what_does_not_fit_stays_as_it_was_entered() {
        let form = BTreeMap::from([("parameters.drafts".to_owned(), "many".to_owned())]);
        assert_eq!(parameters(&inputs(), &form)["drafts"], "many");
    }

    #[test]
    fn a_field_looks_like_its_schema() {
        let looks: Vec<_> = inputs().into_iter().map(|input| input.field(None).look).collect();
        let tones = [("plain", "plain"), ("warm", "warm")].map(|(v, l)| (v.to_owned(), l.to_owned())).to_vec();
        assert_eq!(
            looks[1..],
            [
                InputLook::Number,
                InputLook::Line,
                InputLook::Tick,
                InputLook::Lines,
                InputLook::Choice(tones),
                InputLook::Lines
            ]
        );
    }

    #[test]
    fn arguments_that_were_not_changed_are_none() {
        let asked = json!({"leads": ["a"], "campaign": "b"});
        assert_eq!(edited(&asked, "").ok(), Some(None));
        assert_eq!(edited(&asked, "{ \"campaign\": \"b\",\n \"leads\": [\"a\"] }").ok(), Some(None));
        assert_eq!(edited(&asked, "{}").ok(), Some(Some(json!({}))));
        assert_eq!(edited(&asked, "{").expect_err("no JSON").field.as_deref(), Some("arguments"));
    }
}
