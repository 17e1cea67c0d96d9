//! Who signs people in from here, as a provider reads it at an address of this installation (a client ID metadata
//! document). It holds nothing secret, and is the same for all companies.

use serde::Serialize;

use crate::public_url::is_open;

/// Where a provider sends the browser back to after somebody has signed in.
pub const SIGN_IN_BACK: &str = "/connectors/oauth/callback";
/// Where providers read this document.
pub const CLIENT_DOCUMENT: &str = "/client-metadata.json";

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignInClient {
    /// Its own address.
    pub client_id: String,
    /// The name that people read who are asked for their consent.
    pub client_name: &'static str,
    /// The address of the product.
    pub client_uri: String,
    /// Where the browser may be sent back to.
    pub redirect_uris: [String; 1],
    /// What is asked for: codes, and tokens that renew themselves.
    pub grant_types: [&'static str; 2],
    /// What comes back with the browser.
    pub response_types: [&'static str; 1],
    /// It has no secret; the code is protected by its own word (PKCE).
    pub token_endpoint_auth_method: &'static str,
    /// It runs on a server, and people come with a browser.
    pub application_type: &'static str,
}

impl SignInClient {
    /// The document of an installation at this address; none where providers cannot read it.
    #[must_use]
    pub fn at(public_url: &str) -> Option<Self> {
        is_open(public_url).then(|| Self {
            client_id: format!("{public_url}{CLIENT_DOCUMENT}"),
            client_name: "Saleswright",
            client_uri: public_url.to_owned(),
            redirect_uris: [format!("{public_url}{SIGN_IN_BACK}")],
            grant_types: ["authorization_code", "refresh_token"],
            response_types: ["code"],
            token_endpoint_auth_method: "none",
            application_type: "web",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_others_reach_has_a_document() {
        let document = SignInClient::at("https://sales.example.com").expect("a document");
        assert_eq!(document.client_id, "https://sales.example.com/client-metadata.json");
        assert_eq!(document.redirect_uris, ["https://sales.example.com/connectors/oauth/callback"]);
        for closed in ["http://sales.example.com", "https://localhost:3000", "https://10.0.0.5", "https://sales"] {
            assert_eq!(SignInClient::at(closed), None, "{closed}");
        }
    }
}
