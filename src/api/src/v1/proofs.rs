//! Send proofs: a file with one row for each lead of the audience, made after each pause and each end.

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{CampaignId, Page, content::attachment, ledger::SendProof};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
use crate::{door::Read, problem::Result, query::Path, reply::Reply};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(file))
}

/// List the send proofs of a campaign
///
/// One is made after each pause and each end, a moment later. Its rows are the leads of the audience, all of one
/// moment; `ledger` is counted from them. The newest files are kept, every hash is.
#[utoipa::path(get, path = "/campaigns/{id}/proofs", tag = "Campaigns", operation_id = "list_send_proofs",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<SendProof>)))]
async fn list(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().proofs(id).await?))
}

/// Download a send proof
///
/// A CSV file with the address of every lead; the `ETag` is the SHA-256 of its bytes, as in `sha256` of the list.
#[utoipa::path(get, path = "/campaigns/{id}/proofs/{number}/file", tag = "Campaigns",
    operation_id = "download_send_proof", params(("id" = CampaignId, Path), ("number" = i32, Path)),
    security(("key" = ["campaigns:run"])), responses((status = OK, body = String, content_type = "text/csv"),
        (status = CONFLICT, description = "The file is no longer kept.")))]
async fn file(call: Read, Path((id, number)): Path<(CampaignId, i32)>) -> Result<Response> {
    let proof = call.open().await?.campaigns().proof_to_read(id, number).await?;
    let caller = call.caller();
    let bytes = service::campaigns::proofs::read(caller.db.clone(), caller.actor.clone(), id, number);
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_LENGTH, proof.size.to_string()),
        (header::CONTENT_DISPOSITION, attachment(&format!("send-proof-{number}.csv"))),
        (header::ETAG, format!("\"{}\"", proof.sha256)),
    ];
    Ok((headers, Body::from_stream(bytes)).into_response())
}
