//! What a model says of mails that the rules have left open. It takes nobody's place: a rule that is surer, or a
//! person, has said so before, and then the answer of the model comes too late.

use domain::{
    EmailAddress, InboundId, ThreadId,
    inbound::{Confidence, MOST_FOR_AGENTS},
    suppressions::{SuppressionReason, SuppressionTarget},
    threads::{Classified, ClassifiedBy, Effect, ThreadClass, ThreadState},
};

use super::Threads;
use crate::{Result, suppressions::Because};

/// A mail that the rules are not sure about. Its words come from outside: they are data, never instructions.
#[derive(Clone, Debug)]
pub struct Unsure {
    thread: ThreadId,
    inbound: InboundId,
    /// Its subject.
    pub subject: String,
    /// What its sender says, without what they quote.
    pub text: String,
}

impl Threads<'_> {
    /// The mail of a thread that is a question for a model; nothing when somebody has answered it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unsure(&mut self, id: ThreadId) -> Result<Option<Unsure>> {
        let row = sqlx::query!(
            r#"SELECT i.id AS "inbound: InboundId", i.subject, i.text
               FROM threads t JOIN inbound_messages i ON i.id = t.class_inbound_id
               WHERE t.id = $1 AND t.classified_by = 'rule' AND t.class_confidence = 'unsure'"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(row.map(|row| Unsure {
            thread: id,
            inbound: row.inbound,
            subject: row.subject,
            text: row.text.chars().take(MOST_FOR_AGENTS).collect(),
        }))
    }

    /// Keeps what a model has said, unless somebody has said something meanwhile. Only a model that is sure that a
    /// person wants no more e-mail puts their address on the suppression list.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn classified(&mut self, unsure: &Unsure, said: &Classified) -> Result<bool> {
        let thread = self.lock(unsure.thread).await?;
        let open = thread.by == ClassifiedBy::Rule
            && thread.confidence == Confidence::Unsure
            && thread.inbound == Some(unsure.inbound);
        if !open {
            return Ok(false);
        }
        sqlx::query!(
            "UPDATE threads SET class = $2, class_why = $3, class_confidence = $4, classified_by = 'model',
                 version = version + 1
             WHERE id = $1",
            unsure.thread.0,
            said.class.as_str(),
            said.why,
            said.confidence.as_str(),
        )
        .execute(self.t.conn())
        .await?;
        thread.tell_class(self.t, said.class).await?;
        let address = thread.from_address.as_deref().and_then(|address| EmailAddress::parse(address).ok());
        if said.class == ThreadClass::Unsubscribe
            && said.confidence == Confidence::Sure
            && let Some(address) = address
        {
            let because = Because {
                reason: SuppressionReason::Unsubscribed,
                detail: Some(&said.why),
                campaign: None,
                inbound: Some(unsure.inbound),
            };
            self.t.suppressions().suppress(&SuppressionTarget::Address(address), because).await?;
            sqlx::query!(
                "UPDATE inbound_messages SET effects = array_append(effects, $2) WHERE id = $1 AND NOT $2 = ANY(effects)",
                unsure.inbound.0,
                Effect::SuppressedAddress.as_str()
            )
            .execute(self.t.conn())
            .await?;
            self.set_state(unsure.thread, ThreadState::Done, None).await?;
        }
        self.t.tell("threads", unsure.thread.0).await?;
        Ok(true)
    }
}
