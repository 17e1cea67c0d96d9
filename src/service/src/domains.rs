//! Sending domains: the domains of mailboxes, whether the DNS vouches for their e-mails, and the keys that sign them.
//! A private key is sealed on the way in and only the sender opens it.

mod checking;
mod holding;
mod key;

use domain::{
    DomainId, Permission,
    domains::{DomainInput, RecordCheck, SendingDomain, Signer, SigningInput, key_record},
};
use sqlx::types::Json;

pub use checking::ToCheck;
pub use key::SigningKey;

use crate::{Error, Result, Tenant, audit::Entry, error::OnConstraint, jobs::CheckDomain};

/// The sending domains of the company.
#[derive(Debug)]
pub struct Domains<'t> {
    pub(super) t: &'t mut Tenant,
}

impl Tenant {
    /// The sending domains of the company.
    pub fn domains(&mut self) -> Domains<'_> {
        Domains { t: self }
    }
}

impl Domains<'_> {
    /// All of them, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self) -> Result<Vec<SendingDomain>> {
        self.t.require(Permission::Read).await?;
        self.select(None).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: DomainId) -> Result<SendingDomain> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("domain"))
    }

    /// Adds a domain before it has a mailbox, and queues its first check.
    ///
    /// # Errors
    /// A problem of the name; [`Error::Conflict`] when it is there already.
    pub async fn create(&mut self, input: DomainInput) -> Result<SendingDomain> {
        self.t.require(Permission::ManageMailboxes).await?;
        let name = input.check()?;
        let (id, now): (DomainId, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO sending_domains (id, name, next_check_at, created_at) VALUES ($1, $2, $3, $3)",
            id.0,
            name,
            now
        )
        .execute(self.t.conn())
        .await
        .on_constraint("sending_domains_name_key", || {
            Error::conflict("domain_taken", "This domain is in the list already.")
        })?;
        self.record("domain.added", &name).await?;
        self.queue_check(id).await?;
        self.get(id).await
    }

    /// Says who signs the e-mails of a domain. A new key signs when its record is found; until then the one before
    /// it does, and without one before it, it signs at once: a signature that cannot be checked yet harms nobody
    /// (RFC 6376, 6.1).
    ///
    /// # Errors
    /// Problems of the input; a conflict when `version` is not the newest.
    pub async fn set_signing(
        &mut self,
        id: DomainId,
        input: SigningInput,
        version: Option<i64>,
    ) -> Result<SendingDomain> {
        self.t.require(Permission::ManageMailboxes).await?;
        let old = self.get_for_update(id, version).await?;
        let input = input.check()?;
        let made = match (input.signer, input.private_key.as_deref()) {
            (Signer::Provider, _) => None,
            (Signer::OwnKey, Some(pem)) => Some(key::read(pem)?),
            (Signer::OwnKey, None) | (Signer::NewKey, _) => Some(key::generate().await?),
        };
        let selector = input.selector.unwrap_or_else(|| key::next_selector(old.selector.as_deref()));
        if made.is_some() && old.signs && old.selector.as_deref() == Some(selector.as_str()) {
            let words = "Take another selector than that of the present key, so that both records can stand.";
            return Err(domain::Problem::field("selector", "selector_used", words).into());
        }
        let company = self.t.actor().company();
        let sealed = made.as_ref().map(|key| self.t.db().secrets().seal(company, id.0, &key.private)).transpose()?;
        sqlx::query!(
            "UPDATE sending_domains SET
                 -- The key that signs now goes on until the new one is seen; nobody takes over from a provider.
                 old_selector = CASE WHEN $3::bytea IS NULL THEN NULL
                                     WHEN key_seen_at IS NOT NULL THEN selector ELSE old_selector END,
                 old_key_sealed = CASE WHEN $3::bytea IS NULL THEN NULL
                                       WHEN key_seen_at IS NOT NULL THEN key_sealed ELSE old_key_sealed END,
                 selector = $2, key_sealed = $3, public_key = $4, key_seen_at = NULL, version = version + 1
             WHERE id = $1",
            id.0,
            selector,
            sealed,
            made.map(|key| key.public),
        )
        .execute(self.t.conn())
        .await?;
        let action = if input.signer == Signer::Provider { "domain.signed_by_provider" } else { "domain.key_set" };
        self.record(action, &old.name).await?;
        self.queue_check(id).await?;
        self.get(id).await
    }

    /// Forgets the key or the selector of a domain: its e-mails are not signed here any more.
    ///
    /// # Errors
    /// [`Error::NotFound`]; a conflict when `version` is not the newest.
    pub async fn remove_signing(&mut self, id: DomainId, version: Option<i64>) -> Result<SendingDomain> {
        self.t.require(Permission::ManageMailboxes).await?;
        let old = self.get_for_update(id, version).await?;
        sqlx::query!(
            "UPDATE sending_domains SET selector = NULL, key_sealed = NULL, public_key = NULL, key_seen_at = NULL,
                 old_selector = NULL, old_key_sealed = NULL, version = version + 1
             WHERE id = $1",
            id.0
        )
        .execute(self.t.conn())
        .await?;
        self.record("domain.key_removed", &old.name).await?;
        self.queue_check(id).await?;
        self.get(id).await
    }

    /// Checks a domain now; a worker does it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request_check(&mut self, id: DomainId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        self.get(id).await?;
        self.queue_check(id).await
    }

    /// Forgets a domain, with its key.
    ///
    /// # Errors
    /// [`Error::Conflict`] while a mailbox with a server of its own is of this domain.
    pub async fn delete(&mut self, id: DomainId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        let domain = self.get_for_update(id, None).await?;
        let used = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM mailboxes WHERE kind = 'smtp' AND split_part(address, '@', 2) = $1) AS "used!""#,
            domain.name
        )
        .fetch_one(self.t.conn())
        .await?;
        if used {
            return Err(Error::conflict("domain_used", "A mailbox is of this domain. Remove the mailbox first."));
        }
        sqlx::query!("DELETE FROM sending_domains WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.record("domain.removed", &domain.name).await
    }

    /// A mailbox has this domain, or another server: it is in the list, and checked.
    pub(crate) async fn ensure(&mut self, name: &str) -> Result<()> {
        let (new, now): (DomainId, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO sending_domains (id, name, next_check_at, created_at) VALUES ($1, $2, $3, $3)
             ON CONFLICT (company_id, name) DO NOTHING",
            new.0,
            name,
            now
        )
        .execute(self.t.conn())
        .await?;
        let id = sqlx::query_scalar!(r#"SELECT id AS "id: DomainId" FROM sending_domains WHERE name = $1"#, name)
            .fetch_one(self.t.conn())
            .await?;
        self.queue_check(id).await
    }

    async fn get_for_update(&mut self, id: DomainId, version: Option<i64>) -> Result<SendingDomain> {
        sqlx::query_scalar!("SELECT id FROM sending_domains WHERE id = $1 FOR UPDATE", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("domain"))?;
        let domain = self.get(id).await?;
        if version.is_some_and(|version| version != domain.version) {
            return Err(Error::stale());
        }
        Ok(domain)
    }

    async fn queue_check(&mut self, id: DomainId) -> Result<()> {
        let (company, now) = (self.t.actor().company(), self.t.now());
        sqlx::query!("UPDATE sending_domains SET next_check_at = $2 WHERE id = $1", id.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.enqueue(&CheckDomain { company, domain: id }).await?;
        self.t.tell("domains", id.0).await
    }

    async fn select(&mut self, id: Option<DomainId>) -> Result<Vec<SendingDomain>> {
        let rows = sqlx::query!(
            r#"SELECT d.id AS "id: DomainId", d.name, d.selector, d.public_key, d.key_seen_at,
                      d.records AS "records: Json<Vec<RecordCheck>>", d.checked_at, d.error, d.next_check_at, d.version,
                      (SELECT count(*) FROM mailboxes m WHERE split_part(m.address, '@', 2) = d.name) AS "mailboxes!"
               FROM sending_domains d WHERE $1::uuid IS NULL OR d.id = $1 ORDER BY d.name"#,
            id.map(|id| id.0)
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| SendingDomain {
                id: r.id,
                signs: r.public_key.is_some(),
                key_record: r.selector.as_deref().zip(r.public_key).map(|(at, key)| key_record(&r.name, at, &key)),
                name: r.name,
                selector: r.selector,
                key_seen_at: r.key_seen_at,
                records: r.records.0,
                checked_at: r.checked_at,
                error: r.error,
                next_check_at: r.next_check_at,
                mailboxes: r.mailboxes,
                version: r.version,
            })
            .collect())
    }

    async fn record(&mut self, action: &str, name: &str) -> Result<()> {
        self.t.audit().record(Entry::done(action).on(name)).await?;
        self.t.tell("domains", None).await
    }
}
