//! Documents: facts of any shape by collection and key, one document with its versions, and its form.

#[cfg(feature = "ssr")]
mod detail;
#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod list;

use std::collections::BTreeMap;

#[cfg(feature = "ssr")]
use domain::{DocumentId, Permission};
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;
#[cfg(feature = "ssr")]
use service::{Error, Tenant};

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};

/// Loads a page of the list, or the form of a new document where `new` says so.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_documents(slug: String, collection: String, new: String, after: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let view: Box<dyn FnOnce() -> AnyView + Send> = if new.is_empty() {
        let list = list::load(&mut t, collection, after).await?;
        Box::new(move || list::view(&slug, list))
    } else {
        t.require(Permission::EditCampaigns).await?;
        let form = form::Filled::new(collection);
        Box::new(move || form::page(&slug, form))
    };
    t.commit().await?;
    Ok(Written::new("Documents", view))
}

/// Loads one document: a version of it, 0 being the newest, or its form where `edit` says so.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_document(slug: String, id: String, version: i32, edit: String) -> Result<Written, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let (title, view) = shown(&mut t, slug, &id, version, !edit.is_empty()).await?;
    t.commit().await?;
    Ok(Written::new(title, view))
}

#[cfg(feature = "ssr")]
async fn shown(
    t: &mut Tenant,
    slug: String,
    id: &str,
    version: i32,
    edit: bool,
) -> Result<(String, Box<dyn FnOnce() -> AnyView + Send>), Error> {
    let id = document_id(id)?;
    if edit {
        t.require(Permission::EditCampaigns).await?;
        let form = form::Filled::of(t.documents().get(id).await?);
        return Ok((format!("Edit {}", form.key), Box::new(move || form::page(&slug, form))));
    }
    let document = detail::load(t, id, version).await?;
    Ok((document.key.clone(), Box::new(move || detail::view(&slug, document))))
}

/// Creates a document, or saves a new version of the one that is named `id`.
#[server(prefix = "/sf")]
pub async fn save_document(slug: String, form: BTreeMap<String, String>) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let document = form::save(&mut t, &form).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/content/documents/{document}"), "document-saved");
    Ok(())
}

/// Deletes a document.
#[server(prefix = "/sf")]
pub async fn delete_document(slug: String, id: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    t.documents().delete(document_id(&id)?).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/content/documents"), "document-deleted");
    Ok(())
}

#[cfg(feature = "ssr")]
fn document_id(text: &str) -> Result<DocumentId, Error> {
    text.parse().map_err(|_| Error::NotFound("document"))
}

/// The documents.
#[component]
pub fn DocumentsPage() -> impl IntoView {
    let (slug, query, live) = (use_slug(), use_query_map(), live_version("documents"));
    let of = move |name| query.read().get(name).unwrap_or_default();
    // What changes meanwhile is no reason to take a form out of somebody's hands.
    let version = Signal::derive(move || if of("new").is_empty() { live.get() } else { 0 });
    written(version, move || LoadDocuments {
        slug: slug.get(),
        collection: of("collection"),
        new: of("new"),
        after: of("after"),
    })
}

/// One document.
#[component]
pub fn DocumentPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("document"), use_query_map());
    let live = live_version_of("documents", id);
    let of = move |name| query.read().get(name).unwrap_or_default();
    let version = Signal::derive(move || if of("edit").is_empty() { live.get() } else { 0 });
    written(version, move || LoadDocument {
        slug: slug.get(),
        id: id.get(),
        version: of("version").parse().unwrap_or(0),
        edit: of("edit"),
    })
}
