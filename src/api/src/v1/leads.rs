//! Leads: list, one by one, many at once, timeline and notes.

use domain::{
    LeadId, Page, Problem,
    leads::{
        BulkAction, BulkOutcome, Lead, LeadEvent, LeadFilter, LeadInput, LeadSelection, LeadSort, LeadSource,
        LeadSummary, Note,
    },
    messages::MessageInFull,
    page::Count,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{merged, whole};
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Paging, Pairs, Path, Query, one, page},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(count))
        .routes(routes!(upsert))
        .routes(routes!(bulk))
        .routes(routes!(get, change, delete))
        .routes(routes!(timeline))
        .routes(routes!(messages))
        .routes(routes!(notes, add_note))
        .routes(routes!(tags))
}

/// The conditions of a lead list, as the address of the page writes them.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `LeadFilter::from_pairs` reads")]
struct Conditions {
    /// Part of name, address, account or title.
    q: Option<String>,
    /// Status is one of these, with commas: `new`, `working`, `replied`, `qualified`, `customer`,
    /// `nurture`, `lost`.
    #[param(rename = "f.status.is")]
    status: Option<String>,
    /// Owner is one of these ids.
    #[param(rename = "f.owner.is")]
    owner: Option<String>,
    /// `true`: nobody looks after it.
    #[param(rename = "f.owner.empty")]
    unowned: Option<bool>,
    /// Score at least.
    #[param(rename = "f.score.gte")]
    score_min: Option<i32>,
    /// Score at most.
    #[param(rename = "f.score.lte")]
    score_max: Option<i32>,
    /// Country is one of these codes.
    #[param(rename = "f.country.is", example = "DE,CH")]
    country: Option<String>,
    /// Has one of these tags.
    #[param(rename = "f.tag.has")]
    tag: Option<String>,
    /// Came from one of these: `manual`, `import`, `api`.
    #[param(rename = "f.source.is")]
    source: Option<String>,
    /// Works for this account.
    #[param(rename = "f.account.is")]
    account: Option<String>,
    /// Is or was in this campaign.
    #[param(rename = "f.campaign.is")]
    campaign: Option<String>,
    /// `true`: was never in a campaign.
    #[param(rename = "f.campaign.empty")]
    never_enrolled: Option<bool>,
    /// Created on or after this day (UTC).
    #[param(rename = "f.created.after", example = "2026-11-01")]
    created_from: Option<String>,
    /// Created before this day (UTC).
    #[param(rename = "f.created.before")]
    created_before: Option<String>,
}

/// The order of a lead list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `LeadSort::parse` reads")]
struct Order {
    /// `score`, `name`, `created` or `activity`; with `-` before it the largest first. `-score` when absent.
    sort: Option<String>,
}

/// Reads the conditions; names that are none, and conditions that no lead can meet, are refused.
fn filter(pairs: &[(String, String)], others: &[&str]) -> Result<LeadFilter> {
    let known = |key: &str| key == "q" || key.starts_with("f.") || others.contains(&key);
    if let Some((key, _)) = pairs.iter().find(|(key, _)| !known(key)) {
        let text = format!("There is no parameter “{key}”.");
        return Err(Problem::field(key.clone(), "parameter_unknown", text).into());
    }
    Ok(LeadFilter::from_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())))?.check()?)
}

/// List leads
#[utoipa::path(get, path = "/leads", tag = "Leads", operation_id = "list_leads", security(("key" = ["leads:read"])),
    params(Conditions, Order, Paging), responses((status = OK, body = Page<LeadSummary>)))]
async fn list(call: Read, Pairs(pairs): Pairs) -> Result<Reply> {
    let filter = filter(&pairs, &["sort", "after", "per"])?;
    let sort = pairs.iter().find(|(key, _)| key == "sort").map(|(_, text)| LeadSort::parse(text)).transpose()?;
    let page = page(one(&pairs, "after")?, one(&pairs, "per")?)?;
    let mut t = call.open().await?;
    Reply::ok(&t.leads().list(&filter, sort.unwrap_or_default(), &page).await?)
}

/// Count leads
///
/// Exact up to 10,000; `more` says that there are more.
#[utoipa::path(get, path = "/leads/count", tag = "Leads", operation_id = "count_leads",
    security(("key" = ["leads:read"])), params(Conditions), responses((status = OK, body = Count)))]
async fn count(call: Read, Pairs(pairs): Pairs) -> Result<Reply> {
    let filter = filter(&pairs, &[])?;
    Reply::ok(&call.open().await?.leads().count(&filter).await?)
}

/// Create a lead
#[utoipa::path(post, path = "/leads", tag = "Leads", operation_id = "create_lead",
    security(("key" = ["leads:write"])), request_body = LeadInput,
    responses((status = CREATED, body = Lead), (status = CONFLICT, description = "A lead has this address already.")))]
async fn create(call: Write<Json<LeadInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let lead = work.t.leads().create(input, LeadSource::Api).await?;
    let reply = Reply::created(&format!("/leads/{}", lead.id), &lead)?.version(lead.version);
    work.done(reply).await
}

/// Get a lead
#[utoipa::path(get, path = "/leads/{id}", tag = "Leads", operation_id = "get_lead", params(("id" = LeadId, Path)),
    security(("key" = ["leads:read"])), responses((status = OK, body = Lead)))]
async fn get(call: Read, Path(id): Path<LeadId>) -> Result<Reply> {
    let lead = call.open().await?.leads().get(id).await?;
    Ok(Reply::ok(&lead)?.version(lead.version))
}

/// Change a lead
///
/// One that becomes a customer leaves every campaign.
#[utoipa::path(patch, path = "/leads/{id}", tag = "Leads", operation_id = "change_lead",
    params(("id" = LeadId, Path)), security(("key" = ["leads:write"])), request_body = LeadInput,
    responses((status = OK, body = Lead), (status = CONFLICT, description = "A lead has this address already.")))]
async fn change(Path(id): Path<LeadId>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = work.t.leads().get(id).await?;
    let version = work.version().unwrap_or(old.version);
    let lead = work.t.leads().update(id, merged(&LeadInput::from(old), patch)?, Some(version)).await?;
    let reply = Reply::ok(&lead)?.version(lead.version);
    work.done(reply).await
}

/// Delete a lead
///
/// What is planned for it is cancelled; the ledgers of its campaigns still count it.
#[utoipa::path(delete, path = "/leads/{id}", tag = "Leads", operation_id = "delete_lead",
    params(("id" = LeadId, Path)), security(("key" = ["leads:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<LeadId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.leads().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Leads to create or change, found by their address.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeadBatch {
    /// At most 1,000.
    #[schema(value_type = Vec<LeadInput>)]
    leads: Vec<serde_json::Value>,
}

/// What became of one lead of a batch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LeadResult {
    /// The lead, when it was created, changed or had these values already.
    id: Option<LeadId>,
    /// Whether it is new.
    created: bool,
    /// Why nothing was done.
    errors: Vec<Problem>,
}

/// What became of a batch, in the order of its leads.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LeadResults {
    /// One for each lead.
    results: Vec<LeadResult>,
}

/// Create or change many leads
///
/// A lead with a known address is changed: values that are given replace the old ones. Each lead
/// stands for itself; one with a problem keeps none of the others.
#[utoipa::path(post, path = "/leads/upsert", tag = "Leads", operation_id = "upsert_leads",
    security(("key" = ["leads:write"])), request_body = LeadBatch, responses((status = OK, body = LeadResults)))]
async fn upsert(call: Write<Json<LeadBatch>>) -> Result<Reply> {
    let (mut work, Json(batch)) = call.open().await?;
    let read =
        |lead| serde_json::from_value::<LeadInput>(lead).map_err(|e| vec![Problem::new("lead_invalid", e.to_string())]);
    let inputs: Vec<_> = batch.leads.into_iter().map(read).collect();
    let good = inputs.iter().filter_map(|input| input.clone().ok()).collect();
    let mut done = work.t.leads().bulk_upsert(good).await?.into_iter();
    let outcomes = inputs.into_iter().map(|input| input.and_then(|_| done.next().unwrap_or_else(|| Err(Vec::new()))));
    let results = outcomes
        .map(|outcome| match outcome {
            Ok((id, created)) => LeadResult { id: Some(id), created, errors: Vec::new() },
            Err(errors) => LeadResult { id: None, created: false, errors },
        })
        .collect();
    work.done(Reply::ok(&LeadResults { results })?).await
}

/// One change to many leads.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct BulkChange {
    /// Which leads.
    leads: LeadSelection,
    /// What to do.
    #[serde(flatten)]
    action: BulkAction,
}

/// Change many leads
///
/// Enrols, assigns, tags, sets the status of, or deletes all leads of a selection. Those that become customers leave every
/// campaign.
#[utoipa::path(post, path = "/leads/bulk", tag = "Leads", operation_id = "bulk_change_leads",
    security(("key" = ["leads:write"])), request_body = BulkChange, responses((status = OK, body = BulkOutcome)))]
async fn bulk(call: Write<Json<BulkChange>>) -> Result<Reply> {
    let (mut work, Json(change)) = call.open().await?;
    let outcome = work.t.leads().bulk(&change.leads.check()?, &change.action).await?;
    work.done(Reply::ok(&outcome)?).await
}

/// What happened to a lead
#[utoipa::path(get, path = "/leads/{id}/timeline", tag = "Leads", operation_id = "list_lead_timeline",
    params(("id" = LeadId, Path), Paging), security(("key" = ["leads:read"])),
    responses((status = OK, body = Page<LeadEvent>)))]
async fn timeline(call: Read, Path(id): Path<LeadId>, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.leads().timeline(id, &page).await?)
}

/// The e-mails to a lead
///
/// Each with what is known about its way: due when, handed over to which server with which queue id, or why not.
#[utoipa::path(get, path = "/leads/{id}/messages", tag = "Leads", operation_id = "list_lead_messages",
    params(("id" = LeadId, Path), Paging), security(("key" = ["leads:read"])),
    responses((status = OK, body = Page<MessageInFull>)))]
async fn messages(call: Read, Path(id): Path<LeadId>, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.leads().messages(id, &page).await?)
}

/// Notes on a lead
#[utoipa::path(get, path = "/leads/{id}/notes", tag = "Leads", operation_id = "list_lead_notes",
    params(("id" = LeadId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = Page<Note>)))]
async fn notes(call: Read, Path(id): Path<LeadId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.leads().notes(id).await?))
}

/// The text of a note.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// Plain text.
    body: String,
}

/// Add a note to a lead
#[utoipa::path(post, path = "/leads/{id}/notes", tag = "Leads", operation_id = "add_lead_note",
    params(("id" = LeadId, Path)), security(("key" = ["leads:write"])), request_body = NewNote,
    responses((status = CREATED, body = Note)))]
async fn add_note(Path(id): Path<LeadId>, call: Write<Json<NewNote>>) -> Result<Reply> {
    let (mut work, Json(note)) = call.open().await?;
    let note = work.t.leads().add_note(id, &note.body).await?;
    work.done(Reply::created(&format!("/leads/{id}/notes"), &note)?).await
}

/// Every tag of the company's leads
#[utoipa::path(get, path = "/tags", tag = "Leads", operation_id = "list_tags", security(("key" = ["leads:read"])),
    responses((status = OK, body = Page<String>)))]
async fn tags(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.leads().tags().await?))
}
