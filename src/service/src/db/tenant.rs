//! The data of one company, within one transaction.

use domain::Permission;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};

use super::{Db, for_company};
use crate::{Actor, Error, Result, audit::Entry};

/// An open transaction in which only one company exists.
///
/// Nothing is kept until [`Tenant::commit`]. Each noun of the product is an accessor:
/// `t.leads().list(..)`, `t.campaigns().start(..)`.
#[derive(Debug)]
pub struct Tenant {
    tx: Transaction<'static, Postgres>,
    actor: Actor,
    db: Db,
}

impl Tenant {
    pub(super) fn new(tx: Transaction<'static, Postgres>, actor: Actor, db: Db) -> Self {
        Self { tx, actor, db }
    }

    /// Keeps what was done.
    ///
    /// # Errors
    /// When the database went away; then nothing was kept.
    pub async fn commit(self) -> Result<()> {
        Ok(self.tx.commit().await?)
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The time of this installation.
    #[must_use]
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.db.clock().now()
    }

    /// A new id.
    #[must_use]
    pub fn new_id<T: From<uuid::Uuid>>(&self) -> T {
        self.db.clock().new_id()
    }

    /// What is shared by all use cases.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Goes on only if the actor may do `permission`. After a refusal nothing of this transaction is
    /// kept but an entry in the audit log.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub async fn require(&mut self, permission: Permission) -> Result<()> {
        if self.actor.can(permission) {
            return Ok(());
        }
        // On the connection it has: denied requests that each waited for a second one could empty the pool.
        self.begin_again("ROLLBACK").await?;
        self.audit().record(Entry::denied(permission)).await?;
        self.begin_again("COMMIT").await?;
        Err(Error::Forbidden(permission))
    }

    /// Ends the transaction with `end` and begins the next one.
    async fn begin_again(&mut self, end: &'static str) -> Result<()> {
        let statements = format!("{end}; {}", for_company(&self.actor));
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(self.conn()).await?;
        Ok(())
    }

    pub(crate) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}
