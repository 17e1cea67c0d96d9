//! Who calls: `Authorization: Bearer sw_live_..` (RFC 6750). A key may call what its scopes name; which
//! scope an operation needs stands in its description, which is the only place where it stands.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use service::{Db, Origin, people::KeyUse};

use crate::{
    door::Caller,
    openapi,
    problem::{ProblemDetails, Result, lacks_scope},
};

/// Lets a call through if its key works, its rate limit allows it and its scopes name the operation.
pub async fn check(State(db): State<Db>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match enter(&db, &parts).await {
        Ok(usage) => {
            parts.extensions.insert(Caller { db, actor: usage.actor.clone() });
            let mut response = next.run(Request::from_parts(parts, body)).await;
            tell_limits(response.headers_mut(), &usage);
            response
        }
        Err(failure) => {
            let mut response = failure.into_response();
            if response.status() == StatusCode::TOO_MANY_REQUESTS
                && let Some(seconds) = response.headers().get(header::RETRY_AFTER).cloned()
            {
                let limit = HeaderValue::from(db.settings().api_calls_per_minute);
                let none = HeaderValue::from_static("0");
                let fields = [("ratelimit-limit", limit), ("ratelimit-remaining", none), ("ratelimit-reset", seconds)];
                response.headers_mut().extend(fields.map(|(name, value)| (HeaderName::from_static(name), value)));
            }
            if response.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

async fn enter(db: &Db, parts: &Parts) -> Result<KeyUse> {
    let secret = bearer(&parts.headers).ok_or_else(|| {
        ProblemDetails::new(
            StatusCode::UNAUTHORIZED,
            "key_missing",
            "Send an API key: Authorization: Bearer sw_live_… An admin makes keys under Settings, API keys.",
        )
    })?;
    let usage = db.people().key_actor(secret, origin(parts)).await?;
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if let Some(scope) = openapi::needed_scope(&parts.method, path)
        && !usage.actor.scopes().contains(&scope)
    {
        return Err(lacks_scope(scope).into());
    }
    Ok(usage)
}

/// The secret of `Authorization: Bearer ..`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

fn origin(parts: &Parts) -> Origin {
    let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip().to_string());
    let request_id = parts.headers.get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Origin { ip, request_id }
}

/// What is left of the key's calls, in the fields of draft-ietf-httpapi-ratelimit-headers-07.
fn tell_limits(headers: &mut HeaderMap, usage: &KeyUse) {
    let mut put = |name: &'static str, value: i64| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    };
    put("ratelimit-limit", usage.limit.into());
    put("ratelimit-remaining", usage.remaining.into());
    put("ratelimit-reset", usage.reset_seconds);
}
