//! The tools of the product over its service layer: what an agent may do is what whoever started the run
//! may do, because every tool opens the company with that person's rights.

mod campaigns;
mod documents;
mod leads;
mod memory;
mod texts;

use domain::agents::Tool;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use service::{Error, Tenant};

/// What a tool answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// A JSON object.
    pub value: Value,
    /// Whether it holds text that somebody outside could have written.
    pub outside: bool,
}

/// Why a tool did not answer.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The agent reads this and can do something about it.
    Words(String),
    /// Not its fault: the database is away, or we are wrong.
    Fault(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Forbidden(permission) => {
                Self::Words(format!("Whoever started this run may not {}.", permission.label()))
            }
            Error::NotFound(what) => Self::Words(format!("There is no such {what}.")),
            Error::Invalid(problems) => {
                Self::Words(problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" "))
            }
            Error::Refused(refusal) => Self::Words(refusal.message),
            Error::Conflict(problem) => Self::Words(problem.message),
            fault => Self::Fault(fault),
        }
    }
}

type Result<T = Answer, E = Trouble> = std::result::Result<T, E>;

/// Calls a tool in a transaction; the caller commits it together with the outcome.
///
/// # Errors
/// [`Trouble`].
pub(crate) async fn call(t: &mut Tenant, tool: Tool, arguments: Value) -> Result {
    match tool.name {
        "find_leads" => leads::find(t, read(arguments)?).await,
        "read_lead" => leads::read(t, read(arguments)?).await,
        "read_timeline" => leads::timeline(t, read(arguments)?).await,
        "find_accounts" => leads::find_accounts(t, read(arguments)?).await,
        "read_account" => leads::read_account(t, read(arguments)?).await,
        "add_note" => leads::add_note(t, read(arguments)?).await,
        "tag_leads" => leads::tag(t, read(arguments)?).await,
        "set_lead_status" => leads::set_status(t, read(arguments)?).await,
        "find_campaigns" => campaigns::find(t, read(arguments)?).await,
        "read_campaign" => campaigns::read(t, read(arguments)?).await,
        "campaign_figures" => campaigns::figures(t, read(arguments)?).await,
        "read_mailboxes" => campaigns::mailboxes(t, read(arguments)?).await,
        "enrol_leads" => campaigns::enrol(t, read(arguments)?).await,
        "find_content" => texts::find(t, read(arguments)?).await,
        "read_content" => texts::read(t, read(arguments)?).await,
        "save_content" => texts::save(t, read(arguments)?).await,
        "remember" => memory::remember(t, read(arguments)?).await,
        "recall" => memory::recall(t, read(arguments)?).await,
        "find_documents" => documents::find(t, read(arguments)?).await,
        "read_document" => documents::read(t, read(arguments)?).await,
        "save_document" => documents::save(t, read(arguments)?).await,
        "draft_mail" => texts::draft(t, read(arguments)?).await,
        "create_task" => texts::create_task(t, read(arguments)?).await,
        name => Err(Trouble::Words(format!("`{name}` changes nothing here."))),
    }
}

/// The JSON Schema (2020-12) of the arguments of a tool.
pub(crate) fn schema(tool: Tool) -> Value {
    let schema = match tool.name {
        "find_leads" => schema_for!(leads::FindLeads),
        "read_lead" => schema_for!(leads::OneLead),
        "read_timeline" => schema_for!(leads::Timeline),
        "find_accounts" => schema_for!(leads::FindAccounts),
        "read_account" => schema_for!(leads::OneAccount),
        "add_note" => schema_for!(leads::AddNote),
        "tag_leads" => schema_for!(leads::TagLeads),
        "set_lead_status" => schema_for!(leads::SetStatus),
        "find_campaigns" => schema_for!(campaigns::FindCampaigns),
        "read_campaign" | "campaign_figures" => schema_for!(campaigns::OneCampaign),
        "enrol_leads" => schema_for!(campaigns::EnrolLeads),
        "find_content" => schema_for!(texts::FindContent),
        "read_content" => schema_for!(texts::OneContent),
        "save_content" => schema_for!(texts::SaveContent),
        "find_documents" => schema_for!(documents::FindDocuments),
        "read_document" => schema_for!(documents::OneDocument),
        "save_document" => schema_for!(documents::SaveDocument),
        "draft_mail" => schema_for!(texts::DraftMail),
        "create_task" => schema_for!(texts::CreateTask),
        "remember" => schema_for!(memory::Remember),
        "recall" => schema_for!(memory::Recall),
        "hand_over" => schema_for!(super::waits::HandOver),
        "ask_person" => schema_for!(super::waits::AskPerson),
        "wait" => schema_for!(super::waits::Minutes),
        "call_webhook" => schema_for!(super::webhook::Payload),
        _ => schema_for!(Nothing),
    };
    schema.to_value()
}

/// Arguments of a tool that takes none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Arguments as the tool takes them; what was left empty is absent.
pub(super) fn read<T: DeserializeOwned>(mut arguments: Value) -> Result<T> {
    if let Value::Object(map) = &mut arguments {
        map.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    }
    serde_json::from_value(arguments).map_err(|error| Trouble::Words(format!("The arguments can't be read: {error}.")))
}

/// Text that somebody outside could have written.
fn outside(value: Value) -> Result {
    Ok(Answer { value, outside: true })
}

/// Words and figures of the company itself.
fn own(value: Value) -> Result {
    Ok(Answer { value, outside: false })
}

/// Something of ours as JSON.
fn plain(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or(json!(null))
}

/// A value of one of our lists of words.
fn word<T: std::str::FromStr<Err = domain::Problem>>(text: &str) -> Result<T> {
    text.parse().map_err(|problem: domain::Problem| Trouble::Words(problem.message))
}

/// A limit of a list, 20 unless said otherwise, at most 100.
fn limit(wanted: Option<i64>) -> domain::PageRequest {
    domain::PageRequest { per: Some(wanted.unwrap_or(20)), ..domain::PageRequest::default() }
}

#[cfg(test)]
mod tests {
    use domain::agents::TOOLS;

    use super::*;

    #[test]
    fn every_tool_has_a_schema_that_forbids_what_it_does_not_know() {
        for tool in TOOLS {
            let schema = schema(tool);
            assert_eq!(schema["type"], "object", "{}: {schema}", tool.name);
            assert_eq!(schema["additionalProperties"], false, "{}: {schema}", tool.name);
        }
    }

    #[test]
    fn what_is_empty_is_absent_and_what_is_unknown_is_told() {
        let read = |value| read::<leads::FindLeads>(value);
        assert!(read(json!({ "status": null, "tag": "" })).is_ok_and(|found| found.tag.is_none()));
        assert!(matches!(read(json!({ "stat": "new" })), Err(Trouble::Words(words)) if words.contains("stat")));
    }
}
