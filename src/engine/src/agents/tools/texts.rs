//! Tools that keep what an agent has written: the content library, drafts of e-mails, tasks for people.

use domain::{
    CampaignId, ContentId, LeadId,
    content::{ContentFilter, ContentInput, ContentSummary},
    tasks::TaskInput,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::Tenant;
use uuid::Uuid;

use super::{Result, limit, outside, own, word};

/// Which texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindContent {
    /// blog, social, image, video, email or report.
    pub kind: Option<String>,
    /// Beginnings of words of title or body.
    pub q: Option<String>,
}

/// One text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneContent {
    /// Id of the text.
    pub content: Uuid,
}

/// A text for the library.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveContent {
    /// blog, social, image, video, email or report.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// The text, as Markdown.
    pub body: String,
    /// Id of the campaign that it is for.
    pub campaign: Option<Uuid>,
}

/// A draft of an e-mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftMail {
    /// Id of the lead.
    pub lead: Uuid,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// A task for a person.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateTask {
    /// What is to be done.
    pub title: String,
    /// Id of the lead that it is about.
    pub lead: Option<Uuid>,
    /// Days from today until it is due.
    pub due_in_days: Option<i64>,
}

pub(super) async fn find(t: &mut Tenant, wanted: FindContent) -> Result {
    let kind = wanted.kind.as_deref().map(word).transpose()?;
    let page = t.content().list(&ContentFilter { kind, q: wanted.q }, &limit(Some(100))).await?;
    let item = |c: ContentSummary| json!({ "id": c.id, "kind": c.kind, "title": c.title, "agent": c.agent, "created_at": c.created_at });
    outside(json!({ "items": page.items.into_iter().map(item).collect::<Vec<_>>() }))
}

pub(super) async fn read(t: &mut Tenant, wanted: OneContent) -> Result {
    let found = t.content().get(ContentId(wanted.content)).await?;
    outside(json!({ "id": found.id, "kind": found.kind, "title": found.title, "body": found.body }))
}

pub(super) async fn save(t: &mut Tenant, wanted: SaveContent) -> Result {
    let input = ContentInput {
        kind: word(&wanted.kind)?,
        title: wanted.title,
        body: wanted.body,
        metadata: std::collections::BTreeMap::new(),
        campaign: wanted.campaign.map(CampaignId),
    };
    let saved = t.content().create(input).await?;
    own(json!({ "id": saved.id, "kind": saved.kind, "title": saved.title }))
}

pub(super) async fn draft(t: &mut Tenant, wanted: DraftMail) -> Result {
    let draft = t.drafts().create(LeadId(wanted.lead), &wanted.subject, &wanted.body).await?;
    own(json!({ "id": draft.id, "subject": draft.subject }))
}

pub(super) async fn create_task(t: &mut Tenant, wanted: CreateTask) -> Result {
    let input = TaskInput {
        title: wanted.title,
        details: None,
        lead: wanted.lead.map(LeadId),
        assignee: None,
        due_on: None,
        due_in_days: wanted.due_in_days,
    };
    let task = t.tasks().create(input).await?;
    own(json!({ "id": task.id }))
}
