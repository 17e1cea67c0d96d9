//! The suppression list: addresses and domains that get no more e-mail.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{EmailAddress, Problem, SuppressionId, wire::wire_enum};

wire_enum! {
    /// Why an address is suppressed.
    pub enum SuppressionReason {
        /// The person asked for it. Never taken back by the company.
        Unsubscribed = "unsubscribed",
        /// The address does not exist.
        Bounced = "bounced",
        /// The person complained to their provider.
        Complaint = "complaint",
        /// Put there by hand or by a program.
        Manual = "manual",
        /// The person had their data erased.
        Erased = "erased",
    }
}

impl SuppressionReason {
    /// Whether the company may take it back.
    #[must_use]
    pub const fn removable(self) -> bool {
        matches!(self, Self::Manual | Self::Bounced)
    }

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unsubscribed => "Unsubscribed",
            Self::Bounced => "Bounced",
            Self::Complaint => "Complaint",
            Self::Manual => "Added by hand",
            Self::Erased => "Erased",
        }
    }
}

/// What is suppressed: one address, or everything at a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SuppressionTarget {
    /// One address.
    Address(EmailAddress),
    /// A domain, without the @.
    Domain(String),
}

impl SuppressionTarget {
    /// Reads `ana@example.com`, `example.com` or `@example.com`.
    ///
    /// # Errors
    /// A problem when it is neither.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        let text = raw.trim().to_lowercase();
        let domain = text.strip_prefix('@').unwrap_or(&text);
        if text.contains('@') && !text.starts_with('@') {
            return EmailAddress::parse(&text).map(Self::Address);
        }
        EmailAddress::parse(&format!("x@{domain}")).map(|_| Self::Domain(domain.to_owned())).map_err(|_| {
            Problem::new("target_invalid", format!("“{}” is neither an address nor a domain.", raw.trim()))
        })
    }

    /// As stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Address(address) => address.as_str(),
            Self::Domain(domain) => domain,
        }
    }
}

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Suppression {
    /// Id.
    pub id: SuppressionId,
    /// Address or domain.
    pub target: String,
    /// Why.
    pub reason: SuppressionReason,
    /// More about it: the campaign, the reply of the server, the person's own words.
    pub detail: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_domains_are_told_apart() {
        let parse = |raw| SuppressionTarget::parse(raw).map(|t| t.as_str().to_owned());
        assert_eq!(parse(" Ana@Example.com "), Ok("ana@example.com".to_owned()));
        assert_eq!(parse("@example.com"), Ok("example.com".to_owned()));
        assert!(matches!(SuppressionTarget::parse("example.com"), Ok(SuppressionTarget::Domain(_))));
        assert!(parse("example").is_err());
        assert!(parse("a b@example.com").is_err());
    }
}
