//! CSV imports: from an uploaded file to leads, each row exactly once.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use crate::{ImportId, wire::wire_enum};

/// The largest file, in bytes.
pub const MAX_BYTES: i64 = 50 * 1024 * 1024;
/// The largest body of a request that uploads a file: the file and the form around it.
pub const MAX_UPLOAD: usize = 52 * 1024 * 1024;
/// The most rows of one file, the header not counted.
pub const MAX_ROWS: i64 = 200_000;
/// The most columns of one file.
pub const MAX_COLUMNS: usize = 200;

wire_enum! {
    /// Where an import stands.
    pub enum ImportState {
        /// The file is stored; its columns wait to be mapped.
        Uploaded = "uploaded",
        /// The mapping is set; rows are being counted.
        Reviewing = "reviewing",
        /// Counted; waits for the word to start.
        Ready = "ready",
        /// Rows are being stored.
        Importing = "importing",
        /// Every row has an outcome.
        Completed = "completed",
        /// It could not go on; `failure` says why.
        Failed = "failed",
        /// A person called it off before it started.
        Cancelled = "cancelled",
    }
}

impl ImportState {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Uploaded => "Waits for its columns",
            Self::Reviewing => "Being counted",
            Self::Ready => "Waits for the start",
            Self::Importing => "Importing",
            Self::Completed => "Done",
            Self::Failed => "Failed",
            Self::Cancelled => "Called off",
        }
    }
}

wire_enum! {
    /// What happens to a row whose address is a lead already.
    pub enum DuplicatePolicy {
        /// The lead stays as it is.
        Skip = "skip",
        /// Only fields that are empty are filled.
        FillEmpty = "fill_empty",
        /// Fields with a value in the file are replaced.
        Overwrite = "overwrite",
    }
}

wire_enum! {
    /// The field of a lead that a column fills.
    pub enum ImportField {
        /// Address.
        Email = "email",
        /// First name.
        FirstName = "first_name",
        /// Last name.
        LastName = "last_name",
        /// First and last name in one column, split at the first space.
        FullName = "full_name",
        /// Job title.
        Title = "title",
        /// Name of the firm.
        Account = "account",
        /// Phone number.
        Phone = "phone",
        /// Country code.
        Country = "country",
        /// IANA time zone.
        TimeZone = "time_zone",
        /// Tags, separated by commas or semicolons.
        Tags = "tags",
        /// Lawful basis.
        LawfulBasis = "lawful_basis",
    }
}

impl ImportField {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::FirstName => "First name",
            Self::LastName => "Last name",
            Self::FullName => "Full name",
            Self::Title => "Title",
            Self::Account => "Account",
            Self::Phone => "Phone",
            Self::Country => "Country",
            Self::TimeZone => "Time zone",
            Self::Tags => "Tags",
            Self::LawfulBasis => "Lawful basis",
        }
    }

    /// The field that a column with this heading most likely holds.
    #[must_use]
    pub fn guess(heading: &str) -> Option<Self> {
        let key: String = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        Some(match key.as_str() {
            "email" | "emailaddress" | "mail" | "emailadresse" | "workemail" | "courriel" => Self::Email,
            "firstname" | "vorname" | "givenname" | "prenom" | "prénom" | "first" => Self::FirstName,
            "lastname" | "nachname" | "surname" | "familyname" | "nom" | "last" => Self::LastName,
            "name" | "fullname" | "contact" | "contactname" => Self::FullName,
            "title" | "jobtitle" | "position" | "role" | "funktion" => Self::Title,
            "company" | "companyname" | "account" | "organisation" | "organization" | "firma" | "employer" => {
                Self::Account
            }
            "phone" | "phonenumber" | "telephone" | "telefon" | "mobile" => Self::Phone,
            "country" | "countrycode" | "land" | "pays" => Self::Country,
            "timezone" | "tz" => Self::TimeZone,
            "tags" | "tag" | "labels" => Self::Tags,
            "lawfulbasis" | "consent" | "basis" => Self::LawfulBasis,
            _ => return None,
        })
    }
}

/// Which column fills which field: column number (from 0) to field.
pub type Mapping = BTreeMap<usize, ImportField>;

/// A column of the file, as the mapping page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImportColumn {
    /// Number, from 0.
    pub index: usize,
    /// Heading of the file.
    pub heading: String,
    /// Up to three values that are not empty.
    pub samples: Vec<String>,
    /// What its heading suggests.
    pub guess: Option<ImportField>,
}

/// What became of the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ImportCounts {
    /// New leads.
    pub created: i64,
    /// Leads changed.
    pub updated: i64,
    /// Rows of leads that were there already and stay as they are, or that repeat an earlier row.
    pub skipped: i64,
    /// Rows that could not be read as a lead.
    pub rejected: i64,
    /// Among the created and updated: addresses on the suppression list. They are stored but get no mail.
    pub suppressed: i64,
}

impl ImportCounts {
    /// Rows that have an outcome.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.created + self.updated + self.skipped + self.rejected
    }
}

/// An import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Import {
    /// Id.
    pub id: ImportId,
    /// Name of the uploaded file.
    pub file_name: String,
    /// Where it stands.
    pub state: ImportState,
    /// Size in bytes.
    pub bytes: i64,
    /// Encoding, by its WHATWG name, as found or chosen.
    pub encoding: String,
    /// Column separator: `,`, `;`, tab or `|`.
    pub delimiter: String,
    /// Rows of the file.
    pub rows: i64,
    /// Columns of the file.
    pub columns: Vec<ImportColumn>,
    /// Column to field, once chosen.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, ImportField>))]
    pub mapping: Mapping,
    /// What happens to leads that exist.
    pub duplicates: DuplicatePolicy,
    /// Tag given to every lead of the file.
    pub tag: Option<String>,
    /// What would become of the rows, once reviewed.
    pub preview: Option<ImportCounts>,
    /// What became of the rows so far.
    pub counts: ImportCounts,
    /// Why it failed.
    pub failure: Option<String>,
    /// Who started it.
    pub created_by: Option<String>,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Import {
    /// How long the file is kept after the end of its import; `platform_sweep_ended` forgets it then.
    pub const FILE_KEPT: Duration = Duration::days(7);

    /// Whether the file can still be read.
    #[must_use]
    pub fn keeps_file(&self, now: DateTime<Utc>) -> bool {
        self.finished_at.is_none_or(|at| now - at < Self::FILE_KEPT)
    }
}

/// What is chosen before an import is reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ImportPlan {
    /// Column to field.
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, ImportField>))]
    pub mapping: Mapping,
    /// What happens to leads that exist.
    pub duplicates: DuplicatePolicy,
    /// Tag for every lead.
    #[serde(default)]
    pub tag: Option<String>,
}

/// A row that was not stored, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RejectedRow {
    /// Number of the row, from 1, the header not counted.
    pub row: i64,
    /// Heading of the column, when one value is to blame.
    pub column: Option<String>,
    /// The value.
    pub value: Option<String>,
    /// Sentence for people.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_guessed_in_several_languages() {
        for (heading, field) in [
            ("E-Mail", Some(ImportField::Email)),
            ("First Name", Some(ImportField::FirstName)),
            ("Nachname", Some(ImportField::LastName)),
            ("company_name", Some(ImportField::Account)),
            ("Shoe size", None),
        ] {
            assert_eq!(ImportField::guess(heading), field, "{heading}");
        }
    }
}
