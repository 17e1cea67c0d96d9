//! The door of the pages: from a request to a tenant, and from a change to the next page.

use axum::extract::ConnectInfo;
use domain::{
    Role, UserId,
    companies::{Membership, Person},
};
use http::{HeaderMap, request::Parts};
use leptos::prelude::*;
use service::{Actor, Db, Error, Origin, Tenant, people::USER_ID};
use tower_sessions::Session;

use crate::error::AppError;

/// Under this key a session remembers that the person asked to stay signed in.
pub const KEEP: &str = "keep";
/// How long such a session lasts without a request.
pub const KEPT: time::Duration = time::Duration::days(30);

/// The role of the person in the company that was opened last in this request.
#[derive(Clone, Copy, Debug)]
pub struct RoleHere(pub Role);

/// Opens the company with this slug for the person who is signed in.
///
/// # Errors
/// 401 when nobody is, 404 when the person does not belong to the company.
pub async fn tenant(slug: &str) -> Result<Tenant, AppError> {
    Ok(door(slug).await?.0)
}

/// The same, with who it is opened for.
///
/// # Errors
/// As [`tenant`].
pub async fn door(slug: &str) -> Result<(Tenant, Membership, Person), AppError> {
    let db = expect_context::<Db>();
    let parts = expect_context::<Parts>();
    let session = leptos_axum::extract::<Session>().await.map_err(|_| AppError::from(Error::Unauthenticated))?;
    let (actor, membership, person) = actor(&db, &session, slug, &parts).await?;
    provide_context(RoleHere(membership.role));
    Ok((db.tenant(&actor).await?, membership, person))
}

/// Who acts in a company for the person who is signed in: for doors that are no server function.
///
/// # Errors
/// As [`tenant`].
pub async fn actor(
    db: &Db,
    session: &Session,
    slug: &str,
    parts: &Parts,
) -> Result<(Actor, Membership, Person), Error> {
    let user = signed_in(session).await?.ok_or(Error::Unauthenticated)?;
    db.people().actor(user, slug, origin(parts)).await
}

/// Who is signed in.
///
/// # Errors
/// When the database is away.
pub async fn signed_in(session: &Session) -> Result<Option<UserId>, Error> {
    session.get::<UserId>(USER_ID).await.map_err(|_| Error::Unavailable)
}

/// After a change: the page at `path`, with a word about what was done. `code` is one of
/// [`crate::pages::frame::done_text`]; the text never travels.
pub fn done(path: &str, code: &str) {
    let mark = if path.contains('?') { '&' } else { '?' };
    leptos_axum::redirect(&format!("{path}{mark}done={code}"));
}

/// Where a request came from.
#[must_use]
pub fn origin(parts: &Parts) -> Origin {
    let ip = parts.extensions.get::<ConnectInfo<std::net::SocketAddr>>().map(|c| c.0.ip().to_string());
    Origin { ip, request_id: request_id(&parts.headers) }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get("x-request-id")?.to_str().ok().map(str::to_owned)
}
