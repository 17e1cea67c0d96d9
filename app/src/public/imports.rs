//! The two ends of an import that are files: the upload, and the rows that were rejected.

use axum::{
    extract::{Multipart, Path, State},
    response::{IntoResponse, Redirect, Response},
};
use domain::ImportId;
use http::{header, request::Parts};
use service::{Db, Error, Result};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// Keeps the file and goes on to its columns.
pub async fn upload(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    parts: Parts,
    form: Multipart,
) -> Response {
    match keep(&db, &session, &slug, &parts, form).await {
        Ok(id) => Redirect::to(&format!("/t/{slug}/leads/import/{id}")).into_response(),
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/leads/import")),
    }
}

/// The rejected rows as a CSV file with the reason in its last column.
pub async fn rejected(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let file = async {
        let (actor, ..) = actor(&db, &session, &slug, &parts).await?;
        let mut t = db.tenant(&actor).await?;
        let id: ImportId = id.parse().map_err(|_| Error::NotFound("import"))?;
        let file = t.imports().rejected_csv(id).await?;
        t.commit().await?;
        Ok::<_, Error>(file)
    };
    match file.await {
        Ok(file) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"rejected.csv\""),
            ];
            (headers, file).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/leads")),
    }
}

async fn keep(db: &Db, session: &Session, slug: &str, parts: &Parts, form: Multipart) -> Result<ImportId> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let (name, bytes) = page::uploaded(form).await?;
    let mut t = db.tenant(&actor).await?;
    let import = t.imports().upload(&name, bytes).await?;
    t.commit().await?;
    Ok(import.id)
}
