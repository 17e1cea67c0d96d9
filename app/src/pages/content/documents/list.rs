//! The list of documents, the last changed first.

use domain::{PageRequest, Permission, documents::DocumentFilter};
use leptos::prelude::*;
use service::{Result, Tenant};

use crate::{
    fmt::Moment,
    shell::Topbar,
    ui::{
        ButtonKind, ButtonLink, Choice, ColumnKind, Crumb, Empty, EmptyKind, FilterBar, HeaderCell, IconName, Pager,
        Select, SubmitButton, TableRegion, Time,
    },
};

/// A page of the list.
pub(super) struct List {
    may_edit: bool,
    rows: Vec<Row>,
    collections: Vec<String>,
    /// The collection that is shown; empty for all of them.
    collection: String,
    next: Option<String>,
    /// It is not the first page.
    later: bool,
}

struct Row {
    id: String,
    collection: String,
    key: String,
    title: String,
    author: String,
    version: i32,
    at: Moment,
}

/// Loads a page.
pub(super) async fn load(t: &mut Tenant, collection: String, after: String) -> Result<List> {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let filter = DocumentFilter { collection: some(&collection), ..DocumentFilter::default() };
    let page = t.documents().list(&filter, &PageRequest { after: some(&after), ..PageRequest::default() }).await?;
    let collections = t.documents().collections().await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let row = |d: domain::documents::DocumentSummary| Row {
        id: d.id.to_string(),
        collection: d.collection,
        key: d.key,
        title: d.title,
        author: d.author,
        version: d.version,
        at: Moment::new(d.updated_at, now, &zone),
    };
    Ok(List {
        may_edit: t.actor().can(Permission::EditCampaigns),
        rows: page.items.into_iter().map(row).collect(),
        collections,
        collection,
        next: page.next,
        later: !after.is_empty(),
    })
}

/// The list.
pub(super) fn view(slug: &str, list: List) -> AnyView {
    let library = format!("/t/{slug}/content");
    let base = format!("{library}/documents");
    let here = format!("{base}?collection={}", list.collection);
    let first = list.later.then(|| here.clone());
    let next = list.next.map(|cursor| format!("{here}&after={cursor}"));
    let new = list.may_edit.then(|| {
        view! { <ButtonLink href=format!("{here}&new=1") kind=ButtonKind::Primary icon=IconName::Plus>"New document"</ButtonLink> }
    });
    let body = if list.rows.is_empty() {
        view! { <Empty kind=EmptyKind::First title="No documents" text="Agents, programs and people keep facts of any shape here: a price list, what a lead needs, what a competitor says."/> }
            .into_any()
    } else {
        rows(&base, list.rows)
    };
    let choices = list.collections.into_iter().map(|name| Choice::new(name.clone(), name)).collect();
    view! {
        <Topbar title="Documents" trail=vec![Crumb::new("Content", library)]>{new}</Topbar>
        <FilterBar chips=ToChildren::to_children(|| ())>
            <form method="get" class="cluster" role="search">
                <Select name="collection" label="Collection" options=choices value=list.collection placeholder="Every collection"/>
                <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
            </form>
        </FilterBar>
        {body}
        <Pager first next/>
    }
    .into_any()
}

fn rows(base: &str, list: Vec<Row>) -> AnyView {
    let head = view! {
        <HeaderCell label="Key" width="16rem"/>
        <HeaderCell label="Collection" width="10rem"/>
        <HeaderCell label="Title"/>
        <HeaderCell label="Written by"/>
        <HeaderCell label="Version" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Changed" width="9rem"/>
    }
    .into_any();
    let rows: Vec<_> = list
        .into_iter()
        .map(|row| {
            view! {
                <tr role="row">
                    <td role="cell" class="name"><a class="truncate" href=format!("{base}/{}", row.id)>{row.key}</a></td>
                    <td role="cell" class="title">{row.collection}</td>
                    <td role="cell">{row.title}</td>
                    <td role="cell">{row.author}</td>
                    <td role="cell" class="num">{row.version}</td>
                    <td role="cell" class="status-cell"><Time moment=row.at/></td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! { <TableRegion label="Documents" head>{rows}</TableRegion> }.into_any()
}
