//! Pages without scripts: the doors of the product and what recipients see. Plain forms, plain
//! handlers; no wasm is sent.

mod agents;
mod analytics;
mod api_docs;
mod bulk;
mod connectors;
mod content;
mod enrolments;
mod imports;
mod inbox;
mod invite;
mod keys;
mod leads;
mod leave;
mod log;
mod page;
mod proofs;
mod sign_in;
mod sign_up;
mod tracking;
mod trigger;
mod webhook;

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::HeaderMap,
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use domain::{
    agents::MAX_UPLOAD as MAX_AGENT_FILES,
    connectors::{CLIENT_DOCUMENT, SIGN_IN_BACK},
    content::MAX_FILE,
    imports::MAX_UPLOAD,
};
use service::Db;
use tower_sessions::Session;

use crate::server::signed_in;

/// Bytes that a form may add to the file in it.
const MULTIPART: usize = 64 * 1024;

/// The routes without scripts.
///
/// `api` is the description of the JSON API, which its documentation is written from.
pub fn router(db: Db, api: &'static serde_json::Value) -> Router {
    let documentation = Router::new().route("/docs/api", get(api_docs::show)).with_state(api);
    Router::new()
        .route("/", get(home))
        .route("/login", get(sign_in::show).post(sign_in::submit))
        .route("/logout", post(sign_in::leave))
        .route("/theme", post(theme))
        .route("/signup", get(sign_up::show).post(sign_up::ask))
        .route("/signup/company", get(sign_up::show_company).post(sign_up::submit_company))
        .route("/signup/{token}", get(sign_up::open).post(sign_up::complete))
        .route("/invite/{token}", get(invite::show).post(invite::accept))
        .route("/p/{token}", get(leave::show).post(leave::confirm))
        .route("/t/{slug}/settings/keys/new", post(keys::create))
        .route("/t/{slug}/settings/models/webhook", post(webhook::connect))
        .route("/t/{slug}/agents/{agent}/triggers/{trigger}/secret", post(trigger::renew_secret))
        .route(SIGN_IN_BACK, get(connectors::signed_in))
        .route(CLIENT_DOCUMENT, get(connectors::client))
        .route("/t/{slug}/leads/bulk", post(leads::bulk))
        .route("/t/{slug}/leads/import/upload", post(imports::upload).layer(DefaultBodyLimit::max(MAX_UPLOAD)))
        .route("/t/{slug}/leads/import/{id}/rejected.csv", get(imports::rejected))
        .route("/t/{slug}/agents/import/upload", post(agents::import).layer(DefaultBodyLimit::max(MAX_AGENT_FILES)))
        .route("/t/{slug}/agents/{id}/file", get(agents::export))
        .route("/t/{slug}/analytics/agents/figures.csv", get(analytics::agents))
        .route("/t/{slug}/campaigns/{id}/enrolments/bulk", post(enrolments::bulk))
        .route("/t/{slug}/campaigns/{id}/log/file", get(log::file))
        .route("/t/{slug}/campaigns/{id}/proofs/{number}/file", get(proofs::file))
        .route("/t/{slug}/inbox/files/{mail}/{place}", get(inbox::file))
        .route("/t/{slug}/inbox/mails/{mail}/html", get(inbox::html))
        .route("/t/{slug}/content/{id}/export", get(content::export))
        .route(
            "/t/{slug}/content/{id}/file",
            get(content::file).post(content::attach).layer(DefaultBodyLimit::max(MAX_FILE + MULTIPART)),
        )
        .with_state(db.clone())
        .merge(tracking::router(db))
        .merge(documentation)
        .layer(middleware::from_fn(page::with_theme))
}

/// There is nothing at this address.
pub async fn not_found() -> Response {
    use leptos::prelude::*;
    page::card(http::StatusCode::NOT_FOUND, "Nothing is here", || {
        view! {
            <p>"This page does not exist, or it belongs to another company."</p>
            <p><a href="/">"Go to the first page"</a></p>
        }
        .into_any()
    })
}

/// A form of a page that is older than this server: its function is not here any more.
pub async fn outdated() -> Response {
    use leptos::prelude::*;
    page::card(http::StatusCode::NOT_FOUND, "A new version is ready", || {
        view! {
            <p>"Nothing was changed. Go back, reload the page and do this again."</p>
            <p><a href="/">"Go to the first page"</a></p>
        }
        .into_any()
    })
}

/// The last company of the person, or the door.
async fn home(State(db): State<Db>, session: Session) -> Response {
    let Ok(user) = signed_in(&session).await else { return page::unavailable() };
    let Some(user) = user else { return Redirect::to("/login").into_response() };
    match db.people().memberships(user).await {
        Ok(companies) => match companies.first() {
            Some(company) => Redirect::to(&format!("/t/{}", company.slug)).into_response(),
            None => Redirect::to("/signup/company").into_response(),
        },
        Err(_) => page::unavailable(),
    }
}

/// Keeps the theme in a cookie and goes back.
async fn theme(headers: HeaderMap, axum::Form(form): axum::Form<ThemeChoice>) -> Response {
    let theme = crate::shell::Theme::parse(&form.theme).as_str();
    let cookie = format!("theme={theme}; Path=/; Max-Age=31536000; SameSite=Lax");
    let back = headers
        .get(http::header::REFERER)
        .and_then(|r| r.to_str().ok())
        .and_then(|r| r.parse::<http::Uri>().ok())
        .and_then(|uri| uri.path_and_query().map(ToString::to_string))
        .unwrap_or_else(|| "/".to_owned());
    ([(http::header::SET_COOKIE, cookie)], Redirect::to(&local(&back))).into_response()
}

#[derive(Debug, serde::Deserialize)]
struct ThemeChoice {
    theme: String,
}

/// A path of our own, or the first page: nobody is sent elsewhere.
fn local(path: &str) -> String {
    let own = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
    if own { path.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(local("/t/halden/leads?q=a"), "/t/halden/leads?q=a");
        for away in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""] {
            assert_eq!(local(away), "/");
        }
    }
}
