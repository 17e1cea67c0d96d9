//! The most e-mails that the recipients of one domain get.

use domain::mailboxes::RecipientLimits;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get, set))
}

/// Get the limits for the recipients of a domain
///
/// They count what leaves by all mailboxes. Addresses that anybody can have count by their provider: Gmail, Outlook.com
/// and Yahoo, under whatever domain.
#[utoipa::path(get, path = "/recipient-limits", tag = "Mailboxes", operation_id = "get_recipient_limits",
    security(("key" = ["mailboxes:read"])), responses((status = OK, body = RecipientLimits)))]
async fn get(call: Read) -> Result<Reply> {
    Reply::ok(&call.open().await?.mailboxes().limits().await?)
}

/// Set the limits for the recipients of a domain
///
/// An e-mail that finds no room stands in line, and goes when there is; its enrolment says so in `why_not_yet`.
#[utoipa::path(put, path = "/recipient-limits", tag = "Mailboxes", operation_id = "set_recipient_limits",
    security(("key" = ["mailboxes:write"])), request_body = RecipientLimits,
    responses((status = OK, body = RecipientLimits)))]
async fn set(call: Write<Json<RecipientLimits>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let limits = work.t.mailboxes().set_limits(input).await?;
    work.done(Reply::ok(&limits)?).await
}
