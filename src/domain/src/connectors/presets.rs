//! Servers that many companies use: choosing one fills the form, and changes nothing by itself.

use super::ConnectorAuth;

/// A server that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name, and the one that the form proposes.
    pub name: &'static str,
    /// The name people read.
    pub label: &'static str,
    /// Its address.
    pub url: &'static str,
    /// Where its provider describes it.
    pub docs: &'static str,
    /// How it knows the company.
    pub auth: ConnectorAuth,
    /// What to do at its provider before.
    pub before: &'static str,
    /// Which permissions suit its tools.
    pub advice: &'static str,
}

/// The servers that are known here.
pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "gmail",
        label: "Gmail",
        url: "https://gmailmcp.googleapis.com/mcp/v1",
        docs: "https://developers.google.com/workspace/gmail/api/reference/mcp",
        auth: ConnectorAuth::Oauth,
        before: "In the Google Cloud console, enable the Gmail API and the Gmail MCP API, and register an OAuth client \
                 of the kind “Web application” with the address below. Enter its client ID and secret here.",
        advice: "Allow what searches and reads threads. Ask for what writes drafts or changes labels.",
    },
    Preset {
        name: "apollo",
        label: "Apollo",
        url: "https://mcp.apollo.io/mcp",
        docs: "https://docs.apollo.io/docs/apollo-mcp",
        auth: ConnectorAuth::Oauth,
        before: "Nothing is to be registered: add the connector, then sign in to Apollo as somebody who may use its API.",
        advice: "Allow what searches people and organisations. Ask for what enriches, which costs credits, and for what \
                 creates contacts or changes sequences.",
    },
];

/// The one with this name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::super::{ConnectorInput, Transport};
    use super::*;

    #[test]
    fn what_a_preset_fills_in_is_accepted() {
        for preset in PRESETS {
            let input = ConnectorInput {
                name: Some(preset.name.to_owned()),
                url: Some(preset.url.to_owned()),
                auth: Some(preset.auth),
                ..ConnectorInput::default()
            };
            assert!(input.check(Some(Transport::Http), true).is_ok(), "{}", preset.name);
        }
    }
}
