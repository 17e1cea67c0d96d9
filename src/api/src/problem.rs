//! What a program reads when something was not done: `application/problem+json` (RFC 9457). The one
//! place where this door reads the errors of the service.

use axum::{
    Json,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Permission, Problem, keys::Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::reply::Reply;

/// The answer of a handler.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a handler has no answer of its own.
#[derive(Debug)]
pub enum Failure {
    /// Something was not done.
    Not(Box<ProblemDetails>),
    /// It was done before, with the same `Idempotency-Key`: this was the answer.
    Before(Reply),
}

/// Problem details as RFC 9457 defines them, with the members of this API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDetails {
    /// Name of the kind of problem; `about:blank`, the code says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// Words for the status.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable word for programs.
    pub code: String,
    /// What happened and what to do.
    pub detail: String,
    /// Problems of single inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Problem>,
    /// Commands that the present state allows, when one was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<Vec<String>>,
    /// Name it when you ask for help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds after which the same may work; the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<i64>,
}

impl ProblemDetails {
    /// A problem in words.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            ..Self::default()
        }
    }

    fn invalid(problems: Vec<Problem>) -> Self {
        let words: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
        let code = problems.first().map_or("invalid", |p| &p.code).to_owned();
        let details = Self::new(StatusCode::UNPROCESSABLE_ENTITY, &code, words.join(" "));
        Self { errors: problems, ..details }
    }
}

impl From<ProblemDetails> for Failure {
    fn from(details: ProblemDetails) -> Self {
        Self::Not(Box::new(details))
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        ProblemDetails::invalid(problems).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        vec![problem].into()
    }
}

impl From<service::Error> for Failure {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        match error {
            E::NotFound(what) => {
                let detail = format!("This {what} does not exist, or it belongs to another company.");
                ProblemDetails::new(StatusCode::NOT_FOUND, "not_found", detail)
            }
            E::Forbidden(permission) => ProblemDetails::new(StatusCode::FORBIDDEN, "scope_missing", lacks(permission)),
            E::Unauthenticated => ProblemDetails::new(
                StatusCode::UNAUTHORIZED,
                "key_invalid",
                "This API key is not known, has expired or was revoked. An admin makes keys under Settings, API keys.",
            ),
            E::Invalid(problems) => ProblemDetails::invalid(problems),
            E::Refused(refusal) => ProblemDetails {
                allowed: Some(refusal.allowed.iter().map(ToString::to_string).collect()),
                ..ProblemDetails::new(StatusCode::CONFLICT, &refusal.code, refusal.message)
            },
            E::Conflict(problem) if problem.code == "stale" => {
                ProblemDetails::new(StatusCode::PRECONDITION_FAILED, &problem.code, problem.message)
            }
            E::Conflict(problem) => {
                let details = ProblemDetails::new(StatusCode::CONFLICT, &problem.code, problem.message.clone());
                ProblemDetails { errors: vec![problem], ..details }
            }
            E::TooMany(seconds) => ProblemDetails {
                retry_after: Some(seconds),
                ..ProblemDetails::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "rate_limited",
                    format!("Too many calls with this key. Wait {seconds} seconds."),
                )
            },
            E::Unavailable => ProblemDetails {
                retry_after: Some(5),
                ..ProblemDetails::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "The database is not available. Try again in a few seconds.",
                )
            },
            E::Internal(cause) => {
                tracing::error!(error = format!("{cause:#}"), "A call failed");
                ProblemDetails::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Something went wrong on our side. Try again; if it stays, tell us the request id.",
                )
            }
        }
        .into()
    }
}

/// 403: the key has not the scope that this needs.
pub fn lacks_scope(scope: Scope) -> ProblemDetails {
    let words = format!("This key can’t do this. It needs the scope `{scope}`.");
    ProblemDetails::new(StatusCode::FORBIDDEN, "scope_missing", words)
}

fn lacks(permission: Permission) -> String {
    let scopes: Vec<_> =
        Scope::ALL.iter().filter(|scope| scope.allows(permission)).map(|scope| format!("`{scope}`")).collect();
    if scopes.is_empty() {
        format!("No key can {}; a person does it in the browser.", permission.label())
    } else {
        format!("This key can’t {}. It needs the scope {}.", permission.label(), scopes.join(" or "))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Before(reply) => reply.into_response(),
            Self::Not(details) => {
                // The body is written by [`finish`], which knows the request.
                let status = StatusCode::from_u16(details.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = status.into_response();
                response.extensions_mut().insert(*details);
                response
            }
        }
    }
}

/// Writes the body of every problem, with the id of its request.
pub async fn finish(request: Request, next: Next) -> Response {
    let request_id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let mut response = next.run(request).await;
    if let Some(mut details) = response.extensions_mut().remove::<ProblemDetails>() {
        details.request_id = request_id;
        let headers = std::mem::take(response.headers_mut());
        let status = response.status();
        let retry = details.retry_after;
        response = (status, Json(details)).into_response();
        for (name, value) in headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
            response.headers_mut().insert(name, value.clone());
        }
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}
