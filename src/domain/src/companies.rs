//! Companies (the tenants), their people and what happened in them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AuditEventId, CompanyId, EmailAddress, InvitationId, Problem, Role, UserId, problem::Problems, wire::wire_enum,
};

/// A company as its own members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Company {
    /// Id.
    pub id: CompanyId,
    /// Name, as recipients read it.
    pub name: String,
    /// Part of every address of the company: `/t/{slug}`.
    pub slug: String,
    /// IANA time zone.
    pub time_zone: String,
    /// ISO 3166 country code, two letters.
    pub country: Option<String>,
    /// Postal address printed under every campaign mail; without it no campaign starts
    /// (CAN-SPAM Act, 15 U.S.C. 7704(a)(5)).
    pub postal_address: Option<String>,
    /// Whether campaigns pass over leads without a recorded lawful basis (GDPR, 6).
    pub asks_for_basis: bool,
}

/// What somebody enters to create a company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCompany {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Wanted slug; made from the name when empty.
    pub slug: Option<String>,
    /// IANA time zone; UTC when empty.
    pub time_zone: Option<String>,
}

/// Changes to the settings of a company; an absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyChange {
    /// New name.
    pub name: Option<String>,
    /// New IANA time zone.
    pub time_zone: Option<String>,
    /// New country code.
    pub country: Option<String>,
    /// New postal address.
    pub postal_address: Option<String>,
    /// Whether campaigns are to pass over leads without a recorded lawful basis.
    pub asks_for_basis: Option<bool>,
}

/// A person as an account of this installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Id.
    pub id: UserId,
    /// Name.
    pub name: String,
    /// Address used to sign in.
    pub email: EmailAddress,
    /// IANA time zone of the person; that of the company when absent.
    pub time_zone: Option<String>,
}

/// A company a person belongs to, with the part they have in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The company.
    pub company: CompanyId,
    /// Its name.
    pub name: String,
    /// Its slug.
    pub slug: String,
    /// The person's role there.
    pub role: Role,
}

/// A member of the company, as listed on the members page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// The person.
    pub user_id: UserId,
    /// Name.
    pub name: String,
    /// Address.
    pub email: EmailAddress,
    /// Role.
    pub role: Role,
    /// When the person joined.
    pub joined_at: DateTime<Utc>,
    /// When the person last used this company.
    pub last_active_at: Option<DateTime<Utc>>,
    /// Set when the person was removed; their name stays on what they did.
    pub deactivated_at: Option<DateTime<Utc>>,
}

/// An open or ended invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: EmailAddress,
    /// Role offered.
    pub role: Role,
    /// Name of the person who invited.
    pub invited_by: String,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// From when it no longer works; 7 days after sending.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub revoked_at: Option<DateTime<Utc>>,
}

wire_enum! {
    /// Whether something in the audit log was done or refused.
    pub enum AuditOutcome {
        /// It was done.
        Allowed = "allowed",
        /// It was refused.
        Denied = "denied",
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Id.
    pub id: AuditEventId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, in words: a person's name, `key Reporting`, `system`.
    pub actor: String,
    /// What, as `noun.verb`.
    pub action: String,
    /// What it was done to, in words.
    pub object: Option<String>,
    /// Whether it was done or refused.
    pub outcome: AuditOutcome,
    /// More about it, without secrets.
    pub details: Option<String>,
    /// Address it came from.
    pub ip: Option<String>,
    /// Joins this entry, the answer and the log lines.
    pub request_id: Option<String>,
}

/// The fewest characters of a password (NIST SP 800-63B, 3.1.1.2, asks for 15 without
/// and 8 with a second factor; 12 is the middle until second factors exist).
pub const PASSWORD_MIN: usize = 12;
/// The most characters of a password: longer ones only cost hashing time.
pub const PASSWORD_MAX: usize = 200;

/// Checks a new password.
///
/// # Errors
/// A problem that says what to change.
pub fn check_password(password: &str) -> Result<(), Problem> {
    let length = password.chars().count();
    if length < PASSWORD_MIN {
        return Err(Problem::new("password_short", format!("Use at least {PASSWORD_MIN} characters.")));
    }
    if length > PASSWORD_MAX {
        return Err(Problem::new("password_long", format!("Use at most {PASSWORD_MAX} characters.")));
    }
    let first = password.chars().next();
    if password.chars().all(|c| Some(c) == first) {
        return Err(Problem::new("password_weak", "Use more than one character, over and over is easy to guess."));
    }
    Ok(())
}

/// Trims a name and holds it between 1 and `max` characters without control characters.
///
/// # Errors
/// A problem that says what to change.
pub fn check_name(raw: &str, max: usize) -> Result<String, Problem> {
    let name = raw.trim();
    if name.is_empty() {
        return Err(Problem::new("name_missing", "Enter a name."));
    }
    if name.chars().count() > max {
        return Err(Problem::new("name_long", format!("Use at most {max} characters.")));
    }
    if name.chars().any(char::is_control) {
        return Err(Problem::new("name_invalid", "Remove line breaks and control characters."));
    }
    Ok(name.to_owned())
}

/// A slug made from a name: lower case letters, digits and single hyphens, 2 to 40 characters.
#[must_use]
pub fn slug_from(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(fold).collect::<String>().chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(40).collect();
    let slug = slug.trim_matches('-');
    if slug.len() < 2 { "company".to_owned() } else { slug.to_owned() }
}

/// Whether a slug has the right form and is not one of our own words.
///
/// # Errors
/// A problem that says what to change.
pub fn check_slug(slug: &str) -> Result<(), Problem> {
    let form = (2..=40).contains(&slug.len())
        && slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !slug.starts_with('-')
        && !slug.ends_with('-');
    if !form {
        return Err(Problem::new("slug_invalid", "Use 2 to 40 lower case letters, digits and hyphens."));
    }
    if ["api", "admin", "www", "new", "login", "signup", "settings"].contains(&slug) {
        return Err(Problem::new("slug_taken", "This address is reserved. Choose another."));
    }
    Ok(())
}

impl NewCompany {
    /// The checked name and slug.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(&self) -> Result<(String, String), Vec<Problem>> {
        let mut problems = Problems::new();
        let name = problems.check("company_name", check_name(&self.name, 100));
        let slug = self.slug.clone().filter(|s| !s.is_empty()).unwrap_or_else(|| slug_from(&self.name));
        problems.check("slug", check_slug(&slug));
        problems.finish()?;
        Ok((name.unwrap_or_default(), slug))
    }
}

/// Folds the letters that European company names use to ASCII.
fn fold(c: char) -> Vec<char> {
    let plain = match c {
        'ä' | 'Ä' => "ae",
        'ö' | 'Ö' | 'ø' | 'Ø' => "oe",
        'ü' | 'Ü' => "ue",
        'ß' => "ss",
        'å' | 'Å' | 'á' | 'à' | 'â' | 'ã' | 'Á' | 'À' => "a",
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' => "e",
        'í' | 'ì' | 'î' | 'ï' => "i",
        'ó' | 'ò' | 'ô' | 'õ' => "o",
        'ú' | 'ù' | 'û' => "u",
        'ñ' | 'ń' => "n",
        'ç' | 'ć' | 'č' => "c",
        'ł' | 'Ł' => "l",
        'ś' | 'š' => "s",
        'ź' | 'ż' | 'ž' => "z",
        other => return vec![other],
    };
    plain.chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_readable() {
        for (name, slug) in [
            ("Halden Instruments", "halden-instruments"),
            ("Müller & Söhne GmbH", "mueller-soehne-gmbh"),
            ("  ", "company"),
            ("株式会社", "company"),
            ("A--B", "a-b"),
        ] {
            assert_eq!(slug_from(name), slug);
            assert!(check_slug(slug).is_ok());
        }
    }

    #[test]
    fn reserved_and_malformed_slugs_are_refused() {
        for slug in ["api", "-a", "a-", "A", "a", "with space", "ü"] {
            assert!(check_slug(slug).is_err(), "{slug} was taken");
        }
    }

    #[test]
    fn passwords_are_long_and_not_one_letter() {
        assert!(check_password("correct horse battery").is_ok());
        assert!(check_password("short").is_err());
        assert!(check_password("aaaaaaaaaaaaaaaa").is_err());
    }
}
