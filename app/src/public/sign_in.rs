//! Signing in and out. Nothing here tells whether an address has an account.

use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, Error, people::USER_ID};
use tower_sessions::{Expiry, Session};

use super::{local, page};
use crate::{
    error::AppError,
    server::{KEEP, KEPT, origin, signed_in},
};

/// Where to go afterwards.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// What the form sends.
#[derive(Debug, serde::Deserialize)]
pub struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    keep: Option<String>,
    #[serde(default)]
    next: String,
}

/// The form; somebody who is signed in goes on.
pub async fn show(session: Session, Query(query): Query<Next>) -> Response {
    match signed_in(&session).await {
        Ok(Some(_)) => Redirect::to(&local(&query.next)).into_response(),
        Ok(None) => form(StatusCode::OK, "", &query.next, None),
        Err(_) => page::unavailable(),
    }
}

/// Checks name and password.
pub async fn submit(State(db): State<Db>, session: Session, parts: Parts, Form(input): Form<SignIn>) -> Response {
    let person = match db.people().sign_in(&input.email, &input.password, origin(&parts)).await {
        Ok(person) => person,
        Err(error) => {
            let wait = if let Error::TooMany(seconds) = error { Some(seconds) } else { None };
            let error = AppError::from(error);
            let mut refused = form(page::status(&error), &input.email, &input.next, Some(&error));
            if let Some(seconds) = wait {
                refused.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
            }
            return refused;
        }
    };
    match start(&session, person.id, input.keep.is_some()).await {
        Ok(()) => Redirect::to(&local(&input.next)).into_response(),
        Err(_) => page::unavailable(),
    }
}

/// Signs out, and goes on to where the form says.
pub async fn leave(State(db): State<Db>, session: Session, parts: Parts, Form(to): Form<Next>) -> Response {
    if let Ok(Some(user)) = signed_in(&session).await
        && db.people().signed_out(user, origin(&parts)).await.is_err()
    {
        return page::unavailable();
    }
    match session.flush().await {
        Ok(()) if to.next.is_empty() => Redirect::to("/login").into_response(),
        Ok(()) => Redirect::to(&local(&to.next)).into_response(),
        Err(_) => page::unavailable(),
    }
}

async fn start(session: &Session, person: domain::UserId, keep: bool) -> Result<(), tower_sessions::session::Error> {
    enter(session, person).await?;
    if keep {
        session.set_expiry(Some(Expiry::OnInactivity(KEPT)));
    }
    session.insert(KEEP, keep).await
}

/// Begins a session: with a new id, so that one planted before is worthless.
pub(super) async fn enter(session: &Session, person: domain::UserId) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.insert(USER_ID, person).await
}

fn form(status: StatusCode, email: &str, next: &str, error: Option<&AppError>) -> Response {
    page::card(status, "Sign in", || {
        let next = next.to_owned();
        view! {
            {page::problem(error)}
            <form method="post" class="stack">
                <input type="hidden" name="next" value=next/>
                {page::field("email", "E-mail", "email", "username", email, None)}
                {page::field("password", "Password", "password", "current-password", "", None)}
                <label class="choice"><input type="checkbox" name="keep" value="1" class="check"/>" Keep me signed in for 30 days"</label>
                <button class="button primary large" type="submit">"Sign in"</button>
            </form>
            <p class="small-print"><a href="/signup">"Create a company"</a></p>
        }
        .into_any()
    })
}
