//! Tools for what an agent keeps from run to run. What was kept under the influence of text from outside comes
//! back as text from outside.

use domain::memories::NewMemory;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::Tenant;

use super::{Answer, Result, own, word};

/// How long something is remembered unless said otherwise: half a year.
const DAYS: i64 = 180;

/// Something to remember.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Remember {
    /// The words, at most 2,000 characters, so that they can be understood by themselves.
    pub text: String,
    /// fact, preference or lesson; fact when absent.
    pub kind: Option<String>,
    /// For how many days, 1 to 730; 180 when absent.
    pub days: Option<i64>,
}

/// Words to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recall {
    /// Words that stand in it; the newest memories when absent.
    pub query: Option<String>,
    /// How many, 1 to 50; 10 when absent.
    pub limit: Option<i64>,
}

/// Keeps something for later runs.
pub(crate) async fn remember(t: &mut Tenant, wanted: Remember) -> Result {
    let kind = word(wanted.kind.as_deref().unwrap_or("fact"))?;
    let new = NewMemory { kind, text: wanted.text, days: wanted.days.unwrap_or(DAYS) };
    let memory = t.memories().remember(new).await?;
    own(json!({ "id": memory.id, "expires_at": memory.expires_at }))
}

/// Looks up what was kept.
pub(crate) async fn recall(t: &mut Tenant, wanted: Recall) -> Result {
    let found = t.memories().recall(wanted.query.as_deref().unwrap_or_default(), wanted.limit.unwrap_or(10)).await?;
    let outside = found.iter().any(|memory| memory.outside);
    let items: Vec<_> = found
        .into_iter()
        .map(|memory| {
            json!({ "kind": memory.kind, "text": memory.text, "at": memory.created_at, "from_outside": memory.outside })
        })
        .collect();
    Ok(Answer { value: json!({ "items": items }), outside })
}
