//! What has come with mails. Strangers have made it: files are kept by a browser and opened by none, and a mail as it was
//! sent stands in a frame that runs nothing.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use domain::content::attachment;
use http::{StatusCode, header, request::Parts};
use service::{Db, Error, Result};
use tower_sessions::Session;

use super::page;
use crate::{error::AppError, server::actor};

/// What a browser may do with the file should it open it after all.
const NOTHING: &str = "default-src 'none'; sandbox";
/// Mails are written for a white page, whatever theme their reader has chosen.
const LOOK: &str = ":root{color-scheme:light;background:white}\
    body{margin:16px;color:black;font:14px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}\
    img{max-width:100%;height:auto}";

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

/// How a mail is to be shown.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub struct Shown {
    /// `1`: with the pictures that lie on the servers of others.
    images: String,
}

/// A mail as it was sent, for the frame in its conversation.
pub async fn html(
    State(db): State<Db>,
    session: Session,
    Path((slug, mail)): Path<(String, String)>,
    Query(shown): Query<Shown>,
    parts: Parts,
) -> Response {
    let remote = shown.images == "1";
    match laid_out(&db, &session, (&slug, &mail), remote, &parts).await {
        Ok(html) => framed(StatusCode::OK, &html, remote),
        Err(error) => {
            let error = AppError::from(error);
            let words = error.message.replace('&', "&amp;").replace('<', "&lt;");
            framed(page::status(&error), &format!("<p>{words}</p>"), false)
        }
    }
}

async fn laid_out(
    db: &Db,
    session: &Session,
    (slug, mail): (&str, &str),
    remote: bool,
    parts: &Parts,
) -> Result<String> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let mail = mail.parse().map_err(|_| Error::NotFound("mail"))?;
    let mut t = db.tenant(&actor).await?;
    let html = t.threads().html(mail, remote).await?;
    t.commit().await?;
    Ok(html)
}

/// A document that runs, sends and frames nothing, and that only pages of ours may frame. Its links open elsewhere.
fn framed(status: StatusCode, body: &str, remote: bool) -> Response {
    let images = if remote { "https: data:" } else { "data:" };
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src {images}; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    let head = format!("<meta charset=\"utf-8\"><title>Mail</title><style>{LOOK}</style>");
    (status, headers, format!("<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>")).into_response()
}
