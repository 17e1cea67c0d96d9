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
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{
        ButtonKind, ButtonSize, Choice, ColumnKind, Empty, EmptyKind, FilterBar, HeaderCell, Pager, Select,
        SubmitButton, TableRegion, Time, confirm, refusal,
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
    pub(super) may_change: bool,
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
    pub(super) open: bool,
    /// Nothing goes to the lead until somebody resumes it.
    pub(super) paused: bool,
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

/// Takes one lead out of the campaign.
#[server(prefix = "/sf")]
pub async fn remove_enrolment(slug: String, campaign: String, id: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("enrolment")))?;
    let mut t = crate::server::tenant(&slug).await?;
    t.enrolments().remove(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/campaigns/{campaign}/enrolments"), "enrolment-removed");
    Ok(())
}

/// Holds one lead of the campaign, or lets it go on.
#[server(prefix = "/sf")]
pub async fn hold_enrolment(slug: String, campaign: String, id: String, hold: bool) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("enrolment")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let code = match hold {
        true => t.enrolments().pause(id).await.map(|()| "enrolment-paused")?,
        false => t.enrolments().resume(id).await.map(|()| "enrolment-resumed")?,
    };
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/campaigns/{campaign}/enrolments"), code);
    Ok(())
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
    let (remove, hold) = (Post::to::<RemoveEnrolment>(), Post::to::<HoldEnrolment>());
    let (campaign, may_change) = (list.head.id.clone(), list.may_change);
    if let Some(planned) = list.planned {
        return view! { {head(&slug, &list.head, "enrolments", ().into_any())}{who_is_planned(&slug, &campaign, planned)} }
            .into_any();
    }
    let base = format!("/t/{slug}/campaigns/{}/enrolments", list.head.id);
    let first = list.later.then(|| format!("{base}?state={}", list.state));
    let next = list.next.map(|c| format!("{base}?state={}&after={c}", list.state));
    let options = list.states.into_iter().map(|(value, label)| Choice::new(value, label)).collect::<Vec<_>>();
    let state = list.state;
    let table_head = view! {
        <HeaderCell label="Lead" width="14rem"/>
        <HeaderCell label="State" width="11rem"/>
        <HeaderCell label="Steps done" kind=ColumnKind::Number width="6rem"/>
        <HeaderCell label="Next e-mail" width="8rem"/>
        <HeaderCell label="Why" width="22rem"/>
        {may_change.then(|| view! { <HeaderCell label="Actions" quiet=true width="15rem"/> })}
    }
    .into_any();
    let body = if list.rows.is_empty() {
        let text =
            if state.is_empty() { "Leads appear when the campaign starts." } else { "No lead is in this state." };
        view! { <Empty kind=EmptyKind::None title="No leads here" text/> }.into_any()
    } else {
        let rows: Vec<_> = list
            .rows
            .into_iter()
            .map(|r| {
                let name_of = r.name.clone();
                let name = match r.lead {
                    Some(id) => {
                        view! { <a class="truncate" href=format!("/t/{slug}/leads/{id}")>{r.name}</a> }.into_any()
                    }
                    None => view! { <span class="subtle">{r.name}</span> }.into_any(),
                };
                let action = may_change.then(|| {
                    let forms = r.open.then(|| {
                        let holding = holding(&slug, &campaign, &r.id, &name_of, r.paused, hold);
                        let removal = removal(&slug, &campaign, r.id, &name_of, remove);
                        view! { <div class="cluster">{holding}{removal}</div> }
                    });
                    view! { <td role="cell" class="shown">{forms}</td> }
                });
                view! {
                    <tr role="row">
                        <td role="cell" class="name">{name}</td>
                        <td role="cell" class="status-cell">{r.state}</td>
                        <td role="cell" class="num score-cell">{r.steps}</td>
                        <td role="cell">{r.due.map(|moment| view! { <Time moment/> })}</td>
                        <td role="cell" class="title">{r.why}</td>
                        {action}
                    </tr>
                }
                .into_any()
            })
            .collect();
        view! { <TableRegion label="Leads of this campaign" head=table_head>{rows}</TableRegion> }.into_any()
    };
    view! {
        {head(&slug, &list.head, "enrolments", ().into_any())}
        {refusal(remove)}
        {refusal(hold)}
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

/// Pauses a lead that goes on, and resumes one that is paused.
#[cfg(feature = "ssr")]
fn holding(slug: &str, campaign: &str, id: &str, name: &str, paused: bool, post: Post) -> AnyView {
    let (slug, campaign, id) = (slug.to_owned(), campaign.to_owned(), id.to_owned());
    let words = if paused { "Resume" } else { "Pause" };
    let label = format!("{words} {name}");
    view! {
        <PostForm post>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="campaign" value=campaign/>
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="hold" value=(!paused).to_string()/>
            <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small label>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn removal(slug: &str, campaign: &str, id: String, name: &str, remove: Post) -> AnyView {
    let (slug, campaign) = (slug.to_owned(), campaign.to_owned());
    let form = view! {
        <PostForm post=remove>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="campaign" value=campaign/>
            <input type="hidden" name="id" value=id/>
            <SubmitButton kind=ButtonKind::Danger>"Remove from the campaign"</SubmitButton>
        </PostForm>
    };
    confirm("Remove", name, "The lead gets no more e-mails of this campaign.", form.into_any())
}
