//! The leads of a campaign: where each stands, and why its next e-mail has not gone yet.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::looks::{Head, head, planned_words};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version_of, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    fmt::Moment,
    ui::{
        BulkBar, ButtonKind, Choice, ColumnKind, Empty, EmptyKind, FilterBar, HeaderCell, ListForm, Pager, Select,
        SelectAllHeader, SelectBox, SubmitButton, TableRegion, Time, option_list,
    },
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct EnrolmentList {
    pub(super) head: Head,
    /// Those who are enrolled when it starts, as long as it has not.
    pub(super) planned: Option<Planned>,
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) state: String,
    pub(super) states: Vec<(String, String)>,
    pub(super) rows: Vec<EnrolmentRow>,
    /// What the person may do with rows that are ticked; nothing where no row can be changed.
    pub(super) changes: Option<Changes>,
}

/// What can be done with many leads at once.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// All leads in the state that is shown: "84 leads".
    pub(super) count: String,
    /// The steps that leads can be moved to, by id.
    pub(super) steps: Vec<(String, String)>,
}

/// The leads of a campaign that has not begun.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub(super) leads: i64,
    /// Where they are listed, when a filter chooses them.
    pub(super) list: Option<String>,
}

/// A row of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct EnrolmentRow {
    pub(super) id: String,
    pub(super) lead: Option<String>,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) why: String,
    pub(super) steps: i32,
    pub(super) due: Option<Moment>,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_enrolments(slug: String, id: String, state: String, after: String) -> Result<Written, AppError> {
    let list = super::load::enrolments(&slug, &id, &state, &after).await?;
    Ok(Written::new(list.head.name.clone(), move || table(slug, list)))
}

/// The leads of a campaign.
#[component]
pub fn CampaignEnrolmentsPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("campaign"), use_query_map());
    written(live_version_of("campaigns", id), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        LoadEnrolments { slug: slug.get(), id: id.get(), state: get("state"), after: get("after") }
    })
}

#[cfg(feature = "ssr")]
fn table(slug: String, list: EnrolmentList) -> AnyView {
    let campaign = list.head.id.clone();
    if let Some(planned) = list.planned {
        return view! { {head(&slug, &list.head, "enrolments", ().into_any())}{who_is_planned(&slug, &campaign, planned)} }
            .into_any();
    }
    let base = format!("/t/{slug}/campaigns/{campaign}/enrolments");
    let first = list.later.then(|| format!("{base}?state={}", list.state));
    let next = list.next.map(|c| format!("{base}?state={}&after={c}", list.state));
    let options = list.states.into_iter().map(|(value, label)| Choice::new(value, label)).collect::<Vec<_>>();
    let state = list.state;
    let with_boxes = list.changes.is_some();
    let table_head = view! {
        {with_boxes.then(|| view! { <SelectAllHeader/> })}
        <HeaderCell label="Lead" width="14rem"/>
        <HeaderCell label="State" width="11rem"/>
        <HeaderCell label="Steps done" kind=ColumnKind::Number width="6rem"/>
        <HeaderCell label="Next e-mail" width="8rem"/>
        <HeaderCell label="Why" width="22rem"/>
    }
    .into_any();
    let body = if list.rows.is_empty() {
        let text =
            if state.is_empty() { "Leads appear when the campaign starts." } else { "No lead is in this state." };
        view! { <Empty kind=EmptyKind::None title="No leads here" text/> }.into_any()
    } else {
        let rows: Vec<_> = list.rows.into_iter().map(|one| row(&slug, one, with_boxes)).collect();
        view! { <TableRegion label="Leads of this campaign" head=table_head>{rows}</TableRegion> }.into_any()
    };
    let body = match list.changes {
        Some(changes) => {
            let bar = bulk(changes, state.clone());
            view! { <ListForm action=format!("{base}/bulk")>{body}{bar}</ListForm> }.into_any()
        }
        None => body,
    };
    view! {
        {head(&slug, &list.head, "enrolments", ().into_any())}
        <FilterBar chips=ToChildren::to_children(|| ())>
            <form method="get" class="cluster">
                <Select name="state" label="State" options=options.clone() value=state.clone() placeholder="Any"/>
                <SubmitButton kind=ButtonKind::Default>"Show"</SubmitButton>
            </form>
        </FilterBar>
        {body}
        <Pager first next/>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn row(slug: &str, row: EnrolmentRow, with_box: bool) -> AnyView {
    let select = with_box.then(|| view! { <SelectBox value=row.id label=row.name.clone()/> });
    let name = match row.lead {
        Some(id) => view! { <a class="truncate" href=format!("/t/{slug}/leads/{id}")>{row.name}</a> }.into_any(),
        None => view! { <span class="subtle">{row.name}</span> }.into_any(),
    };
    view! {
        <tr role="row">
            {select}
            <td role="cell" class="name">{name}</td>
            <td role="cell" class="status-cell">{row.state}</td>
            <td role="cell" class="num score-cell">{row.steps}</td>
            <td role="cell">{row.due.map(|moment| view! { <Time moment/> })}</td>
            <td role="cell" class="title">{row.why}</td>
        </tr>
    }
    .into_any()
}

/// What is done with the ticked leads, or with all in this state.
#[cfg(feature = "ssr")]
fn bulk(changes: Changes, state: String) -> AnyView {
    let all = format!("All {}", changes.count);
    let steps: Vec<_> = changes.steps.into_iter().map(|(id, words)| Choice::new(format!("move:{id}"), words)).collect();
    let moves =
        (!steps.is_empty()).then(|| view! { <optgroup label="Move to step">{option_list(steps, "", None)}</optgroup> });
    view! {
        <BulkBar label="leads">
            <input type="hidden" name="state" value=state/>
            <label class="all"><input type="checkbox" name="all" value="1"/>{all}</label>
            <span class="sep"></span>
            <label>
                <span class="sr-only">"Action"</span>
                <select name="action">
                    <option value="pause">"Pause"</option>
                    <option value="resume">"Resume"</option>
                    <option value="skip">"Skip step"</option>
                    {moves}
                    <optgroup label="Remove"><option value="remove">"Remove from the campaign"</option></optgroup>
                </select>
            </label>
            <button type="submit">"Apply"</button>
        </BulkBar>
    }
    .into_any()
}

/// Nobody is in the campaign yet: who will be, and where that is seen.
#[cfg(feature = "ssr")]
fn who_is_planned(slug: &str, campaign: &str, planned: Planned) -> AnyView {
    let own = format!("/t/{slug}/campaigns/{campaign}");
    if planned.leads == 0 {
        let text = "Choose a filter in the settings, or enrol leads from the list of leads.";
        return view! {
            <Empty kind=EmptyKind::First title=planned_words(0) text>
                <a class="button" href=format!("{own}/settings")>"Settings"</a>
            </Empty>
        }
        .into_any();
    }
    let text = "They are enrolled when the campaign starts. The launch page says who of them is left out, and why.";
    let list = planned.list.map(|href| view! { <a class="button" href=href>"See them in the list of leads"</a> });
    view! {
        <Empty kind=EmptyKind::First title=planned_words(planned.leads) text>
            {list}
            <a class="button" href=format!("{own}/launch")>"Launch page"</a>
        </Empty>
    }
    .into_any()
}
