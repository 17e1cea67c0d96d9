//! Connectors: servers of the Model Context Protocol that agents may use. What such a server says of its tools
//! is the word of somebody outside; a tool is called only with the permission that a person has given it.

mod client;
mod input;
mod presets;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ConnectorId, RunId, agents::Risk, wire::wire_enum};

pub use client::{CLIENT_DOCUMENT, SIGN_IN_BACK, SignInClient};
pub use input::ConnectorInput;
pub use presets::{PRESETS, Preset, preset};

/// Stands between the name of a connector and the name of its tool; no name of a connector contains it.
const BETWEEN: &str = "__";
/// Calls that may come at once after a pause: as many as are due in this time.
const BURST: Duration = Duration::seconds(10);

wire_enum! {
    /// How a server is reached.
    pub enum Transport {
        /// At an address of the web (streamable HTTP).
        Http = "http",
        /// As a program on the machine of the worker.
        Stdio = "stdio",
    }
}

impl Transport {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Http => "Address",
            Self::Stdio => "Command",
        }
    }
}

wire_enum! {
    /// How a server knows the company.
    pub enum ConnectorAuth {
        /// It asks for nothing.
        None = "none",
        /// A token in the header `Authorization`.
        Bearer = "bearer",
        /// A secret in a header with another name, or in an environment variable of a command.
        Header = "header",
        /// Somebody signs in at its provider (OAuth).
        Oauth = "oauth",
    }
}

impl ConnectorAuth {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "Nothing",
            Self::Bearer => "A token",
            Self::Header => "A named secret",
            Self::Oauth => "Signing in",
        }
    }
}

wire_enum! {
    /// How a connector stands.
    pub enum ConnectorState {
        /// Not looked at yet.
        New = "new",
        /// It answers.
        Ready = "ready",
        /// It does not.
        Failing = "failing",
        /// A person has paused it.
        Paused = "paused",
        /// Somebody has to sign in.
        NeedsSignIn = "needs_sign_in",
    }
}

wire_enum! {
    /// What agents may do with a tool.
    pub enum ToolPermission {
        /// They do not see it.
        Off = "off",
        /// They call it when a person has approved exactly these arguments.
        Ask = "ask",
        /// They call it; a person has found it harmless.
        Allow = "allow",
    }
}

impl ToolPermission {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Ask => "Ask",
            Self::Allow => "Allow",
        }
    }

    /// The risk of calling the tool; nothing when it may not be called. What the server says of its tool
    /// does not count, only what a person has said.
    #[must_use]
    pub const fn risk(self) -> Option<Risk> {
        match self {
            Self::Off => None,
            Self::Ask => Some(Risk::Unsafe),
            Self::Allow => Some(Risk::Read),
        }
    }
}

wire_enum! {
    /// How well a tool is known here.
    pub enum ToolState {
        /// Nobody has reviewed it.
        New = "new",
        /// The server has changed it since it was reviewed.
        Changed = "changed",
        /// Reviewed as it is.
        Known = "known",
        /// The server does not have it any more.
        Gone = "gone",
    }
}

/// A connector. Its secrets never leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Connector {
    /// Id.
    pub id: ConnectorId,
    /// Its name, which agents write before the names of its tools.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// Its address.
    pub url: Option<String>,
    /// Its command.
    pub command: Option<String>,
    /// Arguments of the command.
    pub args: Vec<String>,
    /// How it knows the company.
    pub auth: ConnectorAuth,
    /// Name of the header or of the environment variable that carries the secret.
    pub secret_name: Option<String>,
    /// The client that the company has registered at its provider.
    pub client_id: Option<String>,
    /// Whether a secret is kept for it.
    pub has_secret: bool,
    /// Whether somebody has signed in.
    pub signed_in: bool,
    /// How it stands.
    pub state: ConnectorState,
    /// The revision of the protocol that it speaks.
    pub protocol: Option<String>,
    /// What it calls itself.
    pub server_name: Option<String>,
    /// Which version it says it is.
    pub server_version: Option<String>,
    /// When its tools were last looked at.
    pub checked_at: Option<DateTime<Utc>>,
    /// What went wrong last, until it answers again.
    pub last_error: Option<String>,
    /// Calls in a minute, at most.
    pub calls_per_minute: i32,
    /// Seconds that a call may take.
    pub timeout_seconds: i32,
    /// Not called until then, because it failed several times.
    pub open_until: Option<DateTime<Utc>>,
    /// How many tools it has.
    pub tools: i64,
    /// How many of them nobody has reviewed as they are.
    pub to_review: i64,
    /// When it was last called.
    pub last_call: Option<DateTime<Utc>>,
    /// Calls of the last 24 hours.
    pub calls: i64,
    /// Those of them that failed.
    pub failed: i64,
}

/// A tool of a connector. Title, description and schema are the words of its server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectorTool {
    /// As its server calls it.
    pub name: String,
    /// As agents call it.
    pub call_name: String,
    /// Its title.
    pub title: Option<String>,
    /// What it does, in the words of its server.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// Of description and schema; changes with them.
    pub hash: String,
    /// What agents may do with it.
    pub permission: ToolPermission,
    /// How well it is known.
    pub state: ToolState,
    /// Whether its server says that it changes nothing.
    pub read_only: Option<bool>,
    /// Whether its server says that it destroys something.
    pub destructive: Option<bool>,
    /// Who reviewed it.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<DateTime<Utc>>,
}

/// What a person says of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ToolReview {
    /// The tool, as its server calls it.
    pub tool: String,
    /// What agents may do with it.
    pub permission: ToolPermission,
    /// The `hash` of what was reviewed: a tool that has changed since is not meant.
    pub hash: String,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectorCall {
    /// Id.
    pub id: uuid::Uuid,
    /// The tool, as its server calls it.
    pub tool: String,
    /// The run that called it.
    pub run: Option<RunId>,
    /// Milliseconds it took.
    pub took_ms: i64,
    /// Why it did not work.
    pub error: Option<String>,
    /// When it ended.
    pub created_at: DateTime<Utc>,
}

/// The connector in the name of a tool as agents write it: `crm__find` is of `crm`.
#[must_use]
pub fn connector_of(tool: &str) -> Option<&str> {
    tool.split_once(BETWEEN).map(|(connector, _)| connector).filter(|name| !name.is_empty())
}

/// Whether an agent that lists `listed` may call `tool`; `crm__*` stands for every tool of `crm`.
#[must_use]
pub fn lists(listed: &str, tool: &str) -> bool {
    listed == tool || listed.strip_suffix("__*").is_some_and(|connector| connector_of(tool) == Some(connector))
}

/// Whether a call may be made now: the time to keep for the next one, or how long to wait (GCRA).
///
/// # Errors
/// How long to wait.
pub fn admit(due: Option<DateTime<Utc>>, now: DateTime<Utc>, per_minute: i32) -> Result<DateTime<Utc>, Duration> {
    let due = due.unwrap_or(now).max(now);
    if due > now + BURST {
        return Err(due - now - BURST);
    }
    Ok(due + Duration::milliseconds(60_000 / i64::from(per_minute.max(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_the_tools_of_one_connector() {
        assert!(lists("crm__find", "crm__find") && lists("crm__*", "crm__find") && lists("crm__*", "crm__a__b"));
        assert!(!lists("crm__*", "crm2__find") && !lists("crm__*", "read_lead") && !lists("*", "crm__find"));
        assert_eq!(connector_of("read_lead"), None);
        assert_eq!(connector_of("__find"), None);
    }

    #[test]
    fn only_a_person_makes_a_tool_harmless() {
        let risks: Vec<_> = ToolPermission::ALL.iter().map(|p| p.risk()).collect();
        assert_eq!(risks, [None, Some(Risk::Unsafe), Some(Risk::Read)]);
    }

    #[test]
    fn calls_come_evenly_after_a_burst() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("a time");
        let (mut due, mut made) = (None, 0);
        while let Ok(next) = admit(due, now, 60) {
            (due, made) = (Some(next), made + 1);
        }
        assert_eq!(made, 11, "ten seconds' worth, and the first one");
        assert_eq!(admit(due, now, 60), Err(Duration::seconds(1)));
        assert!(admit(due, now + Duration::seconds(1), 60).is_ok());
        assert_eq!(admit(admit(None, now, 1).ok(), now, 1), Err(Duration::seconds(50)));
    }
}
