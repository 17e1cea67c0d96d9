//! The library: every text of the company, by kind and by words of its title.

#[cfg(feature = "ssr")]
use domain::content::ContentKind;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    shell::Topbar,
    ui::{
        ButtonKind, ButtonLink, Choice, ColumnKind, Empty, EmptyKind, FilterBar, HeaderCell, IconName, Pager,
        SearchField, Select, SubmitButton, TableRegion, Time,
    },
};

/// A page of the library.
#[cfg(feature = "ssr")]
pub struct Library {
    pub(super) may_edit: bool,
    pub(super) rows: Vec<TextRow>,
    pub(super) kind: String,
    pub(super) search: String,
    /// The filter, as the address of the next page writes it.
    pub(super) query: String,
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
}

/// A text in the library.
#[cfg(feature = "ssr")]
pub struct TextRow {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) kind: String,
    pub(super) author: String,
    pub(super) version: i32,
    pub(super) at: Moment,
}

/// Loads a page of the library.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_library(slug: String, kind: String, q: String, after: String) -> Result<Written, AppError> {
    let list = super::load::library(&slug, kind, q, after).await?;
    Ok(Written::new("Content", move || page(&slug, list)))
}

/// What a text can be for, to choose from.
#[cfg(feature = "ssr")]
pub(super) fn kinds() -> Vec<Choice> {
    ContentKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.label())).collect()
}

/// The library.
#[component]
pub fn LibraryPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("content"), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        LoadLibrary { slug: slug.get(), kind: get("kind"), q: get("q"), after: get("after") }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, list: Library) -> AnyView {
    let base = format!("/t/{slug}/content");
    let (new, documents) = (format!("{base}/new"), format!("{base}/documents"));
    let first = list.later.then(|| format!("{base}?{}", list.query));
    let next = list.next.map(|cursor| format!("{base}?{}&after={cursor}", list.query));
    let filtered = !list.kind.is_empty() || !list.search.is_empty();
    let body = match (list.rows.is_empty(), filtered) {
        (false, _) => rows(&base, list.rows),
        (true, true) => view! {
            <Empty kind=EmptyKind::None title="No texts here" text="No text of this kind has these words in its title.">
                <a class="button" href=base>"Show all texts"</a>
            </Empty>
        }
        .into_any(),
        (true, false) => view! {
            <Empty kind=EmptyKind::First title="No texts yet" text="Agents keep here what they write, and so can you: posts, scripts, e-mails, reports."/>
        }
        .into_any(),
    };
    view! {
        <Topbar title="Content">
            <ButtonLink href=documents>"Documents"</ButtonLink>
            {list.may_edit.then(|| view! { <ButtonLink href=new kind=ButtonKind::Primary icon=IconName::Plus>"New text"</ButtonLink> })}
        </Topbar>
        <FilterBar chips=ToChildren::to_children(|| ())>
            <form method="get" class="cluster" role="search">
                <Select name="kind" label="Kind" options=kinds() value=list.kind placeholder="Every kind"/>
                <SearchField label="Search texts" value=list.search/>
                <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
            </form>
        </FilterBar>
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn rows(base: &str, list: Vec<TextRow>) -> AnyView {
    let head = view! {
        <HeaderCell label="Title" width="22rem"/>
        <HeaderCell label="Kind" width="8rem"/>
        <HeaderCell label="Made by"/>
        <HeaderCell label="Version" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Changed" width="9rem"/>
    }
    .into_any();
    let rows: Vec<_> = list
        .into_iter()
        .map(|row| {
            view! {
                <tr role="row">
                    <td role="cell" class="name"><a class="truncate" href=format!("{base}/{}", row.id)>{row.title}</a></td>
                    <td role="cell" class="title">{row.kind}</td>
                    <td role="cell">{row.author}</td>
                    <td role="cell" class="num">{row.version}</td>
                    <td role="cell" class="status-cell"><Time moment=row.at/></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! { <TableRegion label="Texts" head>{rows}</TableRegion> }.into_any()
}
