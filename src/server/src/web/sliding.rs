//! Sessions slide: whoever uses Saleswright stays signed in, whoever leaves is signed out after a
//! while. The session library only moves the end of a session that changes, so here it changes
//! now and then.

use app::server::{KEEP, KEPT, signed_in};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use chrono::{DateTime, Utc};
use service::Db;
use tower_sessions::{Expiry, Session, session::Error};

use super::IDLE;

/// Under this key a session keeps when its end was moved last, in seconds since 1970.
const MOVED_AT: &str = "moved_at";
/// A session is written once in this many seconds, not with every request.
const STEP: i64 = 600;

/// Moves the end of the session away from now, if it was not moved just before.
pub async fn slide(State(db): State<Db>, session: Session, request: Request, next: Next) -> Response {
    // Files have a name with a dot; they need no session, and no query for one.
    let is_file = request.uri().path().rsplit('/').next().is_some_and(|name| name.contains('.'));
    if !is_file && let Err(error) = renew(&session, db.clock().now()).await {
        tracing::debug!(%error, "A session could not be moved");
    }
    next.run(request).await
}

async fn renew(session: &Session, now: DateTime<Utc>) -> Result<(), Error> {
    if !matches!(signed_in(session).await, Ok(Some(_))) {
        return Ok(());
    }
    let moved_at: Option<i64> = session.get(MOVED_AT).await?;
    if moved_at.is_some_and(|at| now.timestamp() - at < STEP) {
        return Ok(());
    }
    let keep = session.get(KEEP).await?.unwrap_or(false);
    session.set_expiry(Some(Expiry::OnInactivity(if keep { KEPT } else { IDLE })));
    session.insert(MOVED_AT, now.timestamp()).await
}
