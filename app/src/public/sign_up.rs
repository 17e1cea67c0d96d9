//! A new account with its company, and another company for somebody who is signed in. The first page asks
//! for an address only, and answers the same for everybody; who opens the mail goes on.

use axum::{
    Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{EmailAddress, companies::NewCompany};
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, Error};
use tower_sessions::Session;

use super::{page, sign_in::enter};
use crate::{
    error::AppError,
    server::{origin, signed_in},
};

/// What the first form sends.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Ask {
    email: String,
}

/// What the form behind the mail sends, and that of another company.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct SignUp {
    name: String,
    password: String,
    company_name: String,
    time_zone: String,
}

/// The form.
pub async fn show() -> Response {
    ask_form(StatusCode::OK, "", None)
}

/// Sends a mail, and says the same whether the address has an account or not.
pub async fn ask(State(db): State<Db>, parts: Parts, Form(input): Form<Ask>) -> Response {
    let address = match db.people().ask_to_sign_up(&input.email, &origin(&parts)).await {
        Ok(address) => address,
        Err(error) => {
            let error = AppError::from(error);
            return ask_form(page::status(&error), &input.email, Some(&error));
        }
    };
    let kept = !db.settings().has_mail_server;
    page::card(StatusCode::OK, "Check your e-mail", || {
        let words = format!("We have sent a mail to {address}. The link in it goes on, for a day.");
        view! {
            <p>{words}</p>
            {kept.then(|| view! { <p class="small-print">"This installation has no mail server: the mail is shown in its terminal."</p> })}
            <p class="small-print">"Nothing there? Look among unwanted mail, or "<a href="/signup">"ask again"</a>" after a minute."</p>
        }
        .into_any()
    })
}

/// The form behind the link.
pub async fn open(State(db): State<Db>, Path(token): Path<String>) -> Response {
    match db.people().sign_up_address(&token).await {
        Ok(address) => form(StatusCode::OK, &address, &SignUp::default(), None),
        Err(error) => ended(error),
    }
}

/// Makes account and company.
pub async fn complete(
    State(db): State<Db>,
    session: Session,
    Path(token): Path<String>,
    parts: Parts,
    Form(input): Form<SignUp>,
) -> Response {
    let people = db.people();
    let address = match people.sign_up_address(&token).await {
        Ok(address) => address,
        Err(error) => return ended(error),
    };
    let (name, password) = (input.name.clone(), input.password.clone());
    match people.complete_sign_up(&token, name, password, company(&input), origin(&parts)).await {
        Ok((person, company)) => match enter(&session, person.id).await {
            Ok(()) => Redirect::to(&format!("/t/{}", company.slug)).into_response(),
            Err(_) => page::unavailable(),
        },
        Err(error) => {
            let error = AppError::from(error);
            form(page::status(&error), &address, &input, Some(&error))
        }
    }
}

/// The form of another company.
pub async fn show_company(session: Session) -> Response {
    match signed_in(&session).await {
        Ok(Some(_)) => company_form(StatusCode::OK, &SignUp::default(), None),
        Ok(None) => Redirect::to("/login?next=/signup/company").into_response(),
        Err(_) => page::unavailable(),
    }
}

/// Makes another company.
pub async fn submit_company(
    State(db): State<Db>,
    session: Session,
    parts: Parts,
    Form(input): Form<SignUp>,
) -> Response {
    let user = match signed_in(&session).await {
        Ok(Some(user)) => user,
        Ok(None) => return Redirect::to("/login?next=/signup/company").into_response(),
        Err(_) => return page::unavailable(),
    };
    match db.people().create_company(user, company(&input), origin(&parts)).await {
        Ok(company) => Redirect::to(&format!("/t/{}", company.slug)).into_response(),
        Err(error) => {
            let error = AppError::from(error);
            company_form(page::status(&error), &input, Some(&error))
        }
    }
}

fn company(input: &SignUp) -> NewCompany {
    NewCompany { name: input.company_name.clone(), slug: None, time_zone: Some(input.time_zone.clone()) }
}

fn ask_form(status: StatusCode, email: &str, error: Option<&AppError>) -> Response {
    page::card(status, "Create a company", || {
        view! {
            {page::problem(error)}
            <form method="post" class="stack">
                {page::field("email", "Work e-mail", "email", "username", email, error)}
                <button class="button primary large" type="submit">"Go on"</button>
            </form>
            <p class="small-print"><a href="/login">"Sign in instead"</a></p>
        }
        .into_any()
    })
}

fn form(status: StatusCode, address: &EmailAddress, input: &SignUp, error: Option<&AppError>) -> Response {
    let address = address.to_string();
    page::card(status, "Create a company", || {
        view! {
            {page::problem(error)}
            <p>"Your account: "<strong>{address}</strong></p>
            <form method="post" class="stack">
                {page::field("name", "Your name", "text", "name", &input.name, error)}
                {page::field("password", "Password, at least 12 characters", "password", "new-password", "", error)}
                {company_fields(input, error)}
                <button class="button primary large" type="submit">"Create company"</button>
            </form>
            <p class="small-print"><a href="/login">"Sign in instead"</a></p>
        }
        .into_any()
    })
}

/// A link that opens nothing any more, or never did.
fn ended(error: Error) -> Response {
    if matches!(error, Error::Unavailable) {
        return page::unavailable();
    }
    page::card(StatusCode::NOT_FOUND, "Create a company", || {
        view! {
            <p>"This link has ended, or it is not whole."</p>
            <p><a class="button" href="/signup">"Ask for a new one"</a></p>
        }
        .into_any()
    })
}

fn company_form(status: StatusCode, input: &SignUp, error: Option<&AppError>) -> Response {
    page::card(status, "Create a company", || {
        view! {
            {page::problem(error)}
            <form method="post" class="stack">
                {company_fields(input, error)}
                <button class="button primary large" type="submit">"Create company"</button>
            </form>
            <p class="small-print"><a href="/">"Back"</a></p>
        }
        .into_any()
    })
}

fn company_fields(input: &SignUp, error: Option<&AppError>) -> impl IntoView + use<> {
    let zone = if input.time_zone.is_empty() { "Europe/Berlin" } else { &input.time_zone };
    view! {
        {page::field("company_name", "Company name", "text", "organization", &input.company_name, error)}
        {page::field("time_zone", "Time zone, as in Europe/Berlin", "text", "off", zone, error)}
    }
}
