//! The log of a campaign, out.

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use domain::{CampaignId, content::attachment};
use http::{header, request::Parts};
use service::{Actor, Db, Error, Result, campaigns::log};
use tower_sessions::Session;

use super::page;
use crate::{
    pages::{campaigns::log_filter, filters::pairs},
    server::actor,
};

/// The entries that the address asks for, as they are read: there may be many.
pub async fn file(
    State(db): State<Db>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    parts: Parts,
) -> Response {
    match find(&db, &session, (&slug, &id), &parts).await {
        Ok((actor, id)) => {
            let filter = log_filter(&pairs(parts.uri.query().unwrap_or_default()));
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (header::CONTENT_DISPOSITION, attachment("campaign-log.csv")),
            ];
            (headers, Body::from_stream(log::read(db, actor, id, filter))).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/campaigns/{id}/log")),
    }
}

async fn find(db: &Db, session: &Session, (slug, id): (&str, &str), parts: &Parts) -> Result<(Actor, CampaignId)> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let id = id.parse().map_err(|_| Error::NotFound("campaign"))?;
    let mut t = db.tenant(&actor).await?;
    t.campaigns().log_to_read(id).await?;
    t.commit().await?;
    Ok((actor, id))
}
