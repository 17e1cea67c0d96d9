//! Makes an API key and shows its secret, once.

use axum::{
    extract::{Path, RawForm, State},
    http::{HeaderValue, header},
    response::Response,
};
use chrono::Duration;
use domain::{Problem, keys::Scope};
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, Result};
use tower_sessions::Session;

use super::page;
use crate::{error::AppError, pages::settings::NEW_KEY, server::actor};

/// Answers the form of the settings page.
pub async fn create(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    parts: Parts,
    RawForm(body): RawForm,
) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let back = format!("/t/{slug}/settings/keys");
    let mut response = match make(&db, &session, &slug, &parts, &form).await {
        Ok(secret) => page::card(StatusCode::OK, "Your new API key", || {
            view! {
                <p role="status">"Copy this key now: a click selects all of it. It will not be shown again."</p>
                <pre tabindex="0"><code id="secret" class="whole">{secret}</code></pre>
                <p><a class="button primary" href=back>"I have copied it"</a></p>
            }
            .into_any()
        }),
        Err(error) => page::refused(&back, NEW_KEY, AppError::from(error)),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn make(db: &Db, session: &Session, slug: &str, parts: &Parts, form: &[(String, String)]) -> Result<String> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let value = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
    let scopes: Vec<Scope> = form.iter().filter_map(|(key, _)| Scope::parse(key.strip_prefix("scope-")?)).collect();
    let mut t = db.tenant(&actor).await?;
    let expires_at = match value("expires") {
        "never" => None,
        days => {
            let unknown = || Problem::field("expires", "expiry_invalid", "Choose when the key ends.");
            Some(t.now() + Duration::days(days.parse::<u16>().map_err(|_| unknown())?.into()))
        }
    };
    let (_, secret) = t.keys().create(value("name"), &scopes, expires_at).await?;
    t.commit().await?;
    Ok(secret)
}
