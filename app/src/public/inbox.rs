//! Files that have come with mails. Strangers have made them: a browser keeps them and opens none.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use domain::content::attachment;
use http::{header, request::Parts};
use service::{Db, Error, Result};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// What a browser may do with the file should it open it after all.
const NOTHING: &str = "default-src 'none'; sandbox";

/// A file of a mail, by its place.
pub async fn file(
    State(db): State<Db>,
    session: Session,
    Path((slug, mail, place)): Path<(String, String, String)>,
    parts: Parts,
) -> Response {
    match read(&db, &session, (&slug, &mail, &place), &parts).await {
        Ok((name, bytes)) => {
            let headers = [
                // Whatever its sender calls it, nothing is shown and nothing is guessed.
                (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
                (header::CONTENT_DISPOSITION, attachment(&name)),
                (header::CONTENT_SECURITY_POLICY, NOTHING.to_owned()),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            ];
            (headers, bytes).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/inbox")),
    }
}

async fn read(
    db: &Db,
    session: &Session,
    (slug, mail, place): (&str, &str, &str),
    parts: &Parts,
) -> Result<(String, Vec<u8>)> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let unknown = || Error::NotFound("file");
    let (mail, place) = (mail.parse().map_err(|_| unknown())?, place.parse().map_err(|_| unknown())?);
    let mut t = db.tenant(&actor).await?;
    let (file, bytes) = t.threads().file(mail, place).await?;
    t.commit().await?;
    Ok((file.name, bytes))
}
