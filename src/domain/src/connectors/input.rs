//! What is entered to set up or change a connector. A program is named by the operator, and a secret goes only
//! into a variable that cannot change what a program does.

use serde::{Deserialize, Serialize};

use super::{ConnectorAuth, Transport};
use crate::{Problem, problem::Problems, public_url::check_endpoint};

/// The most arguments of a command.
const MOST_ARGS: usize = 20;
/// How the names of environment variables end that may carry a secret: `PATH` and its like are none of them.
const SECRET_ENDINGS: [&str; 4] = ["_KEY", "_TOKEN", "_SECRET", "_PASSWORD"];
/// Headers that the transport itself writes.
const TAKEN_HEADERS: [&str; 10] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "last-event-id",
    "origin",
    "transfer-encoding",
];

/// What is entered to set up or change a connector; an absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ConnectorInput {
    /// Its name: 1 to 30 lower-case letters, digits and hyphens. Cannot be changed later.
    pub name: Option<String>,
    /// How it is reached. Cannot be changed later.
    pub transport: Option<Transport>,
    /// Its address, as in `https://mcp.example.com/mcp`.
    pub url: Option<String>,
    /// Its command; one that the operator of the installation has listed.
    pub command: Option<String>,
    /// Arguments of the command.
    pub args: Option<Vec<String>>,
    /// How it knows the company.
    pub auth: Option<ConnectorAuth>,
    /// Name of the header, or of the environment variable of a command, that carries the secret.
    pub secret_name: Option<String>,
    /// The secret: a token, the value of the header, or that of a registered client. Kept encrypted, never
    /// shown. Needed again with another address.
    pub secret: Option<String>,
    /// The client that the company has registered at the provider; one is asked for when it is empty.
    pub client_id: Option<String>,
    /// Calls in a minute, 1 to 6,000.
    pub calls_per_minute: Option<i32>,
    /// Seconds that a call may take, 1 to 120.
    pub timeout_seconds: Option<i32>,
}

impl ConnectorInput {
    /// Checks what is there, for a connector that is reached in this way. `new` also asks for what a new
    /// connector cannot do without.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self, transport: Option<Transport>, new: bool) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        let http = transport == Some(Transport::Http);
        trim(&mut self.name, &mut self.command);
        trim(&mut self.secret, &mut self.secret_name);
        self.secret = self.secret.filter(|secret| !secret.is_empty());
        self.client_id = self.client_id.map(|id| id.trim().to_owned());
        if new && !self.name.as_deref().is_some_and(is_name) {
            let words = "Enter 1 to 30 lower-case letters, digits and hyphens, with a letter first.";
            problems.push(Problem::field("name", "name_invalid", words));
        }
        if new && transport.is_none() {
            problems.push(Problem::field("transport", "transport_missing", "Choose how the server is reached."));
        }
        if http {
            (self.command, self.args) = (None, None);
            if new || self.url.is_some() {
                self.url = problems.check("url", check_endpoint(self.url.as_deref().unwrap_or_default()));
            }
        } else {
            self.url = None;
            if transport.is_some()
                && (new || self.command.is_some())
                && self.command.as_deref().is_none_or(str::is_empty)
            {
                problems.push(Problem::field("command", "command_missing", "Enter the command."));
            }
            let long = |args: &Vec<String>| args.len() > MOST_ARGS || args.iter().any(|arg| arg.len() > 500);
            if self.args.as_ref().is_some_and(long) {
                let words = format!("Enter at most {MOST_ARGS} arguments of 500 characters.");
                problems.push(Problem::field("args", "args_long", words));
            }
        }
        if new && self.auth.is_none() {
            self.auth = Some(ConnectorAuth::None);
        }
        if let Some(auth) = self.auth {
            self.check_auth(auth, http, new, &mut problems);
        }
        let unreadable = |text: &Option<String>| {
            text.as_ref()
                .is_some_and(|text| text.len() > 4_000 || text.chars().any(|c| c.is_control() || !c.is_ascii()))
        };
        if unreadable(&self.secret) {
            problems.push(Problem::field("secret", "secret_invalid", "Enter the secret as its provider shows it."));
        }
        if unreadable(&self.client_id) {
            problems.push(Problem::field("client_id", "client_invalid", "Enter the client as its provider shows it."));
        }
        if self.calls_per_minute.is_some_and(|calls| !(1..=6_000).contains(&calls)) {
            problems.push(Problem::field("calls_per_minute", "rate_invalid", "Enter a number from 1 to 6,000."));
        }
        if self.timeout_seconds.is_some_and(|seconds| !(1..=120).contains(&seconds)) {
            problems.push(Problem::field("timeout_seconds", "timeout_invalid", "Enter seconds from 1 to 120."));
        }
        problems.finish()?;
        Ok(self)
    }

    fn check_auth(&mut self, auth: ConnectorAuth, http: bool, new: bool, problems: &mut Problems) {
        if !http && matches!(auth, ConnectorAuth::Bearer | ConnectorAuth::Oauth) {
            let words = "A command takes a named secret or nothing.";
            problems.push(Problem::field("auth", "auth_invalid", words));
        }
        if new && matches!(auth, ConnectorAuth::Bearer | ConnectorAuth::Header) && self.secret.is_none() {
            problems.push(Problem::field("secret", "secret_missing", "Enter the secret that the server asks for."));
        }
        if auth == ConnectorAuth::None {
            self.secret = None;
        }
        if auth != ConnectorAuth::Oauth {
            self.client_id = None;
        }
        if auth != ConnectorAuth::Header {
            self.secret_name = None;
            return;
        }
        let name = self.secret_name.as_deref().unwrap_or_default();
        if http && !is_header(name) {
            let words = "Enter the name of a header, as in X-Api-Key. Authorization is “A token”.";
            problems.push(Problem::field("secret_name", "header_invalid", words));
        }
        if !http && !is_secret_variable(name) {
            let words = "Enter the name of an environment variable that ends in _KEY, _TOKEN, _SECRET or _PASSWORD.";
            problems.push(Problem::field("secret_name", "variable_invalid", words));
        }
    }
}

fn trim(first: &mut Option<String>, second: &mut Option<String>) {
    for text in [first, second].into_iter().flatten() {
        *text = text.trim().to_owned();
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= 30
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_header(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let low = name.to_ascii_lowercase();
    (1..=64).contains(&name.len())
        && name.chars().all(plain)
        && !low.starts_with("mcp-")
        && !TAKEN_HEADERS.contains(&low.as_str())
}

fn is_secret_variable(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(plain)
        && SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(input: ConnectorInput, transport: Option<Transport>) -> Vec<String> {
        let problems = input.check(transport, true).err().unwrap_or_default();
        problems.into_iter().filter_map(|p| p.field).map(|field| field.to_string()).collect()
    }

    fn http(auth: ConnectorAuth) -> ConnectorInput {
        ConnectorInput {
            name: Some("crm".into()),
            url: Some("https://mcp.example.com/mcp/".into()),
            auth: Some(auth),
            ..ConnectorInput::default()
        }
    }

    #[test]
    fn a_new_connector_needs_what_it_is_reached_with() {
        assert_eq!(fields(ConnectorInput::default(), None), ["name", "transport"]);
        assert_eq!(fields(http(ConnectorAuth::Bearer), Some(Transport::Http)), ["secret"]);
        assert_eq!(fields(http(ConnectorAuth::Header), Some(Transport::Http)), ["secret", "secret_name"]);
        let kept = http(ConnectorAuth::Oauth).check(Some(Transport::Http), true).expect("fine");
        assert_eq!(kept.url.as_deref(), Some("https://mcp.example.com/mcp"));
    }

    #[test]
    fn a_name_is_a_word_that_stands_before_two_underscores() {
        for wrong in ["", "Crm", "9a", "a_b", "a b", "-a", &"a".repeat(31)] {
            let input = ConnectorInput { name: Some(wrong.into()), ..http(ConnectorAuth::None) };
            assert_eq!(fields(input, Some(Transport::Http)), ["name"], "{wrong}");
        }
    }

    #[test]
    fn a_secret_does_not_change_what_a_program_does() {
        for (name, right) in
            [("CRM_API_KEY", true), ("A_TOKEN", true), ("PATH", false), ("LD_PRELOAD", false), ("NODE_OPTIONS", false)]
        {
            assert_eq!(is_secret_variable(name), right, "{name}");
        }
        for (name, right) in [("X-Api-Key", true), ("Authorization", false), ("Mcp-Session-Id", false), ("a b", false)]
        {
            assert_eq!(is_header(name), right, "{name}");
        }
    }
}
