//! The webhook of the company, called by an agent: signed, once, and never again by itself.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::{Db, Result, runs::RunInHand};
use standardwebhooks::Webhook;

use super::tools::{self, Trouble};
use crate::http;

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(20);

/// What is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Payload {
    /// The JSON object to send.
    payload: Map<String, Value>,
}

/// Sends it. The inner error is for the agent.
pub(super) async fn call(db: &Db, run: &RunInHand, number: i32, input: &Value) -> Result<Result<Value, String>> {
    let payload = match tools::read::<Payload>(input.clone()) {
        Ok(payload) => Value::Object(payload.payload).to_string(),
        Err(Trouble::Words(words)) => return Ok(Err(words)),
        Err(Trouble::Fault(error)) => return Err(error),
    };
    let mut t = run.tenant().await?;
    let connected = t.webhook().open().await?;
    let now = t.now().timestamp();
    t.commit().await?;
    let Some((url, secret)) = connected else {
        return Ok(Err("No webhook is connected. An admin connects one under Settings, Models.".to_owned()));
    };
    if let Err(words) = http::check(db, &url) {
        return Ok(Err(words));
    }
    // The receiver sees by the id when it gets the same twice.
    let id = format!("{}.{}.{number}", run.run().id, run.run().attempt);
    let signature = match Webhook::new(&secret).and_then(|key| key.sign(&id, now, payload.as_bytes())) {
        Ok(signature) => signature,
        Err(_) => return Ok(Err("The secret of the webhook can't be used. Connect it again.".to_owned())),
    };
    let client = http::client(db).map_err(service::Error::internal)?;
    let sent = client
        .post(url)
        .timeout(WAIT)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature)
        .body(payload)
        .send()
        .await;
    Ok(match sent {
        Ok(answer) if answer.status().is_success() => Ok(json!({ "status": answer.status().as_u16() })),
        Ok(answer) => Err(format!("The webhook answered {}.", answer.status().as_u16())),
        Err(error) if error.is_connect() => Err(format!("The webhook was not reached. {}.", http::words(&error))),
        Err(error) => Err(format!("The webhook did not answer; it may have got it. {}.", http::words(&error))),
    })
}
