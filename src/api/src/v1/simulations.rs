//! Simulations: what a campaign is going to do, over its real leads, windows, caps and mailboxes.

use domain::{CampaignId, Page, simulation::AskedSimulation};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
use crate::{
    door::{Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, ask))
}

/// List the simulations of a campaign
///
/// The newest first; the last ten are kept. Nothing in them is random. They assume that nobody opens, clicks, answers or
/// unsubscribes, that every server takes every e-mail, that drafts are approved at once, and that what a sequence waits
/// for by a person or an agent takes a working day. After an edit, `otherwise` has the figures of other ways from the same
/// moment: without the edit, and with leads in the middle moved to it. One that has `changed` is out of date.
#[utoipa::path(get, path = "/campaigns/{id}/simulations", tag = "Campaigns", operation_id = "list_simulations",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Page<AskedSimulation>)))]
async fn list(call: Read, Path(id): Path<CampaignId>) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.campaigns().simulations(id).await?))
}

/// Simulate a campaign
///
/// A worker does it, within seconds for ten thousand leads. From the first one on, each edit makes another.
#[utoipa::path(post, path = "/campaigns/{id}/simulations", tag = "Campaigns", operation_id = "simulate_campaign",
    params(("id" = CampaignId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = ACCEPTED, body = AskedSimulation), (status = CONFLICT, description = "The campaign has ended.")))]
async fn ask(Path(id): Path<CampaignId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let asked = work.t.campaigns().ask_simulation(id).await?;
    work.done(Reply::accepted(&asked)?).await
}
