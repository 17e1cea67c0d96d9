//! API keys. The secret is shown once; what is kept is its hash. Every call takes one token of the
//! key's rate limit, which all processes share.

use chrono::{DateTime, Duration, Utc};
use domain::{
    ApiKeyId, CompanyId, Permission, Problem,
    companies::check_name,
    keys::{ApiKey, KEY_PREFIX, Scope},
};

use super::People;
use crate::{Actor, Error, Origin, Result, Tenant, audit::Entry, secrets};

/// Characters of a key that are kept readable, to recognise it by.
const SHOWN: usize = 14;

/// The API keys of the company.
#[derive(Debug)]
pub struct Keys<'t> {
    t: &'t mut Tenant,
}

/// A call with a key.
#[derive(Clone, Debug)]
pub struct KeyUse {
    /// The program.
    pub actor: Actor,
    /// Calls it may make in a minute.
    pub limit: u32,
    /// Calls it may make right now.
    pub remaining: u32,
    /// Seconds until the whole limit is free again.
    pub reset_seconds: i64,
}

impl Tenant {
    /// The API keys of the company.
    pub fn keys(&mut self) -> Keys<'_> {
        Keys { t: self }
    }
}

impl Keys<'_> {
    /// All keys, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right.
    pub async fn list(&mut self) -> Result<Vec<ApiKey>> {
        self.t.require(Permission::ManageKeys).await?;
        let rows = sqlx::query!(
            r#"
            SELECT k.id AS "id: ApiKeyId", k.name, k.prefix, k.scopes, u.name AS "created_by?", k.created_at,
                   k.last_used_at, k.expires_at, k.revoked_at
            FROM api_keys k LEFT JOIN users u ON u.id = k.created_by
            ORDER BY k.created_at DESC, k.id DESC
            "#
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|r| ApiKey {
                id: r.id,
                name: r.name,
                prefix: r.prefix,
                scopes: r.scopes.iter().filter_map(|s| Scope::parse(s)).collect(),
                created_by: r.created_by,
                created_at: r.created_at,
                last_used_at: r.last_used_at,
                expires_at: r.expires_at,
                revoked_at: r.revoked_at,
            })
            .collect())
    }

    /// A new key and its secret, which nobody can read again.
    ///
    /// # Errors
    /// Problems of name, scopes and expiry; a scope that its creator does not have.
    pub async fn create(
        &mut self,
        name: &str,
        scopes: &[Scope],
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<(ApiKeyId, String)> {
        self.t.require(Permission::ManageKeys).await?;
        let name = check_name(name, 100).map_err(|p| p.on("name"))?;
        if scopes.is_empty() {
            return Err(Problem::field("scopes", "scopes_missing", "Choose what the key may do.").into());
        }
        for permission in Permission::ALL {
            if scopes.iter().any(|s| s.allows(*permission)) {
                self.t.require(*permission).await?;
            }
        }
        let now = self.t.now();
        if expires_at.is_some_and(|at| at <= now || at > now + Duration::days(366)) {
            return Err(Problem::field("expires_at", "expiry_invalid", "Choose a day within a year.").into());
        }
        let (token, _) = secrets::new_token();
        let secret = format!("{KEY_PREFIX}{token}");
        let id: ApiKeyId = self.t.new_id();
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let creator = self.t.actor().user_id();
        sqlx::query!(
            "INSERT INTO api_keys (id, name, prefix, secret_hash, scopes, created_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            id.0,
            name,
            &secret[..SHOWN],
            secrets::hash_token(&secret),
            &scopes,
            creator.map(|u| u.0),
            now,
            expires_at,
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("key.created").on(name).details(scopes.join(", "))).await?;
        Ok((id, secret))
    }

    /// Ends a key, from the next call on.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn revoke(&mut self, id: ApiKeyId) -> Result<()> {
        self.t.require(Permission::ManageKeys).await?;
        let now = self.t.now();
        let name = sqlx::query_scalar!(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING name",
            id.0,
            now
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("key"))?;
        self.t.tell("keys", id.0).await?;
        self.t.audit().record(Entry::done("key.revoked").on(name)).await
    }
}

impl People<'_> {
    /// The program behind a key, if the key works and its rate limit allows another call.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`]; [`Error::TooMany`] with the seconds to wait.
    pub async fn key_actor(&self, secret: &str, origin: Origin) -> Result<KeyUse> {
        if !secret.starts_with(KEY_PREFIX) {
            return Err(Error::Unauthenticated);
        }
        let limit = self.db.settings().api_calls_per_minute.max(1);
        let every = 60.0 / f64::from(limit);
        let row = sqlx::query!(
            r#"
            SELECT k.id AS "id!: ApiKeyId", k.company_id AS "company!: CompanyId", k.name AS "name!",
                   k.scopes AS "scopes!", c.time_zone AS "time_zone!",
                   extract(epoch FROM k.wait)::float8 AS "wait!", extract(epoch FROM k.remaining)::float8 AS "remaining!"
            FROM platform_use_key($1, $2, make_interval(secs => $3), interval '1 minute') k,
                 platform_company(k.company_id) c
            "#,
            secrets::hash_token(secret),
            self.db.clock().now(),
            every,
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or(Error::Unauthenticated)?;
        if row.wait > 0.0 {
            return Err(Error::TooMany(seconds(row.wait)));
        }
        let scopes = row.scopes.iter().filter_map(|s| Scope::parse(s)).collect();
        // The database counts in whole microseconds; a hair below a whole call is a whole call.
        let remaining = seconds_floor(row.remaining / every + 0.001);
        Ok(KeyUse {
            actor: Actor::key(row.company, row.time_zone, row.id, row.name, scopes, origin),
            limit,
            remaining: u32::try_from(remaining).unwrap_or(0).min(limit),
            reset_seconds: seconds(60.0 - row.remaining),
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a number of seconds within a minute")]
fn seconds(exact: f64) -> i64 {
    exact.ceil() as i64
}

#[expect(clippy::cast_possible_truncation, reason = "at most the limit of a minute")]
fn seconds_floor(exact: f64) -> i64 {
    exact.floor() as i64
}
