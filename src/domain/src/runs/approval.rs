//! Questions of a run to a person. A decision is made once, about exactly what was asked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{ApprovalId, RunId, agents::Risk, wire::wire_enum};

wire_enum! {
    /// What became of a question to a person.
    pub enum ApprovalState {
        /// Nobody has answered yet.
        Pending = "pending",
        /// Yes.
        Approved = "approved",
        /// No.
        Denied = "denied",
        /// Nobody answered in time; counts as no.
        Expired = "expired",
        /// The run has ended otherwise.
        Withdrawn = "withdrawn",
    }
}

/// A question of a run to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    /// Id.
    pub id: ApprovalId,
    /// The run.
    pub run: RunId,
    /// Its agent.
    pub agent: String,
    /// The tool, or `limit:steps` and the like.
    pub tool: String,
    /// With exactly these arguments.
    pub arguments: Value,
    /// With these instead, if a person has changed them.
    pub edited: Option<Value>,
    /// What became of it.
    pub state: ApprovalState,
    /// Why it was denied.
    pub reason: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Counts as no from then on.
    pub expires_at: DateTime<Utc>,
    /// Asked.
    pub created_at: DateTime<Utc>,
}

wire_enum! {
    /// What an id in arguments stands for.
    pub enum ThingKind {
        /// A lead.
        Lead = "lead",
        /// An account.
        Account = "account",
        /// A campaign.
        Campaign = "campaign",
    }
}

/// Something of the company that arguments speak of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What it is.
    pub kind: ThingKind,
    /// Its id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
}

/// The ids in a value, wherever they stand, in order and each once.
#[must_use]
pub fn ids_in(value: &Value) -> Vec<Uuid> {
    fn gather(value: &Value, found: &mut Vec<Uuid>) {
        match value {
            Value::String(text) => {
                found.extend(Uuid::try_parse(text).ok().filter(|id| text.len() == 36 && !found.contains(id)));
            }
            Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
            Value::Object(map) => map.values().for_each(|value| gather(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    gather(value, &mut found);
    found
}

/// The answer of a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Yes; for all further calls of this tool in the run when `for_this_run`; with other arguments when
    /// `edited`.
    Approve {
        /// Also for further calls of the same tool in this run.
        for_this_run: bool,
        /// The arguments instead.
        edited: Option<Value>,
    },
    /// No, and why: the agent reads it.
    Deny {
        /// Why.
        reason: String,
    },
}

/// Whether a tool may be called without asking a person.
///
/// What acts outside needs an approval. A grant for the rest of a run spares it, unless the run has read
/// text from outside: then somebody could have written what the agent now wants.
#[must_use]
pub fn needs_approval(risk: Risk, granted: bool, read_outside: bool) -> bool {
    risk == Risk::Unsafe && (!granted || read_outside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_ends_where_text_from_outside_begins() {
        assert!(!needs_approval(Risk::Read, false, true));
        assert!(!needs_approval(Risk::Write, false, true));
        assert!(needs_approval(Risk::Unsafe, false, false));
        assert!(!needs_approval(Risk::Unsafe, true, false));
        assert!(needs_approval(Risk::Unsafe, true, true));
    }
}
