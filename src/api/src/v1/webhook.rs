//! The webhook that agents may call: one address of the company. Its secret is shown once, by the answer that
//! connects it, which is kept nowhere.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use service::{Error, webhook};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get, connect, disconnect))
}

/// Where agents may send something.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its address.
    url: String,
    /// Since when.
    created_at: DateTime<Utc>,
}

impl From<webhook::Webhook> for Webhook {
    fn from(w: webhook::Webhook) -> Self {
        Self { url: w.url, created_at: w.created_at }
    }
}

/// An address to connect.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookInput {
    /// As in `https://example.com/agents`.
    url: String,
}

/// The webhook with its secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConnectedWebhook {
    /// Its address.
    url: String,
    /// Signs what is sent there, as Standard Webhooks describes it. It is not shown again.
    secret: String,
}

/// Get the webhook
#[utoipa::path(get, path = "/webhook", tag = "Webhook", operation_id = "get_webhook",
    security(("key" = ["agents:read"])),
    responses((status = OK, body = Webhook), (status = NOT_FOUND, description = "None is connected.")))]
async fn get(call: Read) -> Result<Reply> {
    let webhook = call.open().await?.webhook().find().await?.ok_or(Error::NotFound("webhook"))?;
    Reply::ok(&Webhook::from(webhook))
}

/// Connect the webhook
///
/// In the place of one that was connected before. The answer shows a new secret, this one time.
#[utoipa::path(put, path = "/webhook", tag = "Webhook", operation_id = "connect_webhook",
    security(("key" = ["agents:write"])), request_body = WebhookInput,
    responses((status = OK, body = ConnectedWebhook)))]
async fn connect(call: Write<Json<WebhookInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let secret = work.t.webhook().connect(&input.url).await?;
    let url = work.t.webhook().find().await?.ok_or(Error::NotFound("webhook"))?.url;
    work.done_unkept(Reply::ok(&ConnectedWebhook { url, secret })?).await
}

/// Disconnect the webhook
#[utoipa::path(delete, path = "/webhook", tag = "Webhook", operation_id = "disconnect_webhook",
    security(("key" = ["agents:write"])),
    responses((status = NO_CONTENT), (status = NOT_FOUND, description = "None is connected.")))]
async fn disconnect(call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.webhook().disconnect().await?;
    work.done(Reply::nothing()).await
}
