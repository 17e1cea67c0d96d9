//! Parameters of a run: defaults filled in, and checked against the inputs that the agent declares.

use domain::{Problem, agents::Definition};
use serde_json::{Map, Value};

use crate::{Error, Result, Tenant};

/// Parameters as they stand in a file.
pub(super) fn object(file: &impl serde::Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(file)? {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

/// The parameters with the defaults of what is absent or empty.
///
/// # Errors
/// Each value that the inputs do not allow, with its field.
pub fn checked(definition: &Definition, mut given: Map<String, Value>) -> Result<Map<String, Value>> {
    let schema = serde_json::to_value(&definition.inputs)?;
    given.retain(|_, value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty()));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(default) = property.get("default").filter(|_| !given.contains_key(name)) {
            given.insert(name.clone(), default.clone());
        }
    }
    // An agent of another world declares nothing and takes whatever it is given.
    if schema.as_object().is_none_or(Map::is_empty) {
        return Ok(given);
    }
    let validator = jsonschema::validator_for(&schema).map_err(|error| {
        let message = format!("The inputs of this agent are no JSON Schema: {error}.");
        Error::conflict("inputs_invalid", message)
    })?;
    let given = Value::Object(given);
    let problems: Vec<Problem> = validator.iter_errors(&given).map(|error| problem(&schema, &error)).collect();
    match given {
        Value::Object(map) if problems.is_empty() => Ok(map),
        _ => Err(problems.into()),
    }
}

/// Whether arguments of a tool are what the tool takes.
///
/// # Errors
/// Each value that its schema does not allow, all of the field `arguments`.
pub(super) fn fits(schema: &Value, arguments: &Value) -> Result<()> {
    // A connector's schema that is none was told when the tool was reviewed; its server judges the arguments.
    let Ok(validator) = jsonschema::options().should_validate_formats(true).build(schema) else { return Ok(()) };
    let told = |error: jsonschema::ValidationError<'_>| {
        let place = error.instance_path().to_string();
        let place = place.trim_start_matches('/');
        let message = if place.is_empty() { format!("{error}.") } else { format!("“{place}”: {error}.") };
        Problem::field("arguments", "arguments_invalid", message)
    };
    let problems: Vec<Problem> = validator.iter_errors(arguments).map(told).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
}

fn problem(schema: &Value, error: &jsonschema::ValidationError<'_>) -> Problem {
    use jsonschema::error::ValidationErrorKind as Kind;

    let path = error.instance_path().to_string();
    let missing = match error.kind() {
        Kind::Required { property } => property.as_str().map(str::to_owned),
        _ => None,
    };
    let name = missing.clone().unwrap_or_else(|| path.trim_start_matches('/').to_owned());
    let first = name.split('/').next().unwrap_or_default();
    let title = schema["properties"][first]["title"].as_str().unwrap_or(first);
    let message = match (missing, error.kind()) {
        (Some(_), _) => format!("Enter a value for “{title}”."),
        (None, Kind::AdditionalProperties { unexpected }) => {
            format!("This agent has no input “{}”.", unexpected.join("”, “"))
        }
        (None, _) => format!("“{title}”: {error}."),
    };
    Problem::field(format!("parameters.{name}"), "parameter_invalid", message)
}

/// Puts the first lead, account or campaign of the company where an example says `first`.
pub(super) async fn resolve_first(
    t: &mut Tenant,
    definition: &Definition,
    parameters: &mut Map<String, Value>,
) -> Result<()> {
    let schema = serde_json::to_value(&definition.inputs)?;
    for (name, value) in parameters.iter_mut() {
        if value.as_str() != Some("first") {
            continue;
        }
        let id = match schema["properties"][name]["format"].as_str() {
            Some("lead") => {
                sqlx::query_scalar!("SELECT id FROM leads ORDER BY score DESC NULLS LAST, id LIMIT 1")
                    .fetch_optional(t.conn())
                    .await?
            }
            Some("account") => {
                sqlx::query_scalar!("SELECT id FROM accounts ORDER BY id LIMIT 1").fetch_optional(t.conn()).await?
            }
            Some("campaign") => {
                sqlx::query_scalar!("SELECT id FROM campaigns ORDER BY id LIMIT 1").fetch_optional(t.conn()).await?
            }
            _ => continue,
        };
        let Some(id) = id else {
            let message = "The company has none yet. Add one, then run the example again.";
            return Err(Problem::field(format!("parameters.{name}"), "nothing_there", message).into());
        };
        *value = Value::String(id.to_string());
    }
    Ok(())
}
