//! Texts of the library as files, out, and the files of texts, in and out.

use axum::{
    extract::{Multipart, Path, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::{ContentId, content::attachment};
use http::{header, request::Parts};
use service::{Db, Error, Result};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// What a browser may do with a file that somebody has brought: nothing but show it.
const NOTHING: &str = "default-src 'none'; sandbox";

/// The newest version of a text.
pub async fn export(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let text = async {
        let (actor, ..) = actor(&db, &session, &slug, &parts).await?;
        let mut t = db.tenant(&actor).await?;
        let item = t.content().get(content_id(&id)?).await?;
        t.commit().await?;
        Ok::<_, Error>(item)
    };
    match text.await {
        Ok(item) => {
            let kind = "text/markdown; charset=utf-8".to_owned();
            let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, attachment(&item.file_name()))];
            (headers, item.body).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/content")),
    }
}

/// The file of a text.
pub async fn file(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let file = async {
        let (actor, ..) = actor(&db, &session, &slug, &parts).await?;
        let mut t = db.tenant(&actor).await?;
        let file = t.content().file(content_id(&id)?).await?;
        t.commit().await?;
        Ok::<_, Error>(file)
    };
    match file.await {
        Ok((file, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, file.media_type),
                (header::CONTENT_DISPOSITION, attachment(&file.name)),
                (header::CONTENT_SECURITY_POLICY, NOTHING.to_owned()),
            ];
            (headers, bytes).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/content")),
    }
}

/// Gives a text a file.
pub async fn attach(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
    form: Multipart,
) -> Response {
    let own = format!("/t/{slug}/content/{id}");
    match keep(&db, &session, (&slug, &id), &parts, form).await {
        Ok(()) => Redirect::to(&format!("{own}?done=file-attached")).into_response(),
        Err(error) => page::refuse("The file was not taken", error, own),
    }
}

async fn keep(db: &Db, session: &Session, (slug, id): (&str, &str), parts: &Parts, form: Multipart) -> Result<()> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let (name, bytes) = page::uploaded(form).await?;
    let mut t = db.tenant(&actor).await?;
    t.content().attach(content_id(id)?, &name, &bytes).await?;
    t.commit().await
}

fn content_id(text: &str) -> Result<ContentId> {
    text.parse().map_err(|_| Error::NotFound("text"))
}
