//! Tools about the content library. A text keeps its versions, so nothing that was written is lost.

use domain::{
    ContentId,
    content::{ContentFilter, ContentInput, ContentKind},
    keys::Scope,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use service::Tenant;

use super::tools::{Effect, ToolOf, input, page, read, shown};
use crate::problem::Result;

pub(super) static TOOLS: [ToolOf; 4] = [
    ToolOf {
        name: "list_content",
        title: "List texts",
        what: "List the texts of the content library, the last changed first.",
        scope: Scope::CampaignsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<ListContent>,
        call: |t, arguments| Box::pin(async move { list(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "read_content",
        title: "Read a text",
        what: "Read one text of the content library.",
        scope: Scope::CampaignsRead,
        effect: Effect::Reads,
        outside: true,
        input: input::<OneText>,
        call: |t, arguments| Box::pin(async move { open(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "save_content",
        title: "Keep a text",
        what: "Keep a new text in the content library.",
        scope: Scope::CampaignsWrite,
        effect: Effect::Adds,
        outside: false,
        input: input::<ContentInput>,
        call: |t, arguments| Box::pin(async move { save(t, read(arguments)?).await }),
    },
    ToolOf {
        name: "rewrite_content",
        title: "Change a text",
        what: "Keep a new version of a text of the content library; the ones before stay.",
        scope: Scope::CampaignsWrite,
        effect: Effect::Sets,
        outside: false,
        input: input::<Rewrite>,
        call: |t, arguments| Box::pin(async move { rewrite(t, read(arguments)?).await }),
    },
];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ListContent {
    /// Only texts of this kind.
    kind: Option<ContentKind>,
    /// Beginnings of words that title or body have, in any order.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 20 when absent.
    per: Option<i64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneText {
    /// Id of the text.
    content: ContentId,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rewrite {
    /// Id of the text.
    content: ContentId,
    /// The version that was read; a newer one is not overwritten.
    version: i32,
    /// The new title; as it is when absent.
    #[serde(default)]
    title: Option<String>,
    /// The new text, in Markdown.
    body: String,
}

async fn list(t: &mut Tenant, ListContent { kind, q, after, per }: ListContent) -> Result<Value> {
    shown(&t.content().list(&ContentFilter { kind, q }, &page(after, per)?).await?)
}

async fn open(t: &mut Tenant, OneText { content }: OneText) -> Result<Value> {
    shown(&t.content().get(content).await?)
}

async fn save(t: &mut Tenant, input: ContentInput) -> Result<Value> {
    shown(&t.content().create(input).await?)
}

async fn rewrite(t: &mut Tenant, Rewrite { content, version, title, body }: Rewrite) -> Result<Value> {
    let old = ContentInput::from(t.content().get(content).await?);
    let input = ContentInput { title: title.unwrap_or_else(|| old.title.clone()), body, ..old };
    shown(&t.content().update(content, input, Some(version)).await?)
}
