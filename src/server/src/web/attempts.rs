//! What was entered in a form that was refused, kept for the page that the browser is sent back to.
//! Only browsers without scripts come this way; the others still have it on the page.

use app::exchange::Attempt;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{Method, header},
    middleware::Next,
    response::Response,
};
use leptos::server_fn::error::SERVER_FN_ERROR_HEADER;
use tower_sessions::Session;

/// Under this key a session keeps the last one.
const ATTEMPT: &str = "attempt";
/// Forms that are longer are not kept.
const MOST: usize = 256 * 1024;

/// Keeps a refused form in the session, and gives it to the page that shows the problem.
pub async fn keep(session: Session, request: Request, next: Next) -> Response {
    let shows_problem = request.uri().query().is_some_and(|query| query.contains("__err="));
    if request.method() == Method::GET && shows_problem {
        let (mut parts, body) = request.into_parts();
        if let Ok(Some(attempt)) = session.remove::<Attempt>(ATTEMPT).await {
            parts.extensions.insert(attempt);
        }
        return next.run(Request::from_parts(parts, body)).await;
    }
    let is_form = |request: &Request| {
        let kind = request.headers().get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"))
    };
    let by_itself = request.headers().get(header::ACCEPT).is_some_and(|a| a.as_bytes().starts_with(b"text/html"));
    let length: Option<usize> =
        request.headers().get(header::CONTENT_LENGTH).and_then(|l| l.to_str().ok()?.parse().ok());
    let kept = request.method() == Method::POST && by_itself && is_form(&request);
    if !kept || length.is_none_or(|length| length > MOST) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let form = to_bytes(body, MOST).await.unwrap_or_default();
    let response = next.run(Request::from_parts(parts, Body::from(form.clone()))).await;
    if response.headers().contains_key(SERVER_FN_ERROR_HEADER)
        && let Err(error) = session.insert(ATTEMPT, Attempt::new(&form)).await
    {
        tracing::debug!(%error, "A refused form is not kept");
    }
    response
}
