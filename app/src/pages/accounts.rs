//! Accounts: the firms that leads work for, and who works there.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    exchange::use_posts,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    pages::leads::score_tone,
    shell::{PageScroll, Topbar},
    ui::{
        Avatar, AvatarKind, Card, ColumnKind, Crumb, Empty, EmptyKind, Fact, Facts, FilterBar, HeaderCell, Pager,
        Score, SearchField, TableRegion, Tone,
    },
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct AccountList {
    rows: Vec<AccountRow>,
    search: String,
    search_encoded: String,
    next: Option<String>,
    /// It is not the first page.
    later: bool,
}

#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
struct AccountRow {
    id: String,
    name: String,
    domain: String,
    industry: String,
    employees: String,
    country: String,
    leads: String,
    best: Option<i32>,
}

/// One account with its leads.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct AccountView {
    account: AccountRow,
    leads: Vec<(String, String, String, i32)>,
}

#[cfg(feature = "ssr")]
fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

#[cfg(feature = "ssr")]
fn row(account: domain::accounts::Account) -> AccountRow {
    AccountRow {
        id: account.id.to_string(),
        name: account.name,
        domain: or_none(account.domain),
        industry: or_none(account.industry),
        employees: crate::fmt::grouped_or_none(account.employees.map(i64::from)),
        country: or_none(account.country),
        leads: crate::fmt::grouped(account.leads),
        best: account.best_score,
    }
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_accounts(slug: String, q: String, after: String) -> Result<Written, AppError> {
    let some = |text: String| Some(text).filter(|t| !t.is_empty());
    let filter = domain::accounts::AccountFilter { q: some(q.clone()) };
    let later = !after.is_empty();
    let request = domain::PageRequest { after: some(after), ..domain::PageRequest::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let page = t.accounts().list(&filter, &request).await?;
    t.commit().await?;
    let search_encoded = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let rows = page.items.into_iter().map(row).collect();
    let list = AccountList { rows, search: q, search_encoded, next: page.next, later };
    Ok(Written::new("Accounts", move || table(slug, list)))
}

/// Loads one account.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_account(slug: String, id: String) -> Result<Written, AppError> {
    let id: domain::AccountId = id.parse().map_err(|_| AppError::from(service::Error::NotFound("account")))?;
    let filter = domain::leads::LeadFilter { account: Some(id), ..Default::default() };
    let mut t = crate::server::tenant(&slug).await?;
    let account = t.accounts().get(id).await?;
    let leads = t.leads().list(&filter, Default::default(), &Default::default()).await?;
    t.commit().await?;
    let leads = leads.items.into_iter().map(|l| (l.id.to_string(), l.name, l.title.unwrap_or_default(), l.score));
    let view = AccountView { account: row(account), leads: leads.collect() };
    Ok(Written::new(view.account.name.clone(), move || detail(slug, view)))
}

/// The list of accounts.
#[component]
pub fn AccountsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("accounts"), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        LoadAccounts { slug: slug.get(), q: get("q"), after: get("after") }
    })
}

#[cfg(feature = "ssr")]
fn table(slug: String, list: AccountList) -> AnyView {
    let base = format!("/t/{slug}/accounts");
    let head = view! {
        <HeaderCell label="Name" width="16rem"/>
        <HeaderCell label="Domain"/>
        <HeaderCell label="Industry"/>
        <HeaderCell label="Employees" kind=ColumnKind::Number/>
        <HeaderCell label="Country"/>
        <HeaderCell label="Leads" kind=ColumnKind::Number/>
        <HeaderCell label="Best score" kind=ColumnKind::Number/>
    }
    .into_any();
    let first = list.later.then(|| format!("{base}?q={}", list.search_encoded));
    let next = list.next.map(|c| format!("{base}?q={}&after={c}", list.search_encoded));
    let body = if list.rows.is_empty() {
        let text = if list.search.is_empty() {
            "Accounts appear with the leads that work for them."
        } else {
            "No account has this in its name or domain."
        };
        view! { <Empty kind=EmptyKind::None title="No accounts here" text/> }.into_any()
    } else {
        let rows: Vec<_> = list
            .rows
            .into_iter()
            .map(|a| {
                view! {
                    <tr role="row">
                        <td role="cell" class="name"><span class="cell"><Avatar name=a.name.clone() kind=AvatarKind::Company/><a class="truncate" href=format!("{base}/{}", a.id)>{a.name}</a></span></td>
                        <td role="cell" class="title">{a.domain}</td>
                        <td role="cell">{a.industry}</td>
                        <td role="cell" class="num">{a.employees}</td>
                        <td role="cell">{a.country}</td>
                        <td role="cell" class="num status-cell">{a.leads}</td>
                        <td role="cell" class="num score-cell"><Score value=a.best tone=a.best.map_or(Tone::Neutral, score_tone)/></td>
                    </tr>
                }
                .into_any()
            })
            .collect();
        view! { <TableRegion label="Accounts" head>{rows}</TableRegion> }.into_any()
    };
    let search = list.search;
    view! {
        <Topbar title="Accounts"/>
        <FilterBar chips=ToChildren::to_children(|| ())>
            <form method="get" role="search"><SearchField label="Search accounts" value=search/></form>
        </FilterBar>
        {body}
        <Pager first next/>
    }
    .into_any()
}

/// One account.
#[component]
pub fn AccountPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("account"));
    written(use_posts(), move || LoadAccount { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn detail(slug: String, shown: AccountView) -> AnyView {
    let a = shown.account;
    let all = format!("/t/{slug}/leads?f.account.is={}", a.id);
    let leads: Vec<_> = shown
        .leads
        .into_iter()
        .map(|(id, name, title, score)| {
            view! {
                <li class="cluster">
                    <a class="strong" href=format!("/t/{slug}/leads/{id}")>{name}</a>
                    <span class="subtle">{title}</span>
                    <span class="push"><Score value=Some(score) tone=score_tone(score)/></span>
                </li>
            }
        })
        .collect();
    view! {
        <Topbar headed=true title=a.name.clone() trail=vec![Crumb::new("Accounts", format!("/t/{slug}/accounts"))]/>
        <PageScroll label="Account">
            <header class="page-head">
                <Avatar name=a.name.clone() kind=AvatarKind::Large/>
                <div>
                    <h1>{a.name.clone()}</h1>
                    <p class="meta"><span>{a.industry.clone()}</span></p>
                </div>
            </header>
            <div class="page-body split">
                <div class="col"><Card title="Leads" note=a.leads><ul class="stack">{leads}</ul><p><a href=all>"All of them in the list"</a></p></Card></div>
                <div class="col">
                    <Card title="About">
                        <Facts>
                            <Fact label="Domain">{a.domain}</Fact>
                            <Fact label="Industry">{a.industry}</Fact>
                            <Fact label="Employees">{a.employees}</Fact>
                            <Fact label="Country">{a.country}</Fact>
                        </Facts>
                    </Card>
                </div>
            </div>
        </PageScroll>
    }
    .into_any()
}
