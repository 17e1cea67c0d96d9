//! Tools about leads and the accounts they work for.

use domain::{
    AccountId, LeadId, PageRequest,
    accounts::{Account, AccountFilter},
    leads::{BulkAction, LeadFilter, LeadSelection, LeadSort},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use service::Tenant;
use uuid::Uuid;

use super::{Result, limit, outside, own, plain, word};

/// Which leads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindLeads {
    /// new, working, replied, qualified, customer, nurture or lost.
    pub status: Option<String>,
    /// The least score, 0 to 100.
    pub score_min: Option<i32>,
    /// ISO 3166 country code, as in DE.
    pub country: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// Words of name, address, title or account.
    pub q: Option<String>,
    /// How many, at most 100.
    pub limit: Option<i64>,
}

/// One lead.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneLead {
    /// Id of the lead.
    pub lead: Uuid,
}

/// What happened with a lead.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timeline {
    /// Id of the lead.
    pub lead: Uuid,
    /// How many entries, at most 100.
    pub limit: Option<i64>,
}

/// Which accounts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindAccounts {
    /// Words of name or domain.
    pub q: Option<String>,
    /// How many, at most 100.
    pub limit: Option<i64>,
}

/// One account.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneAccount {
    /// Id of the account.
    pub account: Uuid,
}

/// A note.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddNote {
    /// Id of the lead.
    pub lead: Uuid,
    /// The note.
    pub text: String,
}

/// A tag for leads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TagLeads {
    /// Ids of the leads, at most 1,000.
    pub leads: Vec<Uuid>,
    /// The tag.
    pub tag: String,
}

/// A status for a lead.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetStatus {
    /// Id of the lead.
    pub lead: Uuid,
    /// new, working, replied, qualified, customer, nurture or lost. A customer leaves every campaign.
    pub status: String,
}

pub(super) async fn find(t: &mut Tenant, wanted: FindLeads) -> Result {
    let filter = LeadFilter {
        status: wanted.status.as_deref().map(word).transpose()?.into_iter().collect(),
        score_min: wanted.score_min,
        country: wanted.country.into_iter().collect(),
        tag: wanted.tag.into_iter().collect(),
        q: wanted.q,
        ..LeadFilter::default()
    };
    let count = t.leads().count(&filter).await?;
    let page = t.leads().list(&filter, LeadSort::default(), &limit(wanted.limit)).await?;
    let item = |lead: domain::leads::LeadSummary| {
        json!({
            "id": lead.id, "name": lead.name, "email": lead.email, "title": lead.title, "account": lead.account_name,
            "country": lead.country, "status": lead.status, "score": lead.score, "tags": lead.tags,
            "last_activity": lead.last_activity_at,
        })
    };
    outside(json!({ "count": count.value, "items": page.items.into_iter().map(item).collect::<Vec<_>>() }))
}

pub(super) async fn read(t: &mut Tenant, wanted: OneLead) -> Result {
    let id = LeadId(wanted.lead);
    let lead = t.leads().get(id).await?;
    let notes = t.leads().notes(id).await?;
    let account = match lead.account_id {
        Some(account) => short(&t.accounts().get(account).await?),
        None => Value::Null,
    };
    let notes: Vec<_> =
        notes.iter().map(|note| json!({ "text": note.body, "author": note.author, "at": note.created_at })).collect();
    outside(json!({
        "id": lead.id, "name": lead.display_name(), "first_name": lead.first_name, "last_name": lead.last_name,
        "email": lead.email, "title": lead.title, "country": lead.country, "time_zone": lead.time_zone,
        "status": lead.status, "score": lead.score, "score_reasons": plain(&lead.score_reasons), "tags": lead.tags,
        "source": lead.source, "lawful_basis": lead.lawful_basis, "suppressed": lead.suppressed, "account": account,
        "notes": notes,
    }))
}

pub(super) async fn timeline(t: &mut Tenant, wanted: Timeline) -> Result {
    let page = t.leads().timeline(LeadId(wanted.lead), &limit(wanted.limit)).await?;
    let item = |event: domain::leads::LeadEvent| json!({ "at": event.at, "kind": event.kind, "text": event.text, "campaign": event.campaign_name });
    outside(json!({ "items": page.items.into_iter().map(item).collect::<Vec<_>>() }))
}

pub(super) async fn find_accounts(t: &mut Tenant, wanted: FindAccounts) -> Result {
    let page = t.accounts().list(&AccountFilter { q: wanted.q }, &limit(wanted.limit)).await?;
    let item = |account: &Account| {
        let mut item = short(account);
        item["leads"] = json!(account.leads);
        item["best_score"] = json!(account.best_score);
        item
    };
    outside(json!({ "items": page.items.iter().map(item).collect::<Vec<_>>() }))
}

pub(super) async fn read_account(t: &mut Tenant, wanted: OneAccount) -> Result {
    let id = AccountId(wanted.account);
    let account = t.accounts().get(id).await?;
    let filter = LeadFilter { account: Some(id), ..LeadFilter::default() };
    let page = PageRequest { per: Some(100), ..PageRequest::default() };
    let leads = t.leads().list(&filter, LeadSort::default(), &page).await?.items;
    let lead = |lead: domain::leads::LeadSummary| json!({ "id": lead.id, "name": lead.name, "title": lead.title, "score": lead.score, "status": lead.status });
    let mut value = short(&account);
    value["leads"] = leads.into_iter().map(lead).collect();
    outside(value)
}

pub(super) async fn add_note(t: &mut Tenant, wanted: AddNote) -> Result {
    let note = t.leads().add_note(LeadId(wanted.lead), &wanted.text).await?;
    own(json!({ "id": note.id }))
}

pub(super) async fn tag(t: &mut Tenant, wanted: TagLeads) -> Result {
    if wanted.leads.len() > 1_000 {
        return Err(super::Trouble::Words("Tag at most 1,000 leads at once.".to_owned()));
    }
    let selection = LeadSelection::Ids(wanted.leads.into_iter().map(LeadId).collect());
    let outcome = t.leads().bulk(&selection, &BulkAction::AddTag { tag: wanted.tag }).await?;
    own(json!({ "changed": outcome.changed }))
}

pub(super) async fn set_status(t: &mut Tenant, wanted: SetStatus) -> Result {
    let status = word(&wanted.status)?;
    let id = LeadId(wanted.lead);
    let before = t.leads().get(id).await?.status;
    t.leads().set_status(id, status).await?;
    own(json!({ "changed": before != status }))
}

fn short(account: &Account) -> Value {
    json!({
        "id": account.id, "name": account.name, "domain": account.domain, "industry": account.industry,
        "employees": account.employees, "country": account.country,
    })
}
