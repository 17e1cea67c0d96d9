//! What tests share: a fresh database per test, companies and people as values.
//!
//! Every test connects as the unprivileged application role, so row-level security holds in tests
//! exactly as it does in production.

mod curtain;
pub mod dns;
mod domains;
mod people;
mod template;

use std::{net::SocketAddr, ops::Deref};

use chrono::{DateTime, Utc};
use domain::domains::Blocklist;
use service::{Db, PoolSize, Settings, clock::Clock, secrets::Secrets};
use sqlx::postgres::PgConnectOptions;

pub use curtain::{
    Ending, Lock, ask_for_encryption, busy_backend, change, end_connections, endings, fates, forbid_mails_named,
    forbid_mails_to, forget_a_mail, let_leases_end, let_waits_end, lock, rows, sign_in_attempts, sign_ups,
    system_mails, take_jobs, transactions_of_mails, until_somebody_waits,
};
pub use domains::let_domains_pass;
pub use people::{PASSWORD, TestCompany, company};

/// Connections of the pool of a test.
pub const CONNECTIONS: u32 = 6;

/// A database of one test's own.
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    name: String,
    app: PgConnectOptions,
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        template::discard(std::mem::take(&mut self.name));
    }
}

impl TestDb {
    /// Another process on the same database: its own pool, hub and clock.
    #[must_use]
    pub fn second_process(&self) -> Db {
        connect(self.app.clone(), Clock::system())
    }

    /// The same database, pool and clock apart, with a sandbox mail server at `address`.
    #[must_use]
    pub fn with_sandbox(&self, address: String) -> Db {
        let settings = Settings { sandbox_addr: address, ..self.db.settings().clone() };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// The same database, for tests whose servers listen on this machine.
    #[must_use]
    pub fn with_private_hosts(&self) -> Db {
        let settings = Settings { allow_private_hosts: true, ..self.db.settings().clone() };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// The same, for tests of what others read at the address of the product.
    #[must_use]
    pub fn with_public_url(&self, url: &str) -> Db {
        let settings = Settings { allow_private_hosts: true, public_url: url.to_owned(), ..self.db.settings().clone() };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// The same database, for tests whose servers listen on this machine or are programs on it.
    #[must_use]
    pub fn with_commands(&self, commands: &[&str]) -> Db {
        let mcp_commands = commands.iter().map(ToString::to_string).collect();
        let settings = Settings { allow_private_hosts: true, mcp_commands, ..self.db.settings().clone() };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// The same database, for tests whose servers listen on this machine and whose names a server there knows.
    #[must_use]
    pub fn with_dns(&self, dns_server: SocketAddr, public_url: &str) -> Db {
        let settings = Settings {
            allow_private_hosts: true,
            dns_server: Some(dns_server),
            public_url: public_url.to_owned(),
            ..self.db.settings().clone()
        };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// The same, with a list of domains, a list of addresses, and a directory of what is registered since when.
    #[must_use]
    pub fn with_lists(&self, dns_server: SocketAddr, [domains, addresses]: [&str; 2], rdap_url: &str) -> Db {
        let settings = Settings {
            allow_private_hosts: true,
            dns_server: Some(dns_server),
            domain_blocklists: vec![Blocklist::parse(domains).expect("a list")],
            address_blocklists: vec![Blocklist::parse(addresses).expect("a list")],
            rdap_url: Some(rdap_url.to_owned()),
            ..self.db.settings().clone()
        };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// The same database, for tests of what reaches no private network.
    #[must_use]
    pub fn with_public_hosts(&self) -> Db {
        let settings = Settings { allow_private_hosts: false, ..self.db.settings().clone() };
        Db::connect(self.app.clone(), PoolSize(CONNECTIONS), self.db.clock().clone(), Secrets::new([7; 32]), settings)
    }

    /// Ends every connection to this database, as a restart of the server does.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn cut_connections(&self) {
        template::cut_connections(&self.name).await;
    }

    /// Lets nobody in until [`Self::come_back`], as a server that is stopped.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn go_away(&self) {
        template::allow_connections(&self.name, false).await;
        template::cut_connections(&self.name).await;
    }

    /// Lets everybody in again.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn come_back(&self) {
        template::allow_connections(&self.name, true).await;
    }

    /// The superuser, for tests that look behind the curtain.
    #[must_use]
    pub fn superuser(&self) -> PgConnectOptions {
        template::superuser(&self.name)
    }

    /// The owner of the schema.
    #[must_use]
    pub fn owner(&self) -> PgConnectOptions {
        template::owner(&self.name)
    }

    /// The application role.
    #[must_use]
    pub fn app(&self) -> PgConnectOptions {
        self.app.clone()
    }
}

/// A fresh database with the clock of the machine.
///
/// # Panics
/// When no PostgreSQL can be started; the message says what is missing.
pub async fn db() -> TestDb {
    fresh(Clock::system()).await
}

/// A fresh database whose clock stands at `at`; `db.clock().advance(..)` moves it.
///
/// # Panics
/// When no PostgreSQL can be started; the message says what is missing.
pub async fn db_at(at: DateTime<Utc>) -> TestDb {
    fresh(Clock::standing(at)).await
}

async fn fresh(clock: Clock) -> TestDb {
    let (name, app) = template::copy().await;
    TestDb { db: connect(app.clone(), clock), name, app }
}

fn connect(app: PgConnectOptions, clock: Clock) -> Db {
    let settings = Settings { allow_private_hosts: true, ..Settings::default() };
    Db::connect(app, PoolSize(CONNECTIONS), clock, Secrets::new([7; 32]), settings)
}
