//! Host names of the company that links lead over. A name counts once its owner has published our word, and it leads
//! here: other companies may have names that lead here, too.

use chrono::Duration;
use domain::{
    LinkHostId, Permission, Problem,
    tracking::{LinkHost, LinkHostInput, records_of},
};

use super::events::host_of;
use crate::{Db, Error, Result, Tenant, audit::Entry, error::OnConstraint, jobs::CheckLinkHost, secrets::hex};

/// How long what was found counts.
const DAILY: Duration = Duration::hours(24);
/// Host names of one company.
const MOST: i64 = 20;

/// The host names for links of the company.
#[derive(Debug)]
pub struct LinkHosts<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The host names for links of the company.
    pub fn link_hosts(&mut self) -> LinkHosts<'_> {
        LinkHosts { t: self }
    }
}

/// What a worker needs to check a host name.
#[derive(Clone, Debug)]
pub struct HostToCheck {
    /// The name.
    pub name: String,
    /// What its record must say.
    pub proof: String,
}

impl Db {
    /// What this installation tells at a host name that leads to it. Another installation tells something else.
    #[must_use]
    pub fn link_host_word(&self, host: &str) -> String {
        let hash = self.secrets().keyed_hash("link-host-here", host.to_ascii_lowercase().as_bytes());
        hex(&hash[..16])
    }

    /// The host of the installation itself.
    #[must_use]
    fn own_host(&self) -> String {
        let url = &self.settings().public_url;
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        host_of(rest.split('/').next().unwrap_or_default()).to_ascii_lowercase()
    }
}

impl LinkHosts<'_> {
    /// All of them, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self) -> Result<Vec<LinkHost>> {
        self.t.require(Permission::Read).await?;
        self.select(None).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: LinkHostId) -> Result<LinkHost> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("host name"))
    }

    /// Adds one, and queues its first check.
    ///
    /// # Errors
    /// A problem of the name; [`Error::Conflict`] when it is there already.
    pub async fn create(&mut self, input: LinkHostInput) -> Result<LinkHost> {
        self.t.require(Permission::ManageMailboxes).await?;
        let name = input.check()?;
        if name == self.t.db().own_host() {
            let words = "This is the name of the installation. Use one of your own domain.";
            return Err(Problem::field("name", "host_of_installation", words).into());
        }
        let there = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM link_hosts"#).fetch_one(self.t.conn()).await?;
        if there >= MOST {
            let words = format!("There are {MOST} host names already. Remove one that no e-mail uses any more.");
            return Err(Problem::field("name", "hosts_too_many", words).into());
        }
        let (id, now): (LinkHostId, _) = (self.t.new_id(), self.t.now());
        sqlx::query!(
            "INSERT INTO link_hosts (id, name, next_check_at, created_at) VALUES ($1, $2, $3, $3)",
            id.0,
            name,
            now
        )
        .execute(self.t.conn())
        .await
        .on_constraint("link_hosts_name_key", || {
            Error::conflict("host_taken", "This host name is in the list already.")
        })?;
        self.record("link_host.added", &name).await?;
        self.queue_check(id).await?;
        self.get(id).await
    }

    /// Checks one at once, in the background.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn request_check(&mut self, id: LinkHostId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        self.get(id).await?;
        self.queue_check(id).await
    }

    /// Removes one. Links of e-mails that were sent with it lead nowhere from then on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: LinkHostId) -> Result<()> {
        self.t.require(Permission::ManageMailboxes).await?;
        let name = sqlx::query_scalar!("DELETE FROM link_hosts WHERE id = $1 RETURNING name", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("host name"))?;
        self.record("link_host.removed", &name).await
    }

    /// The name that new e-mails use.
    pub(crate) async fn used(&mut self) -> Result<Option<String>> {
        let name =
            sqlx::query_scalar!("SELECT name FROM link_hosts WHERE passes ORDER BY created_at DESC, id DESC LIMIT 1");
        Ok(name.fetch_optional(self.t.conn()).await?)
    }

    /// What a worker needs to check one; nothing when it is gone.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn to_check(&mut self, id: LinkHostId) -> Result<Option<HostToCheck>> {
        let name = sqlx::query_scalar!("SELECT name FROM link_hosts WHERE id = $1", id.0)
            .fetch_optional(self.t.conn())
            .await?;
        Ok(name.map(|name| HostToCheck { proof: self.proof(&name), name }))
    }

    /// What a check has found, or why it could not be made; then what was found before stays.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record_check(
        &mut self,
        id: LinkHostId,
        outcome: std::result::Result<(bool, String), String>,
    ) -> Result<()> {
        let now = self.t.now();
        let (found, error) = match outcome {
            Ok(found) => (Some(found), None),
            Err(words) => (None, Some(words)),
        };
        let (passes, message) = found.unzip();
        // What fails is mended by a person who waits for it; what passes is looked at once a day.
        sqlx::query!(
            "UPDATE link_hosts SET passes = coalesce($2, passes), message = coalesce($3, message), error = $4,
                 checked_at = CASE WHEN $4::text IS NULL THEN $5 ELSE checked_at END,
                 failures = CASE WHEN $2 THEN 0 ELSE failures + 1 END,
                 next_check_at = CASE WHEN $2 THEN $6::timestamptz
                     ELSE $5::timestamptz + least(interval '10 minutes' * power(2, least(failures, 10)), interval '24 hours') END
             WHERE id = $1",
            id.0,
            passes,
            message,
            error,
            now,
            now + DAILY,
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("domains", id.0).await
    }

    async fn queue_check(&mut self, id: LinkHostId) -> Result<()> {
        let (company, now) = (self.t.actor().company(), self.t.now());
        sqlx::query!("UPDATE link_hosts SET next_check_at = $2 WHERE id = $1", id.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.enqueue(&CheckLinkHost { company, host: id }).await?;
        self.t.tell("domains", id.0).await
    }

    async fn select(&mut self, id: Option<LinkHostId>) -> Result<Vec<LinkHost>> {
        let rows = sqlx::query!(
            r#"SELECT id AS "id: LinkHostId", name, passes, message, checked_at, error, next_check_at,
                      id IS NOT DISTINCT FROM (SELECT u.id FROM link_hosts u WHERE u.passes
                                               ORDER BY u.created_at DESC, u.id DESC LIMIT 1) AS "is_used!"
               FROM link_hosts WHERE $1::uuid IS NULL OR id = $1 ORDER BY created_at DESC, id DESC"#,
            id.map(|id| id.0)
        )
        .fetch_all(self.t.conn())
        .await?;
        let own = self.t.db().own_host();
        Ok(rows
            .into_iter()
            .map(|r| LinkHost {
                id: r.id,
                publish: records_of(&r.name, &own, &self.proof(&r.name)),
                name: r.name,
                passes: r.passes,
                is_used: r.is_used,
                message: r.message,
                checked_at: r.checked_at,
                error: r.error,
                next_check_at: r.next_check_at,
            })
            .collect())
    }

    /// What only the owner of a name can publish for this company.
    fn proof(&self, name: &str) -> String {
        let value = format!("{}:{name}", self.t.actor().company());
        hex(&self.t.db().secrets().keyed_hash("link-host-owner", value.as_bytes())[..16])
    }

    async fn record(&mut self, action: &str, name: &str) -> Result<()> {
        self.t.audit().record(Entry::done(action).on(name)).await?;
        self.t.tell("domains", None).await
    }
}
