//! The document of a page without scripts.

use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use leptos::prelude::*;

use crate::error::AppError;

/// A page with a card in its middle.
pub fn card(status: StatusCode, title: &str, body: impl FnOnce() -> AnyView) -> Response {
    let heading = title.to_owned();
    let mut response = document(title, "public", || {
        view! {
            <main id="main" class="public-card">
                <p class="brand"><img src="/favicon.svg" alt="" width="28" height="28"/>"Saleswright"</p>
                <h1>{heading}</h1>
                {body()}
            </main>
        }
        .into_any()
    });
    *response.status_mut() = status;
    response
}

/// A page whose body has the class `kind`.
pub fn document(title: &str, kind: &'static str, body: impl FnOnce() -> AnyView) -> Response {
    let html = Owner::new().with(|| {
        // As text that needs no marks of the renderer: a browser shows them in the name of a tab.
        let tab = format!("{} · Saleswright", title.replace('&', "&amp;").replace('<', "&lt;"));
        view! {
            <html lang="en">
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="robots" content="noindex"/>
                    <title inner_html=tab></title>
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                    <link rel="stylesheet" href="/pkg/saleswright.css"/>
                </head>
                <body class=kind>{body()}</body>
            </html>
        }
        .to_html()
    });
    Html(format!("<!DOCTYPE html>{html}")).into_response()
}

/// The database is away.
pub fn unavailable() -> Response {
    let mut response = card(StatusCode::SERVICE_UNAVAILABLE, "One moment", || {
        view! { <p>"The database is not available. Try again in a few seconds."</p> }.into_any()
    });
    response.headers_mut().insert(http::header::RETRY_AFTER, http::HeaderValue::from_static("5"));
    response
}

/// The status of an error.
pub fn status(error: &AppError) -> StatusCode {
    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What went wrong, above a form.
pub fn problem(error: Option<&AppError>) -> Option<AnyView> {
    error.map(|e| {
        let message = e.message.clone();
        view! { <div class="error-summary" role="alert"><h2>"There is a problem"</h2><p>{message}</p></div> }.into_any()
    })
}

/// A labelled input of a page without scripts.
pub fn field(
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    value: &str,
    error: Option<&AppError>,
) -> AnyView {
    let said = error.and_then(|e| e.of_field(name));
    let id = format!("{name}-error");
    let value = if kind == "password" { String::new() } else { value.to_owned() };
    let described = said.is_some().then(|| id.clone());
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input id=name name=name type=kind autocomplete=autocomplete value=value required
                aria-invalid=said.is_some().then_some("true") aria-describedby=described/>
            {said.map(|text| view! { <p class="error" id=id>{text}</p> })}
        </div>
    }
    .into_any()
}
