//! Parameters of a trigger: some of them stand for what set it off. What came from outside becomes a value,
//! never a part of a sentence that an agent reads as its task.

use serde_json::{Map, Value};

use crate::{CampaignId, LeadId, Problem};

/// What set a trigger off, as far as parameters can name it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// The lead it happened to.
    pub lead: Option<LeadId>,
    /// The campaign it happened to.
    pub campaign: Option<CampaignId>,
    /// What the lead has answered: `text`, `subject`, `from`, `kind`.
    pub reply: Option<Value>,
    /// What another system has sent.
    pub payload: Option<Value>,
}

impl Event {
    /// What `name` stands for; the rest of a name leads into the payload.
    fn value(&self, name: &str) -> Option<Value> {
        match name.split_once('.').unwrap_or((name, "")) {
            ("lead", "") => self.lead.map(|id| Value::String(id.to_string())),
            ("campaign", "") => self.campaign.map(|id| Value::String(id.to_string())),
            ("reply", "") => self.reply.as_ref()?.get("text").cloned(),
            ("reply", name) => self.reply.as_ref()?.get(name).cloned(),
            ("payload", "") => self.payload.clone(),
            ("payload", path) => path
                .split('.')
                .try_fold(self.payload.as_ref()?, |value, name| match value {
                    Value::Array(list) => list.get(name.parse::<usize>().ok()?),
                    other => other.get(name),
                })
                .cloned(),
            _ => None,
        }
    }
}

/// The parameters of a run that `event` sets off.
///
/// # Errors
/// Each name that stands for nothing.
pub fn fill(parameters: &Map<String, Value>, event: &Event) -> Result<Map<String, Value>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut filled = Map::new();
    for (key, value) in parameters {
        let value = match name_of(value) {
            None => value.clone(),
            Some(name) => match event.value(name) {
                Some(value) => value,
                None => {
                    let words = format!("Nothing was there for {{{{{name}}}}}.");
                    problems.push(Problem::field(format!("parameters.{key}"), "name_empty", words));
                    continue;
                }
            },
        };
        filled.insert(key.clone(), value);
    }
    if problems.is_empty() { Ok(filled) } else { Err(problems) }
}

/// The name that a value stands for, if it is one: `{{lead}}`.
#[must_use]
pub fn name_of(value: &Value) -> Option<&str> {
    value.as_str()?.trim().strip_prefix("{{")?.strip_suffix("}}").map(str::trim)
}

/// Names that this kind of trigger does not know.
#[cfg(feature = "time-zones")]
pub(super) fn check(parameters: &Map<String, Value>, known: &[&str]) -> Vec<Problem> {
    let unknown = |name: &str| !known.contains(&name.split('.').next().unwrap_or_default());
    let problem = |key: &str, name: &str| {
        let words = match known {
            [] => format!("A schedule has no {{{{{name}}}}}. Enter a value."),
            known => {
                format!("This trigger has no {{{{{name}}}}}. Use {{{{{}}}}}, or enter a value.", known.join("}}, {{"))
            }
        };
        Problem::field(format!("parameters.{key}"), "name_unknown", words)
    };
    parameters
        .iter()
        .filter_map(|(key, value)| name_of(value).filter(|name| unknown(name)).map(|name| problem(key, name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_value_as_a_whole_stands_for_what_happened() {
        let lead = LeadId(Uuid::from_u128(7));
        let payload = json!({"from": {"email": "a@b.example"}, "list": [{"n": 3}]});
        let event = Event { lead: Some(lead), payload: Some(payload.clone()), ..Event::default() };
        let parameters = object(json!({
            "lead": "{{ lead }}", "email": "{{payload.from.email}}", "n": "{{payload.list.0.n}}", "all": "{{payload}}",
            "words": "Write to {{lead}}", "five": 5
        }));
        let filled = fill(&parameters, &event).expect("all there");
        let expected = json!({
            "lead": lead, "email": "a@b.example", "n": 3, "all": payload, "words": "Write to {{lead}}", "five": 5
        });
        assert_eq!(Value::Object(filled), expected);
    }

    #[test]
    fn a_reply_is_its_text() {
        let reply = Some(json!({"text": "Call me.", "subject": "Re: Lenses", "from": "ines@corvus.example"}));
        let event = Event { reply, ..Event::default() };
        let filled =
            fill(&object(json!({"said": "{{reply}}", "about": "{{reply.subject}}"})), &event).expect("all there");
        assert_eq!(Value::Object(filled), json!({"said": "Call me.", "about": "Re: Lenses"}));
        assert!(fill(&object(json!({"said": "{{reply.body}}"})), &event).is_err());
    }

    #[test]
    fn what_is_not_there_is_a_problem_of_its_parameter() {
        let parameters = object(json!({"email": "{{payload.email}}", "campaign": "{{campaign}}"}));
        let event = Event { payload: Some(json!({"mail": "x"})), ..Event::default() };
        let mut fields: Vec<_> =
            fill(&parameters, &event).expect_err("not there").into_iter().filter_map(|p| p.field).collect();
        fields.sort();
        assert_eq!(fields, ["parameters.campaign", "parameters.email"]);
    }
}
