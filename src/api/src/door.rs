//! The door of a call: who asks, what they send, and one transaction for what they want.
//!
//! A handler that reads takes a [`Read`], one that changes takes a [`Write`]. Both hold an [`Actor`]
//! that came from a key, so a handler cannot choose its company.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{Extensions, HeaderMap, StatusCode, header, request::Parts},
};
use domain::Problem;
use serde::de::DeserializeOwned;
use service::{Actor, Db, Tenant, people::Idempotent};
use sha2::{Digest, Sha256};

use crate::{
    problem::{Failure, ProblemDetails, Result},
    reply::{Reply, parse_version},
};

/// Who calls, put into the request by [`crate::key::check`].
#[derive(Clone, Debug)]
pub struct Caller {
    /// The database.
    pub db: Db,
    /// The program.
    pub actor: Actor,
}

/// A call that changes nothing.
#[derive(Debug)]
pub struct Read(Caller);

impl Read {
    /// Opens the company of the key.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn open(&self) -> Result<Tenant> {
        Ok(self.0.db.tenant(&self.0.actor).await?)
    }

    /// Who calls, for an answer that goes on for a while.
    pub const fn caller(&self) -> &Caller {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for Read {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        caller(&parts.extensions).map(Self)
    }
}

/// A call that changes something; `T` is its JSON body, `()` for none.
#[derive(Debug)]
pub struct Write<T = ()> {
    caller: Caller,
    /// What was sent.
    pub input: T,
    /// The version that the caller wants to change, from `If-Match`.
    pub version: Option<i64>,
    repeat: Option<(String, Vec<u8>)>,
}

impl<T> Write<T> {
    /// Opens the company of the key; a call that was made before with the same `Idempotency-Key`
    /// ends here with its old answer.
    ///
    /// # Errors
    /// [`Failure::Before`], or when the database is away.
    pub async fn open(self) -> Result<(Work, T)> {
        let mut t = self.caller.db.tenant(&self.caller.actor).await?;
        if let Some((key, fingerprint)) = &self.repeat
            && let Idempotent::Replay { status, headers, body } = t.idempotency().begin(key, fingerprint).await?
        {
            return Err(Failure::Before(Reply { status, headers, body }));
        }
        Ok((Work { t, version: self.version, key: self.repeat.map(|(key, _)| key) }, self.input))
    }
}

/// An open transaction of a call that changes something.
#[derive(Debug)]
pub struct Work {
    /// The company.
    pub t: Tenant,
    version: Option<i64>,
    key: Option<String>,
}

impl Work {
    /// The version that the caller wants to change, from `If-Match`. Who takes it has to look at it.
    pub const fn version(&mut self) -> Option<i64> {
        self.version.take()
    }

    /// Keeps what was done and its answer, in one commit.
    ///
    /// # Errors
    /// 422 when the caller sent an `If-Match` that nobody looked at; when the database went away. Then
    /// nothing was kept.
    pub async fn done(mut self, reply: Reply) -> Result<Reply> {
        if self.version.is_some() {
            let words = "This operation does not look at If-Match. Leave the header out.";
            return Err(ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, "if_match_unsupported", words).into());
        }
        if let Some(key) = &self.key {
            self.t.idempotency().finish(key, reply.status, &reply.headers, &reply.body).await?;
        }
        self.t.commit().await?;
        Ok(reply)
    }

    /// The same for an answer that shows a secret: it is kept nowhere, so nobody can ask for it again.
    ///
    /// # Errors
    /// 422 when the caller sent an `Idempotency-Key`; as [`Self::done`].
    pub async fn done_unkept(self, reply: Reply) -> Result<Reply> {
        if self.key.is_some() {
            let words = "This answer shows a secret and is not kept. Leave Idempotency-Key out.";
            return Err(ProblemDetails::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_unsupported", words).into());
        }
        Ok(self.done(reply).await?.unstored())
    }
}

impl<T: Input, S: Send + Sync> FromRequest<S> for Write<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let headers = request.headers();
        let caller = caller(request.extensions())?;
        let version = text(headers, header::IF_MATCH.as_str())?.map_or(Ok(None), parse_version)?;
        let key = text(headers, "idempotency-key")?.map(str::to_owned);
        let kind = text(headers, header::CONTENT_TYPE.as_str())?.map(str::to_owned);
        let target = format!("{} {}", request.method(), request.uri());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ProblemDetails::new(rejection.status(), "body_unreadable", rejection.body_text()))?;
        let repeat = key.map(|key| (key, Sha256::new().chain_update(target).chain_update(&bytes).finalize().to_vec()));
        Ok(Self { caller, input: T::read(kind.as_deref(), bytes)?, version, repeat })
    }
}

/// What a body can be read as.
pub trait Input: Sized {
    /// Reads it; `kind` is the media type that was named.
    ///
    /// # Errors
    /// 415 for another media type, 400 for a body that is none, 422 for wrong values.
    fn read(kind: Option<&str>, bytes: Bytes) -> Result<Self>;
}

/// No body; one that comes all the same is passed over.
impl Input for () {
    fn read(_: Option<&str>, _: Bytes) -> Result<Self> {
        Ok(())
    }
}

/// A JSON body.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Input for Json<T> {
    fn read(kind: Option<&str>, bytes: Bytes) -> Result<Self> {
        let json = |kind: &str| kind.split(';').next().is_some_and(|k| k.trim().ends_with("json"));
        if !kind.is_some_and(json) {
            let detail = "Send JSON, with the header Content-Type: application/json.";
            return Err(ProblemDetails::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "json_expected", detail).into());
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unreadable(&error))
    }
}

/// A JSON body that may be left out.
impl<T: DeserializeOwned> Input for Option<Json<T>> {
    fn read(kind: Option<&str>, bytes: Bytes) -> Result<Self> {
        if bytes.is_empty() { Ok(None) } else { Json::read(kind, bytes).map(Some) }
    }
}

/// A file, sent as it is.
#[derive(Debug)]
pub struct File(pub Vec<u8>);

impl Input for File {
    fn read(_: Option<&str>, bytes: Bytes) -> Result<Self> {
        Ok(Self(bytes.into()))
    }
}

/// What is wrong with a JSON body: not JSON at all, or not the right JSON.
pub fn unreadable(error: &serde_json::Error) -> Failure {
    let (status, code) = match error.classify() {
        serde_json::error::Category::Data => (StatusCode::UNPROCESSABLE_ENTITY, "body_invalid"),
        _ => (StatusCode::BAD_REQUEST, "json_invalid"),
    };
    ProblemDetails::new(status, code, format!("The body can’t be read: {error}.")).into()
}

fn caller(extensions: &Extensions) -> Result<Caller> {
    extensions.get::<Caller>().cloned().ok_or_else(|| service::Error::Unauthenticated.into())
}

/// A header as text.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>> {
    let value = headers.get(name).map(http::HeaderValue::to_str).transpose();
    value.map_err(|_| Problem::field(name.to_owned(), "header_invalid", "Use plain ASCII characters.").into())
}
