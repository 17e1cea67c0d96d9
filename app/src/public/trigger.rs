//! Makes the secret of an incoming webhook of an agent and shows it, once.

use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::Response,
};
use domain::{AgentId, TriggerId};
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, Error, Result};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// Answers the button on the page of the triggers.
pub async fn renew_secret(
    State(db): State<Db>,
    session: Session,
    Path((slug, agent, trigger)): Path<(String, String, String)>,
    parts: Parts,
) -> Response {
    let back = format!("/t/{slug}/agents/{agent}/triggers");
    let mut response = match secret(&db, &session, &slug, &parts, (&agent, &trigger)).await {
        Ok(secret) => page::card(StatusCode::OK, "The secret is made", || {
            let url = format!("{}/hooks/{trigger}", db.settings().public_url);
            view! {
                <p role="status">"Copy this secret now: a click selects all of it. It will not be shown again, and one before it no longer works."</p>
                <pre tabindex="0"><code id="secret" class="whole">{secret}</code></pre>
                <p>"The other system sends JSON to this address and signs it with the secret, as Standard Webhooks describes it."</p>
                <pre tabindex="0"><code class="whole">{url}</code></pre>
                <p><a class="button primary" href=back>"I have copied it"</a></p>
            }
            .into_any()
        }),
        Err(error) => page::refuse("No secret was made", error, back),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn secret(
    db: &Db,
    session: &Session,
    slug: &str,
    parts: &Parts,
    (agent, trigger): (&str, &str),
) -> Result<String> {
    let agent: AgentId = agent.parse().map_err(|_| Error::NotFound("agent"))?;
    let trigger: TriggerId = trigger.parse().map_err(|_| Error::NotFound("trigger"))?;
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let mut t = db.tenant(&actor).await?;
    let secret = t.triggers().renew_secret(agent, trigger).await?;
    t.commit().await?;
    Ok(secret)
}
