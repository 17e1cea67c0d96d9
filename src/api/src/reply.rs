//! An answer as a value, so that it can be kept for a repeated request before it is sent.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::problem::{Failure, Result};

/// Status, headers and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A value as JSON.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn json(status: StatusCode, value: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(value).map_err(service::Error::from)?;
        let headers = vec![(header::CONTENT_TYPE.to_string(), "application/json".to_owned())];
        Ok(Self { status: status.as_u16(), headers, body })
    }

    /// 200 with a value.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub fn ok(value: &impl Serialize) -> Result<Self> {
        Self::json(StatusCode::OK, value)
    }

    /// 201 with a new thing and where it lies.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub fn created(path: &str, value: &impl Serialize) -> Result<Self> {
        Ok(Self::json(StatusCode::CREATED, value)?.location(path))
    }

    /// 202: it was asked for and happens later.
    ///
    /// # Errors
    /// As [`Reply::json`].
    pub fn accepted(value: &impl Serialize) -> Result<Self> {
        Self::json(StatusCode::ACCEPTED, value)
    }

    /// Where the thing lies that this is about.
    #[must_use]
    pub fn location(self, path: &str) -> Self {
        self.with(header::LOCATION, format!("/api/v1{path}"))
    }

    /// 204: done, nothing to say.
    #[must_use]
    pub fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT.as_u16(), headers: Vec::new(), body: Vec::new() }
    }

    /// A file.
    #[must_use]
    pub fn file(kind: &str, name: &str, body: Vec<u8>) -> Self {
        let reply = Self { status: StatusCode::OK.as_u16(), headers: Vec::new(), body };
        reply
            .with(header::CONTENT_TYPE, kind.to_owned())
            .with(header::CONTENT_DISPOSITION, domain::content::attachment(name))
    }

    /// The version of the thing as an entity tag (RFC 9110, 8.8.3), for `If-Match`.
    #[must_use]
    pub fn version(self, version: i64) -> Self {
        self.with(header::ETAG, format!("\"v{version}\""))
    }

    /// No cache may keep it.
    #[must_use]
    pub fn unstored(self) -> Self {
        self.with(header::CACHE_CONTROL, "no-store".to_owned())
    }

    #[must_use]
    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name.to_string(), value));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A version named in `If-Match`, as [`Reply::version`] gave it; nothing for `*`, which means any.
///
/// # Errors
/// A problem when it is not one of ours.
pub fn parse_version(if_match: &str) -> Result<Option<i64>> {
    let text = if_match.trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"')).and_then(|n| n.parse().ok());
    version.map(Some).ok_or_else(|| -> Failure {
        domain::Problem::field("If-Match", "etag_invalid", "Send the ETag of an earlier answer, as in \"v3\".").into()
    })
}
