//! Accepting an invitation: with a new account, or as the person who is signed in.

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::companies::Person;
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{
    Db, Result,
    people::{Accept, InvitationState, OpenInvitation},
};
use tower_sessions::Session;

use super::{page, sign_in::enter};
use crate::{
    error::AppError,
    server::{origin, signed_in},
};

/// What the form sends; both are empty when somebody is signed in.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Answer {
    name: String,
    password: String,
}

/// Who invites whom to what.
pub async fn show(State(db): State<Db>, session: Session, Path(token): Path<String>) -> Response {
    let Ok(visitor) = visitor(&db, &session).await else { return page::unavailable() };
    match db.people().invitation(&token).await {
        Ok(invitation) => form(StatusCode::OK, &token, &invitation, visitor.as_ref(), "", None),
        Err(error) => ended(&AppError::from(error)),
    }
}

/// Joins.
pub async fn accept(
    State(db): State<Db>,
    session: Session,
    Path(token): Path<String>,
    parts: Parts,
    Form(answer): Form<Answer>,
) -> Response {
    let Ok(visitor) = visitor(&db, &session).await else { return page::unavailable() };
    let accept = match &visitor {
        Some(person) => Accept::As(person.id),
        None => Accept::New { name: answer.name.clone(), password: answer.password },
    };
    match db.people().accept_invitation(&token, accept, origin(&parts)).await {
        Ok((person, company)) => match enter(&session, person.id).await {
            Ok(()) => Redirect::to(&format!("/t/{}", company.slug)).into_response(),
            Err(_) => page::unavailable(),
        },
        Err(error) => {
            let error = AppError::from(error);
            match db.people().invitation(&token).await {
                Ok(invitation) => {
                    form(page::status(&error), &token, &invitation, visitor.as_ref(), &answer.name, Some(&error))
                }
                Err(_) => ended(&error),
            }
        }
    }
}

/// Who is signed in.
async fn visitor(db: &Db, session: &Session) -> Result<Option<Person>> {
    match signed_in(session).await? {
        Some(user) => db.people().person(user).await.map(Some),
        None => Ok(None),
    }
}

fn form(
    status: StatusCode,
    token: &str,
    i: &OpenInvitation,
    visitor: Option<&Person>,
    name: &str,
    error: Option<&AppError>,
) -> Response {
    if i.state != InvitationState::Open {
        let message = format!("This invitation has ended. Ask {} for a new one.", i.invited_by);
        return ended(&AppError { status: 410, message, problems: Vec::new(), existing: None });
    }
    if let Some(other) = visitor.filter(|person| person.email != i.email) {
        return for_another(token, i, other);
    }
    let signed_in = visitor.is_some();
    page::card(status, &format!("Join {}", i.company), || {
        let words = format!("{} invites {} as {}.", i.invited_by, i.email, i.role.label());
        let fields = (!signed_in).then(|| {
            view! {
                {page::field("name", "Your name", "text", "name", name, error)}
                {page::field("password", "Password, at least 12 characters", "password", "new-password", "", error)}
            }
        });
        let button = format!("Join {}", i.company);
        view! {
            {page::problem(error)}
            <p>{words}</p>
            <form method="post" class="stack">{fields}<button class="button primary large" type="submit">{button}</button></form>
            {(!signed_in).then(|| view! { <p class="small-print">"You have an account? "<a href=format!("/login?next=/invite/{token}")>"Sign in"</a>" to join with it."</p> })}
        }
        .into_any()
    })
}

/// Somebody else is signed in than the one who is invited.
fn for_another(token: &str, i: &OpenInvitation, visitor: &Person) -> Response {
    page::card(StatusCode::CONFLICT, &format!("Join {}", i.company), || {
        let words = format!("This invitation is for {}. You are signed in as {}.", i.email, visitor.email);
        let next = format!("/invite/{token}");
        view! {
            <p>{words}</p>
            <form method="post" action="/logout" class="stack">
                <input type="hidden" name="next" value=next/>
                <button class="button primary large" type="submit">"Sign out and go on"</button>
            </form>
            <p class="small-print"><a href="/">"Stay signed in"</a></p>
        }
        .into_any()
    })
}

fn ended(error: &AppError) -> Response {
    let message = error.message.clone();
    page::card(page::status(error), "Invitation", || view! { <p>{message}</p> }.into_any())
}
