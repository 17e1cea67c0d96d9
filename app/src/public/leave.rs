//! The page behind the unsubscribe link. Opening it changes nothing, because mail scanners open
//! links; a POST does, from the button or from a mail program (RFC 8058, section 3.1).

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use leptos::prelude::*;
use service::{Db, unsubscribe::Unsubscribe};

use super::page;
use crate::error::AppError;

/// Who writes to whom, and a button.
pub async fn show(State(db): State<Db>, Path(token): Path<String>) -> Response {
    match db.unsubscribe(&token).await {
        Ok(link) if link.done => done(&link),
        Ok(link) => ask(&link),
        Err(error) => unknown(error),
    }
}

/// No more e-mail, from now on.
pub async fn confirm(State(db): State<Db>, Path(token): Path<String>) -> Response {
    match db.confirm_unsubscribe(&token).await {
        Ok(link) => done(&link),
        Err(error) => unknown(error),
    }
}

fn ask(link: &Unsubscribe) -> Response {
    let words = format!("{} writes to {}.", link.company, link.masked_address);
    page::card(StatusCode::OK, "No more e-mails?", || {
        view! {
            <p>{words}</p>
            <form method="post"><button class="button primary large" type="submit">"Stop all e-mails"</button></form>
        }
        .into_any()
    })
}

fn done(link: &Unsubscribe) -> Response {
    let words = format!("{} gets no more e-mails from {}.", link.masked_address, link.company);
    page::card(StatusCode::OK, "Done", || view! { <p role="status">{words}</p> }.into_any())
}

fn unknown(error: service::Error) -> Response {
    match error {
        service::Error::NotFound(_) => page::card(StatusCode::NOT_FOUND, "This link does not work", || {
            view! { <p>"It may be incomplete. Open it from the e-mail again, or answer the e-mail with “stop”."</p> }
                .into_any()
        }),
        service::Error::Unavailable => page::unavailable(),
        other => {
            let error = AppError::from(other);
            let message = error.message.clone();
            page::card(page::status(&error), "Something went wrong", || view! { <p>{message}</p> }.into_any())
        }
    }
}
