//! Tools that keep facts of any shape: documents by collection and key.

use domain::{
    AccountId, DocumentId, LeadId,
    documents::{DocumentFilter, DocumentInput, DocumentSummary},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::Tenant;
use uuid::Uuid;

use super::{Answer, Result, Trouble, limit, own};

/// Which documents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindDocuments {
    /// Collection, as in `competitors`.
    pub collection: Option<String>,
    /// Names with values that a document has.
    pub contains: Option<Map<String, Value>>,
    /// Id of the lead that they are about.
    pub lead: Option<Uuid>,
    /// Id of the account that they are about.
    pub account: Option<Uuid>,
}

/// One document: its id, or its collection and key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneDocument {
    /// Id of the document.
    pub document: Option<Uuid>,
    /// Its collection.
    pub collection: Option<String>,
    /// Its key there.
    pub key: Option<String>,
}

/// A document to keep; one with the same key gets a new version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveDocument {
    /// Collection: small letters, digits, - and _.
    pub collection: String,
    /// Its name in the collection.
    pub key: String,
    /// Title.
    pub title: Option<String>,
    /// The facts, as a JSON object.
    pub body: Map<String, Value>,
    /// Id of the lead that it is about.
    pub lead: Option<Uuid>,
    /// Id of the account that it is about.
    pub account: Option<Uuid>,
}

pub(super) async fn find(t: &mut Tenant, wanted: FindDocuments) -> Result {
    let filter = DocumentFilter {
        collection: wanted.collection,
        contains: wanted.contains.map(Value::Object),
        lead: wanted.lead.map(LeadId),
        account: wanted.account.map(AccountId),
    };
    let page = t.documents().list(&filter, &limit(Some(100))).await?;
    let outside = page.items.iter().any(|found| found.outside);
    let item = |d: DocumentSummary| json!({ "id": d.id, "collection": d.collection, "key": d.key, "title": d.title, "updated_at": d.updated_at });
    let value = json!({ "items": page.items.into_iter().map(item).collect::<Vec<_>>() });
    Ok(Answer { value, outside })
}

pub(super) async fn read(t: &mut Tenant, wanted: OneDocument) -> Result {
    let found = match (wanted.document, wanted.collection, wanted.key) {
        (Some(id), ..) => Some(t.documents().get(DocumentId(id)).await?),
        (None, Some(collection), Some(key)) => t.documents().find(&collection, &key).await?,
        _ => return Err(Trouble::Words("Give the id of the document, or its collection and key.".to_owned())),
    };
    let found = found.ok_or_else(|| Trouble::Words("There is no such document.".to_owned()))?;
    let value = json!({ "id": found.id, "collection": found.collection, "key": found.key, "title": found.title,
        "body": found.body, "version": found.version });
    Ok(Answer { value, outside: found.outside })
}

pub(super) async fn save(t: &mut Tenant, wanted: SaveDocument) -> Result {
    let old = t.documents().find(&wanted.collection, &wanted.key).await?;
    let input = DocumentInput {
        collection: wanted.collection,
        key: wanted.key,
        title: wanted.title.unwrap_or_default(),
        body: wanted.body,
        // What once came from outside stays so: the agent may have kept some of it.
        outside: old.as_ref().is_some_and(|old| old.outside),
        lead: wanted.lead.map(LeadId),
        account: wanted.account.map(AccountId),
    };
    let saved = match old {
        Some(old) => t.documents().update(old.id, input, Some(old.version)).await?,
        None => t.documents().create(input).await?,
    };
    own(json!({ "id": saved.id, "collection": saved.collection, "key": saved.key, "version": saved.version }))
}
