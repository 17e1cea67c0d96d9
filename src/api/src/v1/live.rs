//! The door of programs to live news.

use axum::{
    extract::{WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::Read,
    live,
    problem::{Failure, ProblemDetails, Result},
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(open))
}

/// Hear what changes
///
/// A WebSocket with JSON in text messages. It tells what changed, never what it says now: `{"topic": "leads",
/// "id": ".."}`, for the things that the scopes of the key read; `resync` means that something may have been
/// missed. `{"subscribe": {"run": "..", "after": 0}}` asks for the events of a run from after a number, which come
/// as `{"run": "..", "event": {..}}` and close with `{"run": "..", "ended": true}`; `{"unsubscribe": {"run": ".."}}`
/// ends that. What cannot be done is `{"error": {"code": "..", "detail": ".."}}`. The socket is closed with 1008 when
/// the key is revoked and 1013 when messages are not read.
#[utoipa::path(get, path = "/live", tag = "Live", operation_id = "live", security(("key" = [])),
    responses((status = SWITCHING_PROTOCOLS, description = "The WebSocket is open."),
        (status = UPGRADE_REQUIRED, description = "The call did not ask for a WebSocket.")))]
async fn open(call: Read, upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>) -> Response {
    let caller = call.caller();
    match upgrade {
        Ok(upgrade) => live::upgrade(upgrade, caller.db.clone(), caller.actor.clone(), || async { true }),
        Err(rejection) => {
            let words = format!("Open a WebSocket at this address: {}.", rejection.body_text());
            let details = ProblemDetails::new(StatusCode::UPGRADE_REQUIRED, "websocket_expected", words);
            let mut response = Failure::from(details).into_response();
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            response
        }
    }
}
