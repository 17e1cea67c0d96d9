//! An e-mail address that has been read once and cannot be wrong afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Problem;

/// An address as used in business mail: one `local@domain`, lower case.
///
/// The rules are those of RFC 5321 (lengths of 64 and 254 octets) narrowed to
/// what mail servers really accept: no quoted local parts, no address literals,
/// no comments. Upper case is folded, because every provider treats both alike
/// and duplicates are found by the address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, format = "email"))]
#[cfg_attr(feature = "sqlx", derive(sqlx::Type), sqlx(transparent))]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

impl EmailAddress {
    /// Reads an address from outside.
    ///
    /// # Errors
    /// A problem that says what is wrong with it.
    pub fn parse(raw: &str) -> Result<Self, Problem> {
        let text = raw.trim().to_lowercase();
        if text.is_empty() {
            return Err(Problem::new("email_missing", "Enter an e-mail address."));
        }
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(invalid("An e-mail address needs an @, as in ana@example.com."));
        };
        if local.is_empty() || local.len() > 64 || text.len() > 254 {
            return Err(invalid("The part before the @ must have 1 to 64 characters, the whole address at most 254."));
        }
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") || !local.chars().all(is_local) {
            return Err(invalid("The part before the @ has a character that mail servers do not accept."));
        }
        if !is_domain(domain) {
            return Err(invalid("The part after the @ must be a domain, as in example.com."));
        }
        Ok(Self(text))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the @.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address with most of its local part hidden, for pages that strangers may see.
    #[must_use]
    pub fn masked(&self) -> String {
        let first: String = self.0.chars().take(1).collect();
        format!("{first}•••@{}", self.domain())
    }
}

fn invalid(message: &'static str) -> Problem {
    Problem::new("email_invalid", message)
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c)
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    labels.len() >= 2
        && domain.len() <= 253
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
        && labels.last().is_some_and(|tld| tld.len() >= 2 && !tld.chars().all(|c| c.is_ascii_digit()))
}

impl TryFrom<String> for EmailAddress {
    type Error = Problem;

    fn try_from(raw: String) -> Result<Self, Problem> {
        Self::parse(&raw)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_taken() {
        for (raw, kept) in [
            ("ana@example.com", "ana@example.com"),
            ("  Ana.Berg+news@Example.CO.uk ", "ana.berg+news@example.co.uk"),
            ("müller@bücher.example", "müller@bücher.example"),
            ("o'neil@a-b.io", "o'neil@a-b.io"),
        ] {
            assert_eq!(EmailAddress::parse(raw).expect(raw).as_str(), kept);
        }
    }

    #[test]
    fn addresses_that_are_not() {
        for raw in [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@example",
            "ana@-a.com",
            "ana@a..com",
            "a na@example.com",
            ".ana@example.com",
            "ana.@example.com",
            "ana@example.123",
            "ana\r\nbcc:x@example.com",
            "a@b@c.com",
            "\"quoted\"@example.com",
            "ana@[127.0.0.1]",
        ] {
            assert!(EmailAddress::parse(raw).is_err(), "{raw:?} was taken");
        }
    }

    #[test]
    fn a_masked_address_shows_one_letter() {
        assert_eq!(EmailAddress::parse("ines@corvus.example").expect("valid").masked(), "i•••@corvus.example");
    }
}
