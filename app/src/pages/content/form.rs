//! The form of a text: new, and edited. Every save is a new version.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
use super::list::kinds;
use crate::{
    error::AppError,
    pages::{
        frame::{only, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    shell::{PageScroll, Topbar},
    ui::{ButtonLink, Choice, Crumb, FieldWidth, Select, SubmitButton, TextArea, TextInput, refusal_of_fields},
};

/// What can be entered about a text, as text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(not(feature = "ssr"), expect(dead_code, reason = "in the browser only its shape is known"))]
pub struct ContentFields {
    pub(super) kind: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) campaign: String,
    pub(super) version: i32,
}

/// What the form shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ContentForm {
    pub(super) id: String,
    pub(super) fields: ContentFields,
    /// Ids and names.
    pub(super) campaigns: Vec<(String, String)>,
}

/// Loads the form of a text, or of a new one where there is no id.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_content_form(slug: String, id: String) -> Result<Written, AppError> {
    let form = super::load::form(&slug, &id).await?;
    let title = if form.id.is_empty() { "New text" } else { "Edit text" };
    Ok(Written::new(title, move || page(slug, title, form)))
}

/// Creates a text.
#[server(prefix = "/sf")]
pub async fn create_content(slug: String, fields: ContentFields) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let item = t.content().create(super::load::input(fields, Default::default())?).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/content/{}", item.id), "content-created");
    Ok(())
}

/// Saves a new version, if nobody else has in the meantime.
#[server(prefix = "/sf")]
pub async fn save_content(slug: String, id: String, fields: ContentFields) -> Result<(), AppError> {
    let id = super::load::content_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let version = fields.version;
    // The form does not show these facts, so it does not change them.
    let metadata = t.content().get(id).await?.metadata;
    t.content().update(id, super::load::input(fields, metadata)?, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/content/{id}"), "content-saved");
    Ok(())
}

/// A new text.
#[component]
pub fn NewContentPage() -> impl IntoView {
    let slug = use_slug();
    only(Permission::EditCampaigns, move || {
        written(Signal::stored(0), move || LoadContentForm { slug: slug.get(), id: String::new() })
    })
}

/// The form of a text that exists.
#[component]
pub fn EditContentPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("content"));
    only(Permission::EditCampaigns, move || {
        // A version that comes while somebody types would defeat the check for it.
        written(Signal::stored(0), move || LoadContentForm { slug: slug.get(), id: id.get() })
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, title: &'static str, form: ContentForm) -> AnyView {
    let base = format!("/t/{slug}/content");
    let (post, back, verb) = if form.id.is_empty() {
        (Post::to::<CreateContent>(), base.clone(), "Create text")
    } else {
        (Post::to::<SaveContent>(), format!("{base}/{}", form.id), "Save new version")
    };
    let fields = form.fields;
    let campaigns: Vec<_> = form.campaigns.into_iter().map(|(id, name)| Choice::new(id, name)).collect();
    let of = move |field| post.of_field(field);
    view! {
        <Topbar title trail=vec![Crumb::new("Content", base)]/>
        <PageScroll label=title>
            <div class="page-body narrow">
                {refusal_of_fields(post, "fields")}
                <PostForm post class="stack">
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=form.id/>
                    <input type="hidden" name="fields[version]" value=fields.version/>
                    <TextInput name="fields[title]" label="Title" value=fields.title error=of("title")/>
                    <Select name="fields[kind]" label="Kind" options=kinds() value=fields.kind error=of("kind") width=FieldWidth::Medium/>
                    <TextArea name="fields[body]" label="Text" hint="Markdown" rows=18 value=fields.body error=of("body")/>
                    <Select name="fields[campaign]" label="Campaign" options=campaigns value=fields.campaign placeholder="None" error=of("campaign") optional=true/>
                    <div class="cluster">
                        <SubmitButton busy=post.busy()>{verb}</SubmitButton>
                        <ButtonLink href=back>"Cancel"</ButtonLink>
                    </div>
                </PostForm>
            </div>
        </PageScroll>
    }
    .into_any()
}
