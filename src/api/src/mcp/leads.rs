//! Tools about leads. What a lead says of itself came from outside, whoever typed it in.

use domain::{
    LeadId,
    keys::Scope,
    leads::{LeadFilter, LeadInput, LeadSort, LeadSource, LeadStatus},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use service::Tenant;

use super::tools::{Effect, ToolOf, input, page, read, shown};
use crate::{problem::Result, v1::merged};

/// Entries of a timeline that come with a lead.
const ENTRIES: i64 = 30;

pub(super) static TOOLS: [ToolOf; 5] = [
    ToolOf {
        name: "find_leads",
        title: "Find leads",
        what: "List the leads of the company, the best score first, with the number that match (exact up to 10,000).",
        scope: Scope::LeadsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<FindLeads>,
        call: |t, arguments| Box::pin(async move { find(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "read_lead",
        title: "Read a lead",
        what: "Read one lead with its score and why, its notes, and the last entries of its timeline.",
        scope: Scope::LeadsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<OneLead>,
        call: |t, arguments| Box::pin(async move { open(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "create_lead",
        title: "Create a lead",
        what: "Create a lead. An address that another lead has is refused: find that lead and change it.",
        scope: Scope::LeadsWrite,
        effect: Effect::Adds,
        outside: true,
        input: input::<LeadInput>,
        call: |t, arguments| Box::pin(async move { create(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "update_lead",
        title: "Change a lead",
        what: "Change a lead. What is not named in `changes` stays, and `null` empties a value.",
        scope: Scope::LeadsWrite,
        effect: Effect::Sets,
        outside: true,
        input: input::<UpdateLead>,
        call: |t, arguments| Box::pin(async move { update(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "add_note",
        title: "Add a note to a lead",
        what: "Write a note on a lead, which the people of the company read.",
        scope: Scope::LeadsWrite,
        effect: Effect::Adds,
        outside: false,
        input: input::<AddNote>,
        call: |t, arguments| Box::pin(async move { note(t, read(arguments)?).await }),
    },
];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct FindLeads {
    /// Part of name, address, account or title.
    q: Option<String>,
    /// Status is one of these.
    status: Vec<LeadStatus>,
    /// The least score, 0 to 100.
    score_min: Option<i32>,
    /// Country is one of these ISO 3166 codes.
    country: Vec<String>,
    /// Has one of these tags.
    tag: Vec<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 20 when absent.
    per: Option<i64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneLead {
    /// Id of the lead.
    lead: LeadId,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateLead {
    /// Id of the lead.
    lead: LeadId,
    /// The values to change.
    #[schemars(with = "LeadInput")]
    changes: Value,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddNote {
    /// Id of the lead.
    lead: LeadId,
    /// The note, as plain text.
    body: String,
}

async fn find(t: &mut Tenant, wanted: FindLeads) -> Result<Value> {
    let FindLeads { q, status, score_min, country, tag, after, per } = wanted;
    let filter = LeadFilter { q, status, score_min, country, tag, ..LeadFilter::default() }.check()?;
    let found = t.leads().list(&filter, LeadSort::default(), &page(after, per)?).await?;
    let count = t.leads().count(&filter).await?;
    Ok(json!({ "count": shown(&count)?, "items": shown(&found.items)?, "next": found.next }))
}

async fn open(t: &mut Tenant, OneLead { lead }: OneLead) -> Result<Value> {
    let found = t.leads().get(lead).await?;
    let notes = t.leads().notes(lead).await?;
    let timeline = t.leads().timeline(lead, &page(None, Some(ENTRIES))?).await?;
    Ok(json!({ "lead": shown(&found)?, "notes": shown(&notes)?, "timeline": shown(&timeline)? }))
}

async fn create(t: &mut Tenant, input: LeadInput) -> Result<Value> {
    shown(&t.leads().create(input, LeadSource::Api).await?)
}

async fn update(t: &mut Tenant, UpdateLead { lead, changes }: UpdateLead) -> Result<Value> {
    let old = t.leads().get(lead).await?;
    let version = old.version;
    shown(&t.leads().update(lead, merged(&LeadInput::from(old), changes)?, Some(version)).await?)
}

async fn note(t: &mut Tenant, AddNote { lead, body }: AddNote) -> Result<Value> {
    shown(&t.leads().add_note(lead, &body).await?)
}
