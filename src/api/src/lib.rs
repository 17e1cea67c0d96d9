//! The JSON API: the same use cases as the pages, for programs with a key. A handler opens the company
//! of the key, calls one method of the service, and answers; it has no rules of its own. Language models
//! reach them as tools at `/mcp`, with the same keys.

#![allow(unused_qualifications, reason = "the macro that describes parameters writes whole paths")]

mod door;
mod examples;
mod follow;
mod hooks;
mod key;
pub mod live;
mod mcp;
pub mod openapi;
mod problem;
mod query;
mod reply;
mod v1;

use axum::{Router, http::StatusCode, middleware, response::IntoResponse, routing::get};
use service::Db;

pub use problem::ProblemDetails;

/// Everything under `/api/v1`, `/mcp`, and the door for deliveries.
pub fn router(db: &Db) -> Router {
    let (operations, _) = openapi::operations().split_for_parts();
    let described = || async { axum::Json(openapi::document()) };
    operations
        .merge(mcp::router(&db.settings().public_url))
        .layer(middleware::from_fn_with_state(db.clone(), key::check))
        .route("/api/v1/openapi.json", get(described))
        .route("/api/v1", get(described))
        .route("/api/{*path}", axum::routing::any(unknown))
        .merge(hooks::router(db))
        .layer(middleware::from_fn(refused_method))
        .layer(middleware::from_fn(problem::finish))
}

/// The answer to an address that is none.
async fn unknown() -> impl IntoResponse {
    problem::Failure::from(ProblemDetails::new(
        StatusCode::NOT_FOUND,
        "route_unknown",
        "There is nothing at this address. The addresses are listed at /docs/api.",
    ))
}

/// Gives the router's bare 405 the words of a problem.
async fn refused_method(request: axum::extract::Request, next: middleware::Next) -> axum::response::Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && response.extensions().get::<ProblemDetails>().is_none() {
        let allowed = response.headers().get(http::header::ALLOW).and_then(|a| a.to_str().ok()).unwrap_or_default();
        let details = ProblemDetails::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            match allowed {
                "" => "This address does not answer to that method.".to_owned(),
                allowed => format!("This address answers to {allowed}."),
            },
        );
        response.extensions_mut().insert(details);
    }
    response
}
