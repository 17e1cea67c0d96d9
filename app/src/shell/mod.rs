//! The frame around every page of a company: navigation, company switcher, the
//! phone's bottom bar. It takes plain data and shows only places that exist.

mod keys;
pub mod live;
mod nav;
mod navigation;
mod page;
mod person;
mod tab_title;

use crate::ui::{Icon, IconName, MenuLink, Meter, popover};
use crate::{
    error::AppError,
    exchange::kept_fresh,
    fmt::{badge, grouped},
    pages::frame::live_versions,
};
use domain::{Permission, Role};
use leptos::{prelude::*, server_fn::codec::Postcard};
use nav::{NavItem, Place, TabBar};
use serde::{Deserialize, Serialize};

pub use navigation::RouteFollower;
pub use page::{MorePage, PageScroll, Topbar};
pub use person::{Theme, ThemeForm};
pub use tab_title::{TabName, TabTitle};

/// What the frame needs to know; loaded once per company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShellData {
    /// Name of the company shown.
    pub company_name: String,
    /// Its part of the address.
    pub company_slug: String,
    /// Every company the person belongs to.
    pub companies: Vec<CompanyLink>,
    /// Name of the person signed in.
    pub person_name: String,
    /// Their address.
    pub person_email: String,
    /// Their role here.
    pub role: Role,
    /// What in the sidebar moves.
    pub pulse: Pulse,
    /// The sidebar is collapsed; from the cookie `sidebar`.
    #[serde(default)]
    pub rail: bool,
    /// The theme chosen; from the cookie `theme`.
    #[serde(default)]
    pub theme: Theme,
}

/// The figures beside the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Campaigns that are sending.
    pub running_campaigns: i64,
    /// E-mails sent in the last 24 hours.
    pub sent: i64,
    /// How many may be sent in 24 hours.
    pub cap: i64,
    /// Runs of agents that need a person.
    pub waiting_runs: i64,
    /// Drafts, and calls of runs, that wait for an approval.
    pub waiting_approvals: i64,
    /// Conversations that need an answer and that nobody has read, counted up to a hundred.
    pub unread_threads: i64,
}

/// Loads them.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_pulse(slug: String) -> Result<Pulse, AppError> {
    let mut t = crate::server::tenant(&slug).await?;
    let pulse = pulse(&mut t).await?;
    t.commit().await?;
    Ok(pulse)
}

/// The figures of the company that is open.
///
/// # Errors
/// As the service says.
#[cfg(feature = "ssr")]
pub async fn pulse(t: &mut service::Tenant) -> Result<Pulse, AppError> {
    use domain::campaigns::CampaignState;

    let counts = t.campaigns().counts().await?;
    let (sent, cap) = t.mailboxes().usage_today().await?;
    let running_campaigns = counts.iter().filter(|(s, _)| *s == CampaignState::Running).map(|(_, n)| n).sum();
    let slots = t.runs().slots().await?;
    let drafts = t.drafts().count(&domain::drafts::QueueFilter::default()).await?.waiting;
    // A run that wants to know something is answered on its own page.
    let waiting_approvals = drafts + slots.waiting - slots.asking;
    let unread_threads = t.threads().unread().await?;
    Ok(Pulse { running_campaigns, sent, cap, waiting_runs: slots.waiting, waiting_approvals, unread_threads })
}

/// A company in the switcher.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyLink {
    /// Its name.
    pub name: String,
    /// Its part of the address.
    pub slug: String,
    /// The person's role there, as a word.
    pub role: String,
}

/// Skip link, sidebar, the page in `<main>`, and the phone's bottom bar.
#[component]
pub fn Shell(
    /// What the frame shows.
    data: ShellData,
    /// The page: a [`Topbar`] and what follows.
    children: Children,
) -> impl IntoView {
    let rail = RwSignal::new(data.rail);
    live::provide_live(&data.company_slug);
    keys::listen(rail);
    let slug = data.company_slug.clone();
    provide_context(data.clone());
    view! {
        <div class="app" data-sidebar=move || rail.get().then_some("rail")>
            <a class="skip-link" href="#main">"Skip to content"</a>
            {sidebar(data)}
            <main id="main" tabindex="-1" class="frame">{children()}</main>
            <TabBar slug/>
            {keys::shortcuts_dialog()}
        </div>
    }
}

fn sidebar(data: ShellData) -> AnyView {
    let slug = data.company_slug.clone();
    let company = slug.clone();
    let live = live_versions(["campaigns", "runs", "drafts", "threads"]);
    let pulse = kept_fresh(data.pulse, live, move || LoadPulse { slug: company.clone() });
    let running = Signal::derive(move || match pulse.get().running_campaigns {
        0 => String::new(),
        running => format!("{} running", grouped(running)),
    });
    let waits = |count: i64| if count == 0 { String::new() } else { format!("{} waiting", grouped(count)) };
    let waiting = Signal::derive(move || waits(pulse.get().waiting_runs));
    let approvals = Signal::derive(move || waits(pulse.get().waiting_approvals));
    let unread = Signal::derive(move || match pulse.get().unread_threads {
        0 => String::new(),
        unread => format!("{} unread", badge(unread)),
    });
    view! {
        <aside class="sidebar" aria-label="Workspace">
            {company_switcher(&data)}
            <nav class="scroll" aria-label="Main">
                <NavItem place=Place::Home slug=slug.clone()/>
                <NavItem place=Place::Inbox slug=slug.clone() count=unread/>
                <NavItem place=Place::Approvals slug=slug.clone() count=approvals/>
                <h2>"Prospects"</h2>
                <NavItem place=Place::Leads slug=slug.clone()/>
                <NavItem place=Place::Accounts slug=slug.clone()/>
                <NavItem place=Place::Tasks slug=slug.clone()/>
                <h2>"Outreach"</h2>
                <NavItem place=Place::Campaigns slug=slug.clone() count=running/>
                <NavItem place=Place::Sandbox slug=slug.clone()/>
                <h2>"Automation"</h2>
                <NavItem place=Place::Workflows slug=slug.clone()/>
                <NavItem place=Place::Agents slug=slug.clone()/>
                <NavItem place=Place::Conversations slug=slug.clone()/>
                <NavItem place=Place::Content slug=slug.clone()/>
                <NavItem place=Place::Runs slug=slug.clone() count=waiting/>
                <h2>"Insights"</h2>
                <NavItem place=Place::Analytics slug=slug.clone()/>
            </nav>
            {move || quota(pulse.get())}
            {data.role.can(Permission::ManageMailboxes).then(|| view! { <NavItem place=Place::Settings slug/> })}
            {person::person_menu(&data)}
        </aside>
    }
    .into_any()
}

fn company_switcher(data: &ShellData) -> AnyView {
    let mark: String = data.company_name.chars().take(1).flat_map(char::to_uppercase).collect();
    let button = view! {
        <span class="tenant-mark" aria-hidden="true">{mark}</span>
        <span class="truncate">{data.company_name.clone()}</span>
        <span class="push"><Icon name=IconName::Updown small=true/></span>
    };
    let label = format!("{}, switch company", data.company_name);
    let body = view! {
        <p class="menu-head">"Your companies"</p>
        {company_links(data)}
        <hr/>
        <MenuLink href="/signup/company" label="Create company" icon=IconName::Plus/>
    };
    popover("companies", "tenant", label, button.into_any(), "menu from-start", body.into_any())
}

fn company_links(data: &ShellData) -> impl IntoView + use<> {
    let here = data.company_slug.clone();
    data.companies
        .clone()
        .into_iter()
        .map(|company| {
            let current = company.slug == here;
            view! {
                <MenuLink href=format!("/t/{}", company.slug) label=company.name note=company.role current/>
            }
        })
        .collect_view()
}

fn quota(Pulse { sent, cap, .. }: Pulse) -> impl IntoView {
    view! {
        <div class="quota">
            <div>
                <span class="muted">"E-mails, 24 hours"</span>
                <span class="num">
                    <span class="strong">{grouped(sent)}</span>
                    <span class="subtle">" / "{grouped(cap)}</span>
                </span>
            </div>
            <Meter label="E-mails sent in 24 hours" value=sent max=cap/>
        </div>
    }
}
