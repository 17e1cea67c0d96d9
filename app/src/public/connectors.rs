//! Takes the browser back from the provider of a connector, and tells providers who sends it there. The word that
//! the browser brings belongs to one attempt of one person; whoever else comes with it gets nothing.

use axum::{
    Json,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::connectors::SignInClient;
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use serde::Deserialize;
use service::{Db, Error, Result, connectors::SignInAnswer};
use tower_sessions::Session;

use super::page;
use crate::server::{actor, signed_in as person};

/// What a provider sends back.
#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// Keeps the answer, and goes to the page of the connector.
pub async fn signed_in(State(db): State<Db>, session: Session, Query(answer): Query<Answer>, parts: Parts) -> Response {
    match keep(&db, &session, answer, &parts).await {
        Ok(path) => Redirect::to(&path).into_response(),
        Err(Error::Unavailable) => page::unavailable(),
        Err(_) => page::card(StatusCode::NOT_FOUND, "This sign-in is over", || {
            view! {
                <p>"It took too long, it was used already, or somebody else began it. Begin again on the page of the connector."</p>
                <p><a href="/">"Go to the first page"</a></p>
            }
            .into_any()
        }),
    }
}

/// Who signs people in from here, for providers that read it.
pub async fn client(State(db): State<Db>) -> Response {
    match SignInClient::at(&db.settings().public_url) {
        Some(client) => Json(client).into_response(),
        None => super::not_found().await,
    }
}

async fn keep(db: &Db, session: &Session, answer: Answer, parts: &Parts) -> Result<String> {
    let over = || Error::NotFound("sign-in");
    let Some((slug, whose)) = db.platform().connector_sign_in(&answer.state).await? else { return Err(over()) };
    if person(session).await? != Some(whose) {
        return Err(over());
    }
    let (actor, ..) = actor(db, session, &slug, parts).await?;
    let outcome = match (answer.code, answer.error) {
        (Some(code), None) => Ok(SignInAnswer { code, issuer: answer.iss }),
        (_, Some(error)) if error == "access_denied" => Err("You said no at the provider."),
        _ => Err("The provider sent no code. Sign in again."),
    };
    let mut t = db.tenant(&actor).await?;
    let connector = t.connectors().answer_sign_in(&answer.state, outcome).await?;
    t.commit().await?;
    Ok(format!("/t/{slug}/settings/connectors/{connector}?done=connector-answered"))
}
