//! Documents: facts of any shape, known by a collection and a key. A document is a JSON object; what it means
//! is the business of whoever keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{AccountId, DocumentId, LeadId, Problem, problem::Problems};

/// Largest body, in bytes of JSON.
pub const MAX_BODY: usize = 64 * 1024;
/// Most characters of a key and of a title.
pub const MAX_NAME: usize = 200;

/// A document in full.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Document {
    /// Id.
    pub id: DocumentId,
    /// The collection it is in.
    pub collection: String,
    /// Its name there.
    pub key: String,
    /// Title; may be empty.
    pub title: String,
    /// The facts.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub body: Map<String, Value>,
    /// Whether somebody outside could have written some of it.
    pub outside: bool,
    /// The lead it is about.
    pub lead: Option<LeadId>,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// Who wrote the newest version.
    pub author: String,
    /// Its newest version; the first is 1.
    pub version: i32,
    /// Created.
    pub created_at: DateTime<Utc>,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

impl Document {
    /// Each text, number and yes or no in it, with the names that lead there.
    #[must_use]
    pub fn quotes(&self) -> Vec<(String, String)> {
        fn walk(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
            let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            match value {
                Value::Null => {}
                Value::Bool(yes) => found.push((path.to_owned(), if *yes { "yes" } else { "no" }.to_owned())),
                Value::Number(number) => found.push((path.to_owned(), number.to_string())),
                Value::String(text) => found.push((path.to_owned(), text.clone())),
                Value::Array(items) => {
                    items.iter().enumerate().for_each(|(n, item)| walk(&below(&(n + 1).to_string()), item, found));
                }
                Value::Object(fields) => fields.iter().for_each(|(name, item)| walk(&below(name), item, found)),
            }
        }
        let mut found = Vec::new();
        self.body.iter().for_each(|(name, value)| walk(name, value, &mut found));
        found
    }
}

/// A document as a row of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentSummary {
    /// Id.
    pub id: DocumentId,
    /// The collection it is in.
    pub collection: String,
    /// Its name there.
    pub key: String,
    /// Title; may be empty.
    pub title: String,
    /// Whether somebody outside could have written some of it.
    pub outside: bool,
    /// The lead it is about.
    pub lead: Option<LeadId>,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// Who wrote the newest version.
    pub author: String,
    /// Its newest version; the first is 1.
    pub version: i32,
    /// Last changed.
    pub updated_at: DateTime<Utc>,
}

/// What is entered about a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DocumentInput {
    /// Small letters, digits, `-` and `_`, 1 to 63, as in `competitors`.
    pub collection: String,
    /// Its name in the collection, 1 to 200 characters; nothing else there has it.
    pub key: String,
    /// Title, at most 200 characters.
    #[serde(default)]
    pub title: String,
    /// A JSON object of at most 64 KB.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub body: Map<String, Value>,
    /// Whether somebody outside could have written some of it: agents then take it for data only.
    #[serde(default)]
    pub outside: bool,
    /// The lead it is about.
    #[serde(default)]
    pub lead: Option<LeadId>,
    /// The account it is about.
    #[serde(default)]
    pub account: Option<AccountId>,
}

impl From<Document> for DocumentInput {
    fn from(d: Document) -> Self {
        Self {
            collection: d.collection,
            key: d.key,
            title: d.title,
            body: d.body,
            outside: d.outside,
            lead: d.lead,
            account: d.account,
        }
    }
}

impl DocumentInput {
    /// The same, trimmed and checked.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(mut self) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        for text in [&mut self.collection, &mut self.key, &mut self.title] {
            *text = text.trim().to_owned();
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let named = self.collection.bytes().all(|b| plain(b) || matches!(b, b'-' | b'_'));
        if !named || !self.collection.bytes().next().is_some_and(plain) || self.collection.len() > 63 {
            let words = "Name the collection in 1 to 63 small letters, digits, - and _, as in competitors.";
            problems.push(Problem::field("collection", "collection_invalid", words));
        }
        let on_a_line = |text: &str| text.chars().count() <= MAX_NAME && !text.chars().any(char::is_control);
        if self.key.is_empty() || !on_a_line(&self.key) {
            problems.push(Problem::field("key", "key_invalid", "Enter a key of 1 to 200 characters, on one line."));
        }
        if !on_a_line(&self.title) {
            problems.push(Problem::field("title", "title_invalid", "Use at most 200 characters, on one line."));
        }
        if serde_json::to_vec(&self.body).map_or(true, |body| body.len() > MAX_BODY) {
            let words = "A document has at most 64 KB. Keep it as several documents.";
            problems.push(Problem::field("body", "body_large", words));
        }
        problems.finish()?;
        Ok(self)
    }
}

/// Which documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentFilter {
    /// Only those of this collection.
    pub collection: Option<String>,
    /// Only those that contain this: its names with these values, at any depth that it names.
    pub contains: Option<Value>,
    /// Only those about this lead.
    pub lead: Option<LeadId>,
    /// Only those about this account.
    pub account: Option<AccountId>,
}

/// A version of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentVersion {
    /// Its number.
    pub version: i32,
    /// Title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A version of a document, with its facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DocumentText {
    /// Its number.
    pub version: i32,
    /// Title.
    pub title: String,
    /// The facts.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub body: Map<String, Value>,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(collection: &str, key: &str, body: &Value) -> DocumentInput {
        DocumentInput {
            collection: collection.to_owned(),
            key: key.to_owned(),
            title: String::new(),
            body: body.as_object().cloned().expect("an object"),
            outside: false,
            lead: None,
            account: None,
        }
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let large = json!({ "text": "x".repeat(MAX_BODY) });
        let wrong = DocumentInput { title: "t".repeat(201), ..input("Two words", " ", &large) };
        let fields: Vec<_> = wrong.check().expect_err("nothing is right").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["collection", "key", "title", "body"]);
        for wrong in ["", "-a", "ä", &"a".repeat(64)] {
            assert!(input(wrong, "k", &json!({})).check().is_err(), "{wrong}");
        }
        assert_eq!(input(" price_lists-2 ", " Q4 ", &json!({})).check().expect("fine").key, "Q4");
    }
}
