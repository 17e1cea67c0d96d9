//! The list of campaigns, and the first form of a new one.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use super::{
    commands::{CommandCampaign, button},
    looks::campaign_status,
};
use crate::{
    error::AppError,
    exchange::{Post, PostForm, with_data},
    fmt::Moment,
    pages::frame::{live_version, may, only, use_slug},
    shell::{PageScroll, TabTitle, Topbar},
    ui::{
        ButtonKind, ButtonLink, ColumnKind, Crumb, Empty, EmptyKind, HeaderCell, IconName, Meter, Pager, StatusLook,
        SubmitButton, TabLink, TableRegion, Tabs, TextInput, Time, refusal,
    },
};

/// A page of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignList {
    pub(super) view: String,
    pub(super) next: Option<String>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) rows: Vec<CampaignRow>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) note: String,
    /// The system has paused it, for a reason that is to be read.
    pub(super) to_read: bool,
    /// How many have finished, of how many; of one that has not begun, how many would be enrolled.
    pub(super) progress: String,
    /// The same as a share, once it has begun.
    pub(super) percent: Option<i64>,
    pub(super) sent: String,
    pub(super) bounced: String,
    pub(super) next: Option<Moment>,
    pub(super) owner: Option<String>,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_campaigns(slug: String, view: String, after: String) -> Result<CampaignList, AppError> {
    super::load::list(&slug, &view, &after).await
}

/// Creates a draft.
#[server(prefix = "/sf")]
pub async fn create_campaign(slug: String, name: String) -> Result<(), AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let input = domain::campaigns::CampaignInput { name: Some(name), ..Default::default() };
    let campaign = t.campaigns().create(input).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/campaigns/{}/sequence", campaign.id), "campaign-created");
    Ok(())
}

/// The list of campaigns.
#[component]
pub fn CampaignsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    let command = Post::to::<CommandCampaign>();
    let live = live_version("campaigns");
    view! {
        <TabTitle text="Campaigns"/>
        {with_data(live, move || {
            let get = |name: &str| query.read().get(name).unwrap_or_default();
            LoadCampaigns { slug: slug.get(), view: get("view"), after: get("after") }
        }, move |list| table(slug.get_untracked(), list, command))}
    }
    .into_any()
}

fn table(slug: String, list: CampaignList, command: Post) -> AnyView {
    let base = format!("/t/{slug}/campaigns");
    let tabs = [
        ("", "All"),
        ("running", "Running"),
        ("scheduled", "Scheduled"),
        ("drafts", "Drafts"),
        ("paused", "Paused"),
        ("finished", "Finished"),
        ("archived", "Archived"),
    ]
    .map(|(view, label)| TabLink::new(label, format!("{base}?view={view}"), list.view == view))
    .to_vec();
    let first = list.later.then(|| format!("{base}?view={}", list.view));
    let next = list.next.map(|c| format!("{base}?view={}&after={c}", list.view));
    let body = if list.rows.is_empty() {
        let text = "A campaign is a short series of e-mails with pauses between them.";
        view! { <Empty kind=EmptyKind::First title="No campaign here" text/> }.into_any()
    } else {
        rows(&slug, list.rows, Some(command)).into_any()
    };
    let new = format!("{base}/new");
    view! {
        <Topbar title="Campaigns">
            {may(Permission::EditCampaigns).then(|| view! { <ButtonLink href=new kind=ButtonKind::Primary icon=IconName::Plus>"New campaign"</ButtonLink> })}
        </Topbar>
        <Tabs label="Views" items=tabs/>
        {refusal(command)}
        {body}
        <Pager first next/>
    }
    .into_any()
}

/// Campaigns as a table, to read.
pub fn campaign_table(slug: &str, list: Vec<CampaignRow>) -> impl IntoView + use<> {
    rows(slug, list, None)
}

fn rows(slug: &str, list: Vec<CampaignRow>, command: Option<Post>) -> impl IntoView + use<> {
    let base = format!("/t/{slug}/campaigns");
    let head = view! {
        <HeaderCell label="Name" width="16rem"/>
        <HeaderCell label="Status" width="9rem"/>
        <HeaderCell label="Finished" width="10rem"/>
        <HeaderCell label="Sent" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Bounced" kind=ColumnKind::Number width="5rem"/>
        <HeaderCell label="Next e-mail" width="8rem"/>
        <HeaderCell label="Owner" width="8rem"/>
        {command.map(|_| view! { <HeaderCell label="Actions" quiet=true width="8rem"/> })}
    }
    .into_any();
    let rows: Vec<_> = list.into_iter().map(|r| row(&base, slug, r, command)).collect();
    view! { <TableRegion label="Campaigns" head>{rows}</TableRegion> }
}

fn row(base: &str, slug: &str, r: CampaignRow, command: Option<Post>) -> AnyView {
    let runs = may(Permission::RunCampaigns);
    let own = format!("{base}/{}", r.id);
    let action = command.map(|command| {
        let form =
            |word, label: &str, icon| button(command, slug, &r.id, word, label.to_owned(), ButtonKind::Ghost, icon);
        let action = match r.state.as_str() {
            "running" if runs => Some(form("pause", "Pause", IconName::Pause)),
            "paused" if runs && r.to_read => {
                let href = own.clone();
                Some(view! { <ButtonLink href kind=ButtonKind::Ghost>"Look at it"</ButtonLink> }.into_any())
            }
            "paused" if runs => Some(form("resume", "Resume", IconName::Play)),
            _ => None,
        };
        view! { <td role="cell">{action}</td> }
    });
    let note = (!r.note.is_empty()).then(|| view! { <span class="subtle truncate">{r.note}</span> });
    let meter = r.percent.map(|value| view! { <Meter value max=100 label="Finished" goal=true/> });
    view! {
        <tr role="row">
            <td role="cell" class="name"><a class="truncate" href=own>{r.name}</a>" "{note}</td>
            <td role="cell" class="status-cell">{campaign_status(&r.state, StatusLook::Plain)}</td>
            <td role="cell" class="title">{meter}{r.progress}</td>
            <td role="cell" class="num">{r.sent}</td>
            <td role="cell" class="num">{r.bounced}</td>
            <td role="cell">{r.next.map(|moment| view! { <Time moment/> })}</td>
            <td role="cell">{r.owner}</td>
            {action}
        </tr>
    }
    .into_any()
}

/// A new campaign: its name.
#[component]
pub fn NewCampaignPage() -> impl IntoView {
    let slug = use_slug();
    let action = Post::to::<CreateCampaign>();
    let error = Signal::derive(move || action.message());
    only(Permission::EditCampaigns, move || {
        view! {
            <TabTitle text="New campaign"/>
            {move || {
                let slug = slug.get();
                view! {
                    <Topbar title="New campaign" trail=vec![Crumb::new("Campaigns", format!("/t/{slug}/campaigns"))]/>
                    <PageScroll label="New campaign">
                        <div class="page-body narrow">
                            <PostForm post=action class="stack">
                                <input type="hidden" name="slug" value=slug/>
                                <TextInput name="name" label="Name" hint="Only your company sees it." error/>
                                <SubmitButton busy=action.busy()>"Create draft"</SubmitButton>
                            </PostForm>
                        </div>
                    </PageScroll>
                }
            }}
        }
        .into_any()
    })
}
