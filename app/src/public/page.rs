//! The document of a page without scripts.

use axum::{
    extract::{Multipart, Request},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use domain::Problem;
use http::{StatusCode, header};
use leptos::{
    prelude::*,
    server_fn::error::{SERVER_FN_ERROR_HEADER, ServerFnUrlError},
};
use service::Error;

use crate::{error::AppError, shell::Theme};

tokio::task_local! {
    /// The theme that the request asks for.
    static THEME: Theme;
}

/// Lets the documents below wear the theme that the person chose.
pub async fn with_theme(request: Request, next: Next) -> Response {
    let cookies = request.headers().get(header::COOKIE).and_then(|c| c.to_str().ok());
    let theme = Theme::of_cookies(cookies.unwrap_or_default());
    THEME.scope(theme, next.run(request)).await
}

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
    let theme = THEME.try_with(|theme| theme.as_str()).unwrap_or_default();
    let html = Owner::new().with(|| {
        // As text that needs no marks of the renderer: a browser shows them in the name of a tab.
        let tab = format!("{} · Saleswright", title.replace('&', "&amp;").replace('<', "&lt;"));
        view! {
            <html lang="en" data-theme=theme>
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
    response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static("5"));
    response
}

/// Name and bytes of the field `file` of a form.
pub async fn uploaded(mut form: Multipart) -> Result<(String, Vec<u8>), Error> {
    let broken = || Error::from(Problem::field("file", "upload_broken", "The upload broke off. Send the file again."));
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or_default().to_owned();
            return Ok((name, field.bytes().await.map_err(|_| broken())?.to_vec()));
        }
    }
    Err(Problem::field("file", "file_missing", "Choose a file.").into())
}

/// Why a door did not do what it was asked for, with the way back.
pub fn refuse(title: &str, error: impl Into<AppError>, back: String) -> Response {
    let error = error.into();
    card(status(&error), title, || {
        view! { <p role="alert">{error.message.clone()}</p><p><a class="button" href=back>"Back"</a></p> }.into_any()
    })
}

/// Back to the form on the page at `path`, which then says what is wrong as if a server function had
/// answered; `form` is the name of its post. What was entered is kept for it.
pub fn refused(path: &str, form: &str, error: AppError) -> Response {
    match ServerFnUrlError::new(form, error).to_url(&format!("http://localhost{path}")) {
        Ok(url) => {
            let back = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            ([(SERVER_FN_ERROR_HEADER, form.to_owned())], Redirect::to(&back)).into_response()
        }
        Err(_) => Redirect::to(path).into_response(),
    }
}

/// The status of an error.
pub fn status(error: &AppError) -> StatusCode {
    StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What went wrong, above a form.
pub fn problem(error: Option<&AppError>) -> Option<AnyView> {
    error.map(|e| crate::ui::problems(vec![(String::new(), e.message.clone())]))
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
