//! What other systems deliver (Standard Webhooks): its signature is checked before anything of it is read.

use chrono::{DateTime, Duration, Utc};
use domain::Problem;
use serde_json::Value;
use standardwebhooks::Webhook;
use subtle::ConstantTimeEq;

use crate::{Result, leads};

/// How far the clock of a sender may be from ours.
const CLOCKS: Duration = Duration::minutes(5);
/// Longest id of a delivery.
const MAX_ID: usize = 200;

/// What a sender has sent.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, in seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or several, with spaces between.
    pub signatures: &'a str,
    /// The body, as it came.
    pub body: &'a [u8],
}

impl Delivery<'_> {
    /// What is wrong with its signature. The library would ask the clock of the machine.
    #[must_use]
    pub(crate) fn unsigned(&self, secret: &str, now: DateTime<Utc>) -> Option<&'static str> {
        if self.id.is_empty() || self.id.len() > MAX_ID {
            return Some("Send an id of 1 to 200 characters in webhook-id.");
        }
        let sent = self.timestamp.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        let Some(sent) = sent else { return Some("Send the time in webhook-timestamp, in seconds since 1970.") };
        if (now - sent).abs() > CLOCKS {
            return Some(
                "The time in webhook-timestamp is more than five minutes away. Set the clock, or send it anew.",
            );
        }
        let expected = Webhook::new(secret).and_then(|key| key.sign(self.id, sent.timestamp(), self.body));
        let is_right = expected.is_ok_and(|expected| {
            self.signatures.split(' ').any(|one| bool::from(one.as_bytes().ct_eq(expected.as_bytes())))
        });
        (!is_right).then_some("The signature in webhook-signature is not that of the secret and the body.")
    }

    /// Its body.
    ///
    /// # Errors
    /// A problem of a body that is no JSON, or that Postgres cannot keep.
    pub(crate) fn payload(&self) -> Result<Value> {
        let payload: Value = serde_json::from_slice(self.body)
            .map_err(|error| Problem::new("json_invalid", format!("The body must be JSON: {error}.")))?;
        if !is_storable(&payload) {
            return Err(Problem::new("text_invalid", "Remove the characters that cannot be stored.").into());
        }
        Ok(payload)
    }
}

/// Whether Postgres can keep every text in a value.
fn is_storable(value: &Value) -> bool {
    match value {
        Value::String(text) => leads::is_storable(text),
        Value::Array(list) => list.iter().all(is_storable),
        Value::Object(map) => map.iter().all(|(name, value)| leads::is_storable(name) && is_storable(value)),
        _ => true,
    }
}
