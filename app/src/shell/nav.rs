//! The places of a company and the links that lead there. A place is current
//! when the address is its own or lies below it.

use crate::ui::{Icon, IconName};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Somewhere the navigation leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Home,
    Inbox,
    Approvals,
    Leads,
    Accounts,
    Tasks,
    Campaigns,
    Sandbox,
    Workflows,
    Agents,
    Conversations,
    Content,
    Runs,
    Analytics,
    Settings,
    More,
}

impl Place {
    const fn looks(self) -> (&'static str, IconName, &'static str) {
        match self {
            Self::Home => ("Home", IconName::Home, ""),
            Self::Inbox => ("Inbox", IconName::Inbox, "/inbox"),
            Self::Approvals => ("Approvals", IconName::Check, "/approvals"),
            Self::Leads => ("Leads", IconName::People, "/leads"),
            Self::Accounts => ("Accounts", IconName::Building, "/accounts"),
            Self::Tasks => ("Tasks", IconName::Task, "/tasks"),
            Self::Campaigns => ("Campaigns", IconName::Send, "/campaigns"),
            Self::Sandbox => ("Sandbox mail", IconName::Flask, "/sandbox"),
            Self::Workflows => ("Workflows", IconName::Merge, "/workflows"),
            Self::Agents => ("Agents", IconName::Spark, "/agents"),
            Self::Conversations => ("Conversations", IconName::Reply, "/conversations"),
            Self::Content => ("Content", IconName::File, "/content"),
            Self::Runs => ("Runs", IconName::Runs, "/runs"),
            Self::Analytics => ("Analytics", IconName::Chart, "/analytics/agents"),
            Self::Settings => ("Settings", IconName::Gear, "/settings"),
            Self::More => ("More", IconName::Menu, "/more"),
        }
    }

    /// Its address within the company `slug`.
    pub(super) fn href(self, slug: &str) -> String {
        format!("/t/{slug}{}", self.looks().2)
    }

    /// Whether `path` is this place or below it. Home has nothing below it.
    fn contains(self, slug: &str, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        match path.strip_prefix(&self.href(slug)) {
            Some("") => true,
            Some(rest) => self != Self::Home && rest.starts_with('/'),
            None => false,
        }
    }
}

fn current(place: Place, slug: String) -> impl Fn() -> Option<&'static str> + Clone + Send + Sync {
    let path = use_location().pathname;
    move || path.with(|path| place.contains(&slug, path)).then_some("page")
}

/// A line of the sidebar.
#[component]
pub(super) fn NavItem(
    place: Place,
    slug: String,
    /// Words at the end, such as "4 running".
    #[prop(optional)]
    count: Signal<String>,
) -> impl IntoView {
    let (label, icon, _) = place.looks();
    let href = place.href(&slug);
    view! {
        <a class="nav-item" href=href title=label aria-current=current(place, slug)>
            <Icon name=icon/>
            <span class="truncate">{label}</span>
            <span class="count">{count}</span>
        </a>
    }
}

/// The phone's bottom bar.
#[component]
pub(super) fn TabBar(slug: String) -> impl IntoView {
    let links = [Place::Home, Place::Inbox, Place::Leads, Place::Campaigns, Place::More].map(|place| {
        let (label, icon, _) = place.looks();
        let href = place.href(&slug);
        view! {
            <a href=href aria-current=current(place, slug.clone())>
                <Icon name=icon/>
                {label}
            </a>
        }
    });
    view! { <nav class="tabbar" aria-label="Main">{links}</nav> }
}

/// A line of the phone's list of further places.
pub(super) fn more_link(place: Place, slug: &str) -> impl IntoView + use<> {
    let (label, icon, _) = place.looks();
    view! { <li><a href=place.href(slug)><Icon name=icon/>{label}</a></li> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_contains_what_lies_below_it() {
        assert!(Place::Leads.contains("acme", "/t/acme/leads"));
        assert!(Place::Leads.contains("acme", "/t/acme/leads/1/edit"));
        assert!(!Place::Leads.contains("acme", "/t/acme/leadsheet"));
        assert!(!Place::Leads.contains("acme", "/t/other/leads"));
    }

    #[test]
    fn home_is_only_home() {
        assert!(Place::Home.contains("acme", "/t/acme/"));
        assert!(!Place::Home.contains("acme", "/t/acme/leads"));
        assert!(!Place::Home.contains("acme", "/t/acme2"));
    }
}
