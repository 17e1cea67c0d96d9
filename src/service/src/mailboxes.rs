//! Mailboxes: the addresses that e-mails leave from. Passwords are sealed on the way in and only
//! the sender opens them.

mod health;
mod limits;
mod test;
mod turn;
mod used_by;

use std::collections::HashMap;

pub(crate) use health::CameBack;
pub use used_by::UsedBy;

use domain::{
    DomainId, EmailAddress, MailboxId, Permission, Problem,
    campaigns::PausedBy,
    mailboxes::{
        BOUNCE_WINDOW, COMPLAINT_WINDOW, ConnectionTest, Health, Mailbox, MailboxInput, MailboxKind, MailboxState,
        Security, TOKEN, return_path,
    },
};
use sqlx::types::Json;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Db, Error, Result, Tenant, audit::Entry, domains::SigningKey, error::OnConstraint, jobs::TestMailbox};

/// E-mails in 24 hours of a new mailbox with a server of the company's own.
const NEW_CAP: i32 = 50;
/// Seconds between two e-mails of such a mailbox, at least and at most.
const NEW_GAPS: (i32, i32) = (60, 300);
/// The sandbox mails nobody, so it may be quick.
const SANDBOX_CAP: i32 = 10_000;

/// What return paths of their own are signed for.
pub(crate) const RETURN_PATH: &str = "return-path";

/// The mailboxes of the company.
#[derive(Debug)]
pub struct Mailboxes<'t> {
    pub(super) t: &'t mut Tenant,
}

/// What the sender needs to sign in.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What stands behind it.
    pub kind: MailboxKind,
    /// Name that recipients read.
    pub from_name: String,
    /// Address that recipients read.
    pub address: EmailAddress,
    /// Host of its server.
    pub host: String,
    /// Port of its server.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Name and password, when it signs in.
    pub sign_in: Option<(String, Zeroizing<String>)>,
    /// The key that its e-mails are signed with, when its domain has one here.
    pub signing: Option<SigningKey>,
    /// Whether each e-mail has a return path of its own.
    pub own_return_paths: bool,
}

impl Connection {
    /// The return path of an e-mail: its own where the mailbox has such, else the address.
    #[must_use]
    pub fn return_path(&self, db: &Db, e_mail: Uuid) -> String {
        let token = self.own_return_paths.then(|| db.secrets().address_token(RETURN_PATH, e_mail));
        token.and_then(|token| return_path(&self.address, &token)).unwrap_or_else(|| self.address.to_string())
    }
}

impl Tenant {
    /// The mailboxes of the company.
    pub fn mailboxes(&mut self) -> Mailboxes<'_> {
        Mailboxes { t: self }
    }
}

impl Mailboxes<'_> {
    /// All of them, by address.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self) -> Result<Vec<Mailbox>> {
        self.t.require(Permission::Read).await?;
        self.select(None).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: MailboxId) -> Result<Mailbox> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("mailbox"))
    }

    /// E-mails handed over in the last 24 hours, and the most there may be.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn usage_today(&mut self) -> Result<(i64, i64)> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"SELECT coalesce(sum(mailbox_used(id, $1)), 0)::bigint AS "sent!",
                      coalesce(sum(mailbox_cap(daily_cap, ramp_from, $1)), 0)::bigint AS "cap!"
               FROM mailboxes WHERE state <> 'paused'"#,
            now
        )
        .fetch_one(self.t.conn())
        .await?;
        Ok((row.sent, row.cap))
    }

    /// E-mails that each mailbox has handed over in the last 24 hours.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn used(&mut self) -> Result<HashMap<MailboxId, i64>> {
        self.t.require(Permission::Read).await?;
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"SELECT id AS "id: MailboxId", mailbox_used(id, $1)::bigint AS "used!" FROM mailboxes"#,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.used)).collect())
    }

    /// Connects a mailbox and queues the test of its connection.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Conflict`] when the address is connected already.
    pub async fn create(&mut self, input: MailboxInput) -> Result<Mailbox> {
        self.t.require(Permission::ManageMailboxes).await?;
        let input = input.check(true)?;
        has_room(input.own_return_paths == Some(true), input.address.as_deref())?;
        let id: MailboxId = self.t.new_id();
        let kind = input.kind.unwrap_or(MailboxKind::Smtp);
        let server = match kind {
            MailboxKind::Sandbox => self.sandbox_server(id)?,
            MailboxKind::Smtp => Server {
                host: input.host.clone().unwrap_or_default(),
                port: input.port.unwrap_or(587),
                security: input.security.unwrap_or(Security::StartTls),
                username: input.username.clone(),
                password: input.password.clone(),
            },
        };
        let sealed = self.seal(id, server.password.as_deref())?;
        let (cap, (gap, longest)) = match kind {
            MailboxKind::Sandbox => (SANDBOX_CAP, (0, 0)),
            MailboxKind::Smtp => (NEW_CAP, NEW_GAPS),
        };
        let gap_max = input.longest_gap(longest);
        let ramp_from = input.ramp.unwrap_or(kind == MailboxKind::Smtp).then(|| self.t.now());
        sqlx::query!(
            "INSERT INTO mailboxes (id, kind, from_name, address, host, port, security, username, password_sealed,
                                    daily_cap, gap_seconds, gap_max_seconds, ramp_from, own_return_paths)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            id.0,
            kind.as_str(),
            input.from_name,
            input.address,
            server.host,
            server.port,
            server.security.as_str(),
            server.username,
            sealed,
            input.daily_cap.unwrap_or(cap),
            input.gap_seconds.unwrap_or(gap).min(gap_max),
            gap_max,
            ramp_from,
            input.own_return_paths.unwrap_or(false),
        )
        .execute(self.t.conn())
        .await
        .on_constraint("mailboxes_address_key", address_taken)?;
        self.record("mailbox.connected", input.address.as_deref().unwrap_or_default()).await?;
        self.request_test(id).await?;
        let mailbox = self.get(id).await?;
        if kind == MailboxKind::Smtp {
            self.t.domains().ensure(mailbox.address.domain()).await?;
        }
        Ok(mailbox)
    }

    /// Changes a mailbox. What is absent stays; a new server or password is tested again. A password
    /// belongs to the server it was entered for, so with another one it is asked for.
    ///
    /// # Errors
    /// Problems of the input; a conflict when `version` is not the newest.
    pub async fn update(&mut self, id: MailboxId, input: MailboxInput, version: Option<i64>) -> Result<Mailbox> {
        self.t.require(Permission::ManageMailboxes).await?;
        let has_password = sqlx::query_scalar!(
            r#"SELECT password_sealed IS NOT NULL AS "has_password!" FROM mailboxes WHERE id = $1 FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("mailbox"))?;
        let old = self.get(id).await?;
        if version.is_some_and(|v| v != old.version) {
            return Err(Error::stale());
        }
        if input.kind.is_some_and(|kind| kind != old.kind) {
            return Err(Problem::field("kind", "kind_fixed", "A mailbox stays what it is. Connect a new one.").into());
        }
        let input = input.check(false)?;
        let own_paths = input.own_return_paths.unwrap_or(old.own_return_paths);
        has_room(own_paths, input.address.as_deref().or(Some(old.address.as_str())))?;
        let own_server = old.kind == MailboxKind::Smtp;
        let sealed = match input.password.as_deref().filter(|p| own_server && !p.is_empty()) {
            Some(password) => self.seal(id, Some(password))?,
            None => None,
        };
        let moved = own_server
            && (input.host.as_ref().is_some_and(|host| *host != old.host)
                || input.port.is_some_and(|port| port != old.port)
                || input.security.is_some_and(|security| security != old.security));
        if moved && has_password && sealed.is_none() {
            return Err(Problem::field(
                "password",
                "password_missing",
                "Enter the password again. The stored one is used only with the server it was entered for.",
            )
            .into());
        }
        let server_changed = own_server && (moved || input.username.is_some() || sealed.is_some());
        let gap_max = input.longest_gap(old.gap_max_seconds);
        if gap_max < input.gap_seconds.unwrap_or(old.gap_seconds) {
            let words = "Use at least the shortest gap.";
            return Err(Problem::field("gap_max_seconds", "number_invalid", words).into());
        }
        sqlx::query!(
            "UPDATE mailboxes SET
                 from_name = coalesce($2, from_name),
                 address = coalesce($3, address),
                 host = CASE WHEN $4 THEN coalesce($5, host) ELSE host END,
                 port = CASE WHEN $4 THEN coalesce($6, port) ELSE port END,
                 security = CASE WHEN $4 THEN coalesce($7, security) ELSE security END,
                 username = CASE WHEN $4 THEN coalesce($8, username) ELSE username END,
                 password_sealed = coalesce($9, password_sealed),
                 daily_cap = coalesce($10, daily_cap),
                 gap_seconds = coalesce($11, gap_seconds),
                 gap_max_seconds = $13,
                 ramp_from = CASE $14::bool WHEN true THEN coalesce(ramp_from, $12) WHEN false THEN NULL ELSE ramp_from END,
                 own_return_paths = coalesce($15, own_return_paths),
                 updated_at = $12, version = version + 1
             WHERE id = $1",
            id.0,
            input.from_name,
            input.address,
            own_server,
            input.host,
            input.port,
            input.security.map(Security::as_str),
            input.username,
            sealed,
            input.daily_cap,
            input.gap_seconds,
            self.t.now(),
            gap_max,
            input.ramp,
            input.own_return_paths,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("mailboxes_address_key", address_taken)?;
        self.start_over(id).await?;
        self.record("mailbox.changed", old.address.as_str()).await?;
        if server_changed || input.own_return_paths.is_some_and(|own| own != old.own_return_paths) {
            self.request_test(id).await?;
        }
        let mailbox = self.get(id).await?;
        if own_server && (moved || mailbox.address != old.address) {
            self.t.domains().ensure(mailbox.address.domain()).await?;
        }
        Ok(mailbox)
    }

    /// Sends nothing from it until it is reconnected.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn pause(&mut self, id: MailboxId) -> Result<Mailbox> {
        self.t.require(Permission::ManageMailboxes).await?;
        let mailbox = self.get(id).await?;
        self.set_state(id, MailboxState::Paused, None).await?;
        self.record("mailbox.paused", mailbox.address.as_str()).await?;
        self.get(id).await
    }

    /// Sends from it again, and tests its connection. What came back so far does not count any more.
    ///
    /// # Errors
    /// [`Error::NotFound`]; refused without the acknowledgement that a pause by the system needs.
    pub async fn reconnect(&mut self, id: MailboxId, acknowledged: bool) -> Result<Mailbox> {
        self.t.require(Permission::ManageMailboxes).await?;
        sqlx::query!("SELECT id FROM mailboxes WHERE id = $1 FOR UPDATE", id.0).fetch_optional(self.t.conn()).await?;
        let mailbox = self.get(id).await?;
        if mailbox.paused_by == Some(PausedBy::System) {
            self.resume(&mailbox, acknowledged).await?;
        }
        self.set_state(id, MailboxState::Connected, None).await?;
        self.start_over(id).await?;
        self.record("mailbox.reconnected", mailbox.address.as_str()).await?;
        self.request_test(id).await?;
        self.get(id).await
    }

    /// Forgets a mailbox that has sent nothing; others can be paused.
    ///
    /// # Errors
    /// [`Error::Conflict`] when e-mails name it, because the ledger keeps them.
    pub async fn delete(&mut self, id: MailboxId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        let mailbox = self.get(id).await?;
        sqlx::query!("DELETE FROM mailboxes WHERE id = $1", id.0)
            .execute(self.t.conn())
            .await
            .on_constraint("messages_company_id_mailbox_id_fkey", || {
                Error::conflict("mailbox_used", "E-mails of campaigns name this mailbox. Pause it instead.")
            })?;
        self.record("mailbox.removed", mailbox.address.as_str()).await
    }

    /// Queues a test of the connection; its outcome appears in `test`, `state`, `last_error` and `checked_at`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request_test(&mut self, id: MailboxId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        let mailbox = self.get(id).await?;
        let company = self.t.actor().company();
        self.t.enqueue(&TestMailbox { company, mailbox: mailbox.id }).await
    }

    /// What a worker needs to sign in. Opens the password; nobody else calls it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; internal when the master key has changed.
    pub async fn connection(&mut self, id: MailboxId) -> Result<Connection> {
        let row = sqlx::query!(
            r#"SELECT m.kind AS "kind: MailboxKind", m.from_name, m.address AS "address: EmailAddress", m.host, m.port,
                      m.security AS "security: Security", m.username, m.password_sealed, m.own_return_paths,
                      d.id AS "domain?: DomainId",
                      coalesce(d.old_selector, d.selector) AS selector,
                      coalesce(d.old_key_sealed, d.key_sealed) AS key_sealed
               FROM mailboxes m LEFT JOIN sending_domains d ON d.name = split_part(m.address, '@', 2)
               WHERE m.id = $1"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("mailbox"))?;
        let company = self.t.actor().company();
        let sign_in = match (row.username, row.password_sealed) {
            (Some(username), Some(sealed)) => Some((username, self.t.db().secrets().open(company, id.0, &sealed)?)),
            _ => None,
        };
        let signing = match (row.domain, row.selector, row.key_sealed) {
            (Some(id), Some(selector), Some(sealed)) => Some(SigningKey {
                domain: row.address.domain().to_owned(),
                selector,
                private: self.t.db().secrets().open(company, id.0, &sealed)?,
            }),
            _ => None,
        };
        // The sandbox may have moved to another port since the mailbox was made.
        let (host, port) = match row.kind {
            MailboxKind::Sandbox => self.sandbox_host()?,
            MailboxKind::Smtp => (row.host, row.port),
        };
        Ok(Connection {
            kind: row.kind,
            from_name: row.from_name,
            address: row.address,
            host,
            port: u16::try_from(port).map_err(Error::internal)?,
            security: row.security,
            sign_in,
            signing,
            own_return_paths: row.own_return_paths,
        })
    }

    /// Holds up a mailbox, or lets it go on. What a fault does to one that a person has paused is to
    /// leave its words: only a person ends a pause.
    pub(crate) async fn set_state(&mut self, id: MailboxId, state: MailboxState, error: Option<&str>) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE mailboxes SET state = CASE WHEN state = 'paused' AND $2 = 'reconnect' THEN state ELSE $2 END,
                 paused_by = CASE $2 WHEN 'paused' THEN coalesce(paused_by, 'person') WHEN 'reconnect' THEN paused_by END,
                 pause_reason = CASE WHEN $2 <> 'connected' THEN pause_reason END,
                 last_error = $3, failures = 0, updated_at = $4, version = version + 1
             WHERE id = $1 AND (state <> $2 OR last_error IS DISTINCT FROM $3)",
            id.0,
            state.as_str(),
            error,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", id.0).await
    }

    async fn select(&mut self, id: Option<MailboxId>) -> Result<Vec<Mailbox>> {
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"
            SELECT m.id AS "id: MailboxId", m.kind AS "kind: MailboxKind", m.from_name,
                   m.address AS "address: EmailAddress", m.host, m.port, m.security AS "security: Security", m.username,
                   m.state AS "state: MailboxState", m.last_error, m.paused_by AS "paused_by: PausedBy", m.pause_reason,
                   m.daily_cap, m.ramp_from IS NOT NULL AS "ramp!", m.gap_seconds, m.gap_max_seconds, m.own_return_paths,
                   mailbox_cap(m.daily_cap, m.ramp_from, $2) AS "cap_now!", mailbox_used(m.id, $2) AS "sent_24h!",
                   m.next_send_at, m.checked_at, m.test AS "test: Json<ConnectionTest>", m.version, h.sent AS "sent!", h.bounced AS "bounced!",
                   h.complained AS "complained!"
            FROM mailboxes m CROSS JOIN LATERAL mailbox_health(m.id, m.healthy_from, $3, $4) h
            WHERE $1::uuid IS NULL OR m.id = $1
            ORDER BY m.address
            "#,
            id.map(|id| id.0),
            now,
            BOUNCE_WINDOW,
            COMPLAINT_WINDOW,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| Mailbox {
                id: r.id,
                kind: r.kind,
                from_name: r.from_name,
                address: r.address,
                host: r.host,
                port: r.port,
                security: r.security,
                username: r.username,
                state: r.state,
                last_error: r.last_error,
                paused_by: r.paused_by,
                pause_reason: r.pause_reason,
                health: Health { sent: r.sent, bounced: r.bounced, complained: r.complained },
                daily_cap: r.daily_cap,
                ramp: r.ramp,
                cap_now: r.cap_now,
                gap_seconds: r.gap_seconds,
                gap_max_seconds: r.gap_max_seconds,
                own_return_paths: r.own_return_paths,
                sent_24h: r.sent_24h,
                next_send_at: r.next_send_at,
                checked_at: r.checked_at,
                test: r.test.map(|test| test.0),
                version: r.version,
            })
            .collect())
    }

    fn sandbox_server(&self, id: MailboxId) -> Result<Server> {
        let (host, port) = self.sandbox_host()?;
        let username = format!("mailbox-{id}");
        let password = self.t.db().secrets().derived_password(&username);
        Ok(Server { host, port, security: Security::None, username: Some(username), password: Some(password) })
    }

    fn sandbox_host(&self) -> Result<(String, i32)> {
        let addr = &self.t.db().settings().sandbox_addr;
        let parsed = addr.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        parsed.ok_or_else(|| Error::internal(anyhow::anyhow!("the sandbox address {addr} is not host:port")))
    }

    fn seal(&self, id: MailboxId, password: Option<&str>) -> Result<Option<Vec<u8>>> {
        let company = self.t.actor().company();
        password.map(|p| self.t.db().secrets().seal(company, id.0, p)).transpose()
    }

    async fn record(&mut self, action: &str, address: &str) -> Result<()> {
        self.t.audit().record(Entry::done(action).on(address)).await?;
        self.t.tell("mailboxes", None).await
    }
}

struct Server {
    host: String,
    port: i32,
    security: Security,
    username: Option<String>,
    password: Option<String>,
}

fn address_taken() -> Error {
    Error::conflict("address_taken", "This address is connected already.")
}

/// Return paths of their own need room in the local part of the address.
fn has_room(own_return_paths: bool, address: Option<&str>) -> Result<()> {
    let address = address.and_then(|address| EmailAddress::parse(address).ok());
    let fits = address.is_none_or(|address| return_path(&address, &"x".repeat(TOKEN)).is_some());
    if own_return_paths && !fits {
        let words = "A return path of its own needs an address with at most 31 characters before the @. Switch it off.";
        return Err(Problem::field("own_return_paths", "address_long", words).into());
    }
    Ok(())
}
