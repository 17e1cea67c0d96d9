//! Answers that come later from a system that a run has called. The address and its secret are made before the
//! call; whatever becomes of the worker, an answer that was taken is the outcome of the step, once.

use chrono::Duration;
use domain::{
    RunId,
    runs::{ANSWER_HOURS, Awaited, RunState, RunStepState},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Runs, step_query, work::told};
use crate::{Db, Error, Result, deliveries::Delivery, secrets};

/// What a model reads when the answer has not come.
pub(super) const NO_ANSWER: &str = "No answer came within 24 hours. The call may have been received.";

/// Where a system may answer, and what it signs its answer with.
#[derive(Debug)]
pub struct AnswerAddress {
    /// The last part of the address.
    pub id: Uuid,
    /// Signs this one answer.
    pub secret: Zeroizing<String>,
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The run has it; the same answer once more is told the same.
    By(RunId),
    /// Nobody waits for it any more.
    Late,
    /// It was not signed as it must be.
    Unsigned(&'static str),
}

impl Db {
    /// Takes the answer of a system that a run has called.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such an address; a problem of a body that is no JSON; a conflict when there is
    /// another answer already.
    pub async fn take_answer(&self, id: Uuid, delivery: Delivery<'_>) -> Result<Taken> {
        let company = self.platform().awaited_answer(id).await?.ok_or(Error::NotFound("answer"))?;
        let actor = self.platform().system_actor(company, "answers").await?;
        let mut t = self.tenant(&actor).await?;
        let taken = t.runs().take_answer(id, delivery).await?;
        t.commit().await?;
        Ok(taken)
    }
}

impl Runs<'_> {
    /// The answer that a run waits for.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn awaited(&mut self, id: RunId) -> Result<Option<Awaited>> {
        let run = self.get(id).await?;
        if run.state != RunState::WaitingTool {
            return Ok(None);
        }
        Ok(sqlx::query_as!(
            Awaited,
            "SELECT s.number AS step, a.host, a.created_at AS since, a.expires_at
             FROM awaited_answers a
             JOIN run_steps s ON s.run_id = a.run_id AND s.attempt = a.attempt AND s.key = a.step_key
             WHERE a.run_id = $1 AND a.attempt = $2 AND s.state = 'waiting'",
            id.0,
            run.attempt
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Makes an address for the answer to a step, or gives the one that was made before.
    pub(super) async fn address_of_answer(
        &mut self,
        (run, attempt): (RunId, i32),
        key: &str,
        host: &str,
    ) -> Result<AnswerAddress> {
        let (id, now, company): (Uuid, _, _) = (self.t.new_id(), self.t.now(), self.t.actor().company());
        let sealed = self.t.db().secrets().seal(company, id, &secrets::signing_secret())?;
        sqlx::query!(
            "INSERT INTO awaited_answers (id, run_id, attempt, step_key, host, secret_sealed, expires_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (company_id, run_id, attempt, step_key) DO NOTHING",
            id,
            run.0,
            attempt,
            key,
            host,
            sealed,
            now + Duration::hours(ANSWER_HOURS),
            now,
        )
        .execute(self.t.conn())
        .await?;
        let row = sqlx::query!(
            "SELECT id, secret_sealed FROM awaited_answers WHERE run_id = $1 AND attempt = $2 AND step_key = $3",
            run.0,
            attempt,
            key
        )
        .fetch_one(self.t.conn())
        .await?;
        let secret = self.t.db().secrets().open(company, row.id, &row.secret_sealed)?;
        Ok(AnswerAddress { id: row.id, secret })
    }

    /// Lets a run, which is locked, wait for the answer to a step that was begun; with one that is there already
    /// it goes on. Nothing happens, and `false` comes back, when the step has no address for an answer.
    pub(super) async fn wait_for_answer(&mut self, id: RunId, attempt: i32) -> Result<bool> {
        let awaited = sqlx::query!(
            "SELECT a.step_key, a.answer, a.expires_at
             FROM awaited_answers a
             JOIN run_steps s ON s.run_id = a.run_id AND s.attempt = a.attempt AND s.key = a.step_key
             WHERE a.run_id = $1 AND a.attempt = $2 AND s.state = 'intended'",
            id.0,
            attempt
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(awaited) = awaited else { return Ok(false) };
        let step = step_query!(
            "UPDATE run_steps SET state = 'waiting' WHERE run_id = $1 AND attempt = $2 AND key = $3 RETURNING",
            "",
            id.0,
            attempt,
            awaited.step_key,
        )
        .fetch_one(self.t.conn())
        .await?;
        if let Some(answer) = awaited.answer {
            self.go_on(id, Ok(outcome(&answer)), true).await?;
            return Ok(true);
        }
        self.emit(id, "step", told(&step)).await?;
        self.enter(id, RunState::WaitingTool, None).await?;
        sqlx::query!("UPDATE runs SET wake_at = $2 WHERE id = $1", id.0, awaited.expires_at)
            .execute(self.t.conn())
            .await?;
        Ok(true)
    }

    async fn take_answer(&mut self, id: Uuid, delivery: Delivery<'_>) -> Result<Taken> {
        let (company, now) = (self.t.actor().company(), self.t.now());
        let known =
            sqlx::query!(r#"SELECT run_id AS "run: RunId", secret_sealed FROM awaited_answers WHERE id = $1"#, id)
                .fetch_optional(self.t.conn())
                .await?
                .ok_or(Error::NotFound("answer"))?;
        let secret = self.t.db().secrets().open(company, id, &known.secret_sealed)?;
        if let Some(words) = delivery.unsigned(&secret, now) {
            return Ok(Taken::Unsigned(words));
        }
        let answer = delivery.payload()?;
        self.lock(known.run).await?;
        let row = sqlx::query!(
            r#"SELECT a.expires_at, a.body_hash, r.attempt = a.attempt AND r.finished_at IS NULL AS "open!",
                      s.state AS "step: RunStepState"
               FROM awaited_answers a JOIN runs r ON r.id = a.run_id
               JOIN run_steps s ON s.run_id = a.run_id AND s.attempt = a.attempt AND s.key = a.step_key
               WHERE a.id = $1"#,
            id
        )
        .fetch_one(self.t.conn())
        .await?;
        let hash = Sha256::digest(delivery.body).to_vec();
        match row.body_hash {
            Some(before) if before == hash => return Ok(Taken::By(known.run)),
            Some(_) => {
                return Err(Error::conflict("answer_given", "There is another answer already. The first one counts."));
            }
            None => {}
        }
        // Before the step waits its worker may not know yet that the answer comes later.
        let waits = row.step == RunStepState::Waiting;
        if !row.open || row.expires_at <= now || !(waits || row.step == RunStepState::Intended) {
            return Ok(Taken::Late);
        }
        sqlx::query!(
            "UPDATE awaited_answers SET answer = $2, body_hash = $3, answered_at = $4 WHERE id = $1",
            id,
            answer,
            hash,
            now
        )
        .execute(self.t.conn())
        .await?;
        if waits {
            self.go_on(known.run, Ok(outcome(&answer)), true).await?;
            self.admit().await?;
        }
        Ok(Taken::By(known.run))
    }
}

/// What the answer is to the agent that has called.
fn outcome(answer: &Value) -> Value {
    json!({ "answer": answer })
}
