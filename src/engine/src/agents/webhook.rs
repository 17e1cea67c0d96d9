//! The webhook of the company, called by an agent: signed, once, and never again by itself. The other side answers at
//! once, or later at an address that the call carries.

use std::time::Duration;

use domain::agents::Risk;
use reqwest::{StatusCode, Url, header::HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use service::{
    Db, Error, Result,
    runs::{AnswerAddress, RunInHand},
};
use standardwebhooks::Webhook;
use tokio_util::sync::CancellationToken;

use super::{
    outside,
    tools::{self, Trouble},
};
use crate::http;

/// How long an answer may take.
const WAIT: Duration = Duration::from_secs(20);

/// What is sent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Payload {
    /// The JSON object to send.
    payload: Map<String, Value>,
    /// Wait up to 24 hours for an answer, if the other side says that it answers later (status 202). What it
    /// answers is data from outside.
    #[serde(default)]
    wait_for_answer: bool,
}

/// What came of a call.
pub(super) enum Sent {
    /// It was taken.
    Done(Value),
    /// It was taken, and the answer comes later.
    AnswersLater,
    /// It was not, for the agent.
    Failed(String),
    /// Nobody can know.
    Unknown(String),
}

/// Sends it.
///
/// # Errors
/// When the database is away; a conflict when the run is to be let go of.
pub(super) async fn call(
    db: &Db,
    run: &mut RunInHand,
    number: i32,
    input: &Value,
    halt: &CancellationToken,
) -> Result<Sent> {
    let Payload { payload, wait_for_answer } = match tools::read::<Payload>(input.clone()) {
        Ok(payload) => payload,
        Err(Trouble::Words(words)) => return Ok(Sent::Failed(words)),
        Err(Trouble::Fault(error)) => return Err(error),
    };
    let payload = Value::Object(payload).to_string();
    let mut t = run.tenant().await?;
    let connected = t.webhook().open().await?;
    let now = t.now().timestamp();
    t.commit().await?;
    let Some((url, secret)) = connected else {
        let words = "No webhook is connected. An admin connects one under Settings, Models.";
        return Ok(Sent::Failed(words.to_owned()));
    };
    if let Err(words) = http::check(db, &url) {
        return Ok(Sent::Failed(words));
    }
    // The receiver sees by the id when it gets the same twice.
    let id = format!("{}.{}.{number}", run.run().id, run.run().attempt);
    let signature = match Webhook::new(&secret).and_then(|key| key.sign(&id, now, payload.as_bytes())) {
        Ok(signature) => signature,
        Err(_) => return Ok(Sent::Failed("The secret of the webhook can't be used. Connect it again.".to_owned())),
    };
    let client = http::client(db).map_err(Error::internal)?;
    let mut request = client
        .post(&url)
        .timeout(WAIT)
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature)
        .body(payload);
    if wait_for_answer {
        let host = Url::parse(&url).ok().and_then(|url| url.host_str().map(ToOwned::to_owned)).unwrap_or_default();
        let AnswerAddress { id, secret } = run.address_of_answer(number, &host).await?;
        let mut secret = HeaderValue::from_str(&secret).map_err(Error::internal)?;
        secret.set_sensitive(true);
        request = request
            .header("webhook-callback", format!("{}/hooks/answers/{id}", db.settings().public_url))
            .header("webhook-callback-secret", secret);
    }
    let pulse = run.pulse();
    Ok(match outside(request.send(), Risk::Unsafe, &pulse, halt).await? {
        Ok(answer) if wait_for_answer && answer.status() == StatusCode::ACCEPTED => Sent::AnswersLater,
        Ok(answer) if answer.status().is_success() => Sent::Done(json!({ "status": answer.status().as_u16() })),
        Ok(answer) => Sent::Failed(format!("The webhook answered {}.", answer.status().as_u16())),
        Err(error) if error.is_connect() => {
            Sent::Failed(format!("The webhook was not reached. {}.", http::words(&error)))
        }
        // It has an address to answer at, and says by that what happened.
        Err(_) if wait_for_answer => Sent::AnswersLater,
        Err(error) => Sent::Unknown(format!("The webhook did not answer. {}.", http::words(&error))),
    })
}
