//! Accounts: the firms that leads work for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AccountId, Problem, companies::check_name, problem::Problems};

/// An account with the figures its list shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Account {
    /// Id.
    pub id: AccountId,
    /// Name; unique in the company, upper and lower case alike.
    pub name: String,
    /// Web domain, as in `corvus.example`.
    pub domain: Option<String>,
    /// Industry in words.
    pub industry: Option<String>,
    /// Number of employees.
    pub employees: Option<i32>,
    /// ISO 3166 country code, two letters.
    pub country: Option<String>,
    /// Leads that work there.
    pub leads: i64,
    /// Highest score among them.
    pub best_score: Option<i32>,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
    /// Version for If-Match; grows with every change.
    pub version: i64,
}

/// What can be entered about an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct AccountInput {
    /// Name.
    pub name: String,
    /// Web domain.
    pub domain: Option<String>,
    /// Industry.
    pub industry: Option<String>,
    /// Number of employees.
    pub employees: Option<i32>,
    /// ISO 3166 country code.
    pub country: Option<String>,
}

/// What was entered about an account that exists, to change some of it.
impl From<Account> for AccountInput {
    fn from(account: Account) -> Self {
        Self {
            name: account.name,
            domain: account.domain,
            industry: account.industry,
            employees: account.employees,
            country: account.country,
        }
    }
}

impl AccountInput {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        let name = problems.check("name", check_name(&self.name, 200)).unwrap_or_default();
        let country = problems.check("country", check_country(self.country)).flatten();
        if self.employees.is_some_and(|n| n < 0) {
            problems.push(Problem::field("employees", "number_invalid", "Enter a number of employees, 0 or more."));
        }
        problems.finish()?;
        Ok(Self {
            name,
            domain: clean(self.domain).map(|d| domain_of(&d)),
            industry: clean(self.industry),
            employees: self.employees,
            country,
        })
    }
}

/// A filter of the account list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountFilter {
    /// Part of the name or domain.
    pub q: Option<String>,
}

/// Trims a text from outside; an empty one is absent.
#[must_use]
pub fn clean(text: Option<String>) -> Option<String> {
    text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
}

/// A country code in upper case.
///
/// # Errors
/// A problem when it is not two letters.
pub fn check_country(country: Option<String>) -> Result<Option<String>, Problem> {
    match clean(country) {
        None => Ok(None),
        Some(code) if code.len() == 2 && code.chars().all(|c| c.is_ascii_alphabetic()) => {
            Ok(Some(code.to_ascii_uppercase()))
        }
        Some(_) => Err(Problem::new("country_invalid", "Use the two letters of the country, as in DE.")),
    }
}

/// The bare domain of an address that may carry a scheme, `www.` or a path.
fn domain_of(text: &str) -> String {
    let text = text.to_lowercase();
    let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(&text);
    let text = text.strip_prefix("www.").unwrap_or(text);
    text.split(['/', '?', '#']).next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_becomes_a_domain() {
        for (text, domain) in
            [("https://www.Corvus.example/about", "corvus.example"), ("corvus.example", "corvus.example")]
        {
            assert_eq!(domain_of(text), domain);
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let problems = AccountInput { country: Some("Germany".into()), employees: Some(-1), ..Default::default() }
            .check()
            .expect_err("nothing is right");
        assert_eq!(problems.len(), 3);
    }
}
