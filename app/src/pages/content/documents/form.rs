//! The form of a document: new, and edited. Every save is a new version.

use std::collections::BTreeMap;

use domain::{
    DocumentId, Problem,
    documents::{Document, DocumentInput},
};
use leptos::prelude::*;
use serde_json::{Map, Value};
use service::{Error, Result, Tenant};

use super::{SaveDocument, document_id};
use crate::{
    exchange::{Post, PostForm},
    shell::{PageScroll, Topbar},
    ui::{ButtonLink, Card, Checkbox, Crumb, FieldWidth, SubmitButton, TextArea, TextInput, refusal_of_fields},
};

/// What stands in the form at first.
#[derive(Default)]
pub(super) struct Filled {
    /// The document that is edited; empty for a new one.
    id: String,
    version: i32,
    collection: String,
    pub key: String,
    title: String,
    body: String,
    outside: bool,
}

impl Filled {
    /// The form of a new document.
    pub(super) fn new(collection: String) -> Self {
        Self { collection, body: "{\n  \n}".to_owned(), ..Self::default() }
    }

    /// The form of one that there is.
    pub(super) fn of(document: Document) -> Self {
        Self {
            id: document.id.to_string(),
            version: document.version,
            collection: document.collection,
            key: document.key,
            title: document.title,
            body: format!("{:#}", Value::Object(document.body)),
            outside: document.outside,
        }
    }
}

/// Saves what a form says. What it does not show, it does not change.
pub(super) async fn save(t: &mut Tenant, form: &BTreeMap<String, String>) -> Result<DocumentId> {
    let text = |name: &str| form.get(name).cloned().unwrap_or_default();
    let old = match text("id").as_str() {
        "" => None,
        id => Some(t.documents().get(document_id(id)?).await?),
    };
    let input = DocumentInput {
        collection: text("collection"),
        key: text("key"),
        title: text("title"),
        body: object(&text("body"))?,
        outside: text("outside") == "true",
        lead: old.as_ref().and_then(|old| old.lead),
        account: old.as_ref().and_then(|old| old.account),
    };
    match old {
        Some(old) => {
            let version = text("version").parse().unwrap_or_default();
            Ok(t.documents().update(old.id, input, Some(version)).await?.id)
        }
        None => Ok(t.documents().create(input).await?.id),
    }
}

fn object(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|error| {
        let words = format!("This is no JSON object: {error}. Write names and values between braces.");
        Error::invalid(Problem::field("body", "body_invalid", words))
    })
}

/// The form.
pub(super) fn page(slug: &str, form: Filled) -> AnyView {
    let save = Post::to::<SaveDocument>();
    let of = move |field| save.of_field(field);
    let (library, base) = (format!("/t/{slug}/content"), format!("/t/{slug}/content/documents"));
    let (title, back) = if form.id.is_empty() {
        ("New document".to_owned(), base.clone())
    } else {
        (format!("Edit {}", form.key), format!("{base}/{}", form.id))
    };
    let trail = vec![Crumb::new("Content", library), Crumb::new("Documents", base)];
    let slug = slug.to_owned();
    view! {
        <Topbar title=title.clone() trail/>
        <PageScroll label="Document">
            <div class="page-body narrow">
                {refusal_of_fields(save, "form")}
                <Card title>
                    <PostForm post=save class="stack">
                        <input type="hidden" name="slug" value=slug/>
                        <input type="hidden" name="form[id]" value=form.id/>
                        <input type="hidden" name="form[version]" value=form.version/>
                        <TextInput name="form[collection]" label="Collection" hint="Small letters, digits, - and _, as in competitors" value=form.collection width=FieldWidth::Medium maxlength=63u32 error=of("collection")/>
                        <TextInput name="form[key]" label="Key" hint="Its name in the collection" value=form.key maxlength=200u32 error=of("key")/>
                        <TextInput name="form[title]" label="Title" value=form.title optional=true maxlength=200u32 error=of("title")/>
                        <TextArea name="form[body]" label="Facts" hint="A JSON object, at most 64 KB" rows=14 value=form.body error=of("body")/>
                        <Checkbox name="form[outside]" label="Somebody outside could have written some of it" hint="Agents then take it for data only." checked=form.outside/>
                        <div class="cluster">
                            <SubmitButton busy=save.busy()>"Save document"</SubmitButton>
                            <ButtonLink href=back>"Cancel"</ButtonLink>
                        </div>
                    </PostForm>
                </Card>
            </div>
        </PageScroll>
    }
    .into_any()
}
