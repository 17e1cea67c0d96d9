//! The database, and the one door to company data.
//!
//! The pool is private and stays so: without a [`Tenant`] there is no query on
//! company data, and without an [`Actor`] there is no tenant.

mod bootstrap;
mod health;
mod platform;
mod tenant;

use std::{sync::Arc, time::Duration};

use domain::domains::Blocklist;
use sqlx::{
    AssertSqlSafe, Connection, PgPool, Postgres, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
};

pub use sqlx::postgres::PgConnectOptions as ConnectOptions;

pub use bootstrap::{MIGRATOR, Role, bootstrap, check_app_role, is_away, migrate, migrate_down, roles_sql};
pub use health::{Health, inspect};
pub use platform::Platform;
pub use tenant::Tenant;

use crate::{Actor, Error, Result, clock::Clock, live::Hub, secrets::Secrets};

/// What every use case shares: pool, clock, keys and the settings that all processes agree on.
#[derive(Clone, Debug)]
pub struct Db(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    clock: Clock,
    secrets: Secrets,
    live: Hub,
    settings: Settings,
}

/// Settings that every process of an installation shares.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address under which people reach the installation, without a slash at the end.
    pub public_url: String,
    /// Whether the operator named a mail server for the mails of the system itself.
    pub has_mail_server: bool,
    /// Where the sandbox mail server listens, as `host:port`.
    pub sandbox_addr: String,
    /// Whether mailboxes may name hosts in private networks.
    pub allow_private_hosts: bool,
    /// The resolver that checks of domains ask; those of the machine when absent.
    pub dns_server: Option<std::net::SocketAddr>,
    /// Lists that sending domains are looked up in (RFC 5782).
    pub domain_blocklists: Vec<Blocklist>,
    /// Lists that addresses of mail servers are looked up in.
    pub address_blocklists: Vec<Blocklist>,
    /// Where it is asked since when a domain is registered (RFC 9082), without a slash at the end; nobody when absent.
    pub rdap_url: Option<String>,
    /// Programs that connectors may start, as the operator has listed them.
    pub mcp_commands: Vec<String>,
    /// Calls a key may make in a minute.
    pub api_calls_per_minute: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:3000".to_owned(),
            has_mail_server: false,
            sandbox_addr: "127.0.0.1:3025".to_owned(),
            allow_private_hosts: false,
            dns_server: None,
            domain_blocklists: Vec::new(),
            address_blocklists: Vec::new(),
            rdap_url: None,
            mcp_commands: Vec::new(),
            api_calls_per_minute: 600,
        }
    }
}

impl Settings {
    /// Whether connectors may start this program.
    #[must_use]
    pub fn allows_command(&self, command: &str) -> bool {
        self.mcp_commands.iter().any(|listed| listed == command)
    }
}

/// A connection that was idle for this long is asked whether it lives before it is used.
const RESTED: Duration = Duration::from_secs(1);

/// How many connections a process opens at most. See “Connections” in README.
#[derive(Clone, Copy, Debug)]
pub struct PoolSize(pub u32);

impl Db {
    /// Connects as the application role. The pool opens connections when they are needed, so
    /// this succeeds while the database is away.
    #[must_use]
    pub fn connect(
        options: PgConnectOptions,
        size: PoolSize,
        clock: Clock,
        secrets: Secrets,
        settings: Settings,
    ) -> Self {
        // A statement that takes half a minute is a fault, and a forgotten transaction must not
        // keep locks for ever.
        let options = options.options([
            ("statement_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("timezone", "UTC"),
        ]);
        let live = Hub::new(options.clone());
        let pool = PgPoolOptions::new()
            .max_connections(size.0)
            .acquire_timeout(Duration::from_secs(5))
            .test_before_acquire(false)
            // Asking every time would double the round trips of a page; a connection that rested
            // may have died with its server, and then another is taken.
            .before_acquire(|conn, rest| {
                Box::pin(async move { Ok(rest.idle_for < RESTED || conn.ping().await.is_ok()) })
            })
            .connect_lazy_with(options);
        Self(Arc::new(Inner { pool, clock, secrets, live, settings }))
    }

    /// Opens the data of the actor's company: a transaction in which only its rows exist.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while the database is away.
    pub async fn tenant(&self, actor: &Actor) -> Result<Tenant> {
        let tx = self.begin(&for_company(actor)).await?;
        Ok(Tenant::new(tx, actor.clone(), self.clone()))
    }

    /// The same, and every statement sees the data as they were at the first one. For what is read in many pieces
    /// and has to add up.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while the database is away.
    pub(crate) async fn snapshot(&self, actor: &Actor) -> Result<Tenant> {
        let statements = for_company(actor).replacen("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", 1);
        let tx = self.begin(&statements).await?;
        Ok(Tenant::new(tx, actor.clone(), self.clone()))
    }

    /// The needs that look across companies, each one a named method.
    #[must_use]
    pub fn platform(&self) -> Platform<'_> {
        Platform::new(self)
    }

    /// Tells the time and makes ids.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Seals, signs and derives.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// Settings that every process shares.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The hub that tells open pages what changed.
    #[must_use]
    pub fn live(&self) -> &Hub {
        &self.0.live
    }

    /// Whether the database answers.
    pub async fn is_ready(&self) -> bool {
        let ping = sqlx::query("SELECT 1").execute(&self.0.pool);
        matches!(tokio::time::timeout(Duration::from_secs(2), ping).await, Ok(Ok(_)))
    }

    /// Lets connections end; for a clean stop.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    /// Begins a transaction with `statement`. After a restart of the server every pooled connection
    /// is dead, and each says so only at its first word; one more try than there are gets a fresh one.
    pub(crate) async fn begin(&self, statement: &str) -> Result<Transaction<'static, Postgres>> {
        for _ in 0..self.pool().options().get_max_connections() {
            match self.pool().begin_with(AssertSqlSafe(statement.to_owned())).await {
                Ok(tx) => return Ok(tx),
                // No connection could be made in time: waiting again would only keep the person waiting.
                Err(error @ (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)) => return Err(error.into()),
                Err(error) => match Error::from(error) {
                    Error::Unavailable => {}
                    other => return Err(other),
                },
            }
        }
        Ok(self.pool().begin_with(AssertSqlSafe(statement.to_owned())).await?)
    }
}

/// BEGIN and the company in one round trip. The id is a UUID, so nothing can be smuggled in.
fn for_company(actor: &Actor) -> String {
    format!("BEGIN; SELECT set_config('app.company_id', '{}', true)", actor.company())
}
