//! Settings of a company: its name and address, mailboxes and their domains, people, the suppression list, language
//! models, what writers are told, connectors, API keys, the audit log.

mod audit;
mod company;
mod connectors;
mod domains;
mod inbox;
mod keys;
mod mailboxes;
mod members;
mod models;
mod suppressions;
mod writing;

#[cfg(feature = "ssr")]
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::{
    shell::{PageScroll, TabTitle, Topbar},
    ui::{TabLink, Tabs},
};

pub use audit::AuditPage;
pub use company::CompanySettingsPage;
pub use connectors::{ConnectorPage, ConnectorsPage};
pub use domains::{DomainPage, DomainsPage};
pub use inbox::MailboxRepliesPage;
pub use keys::{KeysPage, NEW_KEY};
pub use mailboxes::{MailboxPage, MailboxesPage};
pub use members::MembersPage;
pub use models::{ModelsPage, NEW_WEBHOOK};
pub use suppressions::SuppressionsPage;
pub use writing::WritingPage;

/// The frame of a settings page: its siblings as tabs, and the body.
#[cfg(feature = "ssr")]
fn page(slug: &str, current: &str, title: &'static str, body: AnyView) -> AnyView {
    let base = format!("/t/{slug}/settings");
    let items = [
        ("company", "Company"),
        ("mailboxes", "Mailboxes"),
        ("domains", "Domains"),
        ("members", "Members"),
        ("suppressions", "Suppression list"),
        ("models", "Models"),
        ("writing", "Writing"),
        ("connectors", "Connectors"),
        ("keys", "API keys"),
        ("audit", "Audit log"),
    ]
    .map(|(path, label)| TabLink::new(label, format!("{base}/{path}"), path == current))
    .to_vec();
    view! {
        <TabTitle text=title/>
        <Topbar title="Settings"/>
        <Tabs label="Settings" items/>
        <PageScroll label=title><div class="page-body narrow">{body}</div></PageScroll>
    }
    .into_any()
}
