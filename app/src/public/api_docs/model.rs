//! The description of the API as the page shows it: operations by noun, with what they take and give.

use serde_json::Value;

/// The operations on one noun.
pub struct Noun {
    pub name: String,
    pub text: String,
    pub operations: Vec<Operation>,
}

pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub text: String,
    pub scope: Option<String>,
    pub parameters: Vec<Parameter>,
    /// Media type and example.
    pub body: Option<(String, Option<String>)>,
    pub answers: Vec<(String, String)>,
    pub example: Option<String>,
}

pub struct Parameter {
    pub name: String,
    pub place: String,
    pub kind: String,
    pub required: bool,
    pub text: String,
}

/// All nouns of an OpenAPI document, in its order.
pub fn nouns(document: &Value) -> Vec<Noun> {
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| {
        let name = text(&tag["name"]);
        let operations = operations(document).filter(|(_, _, o)| o["tags"][0] == name.as_str());
        let operations = operations.map(|(method, path, value)| operation(document, method, path, value)).collect();
        Noun { text: text(&tag["description"]), operations, name }
    })
    .collect()
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
    })
}

fn operation(document: &Value, method: &str, path: &str, value: &Value) -> Operation {
    let answers = value["responses"].as_object().into_iter().flatten();
    let good = answers.clone().find(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer);
    Operation {
        id: text(&value["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&value["summary"]),
        text: text(&value["description"]),
        scope: value["security"][0]["key"][0].as_str().map(str::to_owned),
        parameters: value["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
        body: value["requestBody"]["content"].as_object().and_then(|content| {
            let (kind, media) = content.iter().next()?;
            Some((kind.clone(), example(document, &media["schema"])))
        }),
        answers: answers
            .map(|(status, answer)| {
                let words = text(&answer["description"]);
                let done = status.starts_with('2') && words.is_empty();
                (status.clone(), if done { "Done.".to_owned() } else { words })
            })
            .collect(),
        example: good.and_then(|answer| example(document, &answer["content"]["application/json"]["schema"])),
    }
}

fn parameter(value: &Value) -> Parameter {
    let schema = &value["schema"];
    let kind = match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect(),
        _ if value["in"] == "path" => "id".to_owned(),
        _ => "string".to_owned(),
    };
    Parameter {
        name: text(&value["name"]),
        place: text(&value["in"]),
        kind,
        required: value["required"] == true,
        text: text(&value["description"]),
    }
}

/// The example of a named schema, as it is written.
fn example(document: &Value, schema: &Value) -> Option<String> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    let example = &document["components"]["schemas"][name]["example"];
    if example.is_null() { None } else { serde_json::to_string_pretty(example).ok() }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
