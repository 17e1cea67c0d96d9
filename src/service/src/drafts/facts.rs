//! What is known when a draft is written. Every fact is a field, a note or a text of our own, with an id that
//! stays the same, so that facts of different days can be held against each other.

use domain::{
    AccountId, LeadId,
    documents::Document,
    drafts::{Fact, FactSource, Quoted, TEMPLATE},
    steps::Email,
};

use super::Drafts;
use crate::{
    Result,
    campaigns::{LeadFacts, Sender},
};

/// The newest notes about a lead that a writer is told.
const NOTES: i64 = 5;
/// Characters of a note, and of what is quoted of a document.
const NOTE: usize = 500;
/// Facts of all documents of a step together.
const QUOTES: usize = 60;

/// What variables of templates stand for, as facts.
pub(crate) fn basic(lead: &LeadFacts, sender: &Sender) -> Vec<Fact> {
    let email = lead.email.as_ref().map(ToString::to_string);
    [
        fact("lead.first_name", FactSource::Lead, "First name", lead.first_name.as_deref()),
        fact("lead.last_name", FactSource::Lead, "Last name", lead.last_name.as_deref()),
        fact("lead.email", FactSource::Lead, "E-mail", email.as_deref()),
        fact("lead.title", FactSource::Lead, "Title", lead.title.as_deref()),
        fact("lead.country", FactSource::Lead, "Country", lead.country.as_deref()),
        fact("account.name", FactSource::Account, "Account", lead.account.as_deref()),
        fact("sender.name", FactSource::Company, "Sender", Some(&sender.name)),
        fact("sender.address", FactSource::Company, "Address of the sender", Some(&sender.address)),
        fact("company.name", FactSource::Company, "Company", Some(&sender.company)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fact(id: &str, source: FactSource, label: &str, value: Option<&str>) -> Option<Fact> {
    let value = value.map(str::trim).filter(|value| !value.is_empty())?;
    Some(Fact { id: id.to_owned(), source, label: label.to_owned(), value: value.to_owned(), document: None })
}

impl Drafts<'_> {
    /// Everything that a writer of this step is told about a lead; nothing when the lead is gone.
    pub(super) async fn known(&mut self, lead: LeadId, email: &Email, sender: &Sender) -> Result<Option<Vec<Fact>>> {
        let Some(row) = sqlx::query!(
            r#"SELECT l.email AS "email: domain::EmailAddress", l.first_name, l.last_name, l.title, l.country, l.tags,
                      a.id AS "account_id?: AccountId", a.name AS "account?", a.industry AS "industry?", a.employees AS "employees?",
                      a.country AS "account_country?", a.domain AS "domain?"
               FROM leads l LEFT JOIN accounts a ON a.id = l.account_id WHERE l.id = $1"#,
            lead.0
        )
        .fetch_optional(self.t.conn())
        .await?
        else {
            return Ok(None);
        };
        let notes = sqlx::query!(
            "SELECT id, body FROM lead_notes WHERE lead_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
            lead.0,
            NOTES
        )
        .fetch_all(self.t.conn())
        .await?;
        let documents = self.t.documents().quoted(&email.sources, lead, row.account_id).await?;
        let lead = LeadFacts {
            email: row.email,
            first_name: row.first_name,
            last_name: row.last_name,
            title: row.title,
            account: row.account,
            country: row.country,
        };
        let mut facts = basic(&lead, sender);
        let (employees, tags) = (row.employees.map(|n| n.to_string()), row.tags.join(", "));
        let template = format!("{}\n\n{}", email.subject, email.body);
        facts.extend(
            [
                fact("lead.tags", FactSource::Lead, "Tags", Some(&tags)),
                fact("account.industry", FactSource::Account, "Industry", row.industry.as_deref()),
                fact("account.employees", FactSource::Account, "Employees", employees.as_deref()),
                fact("account.country", FactSource::Account, "Country of the account", row.account_country.as_deref()),
                fact("account.domain", FactSource::Account, "Domain", row.domain.as_deref()),
                fact("step.instructions", FactSource::Step, "Instructions", Some(&email.instructions)),
                fact(TEMPLATE, FactSource::Step, "Template", Some(&template)),
            ]
            .into_iter()
            .flatten(),
        );
        facts.extend(notes.into_iter().filter_map(|note| {
            let text: String = note.body.chars().take(NOTE).collect();
            fact(&format!("note.{}", note.id), FactSource::Note, "Note", Some(&text))
        }));
        facts.extend(documents.iter().flat_map(quotes).take(QUOTES));
        Ok(Some(facts))
    }
}

/// What a document says, each part of it a fact.
fn quotes(document: &Document) -> Vec<Fact> {
    let Document { id, collection, key, title, outside, version, .. } = document;
    let title = if title.is_empty() { key } else { title };
    let from = if *outside { ", from outside" } else { "" };
    document
        .quotes()
        .into_iter()
        .filter_map(|(path, value)| {
            let value: String = value.chars().take(NOTE).collect();
            let name = format!("document.{collection}/{key}.{path}");
            let quote = fact(&name, FactSource::Document, &format!("{title}, {path}{from}"), Some(&value))?;
            Some(Fact { document: Some(Quoted { id: *id, version: *version }), ..quote })
        })
        .collect()
}

/// What has changed of the facts that sentences rest on, in words.
pub(super) fn changes(rests_on: &[&str], before: &[Fact], now: &[Fact]) -> Vec<String> {
    let of = |facts: &[Fact], id: &str| facts.iter().find(|fact| fact.id == id).cloned();
    rests_on
        .iter()
        // Wording of the step is for those that are not written yet.
        .filter(|id| !id.starts_with("step."))
        .filter_map(|id| match (of(before, id), of(now, id)) {
            (Some(old), Some(new)) if old.value != new.value => {
                Some(format!("{} was “{}” and is “{}”.", old.label, old.value, new.value))
            }
            (Some(old), None) => Some(format!("{} was “{}” and is gone.", old.label, old.value)),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_draft_rests_on_counts_as_changed() {
        let known = |title: &str, country: Option<&str>| -> Vec<Fact> {
            [
                fact("lead.title", FactSource::Lead, "Title", Some(title)),
                fact("lead.country", FactSource::Lead, "Country", country),
                fact(TEMPLATE, FactSource::Step, "Template", Some(title)),
            ]
            .into_iter()
            .flatten()
            .collect()
        };
        let (before, now) = (known("Engineer", Some("DE")), known("Director", None));
        assert_eq!(changes(&["lead.title"], &before, &now), ["Title was “Engineer” and is “Director”."]);
        assert_eq!(changes(&["lead.country", TEMPLATE], &before, &now), ["Country was “DE” and is gone."]);
        assert_eq!(changes(&["lead.title", "lead.country"], &before, &before), Vec::<String>::new());
    }
}
