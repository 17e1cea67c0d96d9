//! The list of leads: filters, search, order and page are its address; a selection is a form.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use super::looks::{STATUSES, lead_status, score_tone};
use crate::{
    error::AppError,
    exchange::with_data,
    fmt::Moment,
    pages::frame::{live_version, use_slug},
    shell::{TabTitle, Topbar},
    ui::{
        AddFilter, Avatar, AvatarKind, BulkBar, ButtonKind, ButtonLink, Choice, ColumnKind, Empty, EmptyKind,
        FilterBar, FilterChip, HeaderCell, IconName, ListForm, Pager, Score, SearchField, Select, SelectAllHeader,
        SelectBox, SortHeader, SortOrder, SubmitButton, TableRegion, TextInput, Time,
    },
};

/// The list as the page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadList {
    pub(super) rows: Vec<Row>,
    pub(super) count: String,
    pub(super) chips: Vec<Chip>,
    pub(super) query: String,
    /// The same as pairs, for forms that keep them.
    pub(super) conditions: Vec<(String, String)>,
    pub(super) search: String,
    pub(super) sort: String,
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
    pub(super) campaigns: Vec<(String, String)>,
    pub(super) owners: Vec<(String, String)>,
    pub(super) may_edit: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) account: Option<(String, String)>,
    pub(super) score: i32,
    pub(super) status: String,
    pub(super) suppressed: bool,
    pub(super) campaign: Option<(String, String)>,
    pub(super) activity: String,
    pub(super) at: Moment,
    pub(super) owner: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Chip {
    pub(super) field: String,
    pub(super) operator: String,
    pub(super) value: String,
    pub(super) without: String,
}

/// Loads the list for the query string of the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_leads(slug: String, query: String) -> Result<LeadList, AppError> {
    super::load::list(&slug, &query).await
}

/// The list of leads.
#[component]
pub fn LeadsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    let live = live_version("leads");
    view! {
        <TabTitle text="Leads"/>
        {with_data(live, move || LoadLeads { slug: slug.get(), query: query.read().to_query_string() }, move |list| table(slug.get_untracked(), list))}
    }
    .into_any()
}

fn table(slug: String, list: LeadList) -> AnyView {
    let base = format!("/t/{slug}/leads");
    let page =
        |cursor: Option<String>, word: &str| cursor.map(|c| format!("{base}?{}{word}={c}", with_mark(&list.query)));
    let (next, previous) = (page(list.next.clone(), "after"), page(list.previous.clone(), "before"));
    let filtered = !list.chips.is_empty() || !list.search.is_empty();
    let body = if list.rows.is_empty() {
        empty(&base, filtered).into_any()
    } else {
        let rows: Vec<_> = list.rows.iter().map(|row| row_view(&base, &slug, row.clone(), list.may_edit)).collect();
        view! { <TableRegion label="Leads" head=head(&base, &list)>{rows}</TableRegion> }.into_any()
    };
    let (import, new) = (format!("{base}/import"), format!("{base}/new"));
    let bar = filters(&base, &list);
    let acts = (list.may_edit && !list.rows.is_empty()).then(|| bulk(&list));
    let (may_edit, count) = (list.may_edit, list.count);
    view! {
        <Topbar title="Leads">
            {may_edit.then(|| view! {
                <ButtonLink href=import kind=ButtonKind::Ghost icon=IconName::Import>"Import"</ButtonLink>
                <ButtonLink href=new kind=ButtonKind::Primary icon=IconName::Plus>"New lead"</ButtonLink>
            })}
        </Topbar>
        {bar}
        <ListForm action=format!("{base}/bulk")>
            {body}
            {acts}
        </ListForm>
        <Pager range=count previous next/>
    }
    .into_any()
}

fn with_mark(query: &str) -> String {
    if query.is_empty() { String::new() } else { format!("{query}&") }
}

fn head(base: &str, list: &LeadList) -> AnyView {
    let sort = |field: &str| {
        let order = match list.sort.strip_prefix('-') {
            Some(name) if name == field => Some(SortOrder::Descending),
            None if list.sort == field => Some(SortOrder::Ascending),
            _ => None,
        };
        let turned = if order == Some(SortOrder::Descending) { field.to_owned() } else { format!("-{field}") };
        (format!("{base}?{}sort={turned}", with_mark(&list.query)), order)
    };
    let ((by_name, name), (by_score, score), (by_activity, activity)) = (sort("name"), sort("score"), sort("activity"));
    view! {
        {list.may_edit.then(|| view! { <SelectAllHeader/> })}
        <SortHeader label="Name" href=by_name order=name kind=ColumnKind::Name width="12.5rem"/>
        <HeaderCell label="Account" width="11rem"/>
        <HeaderCell label="Title" width="11rem"/>
        <SortHeader label="Score" href=by_score order=score kind=ColumnKind::Number width="6.25rem"/>
        <HeaderCell label="Status" width="7.5rem"/>
        <HeaderCell label="Campaign" width="9rem"/>
        <SortHeader label="Last activity" href=by_activity order=activity width="10.25rem"/>
        <HeaderCell label="Owner" width="4rem"/>
    }
    .into_any()
}

fn row_view(base: &str, slug: &str, row: Row, may_edit: bool) -> AnyView {
    let account = row.account.map(|(id, name)| {
        view! {
            <span class="cell">
                <Avatar name=name.clone() kind=AvatarKind::Company/>
                <a class="truncate" href=format!("/t/{slug}/accounts/{id}")>{name}</a>
            </span>
        }
    });
    let campaign = match row.campaign {
        Some((id, name)) => {
            view! { <a class="truncate" href=format!("/t/{slug}/campaigns/{id}")>{name}</a> }.into_any()
        }
        None => view! { <span class="subtle">"Not enrolled"</span> }.into_any(),
    };
    view! {
        <tr role="row">
            {may_edit.then(|| view! { <SelectBox value=row.id.clone() label=row.name.clone()/> })}
            <td role="cell" class="pin-1 name">
                <span class="cell">
                    <Avatar name=row.name.clone()/>
                    <a class="truncate" href=format!("{base}/{}", row.id)>{row.name}</a>
                </span>
            </td>
            <td role="cell">{account}</td>
            <td role="cell" class="title">{row.title}</td>
            <td role="cell" class="num score-cell"><Score value=Some(row.score) tone=score_tone(row.score)/></td>
            <td role="cell" class="status-cell">{lead_status(&row.status, row.suppressed)}</td>
            <td role="cell">{campaign}</td>
            <td role="cell"><span class="cell"><span class="truncate">{row.activity}</span><span class="push subtle"><Time moment=row.at/></span></span></td>
            <td role="cell">{row.owner.map(|name| view! { <Avatar name alone=true/> })}</td>
        </tr>
    }
    .into_any()
}

fn filters(base: &str, list: &LeadList) -> impl IntoView + use<> {
    let clear = base.to_owned();
    let chips: Vec<_> = list
        .chips
        .iter()
        .cloned()
        .map(|c| {
            let remove = format!("{base}?{}", c.without);
            view! { <FilterChip field=c.field operator=c.operator value=c.value remove/> }
        })
        .collect();
    const OFFERED: [&str; 5] = ["f.status.is", "f.owner.is", "f.score.gte", "f.country.is", "f.tag.has"];
    let kept = |leave_out: &[&str]| -> Vec<AnyView> {
        let others = list.conditions.iter().filter(|(name, _)| !leave_out.contains(&name.as_str())).cloned();
        others.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }.into_any()).collect()
    };
    let given =
        |name: &str| list.conditions.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let (beside_search, beside_filter) = (kept(&["q"]), kept(&OFFERED));
    let [status, owner, score, country, tag] = OFFERED.map(given);
    let search = list.search.clone();
    let any = !list.chips.is_empty();
    let statuses = STATUSES.map(|(value, word)| Choice::new(value, word)).to_vec();
    let owners = list.owners.iter().map(|(id, name)| Choice::new(id.clone(), name.clone())).collect::<Vec<_>>();
    let (action, search_action) = (base.to_owned(), base.to_owned());
    view! {
        <FilterBar chips=ToChildren::to_children(move || view! {
            {chips}
            <AddFilter id="lead-filter">
                <form method="get" action=action.clone() class="stack">
                    {beside_filter}
                    <Select name="f.status.is" label="Status" options=statuses value=status placeholder="Any"/>
                    <Select name="f.owner.is" label="Owner" options=owners value=owner placeholder="Anybody"/>
                    <TextInput name="f.score.gte" label="Score at least" value=score optional=true/>
                    <TextInput name="f.country.is" label="Country" hint="Two letters, as in DE" value=country optional=true/>
                    <TextInput name="f.tag.has" label="Tag" value=tag optional=true/>
                    <SubmitButton>"Apply"</SubmitButton>
                </form>
            </AddFilter>
            {any.then(|| view! { <a class="button ghost small" href=clear.clone()>"Clear filters"</a> })}
        })>
            <form method="get" action=search_action role="search">
                {beside_search}
                <SearchField label="Search leads" value=search/>
            </form>
        </FilterBar>
    }
}

fn bulk(list: &LeadList) -> impl IntoView + use<> {
    let campaigns: Vec<_> =
        list.campaigns.iter().map(|(id, name)| Choice::new(format!("enrol:{id}"), name.clone())).collect();
    let owners: Vec<_> =
        list.owners.iter().map(|(id, name)| Choice::new(format!("assign:{id}"), name.clone())).collect();
    let option = |c: &Choice| view! { <option value=c.value.clone()>{c.label.clone()}</option> };
    let campaigns: Vec<_> = campaigns.iter().map(option).collect();
    let owners: Vec<_> = owners.iter().map(option).collect();
    let statuses = STATUSES.map(|(value, word)| view! { <option value=format!("status:{value}")>{word}</option> });
    let (query, all) = (list.query.clone(), format!("All {}", list.count));
    view! {
        <BulkBar label="leads">
            <input type="hidden" name="query" value=query/>
            <label class="all"><input type="checkbox" name="all" value="1"/>{all}</label>
            <span class="sep"></span>
            <label>
                <span class="sr-only">"Action"</span>
                <select name="action">
                    <optgroup label="Enrol in">{campaigns}</optgroup>
                    <optgroup label="Assign to">{owners}<option value="assign:">"Nobody"</option></optgroup>
                    <optgroup label="Set status">{statuses}</optgroup>
                    <optgroup label="Tags">
                        <option value="tag:add">"Add the tag …"</option>
                        <option value="tag:remove">"Remove the tag …"</option>
                    </optgroup>
                    <optgroup label="Delete"><option value="delete">"Delete"</option></optgroup>
                </select>
            </label>
            <label><span class="sr-only">"Tag"</span><input name="tag" placeholder="tag" size="8"/></label>
            <button type="submit">"Apply"</button>
        </BulkBar>
    }
}

fn empty(base: &str, filtered: bool) -> impl IntoView + use<> {
    if filtered {
        let clear = base.to_owned();
        return view! {
            <Empty kind=EmptyKind::None title="No leads match" text="Nobody fits all of these filters.">
                <a class="button" href=clear>"Clear filters"</a>
            </Empty>
        }
        .into_any();
    }
    let (import, new) = (format!("{base}/import"), format!("{base}/new"));
    view! {
        <Empty kind=EmptyKind::First title="Add the people you want to reach" text="A lead is a person you may write to.">
            <a class="button primary" href=import>"Import a CSV file"</a>
            <a class="button" href=new>"Add by hand"</a>
        </Empty>
    }
    .into_any()
}
