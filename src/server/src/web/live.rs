//! News for open pages: hints which noun changed, never what it says now; over a WebSocket also the events
//! of runs. Pages of other sites are kept out of the socket: a browser lends them the cookie of its person.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{Path, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::StreamExt;
use service::{Actor, Db, Origin};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};
use tower_sessions::Session;

/// The streams of a company. That of a page begins with the `version` of the site.
pub fn router(db: Db, version: String) -> Router {
    let stream = move |db, session, slug| stream(db, session, slug, version.clone());
    Router::new().route("/t/{slug}/live", get(stream)).route("/t/{slug}/socket", get(socket)).with_state(db)
}

async fn socket(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // The check of other requests lets a GET pass, and nothing else keeps sites from opening sockets.
    if !super::csrf::is_own(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let actor = match enter(&db, &session, &slug).await {
        Ok(actor) => actor,
        Err(status) => return status.into_response(),
    };
    let signed_in = move || {
        let session = session.clone();
        // Read anew: the session keeps what it has read, and somebody may have signed out since.
        async move { session.load().await.is_ok() && matches!(app::server::signed_in(&session).await, Ok(Some(_))) }
    };
    api::live::upgrade(upgrade, db, actor, signed_in)
}

/// Who listens, or why nobody does.
async fn enter(db: &Db, session: &Session, slug: &str) -> Result<Actor, StatusCode> {
    let user = app::server::signed_in(session).await.map_err(|_| super::AWAY)?.ok_or(StatusCode::UNAUTHORIZED)?;
    let (actor, ..) = db.people().actor(user, slug, Origin::default()).await.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(actor)
}

async fn stream(State(db): State<Db>, session: Session, Path(slug): Path<String>, version: String) -> Response {
    let actor = match enter(&db, &session, &slug).await {
        Ok(actor) => actor,
        Err(status) => return status.into_response(),
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
    let first = futures::stream::iter([Ok(Event::default().event("version").data(version))]);
    (headers, Sse::new(first.chain(hints)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
        .into_response()
}
