//! One text: its words, who made it, and its versions. The words are data: their Markdown is shown, and no HTML
//! of theirs becomes a part of the page.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, ButtonLink, ButtonSize, Callout, Card, Crumb, Fact, Facts, FileDrop, Icon, IconName, SubmitButton,
        Tag, Time, Tone, confirm, markdown, refusal,
    },
};

/// What the page shows.
#[cfg(feature = "ssr")]
pub struct TextView {
    pub(super) may_edit: bool,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) author: String,
    pub(super) agent: Option<String>,
    pub(super) built_in: bool,
    pub(super) campaign: Option<(String, String)>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) file: Option<FileView>,
    pub(super) newest: i32,
    pub(super) created: Moment,
    pub(super) versions: Vec<VersionRow>,
    /// The version looked at, and what it says.
    pub(super) shown: i32,
    pub(super) shown_title: String,
    pub(super) body: String,
}

/// The file of the text.
#[cfg(feature = "ssr")]
pub struct FileView {
    pub(super) name: String,
    pub(super) size: String,
    pub(super) author: String,
    pub(super) at: Moment,
    /// Browsers show it.
    pub(super) image: bool,
}

/// A version in the list.
#[cfg(feature = "ssr")]
pub struct VersionRow {
    pub(super) version: i32,
    pub(super) author: String,
    pub(super) at: Moment,
}

/// Loads the page; version 0 is the newest.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_content(slug: String, id: String, version: i32) -> Result<Written, AppError> {
    let text = super::load::text(&slug, &id, version).await?;
    Ok(Written::new(text.title.clone(), move || page(slug, text)))
}

/// Deletes a text.
#[server(prefix = "/sf")]
pub async fn delete_content(slug: String, id: String) -> Result<(), AppError> {
    let id = super::load::content_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.content().delete(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/content"), "content-deleted");
    Ok(())
}

/// Takes the file of a text away.
#[server(prefix = "/sf")]
pub async fn remove_content_file(slug: String, id: String) -> Result<(), AppError> {
    let text = super::load::content_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.content().detach(text).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/content/{id}"), "file-removed");
    Ok(())
}

/// One text.
#[component]
pub fn ContentPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("content"), use_query_map());
    written(live_version("content"), move || {
        let version = query.read().get("version").and_then(|text| text.parse().ok()).unwrap_or(0);
        LoadContent { slug: slug.get(), id: id.get(), version }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, mut text: TextView) -> AnyView {
    let (delete, remove) = (Post::to::<DeleteContent>(), Post::to::<RemoveContentFile>());
    let base = format!("/t/{slug}/content");
    let own = format!("{base}/{}", text.id);
    let actions = actions(&slug, &own, &text, delete);
    let older = (text.shown != text.newest).then(|| {
        let words = format!("This is version {}, “{}”.", text.shown, text.shown_title);
        let newest = own.clone();
        view! { <Callout title=words><a href=newest>"Show the newest version"</a></Callout> }
    });
    let file = file(&slug, &own, &text.id, text.file.take(), text.may_edit, remove);
    let campaign = text.campaign.clone().map(|(id, name)| {
        view! { <Fact label="Campaign"><a href=format!("/t/{slug}/campaigns/{id}")>{name}</a></Fact> }
    });
    let built_in = text.built_in.then(|| view! { <Tag text="Built-in writer"/> });
    let agent = text.agent.clone().map(|name| {
        view! { <Fact label="Agent"><Tag text=name tone=Tone::Violet machine=true/>" "{built_in}</Fact> }
    });
    let facts: Vec<_> =
        text.facts.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }.into_any()).collect();
    let versions = versions(&own, text.versions, text.shown);
    let note = format!("Version {} of {}", text.shown, text.newest);
    view! {
        <Topbar title=text.title.clone() headed=true trail=vec![Crumb::new("Content", base)]/>
        <PageScroll label="Text">
            <header class="page-head">
                <div>
                    <h1>{text.title}</h1>
                    <p class="meta"><span>{text.kind.clone()}</span><span>{format!("Version {}", text.newest)}</span></p>
                </div>
                <div class="head-actions">{actions}</div>
            </header>
            <div class="page-body with-aside">
                <div class="wide">{refusal(delete)}{refusal(remove)}</div>
                <div class="col">
                    {older}
                    <Card title="Text" note>
                        <div class="prose" inner_html=markdown(&text.body)></div>
                        <details class="written-as">
                            <summary>"As it was written"</summary>
                            <div class="written">{text.body}</div>
                        </details>
                    </Card>
                    {file}
                </div>
                <div class="col">
                    <Card title="About">
                        <Facts>
                            <Fact label="Kind">{text.kind}</Fact>
                            <Fact label="Made by">{text.author}</Fact>
                            {agent}
                            {campaign}
                            <Fact label="Created"><Time moment=text.created/></Fact>
                            {facts}
                        </Facts>
                    </Card>
                    <Card title="Versions"><ul class="stack">{versions}</ul></Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}

/// The file, with what can be done about it; nothing where there is none and nobody may bring one.
#[cfg(feature = "ssr")]
fn file(slug: &str, own: &str, id: &str, file: Option<FileView>, may_edit: bool, remove: Post) -> Option<AnyView> {
    if file.is_none() && !may_edit {
        return None;
    }
    let href = format!("{own}/file");
    let replaces = file.is_some();
    let words = if replaces { "Replace" } else { "Attach" };
    let shown = file.map(|file| {
        let image = file.image.then(|| {
            let (src, alt) = (href.clone(), format!("The image {}", file.name));
            view! { <img class="content-image" src=src alt=alt loading="lazy"/> }
        });
        let form = may_edit.then(|| {
            let (slug, id) = (slug.to_owned(), id.to_owned());
            let form = view! {
                <PostForm post=remove>
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=id/>
                    <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small label="Remove file" busy=remove.busy()>"Remove file"</SubmitButton>
                </PostForm>
            };
            confirm("Remove", &file.name, "The text stays.", form.into_any())
        });
        view! {
            {image}
            <div class="cluster">
                <a class="strong" href=href.clone() rel="external" download>{file.name.clone()}</a>
                <span class="subtle">{file.size}" · "{file.author}" · "<Time moment=file.at/></span>
                <span class="push">{form}</span>
            </div>
        }
    });
    let bring = may_edit.then(|| {
        let form = view! {
            <form method="post" action=href.clone() enctype="multipart/form-data" class="stack">
                <FileDrop
                    name="file"
                    label="An image, a video or a document"
                    accept="image/png,image/jpeg,image/gif,image/webp,video/mp4,video/webm,application/pdf,.docx,.xlsx,.pptx"
                    hint="At most 20 MB"
                />
                <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small>{words}</SubmitButton>
            </form>
        };
        if replaces {
            view! { <details><summary>"Replace the file"</summary>{form}</details> }.into_any()
        } else {
            form.into_any()
        }
    });
    Some(view! { <Card title="File"><div class="stack">{shown}{bring}</div></Card> }.into_any())
}

#[cfg(feature = "ssr")]
fn versions(own: &str, versions: Vec<VersionRow>, shown: i32) -> Vec<AnyView> {
    let row = |row: VersionRow| {
        let here = (row.version == shown).then_some("true");
        view! {
            <li>
                <a class="strong" href=format!("{own}?version={}", row.version) aria-current=here>{format!("Version {}", row.version)}</a>
                <p class="subtle">{row.author}" · "<Time moment=row.at/></p>
            </li>
        }
        .into_any()
    };
    versions.into_iter().map(row).collect()
}

#[cfg(feature = "ssr")]
fn actions(slug: &str, own: &str, text: &TextView, delete: Post) -> AnyView {
    let (file, edit) = (format!("{own}/export"), format!("{own}/edit"));
    let change = text.may_edit.then(|| {
        let (slug, id, label) = (slug.to_owned(), text.id.clone(), format!("Delete text {}", text.title));
        let form = view! {
            <PostForm post=delete>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small label busy=delete.busy()>"Delete text"</SubmitButton>
            </PostForm>
        };
        view! {
            <ButtonLink href=edit icon=IconName::Edit size=ButtonSize::Small>"Edit"</ButtonLink>
            {confirm("Delete", &text.title, "It leaves the library with all of its versions.", form.into_any())}
        }
    });
    view! {
        <a class="button small" href=file rel="external" download><Icon name=IconName::Export/>"Export"</a>
        {change}
    }
    .into_any()
}
