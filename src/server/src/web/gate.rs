//! The database gate: while it is away everything answers 503 with the time to come back, and
//! recovers by itself. It stands outside of the sessions, which need the database too.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use service::Db;
use tokio::sync::watch;

use super::AWAY;

/// Whether this process can do its work.
pub async fn ready(State(db): State<Db>) -> Response {
    if db.is_ready().await { (StatusCode::OK, "ready").into_response() } else { away(false) }
}

/// Turns a failure while the database is away into a 503. The way is free as long as things work:
/// the database is only asked after something has failed.
pub async fn check(State(db): State<Db>, request: Request, next: Next) -> Response {
    let page = wants_page(&request);
    let response = next.run(request).await;
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && !db.is_ready().await {
        return away(page);
    }
    response
}

/// Until the database was reached for the first time and found sound, nobody gets in; `/livez` says
/// that the process lives.
pub async fn until_open(State(open): State<watch::Receiver<bool>>, request: Request, next: Next) -> Response {
    if *open.borrow() || request.uri().path() == "/livez" {
        return next.run(request).await;
    }
    away(wants_page(&request))
}

fn wants_page(request: &Request) -> bool {
    request.headers().get(header::ACCEPT).is_some_and(|a| a.to_str().is_ok_and(|a| a.contains("text/html")))
}

fn away(page: bool) -> Response {
    let text = "The database is not available. Try again in a few seconds.";
    let mut response = if page {
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>One moment</title>\
             <meta http-equiv=\"refresh\" content=\"5\"></head><body><h1>One moment</h1><p>{text}</p></body></html>"
        );
        (AWAY, Html(html)).into_response()
    } else {
        (AWAY, text).into_response()
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
