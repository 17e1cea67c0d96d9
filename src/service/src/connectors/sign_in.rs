//! Signing in at the provider of a connector: a person asks for it, a worker makes the address, the browser comes
//! back with a code, a worker exchanges it. Each attempt belongs to one person and one connector, and ends.

use chrono::{DateTime, Duration, Utc};
use domain::{ConnectorId, Permission, connectors::ConnectorAuth};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Connectors;
use crate::{
    Error, Result,
    audit::Entry,
    jobs::{BeginSignIn, FinishSignIn},
    secrets::hash_token,
};

/// How long somebody may take.
const WITHIN: Duration = Duration::minutes(15);
/// How long a renewal of tokens may take.
const RENEWING: Duration = Duration::seconds(60);

/// An attempt, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Where to go; nothing until a worker has found out.
    pub url: Option<String>,
    /// Why it did not work.
    pub error: Option<String>,
    /// Whether the person has come back.
    pub answered: bool,
}

/// Where a person has to go to sign in, and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Led<'a> {
    /// The address.
    pub url: &'a str,
    /// The word that comes back with the browser.
    pub word: &'a str,
    /// What the exchange will need.
    pub flow: &'a str,
    /// What the server asks of whoever signs in.
    pub challenge: Option<&'a str>,
}

/// An attempt in the hands of a worker.
#[derive(Clone, Debug)]
pub struct SignInFlow {
    /// Its connector.
    pub connector: ConnectorId,
    /// What the worker has kept for the exchange.
    pub flow: Option<Zeroizing<String>>,
    /// What the browser brought.
    pub answer: Option<SignInAnswer>,
}

/// What a provider sends back with the browser.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignInAnswer {
    /// To be exchanged for tokens.
    pub code: String,
    /// Who the provider says it is.
    pub issuer: Option<String>,
}

impl std::fmt::Debug for SignInAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInAnswer(..)")
    }
}

impl Connectors<'_> {
    /// The attempt of whoever asks, while it is not over.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a connector.
    pub async fn sign_in(&mut self, id: ConnectorId) -> Result<Option<SignIn>> {
        self.get(id).await?;
        let (now, person) = (self.t.now(), self.t.actor().user_id());
        Ok(sqlx::query_as!(
            SignIn,
            r#"SELECT url, error, answer_sealed IS NOT NULL AS "answered!" FROM connector_sign_ins
               WHERE connector_id = $1 AND user_id = $2 AND expires_at > $3"#,
            id.0,
            person.map(|person| person.0),
            now
        )
        .fetch_optional(self.t.conn())
        .await?)
    }

    /// Begins an attempt, in the place of one before it, and gives its id.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when the server asks for no signing in, or a program asks.
    pub async fn begin_sign_in(&mut self, id: ConnectorId) -> Result<Uuid> {
        self.t.require(Permission::ManageAgents).await?;
        let connector = self.get(id).await?;
        let Some(person) = self.t.actor().user_id() else {
            return Err(Error::conflict("person_needed", "Only a person can sign in, on the page of the connector."));
        };
        if connector.auth != ConnectorAuth::Oauth {
            return Err(Error::conflict("no_sign_in", "This connector asks for no signing in."));
        }
        let (attempt, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        sqlx::query!("DELETE FROM connector_sign_ins WHERE connector_id = $1", id.0).execute(self.t.conn()).await?;
        sqlx::query!(
            "INSERT INTO connector_sign_ins (id, connector_id, user_id, expires_at, created_at) VALUES ($1, $2, $3, $4, $5)",
            attempt,
            id.0,
            person.0,
            now + WITHIN,
            now
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue(&BeginSignIn { company, attempt }).await?;
        self.t.tell("connectors", id.0).await?;
        Ok(attempt)
    }

    /// Takes what the browser brought back, if it belongs to an attempt of this very person.
    ///
    /// # Errors
    /// [`Error::NotFound`] otherwise, and when the attempt is over.
    pub async fn answer_sign_in(&mut self, word: &str, answer: Result<SignInAnswer, &str>) -> Result<ConnectorId> {
        self.t.require(Permission::ManageAgents).await?;
        let (now, company) = (self.t.now(), self.t.actor().company());
        let row = sqlx::query!(
            r#"SELECT id, connector_id AS "connector: ConnectorId" FROM connector_sign_ins
               WHERE state_hash = $1 AND user_id = $2 AND expires_at > $3 AND answer_sealed IS NULL FOR UPDATE"#,
            hash_token(word),
            self.t.actor().user_id().map(|person| person.0),
            now
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("sign-in"))?;
        match answer {
            Ok(answer) => {
                let answer = Zeroizing::new(serde_json::to_string(&answer)?);
                let sealed = self.t.db().secrets().seal(company, row.id, &answer)?;
                sqlx::query!("UPDATE connector_sign_ins SET answer_sealed = $2 WHERE id = $1", row.id, sealed)
                    .execute(self.t.conn())
                    .await?;
                self.t.enqueue(&FinishSignIn { company, attempt: row.id }).await?;
            }
            Err(words) => self.fail_sign_in(row.id, words).await?,
        }
        self.t.tell("connectors", row.connector.0).await?;
        Ok(row.connector)
    }

    /// An attempt that is not over, for a worker.
    ///
    /// # Errors
    /// Internal when the master key has changed.
    pub async fn open_sign_in(&mut self, attempt: Uuid) -> Result<Option<SignInFlow>> {
        let now: DateTime<Utc> = self.t.now();
        let row = sqlx::query!(
            r#"SELECT connector_id AS "connector: ConnectorId", flow_sealed, answer_sealed FROM connector_sign_ins
               WHERE id = $1 AND expires_at > $2 AND error IS NULL"#,
            attempt,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let company = self.t.actor().company();
        let opened = |sealed: Option<Vec<u8>>| {
            sealed.map(|sealed| self.t.db().secrets().open(company, attempt, &sealed)).transpose()
        };
        Ok(Some(SignInFlow {
            connector: row.connector,
            flow: opened(row.flow_sealed)?,
            answer: opened(row.answer_sealed)?.map(|answer| serde_json::from_str(&answer)).transpose()?,
        }))
    }

    /// Keeps where the person has to go, and what the exchange will need.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn lead_sign_in(&mut self, attempt: Uuid, led: Led<'_>) -> Result<()> {
        let company = self.t.actor().company();
        let sealed = self.t.db().secrets().seal(company, attempt, led.flow)?;
        let connector = sqlx::query_scalar!(
            "UPDATE connector_sign_ins SET url = $2, state_hash = $3, flow_sealed = $4 WHERE id = $1 RETURNING connector_id",
            attempt,
            led.url,
            hash_token(led.word),
            sealed
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(connector) = connector else { return Ok(()) };
        sqlx::query!("UPDATE connectors SET challenge = $2 WHERE id = $1", connector, led.challenge)
            .execute(self.t.conn())
            .await?;
        self.t.tell("connectors", connector).await
    }

    /// Keeps why an attempt did not work; another one can be begun.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn fail_sign_in(&mut self, attempt: Uuid, words: &str) -> Result<()> {
        let words: String = words.replace('\0', "\u{fffd}").chars().take(1_000).collect();
        let connector = sqlx::query_scalar!(
            "UPDATE connector_sign_ins SET error = $2 WHERE id = $1 RETURNING connector_id",
            attempt,
            words
        )
        .fetch_optional(self.t.conn())
        .await?;
        match connector {
            Some(connector) => self.t.tell("connectors", connector).await,
            None => Ok(()),
        }
    }

    /// Keeps what signing in has given, ends the attempt, and queues a look at the tools.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn signed_in(&mut self, attempt: Uuid, id: ConnectorId, tokens: &str) -> Result<()> {
        self.keep_tokens(id, tokens).await?;
        let name = sqlx::query_scalar!(
            "UPDATE connectors SET state = CASE WHEN state = 'paused' THEN state ELSE 'new' END, last_error = NULL,
                    failures = 0, open_until = NULL WHERE id = $1 RETURNING name",
            id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        sqlx::query!("DELETE FROM connector_sign_ins WHERE id = $1", attempt).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("connector.signed_in").on(name)).await?;
        self.queue_check(id).await
    }

    /// Whether this worker may renew the tokens; another one is at it otherwise.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin_renewal(&mut self, id: ConnectorId) -> Result<bool> {
        let now = self.t.now();
        let taken = sqlx::query!(
            "UPDATE connectors SET renewing_until = $3 WHERE id = $1 AND (renewing_until IS NULL OR renewing_until < $2)",
            id.0,
            now,
            now + RENEWING
        )
        .execute(self.t.conn())
        .await?
        .rows_affected();
        Ok(taken > 0)
    }

    /// Ends a renewal, with the new tokens if there are any.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn end_renewal(&mut self, id: ConnectorId, tokens: Option<&str>) -> Result<()> {
        if let Some(tokens) = tokens {
            self.keep_tokens(id, tokens).await?;
        }
        sqlx::query!("UPDATE connectors SET renewing_until = NULL WHERE id = $1", id.0).execute(self.t.conn()).await?;
        Ok(())
    }

    async fn keep_tokens(&mut self, id: ConnectorId, tokens: &str) -> Result<()> {
        let sealed = self.seal(id, Some(tokens))?;
        sqlx::query!("UPDATE connectors SET tokens_sealed = $2 WHERE id = $1", id.0, sealed)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }
}
