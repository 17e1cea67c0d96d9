//! The pages: rendered on the server, hydrated in the browser. Both halves are this crate, built
//! with the feature `ssr` or `hydrate`.
//!
//! A page never asks the database; it calls a server function, which opens a tenant and calls one
//! method of the service.

#![expect(missing_docs, reason = "server functions make argument structs whose fields cannot carry docs")]

pub mod error;
pub mod fmt;
pub mod pages;
pub mod shell;
pub mod ui;

#[cfg(feature = "ssr")]
pub mod public;
#[cfg(feature = "ssr")]
pub mod server;

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};
use pages::{
    accounts::{AccountPage, AccountsPage},
    frame::{CompanyFrame, NotFoundPage},
    home::HomePage,
    leads::{EditLeadPage, LeadPage, LeadsPage, NewLeadPage},
};
use shell::RouteFollower;

/// The document around every page that hydrates.
pub fn document(options: LeptosOptions, theme: &'static str) -> impl IntoView {
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
                    <Route path=path!("") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("leads") view=LeadsPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/new") view=NewLeadPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/:lead") view=LeadPage ssr=SsrMode::Async/>
                    <Route path=path!("leads/:lead/edit") view=EditLeadPage ssr=SsrMode::Async/>
                    <Route path=path!("accounts") view=AccountsPage ssr=SsrMode::Async/>
                    <Route path=path!("accounts/:account") view=AccountPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// Takes the page over in the browser.
#[cfg(feature = "hydrate")]
pub fn hydrate() {
    leptos::mount::hydrate_body(App);
}
