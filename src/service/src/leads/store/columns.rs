//! Leads turned on their side: one array per column, as `unnest` takes them. What follows from
//! the fields (score, sort name, search words) is worked out here and nowhere else.

use domain::leads::LeadStatus;
use serde_json::Value;
use uuid::Uuid;

use super::Draft;
use crate::leads::{score, words};

/// The columns of some leads; all have the same length.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub ids: Vec<Uuid>,
    pub emails: Vec<Option<String>>,
    pub first_names: Vec<Option<String>>,
    pub last_names: Vec<Option<String>>,
    pub titles: Vec<Option<String>>,
    pub account_ids: Vec<Option<Uuid>>,
    pub phones: Vec<Option<String>>,
    pub countries: Vec<Option<String>>,
    pub time_zones: Vec<Option<String>>,
    pub statuses: Vec<String>,
    pub owner_ids: Vec<Option<Uuid>>,
    /// Joined by commas, which a tag cannot contain: an array of arrays must not be ragged.
    pub tags: Vec<String>,
    pub lawful_bases: Vec<Option<String>>,
    pub scores: Vec<i32>,
    pub reasons: Vec<Value>,
    pub sort_names: Vec<String>,
    pub search_texts: Vec<String>,
}

impl Columns {
    pub(super) fn of(drafts: &[Draft]) -> Self {
        let mut columns = Self::default();
        for draft in drafts {
            columns.push(draft);
        }
        columns
    }

    fn push(&mut self, draft: &Draft) {
        let lead = &draft.lead;
        let email = lead.email.as_ref().map(|e| e.as_str().to_owned());
        let account = draft.account.as_ref();
        let score = score::of(lead, account);
        self.sort_names.push(words::sort_name(
            lead.first_name.as_deref(),
            lead.last_name.as_deref(),
            lead.email.as_ref(),
        ));
        self.search_texts.push(words::search_text([
            lead.first_name.as_deref(),
            lead.last_name.as_deref(),
            email.as_deref(),
            account.map(|firm| firm.name.as_str()),
            lead.title.as_deref(),
        ]));
        self.ids.push(draft.id.0);
        self.emails.push(email);
        self.first_names.push(lead.first_name.clone());
        self.last_names.push(lead.last_name.clone());
        self.titles.push(lead.title.clone());
        self.account_ids.push(account.map(|firm| firm.id.0));
        self.phones.push(lead.phone.clone());
        self.countries.push(lead.country.clone());
        self.time_zones.push(lead.time_zone.clone());
        self.statuses.push(lead.status.unwrap_or(LeadStatus::New).as_str().to_owned());
        self.owner_ids.push(lead.owner_id.map(|id| id.0));
        self.tags.push(lead.tags.join(","));
        self.lawful_bases.push(lead.lawful_basis.clone());
        self.scores.push(score.value);
        self.reasons.push(serde_json::to_value(score.reasons).expect("reasons are texts and numbers"));
    }
}
