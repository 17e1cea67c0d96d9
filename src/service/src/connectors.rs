//! Connectors of the company: servers whose tools its agents may call. Secrets are sealed on the way in and
//! opened for a worker only; a command is one that the operator has listed.

mod calls;
mod sign_in;
mod tools;

use chrono::{DateTime, Utc};
use domain::{
    ConnectorId, Permission, Problem,
    connectors::{Connector, ConnectorAuth, ConnectorInput, ConnectorState, Transport, connector_of},
};
use zeroize::Zeroizing;

use crate::{Error, Result, Tenant, audit::Entry, error::OnConstraint, jobs::CheckConnector};

pub use calls::{Admission, Made};
pub use sign_in::{Led, SignIn, SignInAnswer, SignInFlow};
pub use tools::{Callable, Found, FoundTool, Listed, Offered, storable};

/// Most connectors of a company.
const MOST: i64 = 50;

/// The connectors of the company.
#[derive(Debug)]
pub struct Connectors<'t> {
    t: &'t mut Tenant,
}

/// What a worker needs to speak with a server.
#[derive(Clone, Debug)]
pub struct ReadyConnector {
    /// Id.
    pub id: ConnectorId,
    /// Its name here.
    pub name: String,
    /// How it is reached.
    pub transport: Transport,
    /// Its address.
    pub url: Option<String>,
    /// Its command.
    pub command: Option<String>,
    /// Arguments of the command.
    pub args: Vec<String>,
    /// How it knows the company.
    pub auth: ConnectorAuth,
    /// Name of the header or of the environment variable that carries the secret.
    pub secret_name: Option<String>,
    /// The secret that was entered.
    pub secret: Option<Zeroizing<String>>,
    /// The client that was entered.
    pub client_id: Option<String>,
    /// What signing in has given, as the worker wrote it.
    pub tokens: Option<Zeroizing<String>>,
    /// What its server last asked for when it refused a call.
    pub challenge: Option<String>,
    /// The revision of the protocol that it spoke last.
    pub protocol: Option<String>,
    /// Seconds that a call may take.
    pub timeout_seconds: i32,
}

impl Tenant {
    /// The connectors of the company.
    pub fn connectors(&mut self) -> Connectors<'_> {
        Connectors { t: self }
    }
}

impl Connectors<'_> {
    /// All of them, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&mut self) -> Result<Vec<Connector>> {
        self.t.require(Permission::Read).await?;
        self.select(None).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: ConnectorId) -> Result<Connector> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("connector"))
    }

    /// Sets up a connector, and queues a look at its tools. All of them are off until a person has
    /// reviewed them.
    ///
    /// # Errors
    /// Problems of the input; a conflict when the name is taken.
    pub async fn create(&mut self, input: ConnectorInput) -> Result<Connector> {
        self.t.require(Permission::ManageAgents).await?;
        let transport = input.transport;
        let input = input.check(transport, true)?;
        self.check_command(input.command.as_deref())?;
        let (id, now): (ConnectorId, _) = (self.t.new_id(), self.t.now());
        let name = input.name.unwrap_or_default();
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM connectors"#).fetch_one(self.t.conn()).await?;
        if count >= MOST {
            let words = format!("A company has at most {MOST} connectors.");
            return Err(Problem::new("connectors_too_many", words).into());
        }
        let sealed = self.seal(id, input.secret.as_deref())?;
        let auth = input.auth.unwrap_or(ConnectorAuth::None);
        // Nothing is to be found out before somebody has signed in.
        let state = if auth == ConnectorAuth::Oauth { ConnectorState::NeedsSignIn } else { ConnectorState::New };
        sqlx::query!(
            "INSERT INTO connectors (id, name, transport, url, command, args, auth, secret_name, client_id,
                                     secret_sealed, calls_per_minute, timeout_seconds, state, next_check_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif($9, ''), $10, $11, $12, $13, $14, $14)",
            id.0,
            name,
            transport.map(Transport::as_str),
            input.url,
            input.command,
            &input.args.unwrap_or_default(),
            auth.as_str(),
            input.secret_name,
            input.client_id,
            sealed,
            input.calls_per_minute.unwrap_or(60),
            input.timeout_seconds.unwrap_or(30),
            state.as_str(),
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("connectors_name_key", || name_taken(&name))?;
        self.t.audit().record(Entry::done("connector.created").on(name)).await?;
        if state == ConnectorState::New {
            self.queue_check(id).await?;
        }
        self.get(id).await
    }

    /// Changes a connector. Another address or command asks for the secret again, and what signing in has
    /// given is forgotten: they must not be sent to somebody else.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems of the input.
    pub async fn update(&mut self, id: ConnectorId, input: ConnectorInput) -> Result<Connector> {
        self.t.require(Permission::ManageAgents).await?;
        let old = self.get(id).await?;
        let fixed = [
            ("name", input.name.as_ref().is_some_and(|name| *name != old.name)),
            ("transport", input.transport.is_some_and(|transport| transport != old.transport)),
        ];
        if let Some((field, _)) = fixed.into_iter().find(|(_, other)| *other) {
            let words = "This cannot be changed, agents count on it. Set up another connector.";
            return Err(Problem::field(field, "fixed", words).into());
        }
        let input = input.check(Some(old.transport), false)?;
        self.check_command(input.command.as_deref())?;
        let auth = input.auth.unwrap_or(old.auth);
        let moved = (input.url.is_some() && input.url != old.url)
            || (input.command.is_some() && input.command != old.command)
            || input.args.as_ref().is_some_and(|args| *args != old.args);
        let other_auth = auth != old.auth;
        let needs_secret = match auth {
            ConnectorAuth::None => false,
            ConnectorAuth::Bearer | ConnectorAuth::Header => moved || other_auth,
            // The client may have none.
            ConnectorAuth::Oauth => moved && !other_auth && old.has_secret,
        };
        if needs_secret && input.secret.is_none() {
            let words = "Enter the secret again: it was given for something else.";
            return Err(Problem::field("secret", "secret_missing", words).into());
        }
        let sealed = self.seal(id, input.secret.as_deref())?;
        let other_client =
            input.client_id.as_deref().is_some_and(|client| client != old.client_id.as_deref().unwrap_or_default());
        let forgets = moved || other_auth || other_client;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE connectors SET url = coalesce($2, url), command = coalesce($3, command), args = coalesce($4, args),
                    auth = $5, secret_name = CASE WHEN $5 = 'header' THEN coalesce($6, secret_name) END,
                    client_id = CASE WHEN $5 <> 'oauth' THEN NULL WHEN $7::text IS NULL THEN client_id ELSE nullif($7, '') END,
                    secret_sealed = CASE WHEN $13 THEN $8 ELSE coalesce($8, secret_sealed) END,
                    tokens_sealed = CASE WHEN $9 THEN NULL ELSE tokens_sealed END,
                    challenge = CASE WHEN $9 THEN NULL ELSE challenge END,
                    calls_per_minute = coalesce($10, calls_per_minute), timeout_seconds = coalesce($11, timeout_seconds),
                    failures = 0, open_until = NULL, last_error = NULL, next_check_at = $12,
                    state = CASE WHEN state = 'paused' THEN state
                                 WHEN $5 = 'oauth' AND ($9 OR tokens_sealed IS NULL) THEN 'needs_sign_in' ELSE 'new' END
             WHERE id = $1",
            id.0,
            input.url,
            input.command,
            input.args.as_deref(),
            auth.as_str(),
            input.secret_name,
            input.client_id,
            sealed,
            forgets,
            input.calls_per_minute,
            input.timeout_seconds,
            now,
            other_auth,
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("connector.changed").on(old.name)).await?;
        let changed = self.get(id).await?;
        if changed.state == ConnectorState::New {
            self.queue_check(id).await?;
        }
        self.t.tell("connectors", id.0).await?;
        Ok(changed)
    }

    /// Whether agents may call it. Calls that are on their way are not stopped.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn set_paused(&mut self, id: ConnectorId, paused: bool) -> Result<Connector> {
        self.t.require(Permission::ManageAgents).await?;
        let now = self.t.now();
        let changed = sqlx::query!(
            "UPDATE connectors SET next_check_at = $3, failures = 0, open_until = NULL,
                    state = CASE WHEN $2 THEN 'paused'
                                 WHEN auth = 'oauth' AND tokens_sealed IS NULL THEN 'needs_sign_in' ELSE 'new' END
             WHERE id = $1 AND (state = 'paused') <> $2 RETURNING name, state",
            id.0,
            paused,
            now
        )
        .fetch_optional(self.t.conn())
        .await?;
        if let Some(row) = changed {
            let action = if paused { "connector.paused" } else { "connector.resumed" };
            self.t.audit().record(Entry::done(action).on(row.name)).await?;
            if row.state == ConnectorState::New.as_str() {
                self.queue_check(id).await?;
            }
            self.t.tell("connectors", id.0).await?;
        }
        self.get(id).await
    }

    /// Forgets a connector, its secrets and its log. Agents that list its tools are told that there are none.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: ConnectorId) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let name = sqlx::query_scalar!("DELETE FROM connectors WHERE id = $1 RETURNING name", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("connector"))?;
        self.t.audit().record(Entry::done("connector.deleted").on(name)).await?;
        self.t.tell("connectors", id.0).await
    }

    /// Names of the agents that list its tools.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn agents(&mut self, id: ConnectorId) -> Result<Vec<String>> {
        let name = self.get(id).await?.name;
        let uses = |tools: &[String]| tools.iter().any(|tool| connector_of(tool) == Some(&name));
        let agents = self.t.agents().list().await?;
        Ok(agents.into_iter().filter(|agent| uses(&agent.tools)).map(|agent| agent.name).collect())
    }

    /// Queues a look at the server and its tools; what comes of it appears in `state` and `last_error`.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict while it is paused or nobody has signed in.
    pub async fn request_check(&mut self, id: ConnectorId) -> Result<Connector> {
        self.t.require(Permission::ManageAgents).await?;
        match self.get(id).await?.state {
            ConnectorState::Paused => return Err(Error::conflict("connector_paused", "Resume the connector first.")),
            ConnectorState::NeedsSignIn => {
                return Err(Error::conflict("sign_in_missing", "Sign in, or enter another secret, first."));
            }
            _ => {}
        }
        self.queue_check(id).await?;
        self.get(id).await
    }

    /// Queues a look, because a worker was told that the tools have changed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn queue_check(&mut self, id: ConnectorId) -> Result<()> {
        let (company, now) = (self.t.actor().company(), self.t.now());
        sqlx::query!("UPDATE connectors SET next_check_at = $2 WHERE id = $1", id.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.enqueue(&CheckConnector { company, connector: id }).await?;
        self.t.tell("connectors", id.0).await
    }

    /// What a worker needs to speak with it. Opens its secrets; only a worker calls it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; internal when the master key has changed.
    pub async fn open(&mut self, id: ConnectorId) -> Result<ReadyConnector> {
        let row = sqlx::query!(
            r#"SELECT name, transport AS "transport: Transport", url, command, args, auth AS "auth: ConnectorAuth",
                      secret_name, secret_sealed, client_id, tokens_sealed, challenge, protocol, timeout_seconds
               FROM connectors WHERE id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("connector"))?;
        let company = self.t.actor().company();
        let opened = |sealed: Option<Vec<u8>>| {
            sealed.map(|sealed| self.t.db().secrets().open(company, id.0, &sealed)).transpose()
        };
        Ok(ReadyConnector {
            id,
            name: row.name,
            transport: row.transport,
            url: row.url,
            command: row.command,
            args: row.args,
            auth: row.auth,
            secret_name: row.secret_name,
            secret: opened(row.secret_sealed)?,
            client_id: row.client_id,
            tokens: opened(row.tokens_sealed)?,
            challenge: row.challenge,
            protocol: row.protocol,
            timeout_seconds: row.timeout_seconds,
        })
    }

    async fn select(&mut self, id: Option<ConnectorId>) -> Result<Vec<Connector>> {
        let since: DateTime<Utc> = self.t.now() - chrono::Duration::hours(24);
        Ok(sqlx::query_as!(
            Connector,
            r#"SELECT c.id AS "id: ConnectorId", c.name, c.transport AS "transport: Transport", c.url, c.command, c.args,
                      c.auth AS "auth: ConnectorAuth", c.secret_name, c.client_id,
                      c.secret_sealed IS NOT NULL AS "has_secret!", c.tokens_sealed IS NOT NULL AS "signed_in!",
                      c.state AS "state: ConnectorState", c.protocol, c.server_name, c.server_version, c.checked_at,
                      c.last_error, c.calls_per_minute, c.timeout_seconds, c.open_until,
                      t.tools AS "tools!", t.to_review AS "to_review!", l.last_call, l.calls AS "calls!",
                      l.failed AS "failed!"
               FROM connectors c
               CROSS JOIN LATERAL (
                   SELECT count(*) FILTER (WHERE state <> 'gone') AS tools,
                          count(*) FILTER (WHERE state IN ('new', 'changed')) AS to_review
                   FROM connector_tools WHERE connector_id = c.id) t
               CROSS JOIN LATERAL (
                   SELECT max(created_at) AS last_call, count(*) FILTER (WHERE created_at > $2) AS calls,
                          count(error) FILTER (WHERE created_at > $2) AS failed
                   FROM connector_calls WHERE connector_id = c.id) l
               WHERE $1::uuid IS NULL OR c.id = $1 ORDER BY c.name"#,
            id.map(|id| id.0),
            since,
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    fn check_command(&self, command: Option<&str>) -> Result<()> {
        let Some(command) = command else { return Ok(()) };
        if self.t.db().settings().allows_command(command) {
            return Ok(());
        }
        let words = "The operator of this installation has not listed this command (SALESWRIGHT_MCP_COMMANDS).";
        Err(Problem::field("command", "command_not_listed", words).into())
    }

    fn seal(&self, id: ConnectorId, secret: Option<&str>) -> Result<Option<Vec<u8>>> {
        let company = self.t.actor().company();
        secret.map(|secret| self.t.db().secrets().seal(company, id.0, secret)).transpose()
    }
}

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", format!("There is a connector “{name}” already."))
}
