//! The pages: rendered on the server, hydrated in the browser. Both halves are this crate, built
//! with the feature `ssr` or `hydrate`.
//!
//! A page never asks the database; it calls a server function, which opens a tenant and calls one
//! method of the service.

#![expect(missing_docs, reason = "server functions make argument structs whose fields cannot carry docs")]

pub mod error;
pub mod exchange;
pub mod fmt;
pub mod pages;
pub mod shell;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod public;
#[cfg(feature = "ssr")]
pub mod server;

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};
use pages::{
    accounts::{AccountPage, AccountsPage},
    agents::{
        AgentMemoryPage, AgentPage, AgentQualityPage, AgentRunsPage, AgentToolsPage, AgentVersionsPage, AgentsPage,
        EditAgentPage, ImportAgentsPage, NewAgentPage, TriggersPage,
    },
    analytics::AgentAnalyticsPage,
    approvals::{ApprovalsPage, PassingDraftsPage, ReviewPage},
    campaigns::{
        CampaignEnrolmentsPage, CampaignLaunchPage, CampaignLogPage, CampaignMailsPage, CampaignPage,
        CampaignProofsPage, CampaignSequencePage, CampaignSettingsPage, CampaignSimulationPage, CampaignStepPage,
        CampaignStopPage, CampaignVersionsPage, CampaignsPage, NewCampaignPage,
    },
    content::{ContentPage, DocumentPage, DocumentsPage, EditContentPage, LibraryPage, NewContentPage},
    conversations::{ConversationPage, ConversationsPage},
    frame::{CompanyFrame, MorePlacesPage, NotFoundPage},
    home::HomePage,
    imports::{ImportPage, ImportUploadPage},
    inbox::{InboxPage, ThreadPage},
    leads::{EditLeadPage, LeadPage, LeadsPage, NewLeadPage},
    runs::{RunPage, RunsPage, StartRunPage},
    sandbox::{SandboxMailPage, SandboxPage},
    settings::{
        AuditPage, CompanySettingsPage, ConnectorPage, ConnectorsPage, DomainPage, DomainsPage, KeysPage, MailboxPage,
        MailboxRepliesPage, MailboxesPage, MembersPage, ModelsPage, SuppressionsPage, WritingPage,
    },
    tasks::TasksPage,
    workflows::{NewWorkflowPage, WorkflowPage, WorkflowsPage},
};
use shell::{RouteFollower, TabName};

/// The document around every page that hydrates. An open page whose `version` is not that of the server any more says so.
pub fn page_document(options: LeptosOptions, theme: &'static str, version: String) -> impl IntoView {
    #[cfg(feature = "ssr")]
    allow_own_scripts();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-version=version>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="preload" href="/fonts/inter-latin-wght-normal.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <HashedStylesheet options=options.clone() id="style"/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The routes of a company.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let (is_routing, set_is_routing) = signal(false);
    provide_context(TabName(RwSignal::new(String::new())));
    view! {
        <Router set_is_routing>
            <RouteFollower is_routing=is_routing.into()/>
            <Routes fallback=|| view! { <NotFoundPage/> }>
                <ParentRoute path=path!("/t/:company") view=CompanyFrame ssr=SsrMode::Async>
                    <Route path=path!("") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("leads") view=LeadsPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/new") view=NewLeadPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/import") view=ImportUploadPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/import/:import") view=ImportPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/:lead") view=LeadPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/:lead/edit") view=EditLeadPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns") view=CampaignsPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/new") view=NewCampaignPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign") view=CampaignPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/enrolments") view=CampaignEnrolmentsPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/mails") view=CampaignMailsPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/log") view=CampaignLogPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/sequence") view=CampaignSequencePage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/sequence/:step") view=CampaignStepPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/simulation") view=CampaignSimulationPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/proofs") view=CampaignProofsPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/versions") view=CampaignVersionsPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/settings") view=CampaignSettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/launch") view=CampaignLaunchPage ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/stop") view=CampaignStopPage ssr=SsrMode::Async/>
                    <Route path=path!("sandbox") view=SandboxPage ssr=SsrMode::Async/>
                    <Route path=path!("sandbox/:mail") view=SandboxMailPage ssr=SsrMode::Async/>
                    <Route path=path!("agents") view=AgentsPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/new") view=NewAgentPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/import") view=ImportAgentsPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent") view=AgentPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/runs") view=AgentRunsPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/tools") view=AgentToolsPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/quality") view=AgentQualityPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/memory") view=AgentMemoryPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/versions") view=AgentVersionsPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/triggers") view=TriggersPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/edit") view=EditAgentPage ssr=SsrMode::Async/>
                    <Route path=path!("analytics/agents") view=AgentAnalyticsPage ssr=SsrMode::Async/>
                    <Route path=path!("content") view=LibraryPage ssr=SsrMode::Async/>
                    <Route path=path!("content/new") view=NewContentPage ssr=SsrMode::Async/>
                    <Route path=path!("content/documents") view=DocumentsPage ssr=SsrMode::Async/>
                    <Route path=path!("content/documents/:document") view=DocumentPage ssr=SsrMode::Async/>
                    <Route path=path!("content/:content") view=ContentPage ssr=SsrMode::Async/>
                    <Route path=path!("content/:content/edit") view=EditContentPage ssr=SsrMode::Async/>
                    <Route path=path!("conversations") view=ConversationsPage ssr=SsrMode::Async/>
                    <Route path=path!("conversations/:conversation") view=ConversationPage ssr=SsrMode::Async/>
                    <Route path=path!("workflows") view=WorkflowsPage ssr=SsrMode::Async/>
                    <Route path=path!("workflows/new") view=NewWorkflowPage ssr=SsrMode::Async/>
                    <Route path=path!("workflows/:workflow") view=WorkflowPage ssr=SsrMode::Async/>
                    <Route path=path!("tasks") view=TasksPage ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/run") view=StartRunPage ssr=SsrMode::Async/>
                    <Route path=path!("runs") view=RunsPage ssr=SsrMode::Async/>
                    <Route path=path!("runs/:run") view=RunPage ssr=SsrMode::Async/>
                    <Route path=path!("inbox") view=InboxPage ssr=SsrMode::Async/>
                    <Route path=path!("inbox/:thread") view=ThreadPage ssr=SsrMode::Async/>
                    <Route path=path!("approvals") view=ApprovalsPage ssr=SsrMode::Async/>
                    <Route path=path!("approvals/passing") view=PassingDraftsPage ssr=SsrMode::Async/>
                    <Route path=path!("approvals/:draft") view=ReviewPage ssr=SsrMode::Async/>
                    <Route path=path!("settings") view=CompanySettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/company") view=CompanySettingsPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/mailboxes") view=MailboxesPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/mailboxes/:mailbox") view=MailboxPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/mailboxes/:mailbox/replies") view=MailboxRepliesPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/domains") view=DomainsPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/domains/:domain") view=DomainPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/members") view=MembersPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/suppressions") view=SuppressionsPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/models") view=ModelsPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/writing") view=WritingPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/connectors") view=ConnectorsPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/connectors/:connector") view=ConnectorPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/keys") view=KeysPage ssr=SsrMode::Async/>
                    <Route path=path!("settings/audit") view=AuditPage ssr=SsrMode::Async/>
                    <Route path=path!("more") view=MorePlacesPage ssr=SsrMode::Async/>
                    <Route path=path!("accounts") view=AccountsPage ssr=SsrMode::Async/>
                    <Route path=path!("accounts/:account") view=AccountPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Only the scripts that this answer brings may run: the hydration script carries the nonce.
#[cfg(feature = "ssr")]
fn allow_own_scripts() {
    let (Some(nonce), Some(response)) = (use_nonce(), use_context::<leptos_axum::ResponseOptions>()) else {
        return;
    };
    let policy = format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(value) = http::HeaderValue::from_str(&policy) {
        response.insert_header(http::header::CONTENT_SECURITY_POLICY, value);
    }
}

/// The theme that the cookie of the request asks for.
#[cfg(feature = "ssr")]
#[must_use]
pub fn theme_of_request() -> &'static str {
    let cookies = use_context::<http::request::Parts>()
        .and_then(|p| p.headers.get(http::header::COOKIE).and_then(|c| c.to_str().ok().map(str::to_owned)))
        .unwrap_or_default();
    shell::Theme::of_cookies(&cookies).as_str()
}

/// Takes the page over in the browser.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    hydrate_body(App);
    exchange::guard_what_is_entered();
    // A mark for tools that watch the page: from here on it answers to a person at once.
    if let Some(body) = document().body() {
        let _ = body.set_attribute("data-hydrated", "true");
    }
}
