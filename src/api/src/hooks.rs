//! The doors for other systems: deliveries to incoming webhooks of agents, and answers to runs that have called one.
//! They have no key: what counts is the signature (Standard Webhooks), checked by the service before anything is read.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    routing::post,
};
use domain::{
    TriggerId,
    triggers::{MAX_DELIVERY, NotStarted},
};
use serde_json::json;
use service::{Db, Error, deliveries::Delivery, runs::Taken, triggers::Answer};
use uuid::Uuid;

use crate::{
    problem::{ProblemDetails, Result},
    reply::Reply,
};

/// `POST /hooks/{id}` and `POST /hooks/answers/{id}`.
pub fn router(db: &Db) -> Router {
    Router::new()
        .route("/hooks/{id}", post(deliver))
        .route("/hooks/answers/{id}", post(answer))
        .layer(DefaultBodyLimit::max(MAX_DELIVERY))
        .with_state(db.clone())
}

async fn deliver(
    State(db): State<Db>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Reply> {
    let body = json_of(&headers, body)?;
    let hook: TriggerId = id.parse().map_err(|_| Error::NotFound("webhook"))?;
    let (status, code, words) = match db.deliver(hook, delivery(&headers, &body)).await {
        Ok(Answer::Started(run)) => return Reply::accepted(&json!({ "run": run })),
        Ok(Answer::Unsigned(words)) => (StatusCode::UNAUTHORIZED, "signature_invalid", words.to_owned()),
        Ok(Answer::NotStarted(reason, words)) => {
            let status = match reason {
                NotStarted::HourlyCap => StatusCode::TOO_MANY_REQUESTS,
                NotStarted::Unfit => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            };
            (status, reason.as_str(), words)
        }
        Err(Error::TooMany(_)) => {
            let words = "More than 60 deliveries in a minute. Deliver it again later.".to_owned();
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", words)
        }
        Err(error) => return Err(error.into()),
    };
    let retry_after = (status == StatusCode::TOO_MANY_REQUESTS).then_some(60);
    Err(ProblemDetails { retry_after, ..ProblemDetails::new(status, code, words) }.into())
}

async fn answer(
    State(db): State<Db>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Reply> {
    let body = json_of(&headers, body)?;
    let id: Uuid = id.parse().map_err(|_| Error::NotFound("answer"))?;
    let (status, code, words) = match db.take_answer(id, delivery(&headers, &body)).await? {
        Taken::By(run) => return Reply::accepted(&json!({ "run": run })),
        Taken::Unsigned(words) => (StatusCode::UNAUTHORIZED, "signature_invalid", words),
        Taken::Late => (StatusCode::GONE, "answer_late", "Nobody waits for this answer any more."),
    };
    Err(ProblemDetails::new(status, code, words).into())
}

/// The body, if it is JSON by its header and not too large.
fn json_of(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Bytes> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ProblemDetails::new(StatusCode::PAYLOAD_TOO_LARGE, "delivery_large", "Deliver at most 64 KB.")
        }
        status => ProblemDetails::new(status, "body_unreadable", rejection.body_text()),
    })?;
    if !text(headers, header::CONTENT_TYPE.as_str()).split(';').next().is_some_and(|kind| kind.trim().ends_with("json"))
    {
        let words = "Deliver JSON, with the header Content-Type: application/json.";
        return Err(ProblemDetails::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "json_expected", words).into());
    }
    Ok(body)
}

fn delivery<'a>(headers: &'a HeaderMap, body: &'a Bytes) -> Delivery<'a> {
    Delivery {
        id: text(headers, "webhook-id"),
        timestamp: text(headers, "webhook-timestamp"),
        signatures: text(headers, "webhook-signature"),
        body,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
