//! Figures as files, out.

use axum::{
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use domain::analytics::Period;
use http::{header, request::Parts};
use service::{Db, Error};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// Of which period.
#[derive(Debug, serde::Deserialize)]
pub struct Wanted {
    #[serde(default)]
    period: String,
}

/// The figures of agents.
pub async fn agents(
    State(db): State<Db>,
    session: Session,
    Path(slug): Path<String>,
    Query(wanted): Query<Wanted>,
    parts: Parts,
) -> Response {
    let period = Period::parse(&wanted.period).unwrap_or(Period::Month);
    let file = async {
        let (actor, ..) = actor(&db, &session, &slug, &parts).await?;
        let mut t = db.tenant(&actor).await?;
        let file = t.analytics().agents_csv(period).await?;
        t.commit().await?;
        Ok::<_, Error>(file)
    };
    match file.await {
        Ok(file) => {
            let disposition = format!("attachment; filename=\"agents-{period}.csv\"");
            let kind = "text/csv; charset=utf-8".to_owned();
            ([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], file).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/analytics/agents")),
    }
}
