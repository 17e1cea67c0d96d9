//! The pages: rendered on the server, hydrated in the browser. Both halves are this crate, built
//! with the feature `ssr` or `hydrate`.
//!
//! A page never asks the database; it calls a server function, which opens a tenant and calls one
//! method of the service.

#![expect(missing_docs, reason = "server functions make argument structs whose fields cannot carry docs")]

pub mod areas;
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

use areas::{Agents, Builder, Campaigns, Content, Home, Leads, Page, Settings};
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};
use pages::frame::{CompanyFrame, NotFoundPage};
use shell::RouteFollower;

/// The document around every page that hydrates.
pub fn page_document(options: LeptosOptions, theme: &'static str) -> impl IntoView {
    #[cfg(feature = "ssr")]
    allow_own_scripts();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
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
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Saleswright".into() } else { format!("{title} · Saleswright") }/>
        <Router set_is_routing>
            <RouteFollower is_routing=is_routing.into()/>
            <Routes fallback=|| view! { <NotFoundPage/> }>
                <ParentRoute path=path!("/t/:company") view=CompanyFrame ssr=SsrMode::Async>
                    <Route path=path!("") view=Page::Home(Home::Overview) ssr=SsrMode::Async/>
                    <Route path=path!("leads") view=Page::Leads(Leads::List) ssr=SsrMode::Async/>
                    <Route path=path!("leads/new") view=Page::Leads(Leads::New) ssr=SsrMode::Async/>
                    <Route path=path!("leads/import") view=Page::Leads(Leads::Upload) ssr=SsrMode::Async/>
                    <Route path=path!("leads/import/:import") view=Page::Leads(Leads::Import) ssr=SsrMode::Async/>
                    <Route path=path!("leads/:lead") view=Page::Leads(Leads::One) ssr=SsrMode::Async/>
                    <Route path=path!("leads/:lead/edit") view=Page::Leads(Leads::Edit) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns") view=Page::Campaigns(Campaigns::List) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/new") view=Page::Campaigns(Campaigns::New) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign") view=Page::Campaigns(Campaigns::One) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/enrolments") view=Page::Campaigns(Campaigns::Enrolments) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/mails") view=Page::Campaigns(Campaigns::Mails) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/sequence") view=Page::Builder(Builder::Sequence) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/sequence/:step") view=Page::Builder(Builder::Step) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/settings") view=Page::Builder(Builder::Settings) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/launch") view=Page::Builder(Builder::Launch) ssr=SsrMode::Async/>
                    <Route path=path!("campaigns/:campaign/stop") view=Page::Campaigns(Campaigns::Stop) ssr=SsrMode::Async/>
                    <Route path=path!("sandbox") view=Page::Home(Home::Sandbox) ssr=SsrMode::Async/>
                    <Route path=path!("sandbox/:mail") view=Page::Home(Home::SandboxMail) ssr=SsrMode::Async/>
                    <Route path=path!("agents") view=Page::Agents(Agents::List) ssr=SsrMode::Async/>
                    <Route path=path!("agents/new") view=Page::Agents(Agents::New) ssr=SsrMode::Async/>
                    <Route path=path!("agents/import") view=Page::Agents(Agents::Import) ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent") view=Page::Agents(Agents::One) ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/versions") view=Page::Agents(Agents::Versions) ssr=SsrMode::Async/>
                    <Route path=path!("agents/:agent/edit") view=Page::Agents(Agents::Edit) ssr=SsrMode::Async/>
                    <Route path=path!("content") view=Page::Content(Content::List) ssr=SsrMode::Async/>
                    <Route path=path!("content/new") view=Page::Content(Content::New) ssr=SsrMode::Async/>
                    <Route path=path!("content/:content") view=Page::Content(Content::One) ssr=SsrMode::Async/>
                    <Route path=path!("content/:content/edit") view=Page::Content(Content::Edit) ssr=SsrMode::Async/>
                    <Route path=path!("tasks") view=Page::Home(Home::Tasks) ssr=SsrMode::Async/>
                    <Route path=path!("settings") view=Page::Settings(Settings::Company) ssr=SsrMode::Async/>
                    <Route path=path!("settings/company") view=Page::Settings(Settings::Company) ssr=SsrMode::Async/>
                    <Route path=path!("settings/mailboxes") view=Page::Settings(Settings::Mailboxes) ssr=SsrMode::Async/>
                    <Route path=path!("settings/members") view=Page::Settings(Settings::Members) ssr=SsrMode::Async/>
                    <Route path=path!("settings/suppressions") view=Page::Settings(Settings::Suppressions) ssr=SsrMode::Async/>
                    <Route path=path!("settings/models") view=Page::Settings(Settings::Models) ssr=SsrMode::Async/>
                    <Route path=path!("settings/keys") view=Page::Settings(Settings::Keys) ssr=SsrMode::Async/>
                    <Route path=path!("settings/audit") view=Page::Settings(Settings::Audit) ssr=SsrMode::Async/>
                    <Route path=path!("more") view=Page::Home(Home::More) ssr=SsrMode::Async/>
                    <Route path=path!("accounts") view=Page::Leads(Leads::Accounts) ssr=SsrMode::Async/>
                    <Route path=path!("accounts/:account") view=Page::Leads(Leads::Account) ssr=SsrMode::Async/>
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
    // An error says that there is one already.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    leptos::task::spawn_local(async {
        let Some(body) = document().body() else { return };
        hydrate_from_async(body.clone(), App).await.forget();
        // A mark for tools that watch the page: from here on it answers to a person at once.
        let _ = body.set_attribute("data-hydrated", "true");
    });
}
