//! Send proofs, out.

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use domain::{CampaignId, content::attachment, ledger::SendProof};
use http::{header, request::Parts};
use service::{Actor, Db, Error, Result, campaigns::proofs};
use tower_sessions::Session;

use super::page;
use crate::server::actor;

/// The file of a proof, as it is read: it may be long.
pub async fn file(
    State(db): State<Db>,
    session: Session,
    Path((slug, id, number)): Path<(String, String, String)>,
    parts: Parts,
) -> Response {
    match find(&db, &session, (&slug, &id, &number), &parts).await {
        Ok((actor, id, proof)) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
                (header::CONTENT_LENGTH, proof.size.to_string()),
                (header::CONTENT_DISPOSITION, attachment(&format!("send-proof-{}.csv", proof.number))),
                (header::ETAG, format!("\"{}\"", proof.sha256)),
            ];
            (headers, Body::from_stream(proofs::read(db, actor, id, proof.number))).into_response()
        }
        Err(error) => page::refuse("This did not work", error, format!("/t/{slug}/campaigns/{id}/proofs")),
    }
}

async fn find(
    db: &Db,
    session: &Session,
    (slug, id, number): (&str, &str, &str),
    parts: &Parts,
) -> Result<(Actor, CampaignId, SendProof)> {
    let (actor, ..) = actor(db, session, slug, parts).await?;
    let unknown = || Error::NotFound("proof");
    let (id, number) = (id.parse().map_err(|_| unknown())?, number.parse().map_err(|_| unknown())?);
    let mut t = db.tenant(&actor).await?;
    let proof = t.campaigns().proof_to_read(id, number).await?;
    t.commit().await?;
    Ok((actor, id, proof))
}
