//! The webhook that agents may call: one address of the company, and a secret that signs what is sent there
//! (Standard Webhooks).

use chrono::{DateTime, Utc};
use domain::{Permission, public_url::check_endpoint};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{Error, Result, Tenant, audit::Entry, secrets};

/// The webhook of the company.
#[derive(Debug)]
pub struct Webhooks<'t> {
    t: &'t mut Tenant,
}

/// Where agents may send something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its address.
    pub url: String,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl Tenant {
    /// The webhook that agents may call.
    pub fn webhook(&mut self) -> Webhooks<'_> {
        Webhooks { t: self }
    }
}

impl Webhooks<'_> {
    /// The webhook, if one is connected.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn find(&mut self) -> Result<Option<Webhook>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_as!(Webhook, "SELECT url, created_at FROM agent_webhooks").fetch_optional(self.t.conn()).await?)
    }

    /// Connects an address, in the place of one before it, and gives the secret that what is sent there is
    /// signed with. Nobody can read it again.
    ///
    /// # Errors
    /// A problem of the address.
    pub async fn connect(&mut self, url: &str) -> Result<String> {
        self.t.require(Permission::ManageAgents).await?;
        let url = check_endpoint(url).map_err(|problem| problem.on("url"))?;
        let (id, now, company): (Uuid, _, _) = (self.t.new_id(), self.t.now(), self.t.actor().company());
        let secret = secrets::signing_secret();
        let sealed = self.t.db().secrets().seal(company, id, &secret)?;
        sqlx::query!(
            "INSERT INTO agent_webhooks (id, url, secret_sealed, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (company_id) DO UPDATE SET id = $1, url = $2, secret_sealed = $3, created_at = $4",
            id,
            url,
            sealed,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("webhook.connected").on(url)).await?;
        Ok(secret)
    }

    /// Forgets the address.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none is connected.
    pub async fn disconnect(&mut self) -> Result<()> {
        self.t.require(Permission::ManageAgents).await?;
        let url = sqlx::query_scalar!("DELETE FROM agent_webhooks RETURNING url")
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("webhook"))?;
        self.t.audit().record(Entry::done("webhook.removed").on(url)).await
    }

    /// Address and secret. Opens the secret; only a worker calls it.
    ///
    /// # Errors
    /// Internal when the master key has changed.
    pub async fn open(&mut self) -> Result<Option<(String, Zeroizing<String>)>> {
        let row =
            sqlx::query!("SELECT id, url, secret_sealed FROM agent_webhooks").fetch_optional(self.t.conn()).await?;
        let company = self.t.actor().company();
        row.map(|row| Ok((row.url, self.t.db().secrets().open(company, row.id, &row.secret_sealed)?))).transpose()
    }
}
