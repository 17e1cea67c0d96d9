//! Texts of the library as files, out.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{header, request::Parts};
use service::{Db, Error};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// The newest version of a text.
pub async fn export(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    let file = async {
        let (actor, ..) = actor(&db, &session, &slug, &parts).await?;
        let mut t = db.tenant(&actor).await?;
        let item = t.content().get(id.parse().map_err(|_| Error::NotFound("text"))?).await?;
        t.commit().await?;
        Ok::<_, Error>(item)
    };
    match file.await {
        Ok(item) => {
            let disposition = format!("attachment; filename=\"{}\"", item.file_name());
            let kind = "text/markdown; charset=utf-8".to_owned();
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], item.body).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/content")),
    }
}
