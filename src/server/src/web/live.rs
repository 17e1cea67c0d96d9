//! Hints for open pages: which noun changed, never what it says now.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::StreamExt;
use service::{Db, Origin};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};
use tower_sessions::Session;

/// The stream of a company.
pub fn router(db: Db) -> Router {
    Router::new().route("/t/{slug}/live", get(stream)).with_state(db)
}

async fn stream(State(db): State<Db>, session: Session, Path(slug): Path<String>) -> Response {
    let user = match app::server::signed_in(&session).await {
        Ok(Some(user)) => user,
        Ok(None) => return StatusCode::UNAUTHORIZED.into_response(),
        Err(_) => return super::AWAY.into_response(),
    };
    let Ok((actor, ..)) = db.people().actor(user, &slug, Origin::default()).await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let company = actor.company();
    let hints = BroadcastStream::new(db.live().subscribe()).filter_map(move |hint| {
        let event = match hint {
            Ok(hint) if hint.is_for(company) => {
                let name = if hint.topic == "resync" { "resync" } else { "message" };
                Event::default().event(name).json_data(&hint).ok()
            }
            Ok(_) => None,
            // This reader was too slow and has missed something.
            Err(BroadcastStreamRecvError::Lagged(_)) => Some(Event::default().event("resync").data("{}")),
        };
        async move { event.map(Ok::<_, Infallible>) }
    });
    let headers =
        [(HeaderName::from_static("x-accel-buffering"), "no"), (header::CACHE_CONTROL, "no-cache, no-transform")];
    (headers, Sse::new(hints).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))).into_response()
}
