//! The parts of a page inside the frame: the bar at its top, the region that
//! scrolls, and the phone's page of further places.

use super::nav::{Place, more_link};
use super::person::{ThemeForm, sign_out_form};
use super::{ShellData, company_links};
use crate::ui::{Breadcrumb, Crumb, Icon, IconName};
use domain::Permission;
use leptos::prelude::*;

/// Where the page is, and its actions; at most one of them primary.
#[component]
pub fn Topbar(
    /// Parents of the page.
    #[prop(optional)]
    trail: Vec<Crumb>,
    /// The page shows its heading itself, below.
    #[prop(optional)]
    headed: bool,
    /// The page.
    #[prop(into)]
    title: String,
    /// The page's actions.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="topbar">
            <Breadcrumb trail title headed/>
            {children.map(|actions| actions())}
        </header>
    }
}

/// The part of a page that scrolls; it takes the keyboard to do so.
#[component]
pub fn PageScroll(
    /// What is in it, for assistive technology.
    #[prop(into)]
    label: String,
    /// Page head, tabs, body.
    children: Children,
) -> impl IntoView {
    view! { <div class="page-scroll" tabindex="0" role="region" aria-label=label>{children()}</div> }
}

/// What the phone's bottom bar has no room for.
#[component]
pub fn MorePage(
    /// What the frame knows.
    data: ShellData,
) -> impl IntoView {
    let slug = data.company_slug.clone();
    view! {
        <Topbar title="More"/>
        <PageScroll label="More">
            <div class="page-body narrow">
                <ul class="link-list">
                    {more_link(Place::Approvals, &slug)}
                    {more_link(Place::Accounts, &slug)}
                    {more_link(Place::Tasks, &slug)}
                    {more_link(Place::Sandbox, &slug)}
                    {more_link(Place::Workflows, &slug)}
                    {more_link(Place::Agents, &slug)}
                    {more_link(Place::Conversations, &slug)}
                    {more_link(Place::Content, &slug)}
                    {more_link(Place::Runs, &slug)}
                    {more_link(Place::Analytics, &slug)}
                    {data.role.can(Permission::ManageMailboxes).then(|| more_link(Place::Settings, &slug))}
                </ul>
                <section class="stack">
                    <h2>"Companies"</h2>
                    <div class="link-list">
                        {company_links(&data)}
                        <a href="/signup/company"><Icon name=IconName::Plus/>"Create company"</a>
                    </div>
                </section>
                <section class="stack">
                    <h2>{data.person_name.clone()}</h2>
                    <p class="muted">{data.person_email.clone()}" · "{data.role.label()}</p>
                    <div class="link-list">
                        <ThemeForm current=data.theme/>
                        {sign_out_form()}
                    </div>
                </section>
            </div>
        </PageScroll>
    }
}
