//! Deliveries of other systems to an incoming webhook (Standard Webhooks). Nothing of a delivery is read
//! before its signature was checked, and one that has started a run starts no other.

use chrono::Duration;
use domain::{
    RunId, TriggerId,
    triggers::{Event, NotStarted, TriggerKind},
};

use super::{Triggers, firing::NewFiring};
use crate::{Db, Error, Result, deliveries::Delivery};

/// Deliveries of a minute that are looked at.
const PER_MINUTE: i64 = 60;

/// What came of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// This run; the same delivery once more is answered with the same run.
    Started(RunId),
    /// None, and why.
    NotStarted(NotStarted, String),
    /// It was not signed as it must be.
    Unsigned(&'static str),
}

impl Db {
    /// Takes a delivery to an incoming webhook.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a webhook; a problem of a body that is no JSON; [`Error::TooMany`].
    pub async fn deliver(&self, hook: TriggerId, delivery: Delivery<'_>) -> Result<Answer> {
        let unknown = || Error::NotFound("webhook");
        let company = self.platform().trigger_company(hook).await?.ok_or_else(unknown)?;
        let actor = self.platform().system_actor(company, "triggers").await?;
        let mut t = self.tenant(&actor).await?;
        let answer = t.triggers().deliver(hook, delivery).await?;
        t.commit().await?;
        Ok(answer)
    }
}

impl Triggers<'_> {
    async fn deliver(&mut self, id: TriggerId, delivery: Delivery<'_>) -> Result<Answer> {
        let company = self.t.actor().company();
        let sealed = sqlx::query_scalar!("SELECT secret_sealed FROM triggers WHERE id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("webhook"))?;
        let Some(sealed) = sealed else {
            return Ok(Answer::Unsigned("This webhook has no secret yet. An admin makes it on the page of the agent."));
        };
        let secret = self.t.db().secrets().open(company, id.0, &sealed)?;
        if let Some(words) = delivery.unsigned(&secret, self.t.now()) {
            return Ok(Answer::Unsigned(words));
        }
        let payload = delivery.payload()?;
        let held = self.hold(id).await?.filter(|held| held.kind == TriggerKind::IncomingWebhook);
        let held = held.ok_or(Error::NotFound("webhook"))?;
        self.require_calm(id).await?;
        let new = NewFiring {
            cause: format!("Delivery {}", delivery.id),
            delivery: Some(delivery.id.to_owned()),
            ..NewFiring::default()
        };
        let Some(firing) = self.note(id, new).await? else {
            return self.answered_before(id, delivery.id).await;
        };
        let event = Event { payload: Some(payload), ..Event::default() };
        let outcome = self.decide(&held, &event, 1).await?;
        self.settle(firing, &outcome).await?;
        Ok(match outcome {
            Ok(run) => Answer::Started(run),
            Err((reason, detail)) => Answer::NotStarted(reason, detail.unwrap_or_else(|| reason.label().to_owned())),
        })
    }

    /// What came of the same delivery when it came first.
    async fn answered_before(&mut self, id: TriggerId, delivery: &str) -> Result<Answer> {
        let run = sqlx::query_scalar!(
            r#"SELECT run_id AS "run: RunId" FROM trigger_firings WHERE trigger_id = $1 AND delivery = $2"#,
            id.0,
            delivery
        )
        .fetch_one(self.t.conn())
        .await?;
        run.map(Answer::Started)
            .ok_or_else(|| Error::conflict("delivery_repeated", "This delivery was taken before, and its run is gone."))
    }

    /// Refuses what comes faster than anybody needs it.
    async fn require_calm(&mut self, id: TriggerId) -> Result<()> {
        let since = self.t.now() - Duration::minutes(1);
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM trigger_firings WHERE trigger_id = $1 AND at > $2"#,
            id.0,
            since
        )
        .fetch_one(self.t.conn())
        .await?;
        if count < PER_MINUTE { Ok(()) } else { Err(Error::TooMany(60)) }
    }
}
