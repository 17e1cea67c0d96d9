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

const FAULT: &str = "Something went wrong on our side. Try again.";

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

    /// The server is newer than the page that asks it, and has other doors (as 426 says in RFC 9110, 15.5.22).
    #[must_use]
    pub fn outdated() -> Self {
        Self::of_status(426, "A new version is ready. Reload the page and do this again.")
    }

    /// What the answer to a failed request says: an error of ours, or that of whoever stands before the server.
    #[must_use]
    pub fn of_answer(status: u16, body: &[u8]) -> Self {
        // Text would not be read as one: its octets are smaller than any status of an error is as a varint.
        if let Ok(error) = postcard::from_bytes::<Self>(body)
            && error.status >= 400
        {
            return error;
        }
        match status {
            404 | 405 => Self::outdated(),
            413 => Self::of_status(413, "This is too large. Make it shorter and try again."),
            502..=504 => Self::away(),
            status if status < 500 => {
                Self::of_status(status, "The server refused this. Reload the page and try again.")
            }
            _ => Self::of_status(500, FAULT),
        }
    }

    fn away() -> Self {
        Self::of_status(503, "The server could not be reached. Check your connection and try again.")
    }

    fn of_status(status: u16, message: &str) -> Self {
        Self { status, message: message.to_owned(), problems: Vec::new(), existing: None }
    }

    /// Whether the server has not looked at what was posted: it is away, or newer than the page.
    #[must_use]
    pub const fn is_unread(&self) -> bool {
        matches!(self.status, 426 | 503)
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
        let error = match error {
            ServerFnErrorErr::Request(_) => Self::away(),
            // What a newer server answers.
            ServerFnErrorErr::Deserialization(_) => Self::outdated(),
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => Self::of_status(
                422,
                "A value of the form could not be read: a number has letters in it, or is too large. Correct it and try again.",
            ),
            _ => Self::of_status(500, FAULT),
        };
        #[cfg(feature = "ssr")]
        if !is_form_without_scripts() {
            answer_with(error.status);
        }
        error
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
                (500, FAULT.to_owned(), Vec::new())
            }
        };
        if !is_form_without_scripts() {
            answer_with(status);
        }
        let of_field = |p: Problem| Some((p.field?.into_owned(), p.message));
        Self { status, message, problems: problems.into_iter().filter_map(of_field).collect(), existing: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_ours_is_told_by_its_status() {
        let ours = AppError::forbidden(Permission::ApproveDrafts);
        let bytes = postcard::to_allocvec(&ours).expect("octets");
        assert_eq!(AppError::of_answer(403, &bytes), ours);
        for (status, body, told) in [
            (404, "<!DOCTYPE html><title>Nothing is here</title>", 426),
            (405, "", 426),
            (502, "Bad Gateway", 503),
            (503, "The database is not available.", 503),
            (413, "length limit exceeded", 413),
            (403, "This request did not come from a page of this site.", 403),
            (500, "Service panicked", 500),
        ] {
            let error = AppError::of_answer(status, body.as_bytes());
            assert_eq!(error.status, told, "{status}: {error}");
            assert_eq!(error.is_unread(), matches!(told, 426 | 503));
        }
    }
}
