//! What a server function answers instead of its value; the one place where this door reads the
//! errors of the service.

use std::fmt;

use domain::Permission;
#[cfg(feature = "ssr")]
use domain::Problem;
use leptos::{
    prelude::*,
    server_fn::{codec::PostcardEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// An error as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppError {
    /// HTTP status.
    pub status: u16,
    /// Sentence for the person.
    pub message: String,
    /// Problems of single fields: field and sentence.
    pub problems: Vec<(String, String)>,
    /// Where the thing is shown that stands in the way.
    pub existing: Option<String>,
}

impl AppError {
    /// The role of the person is too low.
    #[must_use]
    pub fn forbidden(permission: Permission) -> Self {
        let least = permission.least_role().label();
        let message = format!("Your role can’t {}. It needs the role {least}.", permission.label());
        Self { status: 403, message, problems: Vec::new(), existing: None }
    }

    /// The problem of one field, in words.
    #[must_use]
    pub fn of_field(&self, field: &str) -> Option<String> {
        self.problems.iter().find(|(of, _)| of == field).map(|(_, message)| message.clone())
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = PostcardEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        let message = match &error {
            ServerFnErrorErr::Request(_) => "The server could not be reached. Check your connection and try again.",
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                "A value of the form could not be read: a number has letters in it, or is too large. Correct it and try again."
            }
            _ => "Something went wrong on our side. Try again.",
        };
        let status = match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => 422,
            _ => 500,
        };
        #[cfg(feature = "ssr")]
        if !is_form_without_scripts() {
            answer_with(status);
        }
        Self { status, message: message.to_owned(), problems: Vec::new(), existing: None }
    }
}

/// The answer gets this status.
#[cfg(feature = "ssr")]
pub(crate) fn answer_with(status: u16) {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>()
        && let Ok(status) = http::StatusCode::from_u16(status)
    {
        response.set_status(status);
    }
}

/// Whether a browser has posted this itself. It is sent back to the form, which then has the status: with
/// any but that of a redirect it would show the bare answer.
#[cfg(feature = "ssr")]
fn is_form_without_scripts() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| {
        let accepts = parts.headers.get(http::header::ACCEPT).and_then(|a| a.to_str().ok());
        parts.method == http::Method::POST && accepts.is_some_and(|a| a.contains("text/html"))
    })
}

#[cfg(feature = "ssr")]
impl From<service::Error> for AppError {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        let (status, message, problems) = match error {
            E::NotFound(what) => {
                (404, format!("This {what} does not exist, or it belongs to another company."), Vec::new())
            }
            E::Forbidden(permission) => (403, Self::forbidden(permission).message, Vec::new()),
            E::Unauthenticated => (401, "Sign in to continue.".to_owned(), Vec::new()),
            E::Invalid(problems) => {
                let words: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
                (422, words.join(" "), problems)
            }
            E::Refused(refusal) => (409, refusal.message, Vec::new()),
            E::Conflict(problem) => (409, problem.message.clone(), vec![problem]),
            E::TooMany(seconds) => (429, format!("Too many tries. Wait {seconds} seconds."), Vec::new()),
            E::Unavailable => {
                (503, "The database is not available. This page comes back by itself.".to_owned(), Vec::new())
            }
            E::Internal(cause) => {
                tracing::error!(error = format!("{cause:#}"), "A page failed");
                (500, "Something went wrong on our side. Try again.".to_owned(), Vec::new())
            }
        };
        if !is_form_without_scripts() {
            answer_with(status);
        }
        let of_field = |p: Problem| Some((p.field?.into_owned(), p.message));
        Self { status, message, problems: problems.into_iter().filter_map(of_field).collect(), existing: None }
    }
}
