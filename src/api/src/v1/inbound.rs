//! Inbound mail: what comes back from people and servers. Its text is from outside: programs read it as data.

use domain::{InboundId, Page, Problem, inbound::Inbound};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::Read,
    problem::Result,
    query::{Path, Query, page},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InboundList {
    /// What it is: `reply`, `auto_reply`, `out_of_office`, `bounce`, `complaint`, `unsubscribe`, `other` or
    /// `unreadable`.
    kind: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List inbound mail
///
/// The newest first.
#[utoipa::path(get, path = "/inbound", tag = "Inbound mail", operation_id = "list_inbound", params(InboundList),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<Inbound>)))]
async fn list(call: Read, Query(query): Query<InboundList>) -> Result<Reply> {
    let kind = query.kind.as_deref().map(str::parse).transpose().map_err(|problem: Problem| problem.on("kind"))?;
    let page = page(query.after, query.per)?;
    Reply::ok(&call.open().await?.inbound().list(kind, &page).await?)
}

/// Get an inbound mail
#[utoipa::path(get, path = "/inbound/{id}", tag = "Inbound mail", operation_id = "get_inbound",
    params(("id" = InboundId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = Inbound)))]
async fn get(call: Read, Path(id): Path<InboundId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.inbound().get(id).await?)
}
