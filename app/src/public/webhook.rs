//! Connects the webhook of agents and shows its secret, once.

use axum::{
    extract::{Path, RawForm, State},
    http::{HeaderValue, header},
    response::Response,
};
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, Result};
use tower_sessions::Session;

use super::page;
use crate::{error::AppError, pages::settings::NEW_WEBHOOK, server::actor};

/// Answers the form of the settings page.
pub async fn connect(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    parts: Parts,
    RawForm(body): RawForm,
) -> Response {
    let url = form_urlencoded::parse(&body).find(|(name, _)| name == "url").map(|(_, url)| url.into_owned());
    let back = format!("/t/{slug}/settings/models");
    let mut response = match secret(&db, &session, &slug, &parts, &url.unwrap_or_default()).await {
        Ok(secret) => page::card(StatusCode::OK, "The webhook is connected", || {
            view! {
                <p role="status">"Copy this secret now: a click selects all of it. It will not be shown again."</p>
                <pre tabindex="0"><code id="secret" class="whole">{secret}</code></pre>
                <p><a class="button primary" href=back>"I have copied it"</a></p>
            }
            .into_any()
        }),
        Err(error) => page::refused(&back, NEW_WEBHOOK, AppError::from(error)),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn secret(db: &Db, session: &Session, slug: &str, parts: &Parts, url: &str) -> Result<String> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let mut t = db.tenant(&actor).await?;
    let secret = t.webhook().connect(url).await?;
    t.commit().await?;
    Ok(secret)
}
