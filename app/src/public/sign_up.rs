//! A new account with its company, and another company for somebody who is signed in.

use axum::{
    Form,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use domain::companies::NewCompany;
use http::{StatusCode, request::Parts};
use leptos::prelude::*;
use service::{Db, people::NewPerson};
use tower_sessions::Session;

use super::{page, sign_in::enter};
use crate::{
    error::AppError,
    server::{origin, signed_in},
};

/// What the first form sends.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct SignUp {
    name: String,
    email: String,
    password: String,
    company_name: String,
    time_zone: String,
}

/// The form.
pub async fn show() -> Response {
    form(StatusCode::OK, &SignUp::default(), None)
}

/// Makes account and company.
pub async fn submit(State(db): State<Db>, session: Session, parts: Parts, Form(input): Form<SignUp>) -> Response {
    let person = NewPerson { name: input.name.clone(), email: input.email.clone(), password: input.password.clone() };
    match db.people().sign_up(person, company(&input), origin(&parts)).await {
        Ok((person, company)) => match enter(&session, person.id).await {
            Ok(()) => Redirect::to(&format!("/t/{}", company.slug)).into_response(),
            Err(_) => page::unavailable(),
        },
        Err(error) => {
            let error = AppError::from(error);
            form(page::status(&error), &input, Some(&error))
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

fn form(status: StatusCode, input: &SignUp, error: Option<&AppError>) -> Response {
    page::card(status, "Create a company", || {
        view! {
            {page::problem(error)}
            <form method="post" class="stack">
                {page::field("name", "Your name", "text", "name", &input.name, error)}
                {page::field("email", "Work e-mail", "email", "username", &input.email, error)}
                {page::field("password", "Password, at least 12 characters", "password", "new-password", "", error)}
                {company_fields(input, error)}
                <button class="button primary large" type="submit">"Create company"</button>
            </form>
            <p class="small-print"><a href="/login">"Sign in instead"</a></p>
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
