//! From a row of the file to a lead, or to the reason why it is none. Depends on nothing but the
//! file and the plan, so a second reading comes to the same result.

use std::collections::HashMap;

use csv::StringRecord;
use domain::{
    EmailAddress, Problem,
    imports::{Import, ImportField, Mapping},
    leads::{CheckedLead, LeadInput},
};

use crate::leads::check_values;

/// Characters that are kept of a value that is to blame.
const SHOWN: usize = 200;

/// A row that is not stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reject {
    /// Heading of the column that is to blame.
    pub column: Option<String>,
    /// Its value.
    pub value: Option<String>,
    /// Why.
    pub reason: String,
}

/// What a row says.
#[derive(Debug)]
pub(super) enum Read {
    /// A lead.
    Lead(Box<CheckedLead>),
    /// The same address as an earlier row, of this number.
    Repeated(i64),
    /// No lead.
    Rejected(Reject),
}

/// Reads the rows of an import by its plan.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    headings: Vec<String>,
    mapping: Mapping,
    tag: Option<String>,
    /// Addresses of earlier rows that are leads.
    seen: HashMap<EmailAddress, i64>,
}

impl Reader {
    pub(super) fn of(import: &Import) -> Self {
        Self {
            headings: import.columns.iter().map(|c| c.heading.clone()).collect(),
            mapping: import.mapping.clone(),
            tag: import.tag.clone(),
            seen: HashMap::new(),
        }
    }

    /// Reads a row; rows must come in the order of the file, from the first.
    pub(super) fn read(&mut self, number: i64, record: &StringRecord) -> Read {
        match self.lead(record) {
            Err(reject) => Read::Rejected(reject),
            Ok(lead) => {
                let earlier = lead.email.clone().and_then(|email| match self.seen.get(&email) {
                    Some(earlier) => Some(*earlier),
                    None => {
                        self.seen.insert(email, number);
                        None
                    }
                });
                earlier.map_or_else(|| Read::Lead(Box::new(lead)), Read::Repeated)
            }
        }
    }

    /// What a row will be stored as; nothing when it is rejected.
    pub(super) fn preview(&self, record: &StringRecord) -> Option<LeadInput> {
        self.lead(record).ok()?;
        Some(self.input(record))
    }

    fn lead(&self, record: &StringRecord) -> Result<CheckedLead, Reject> {
        if record.len() > self.headings.len() {
            let reason = format!("The row has {} values but there are {} headings.", record.len(), self.headings.len());
            return Err(Reject { column: None, value: None, reason });
        }
        if record.iter().all(|value| value.trim().is_empty()) {
            return Err(Reject { column: None, value: None, reason: "The row is empty.".to_owned() });
        }
        let lead = self.input(record).check().map_err(|problems| self.reject(record, problems.into_iter().next()))?;
        check_values(&lead).map_err(|problem| self.reject(record, Some(problem)))?;
        Ok(lead)
    }

    fn input(&self, record: &StringRecord) -> LeadInput {
        let mut input = LeadInput { tags: self.tag.iter().cloned().collect(), ..LeadInput::default() };
        let mut full_name = None;
        for (index, field) in &self.mapping {
            let Some(value) = record.get(*index).map(str::trim).filter(|v| !v.is_empty()) else { continue };
            let value = value.to_owned();
            match field {
                ImportField::Email => input.email = Some(value),
                ImportField::FirstName => input.first_name = Some(value),
                ImportField::LastName => input.last_name = Some(value),
                ImportField::FullName => full_name = Some(value),
                ImportField::Title => input.title = Some(value),
                ImportField::Account => input.account = Some(value),
                ImportField::Phone => input.phone = Some(value),
                ImportField::Country => input.country = Some(value),
                ImportField::TimeZone => input.time_zone = Some(value),
                ImportField::Tags => input.tags.extend(value.split([',', ';']).map(|tag| tag.trim().to_owned())),
                ImportField::LawfulBasis => input.lawful_basis = Some(value),
            }
        }
        // A column of its own says more than the split of a whole name.
        if let Some(full) = full_name {
            let (first, last) = full.split_once(char::is_whitespace).unwrap_or((&full, ""));
            input.first_name.get_or_insert_with(|| first.to_owned());
            if !last.trim().is_empty() {
                input.last_name.get_or_insert_with(|| last.trim().to_owned());
            }
        }
        input
    }

    fn reject(&self, record: &StringRecord, problem: Option<Problem>) -> Reject {
        let Some(problem) = problem else {
            return Reject { column: None, value: None, reason: "The row could not be read.".to_owned() };
        };
        let field = problem.field.as_deref().and_then(ImportField::parse);
        let column = self.mapping.iter().find(|(_, mapped)| {
            Some(**mapped) == field
                || **mapped == ImportField::FullName
                    && matches!(field, Some(ImportField::FirstName | ImportField::LastName))
        });
        let index = column.map(|(index, _)| *index);
        let value = index.and_then(|i| record.get(i)).filter(|v| !v.is_empty());
        Reject {
            column: index.and_then(|i| self.headings.get(i).cloned()),
            value: value.map(|v| v.chars().filter(|c| *c != '\0').take(SHOWN).collect()),
            reason: problem.message,
        }
    }
}
