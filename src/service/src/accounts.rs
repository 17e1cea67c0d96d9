//! Accounts: the firms that leads work for. A change that shows in its leads, name or size, is
//! written to them in the same transaction.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    AccountId, Page, PageRequest, Permission, Problem,
    accounts::{Account, AccountFilter, AccountInput},
};

use crate::{Error, Result, Tenant, audit::Entry, cursor, error::OnConstraint, leads::is_storable};

/// The accounts of the company.
#[derive(Debug)]
pub struct Accounts<'t> {
    t: &'t mut Tenant,
}

/// What a lead takes over from its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Firm {
    /// Id.
    pub id: AccountId,
    /// Name.
    pub name: String,
    /// Number of employees.
    pub employees: Option<i32>,
}

impl Tenant {
    /// The accounts of the company.
    pub fn accounts(&mut self) -> Accounts<'_> {
        Accounts { t: self }
    }
}

impl Accounts<'_> {
    /// The accounts by name, a page at a time, forwards.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self, filter: &AccountFilter, page: &PageRequest) -> Result<Page<Account>> {
        self.t.require(Permission::Read).await?;
        let limit = page.limit();
        let after = page.after.as_deref().map(name_after).transpose()?;
        let rows = sqlx::query!(
            r#"
            WITH page AS MATERIALIZED (
                SELECT * FROM accounts
                WHERE ($1::text IS NULL OR strpos(name_key, lower($1)) > 0 OR strpos(domain, lower($1)) > 0)
                  AND ($2::text IS NULL OR name_key > $2)
                ORDER BY name_key
                LIMIT $3
            )
            SELECT a.id AS "id: AccountId", a.name, a.name_key, a.domain, a.industry, a.employees, a.country,
                   f.leads AS "leads!", f.best_score, a.created_at, a.updated_at, a.version
            FROM page a
            CROSS JOIN LATERAL (
                SELECT count(*) AS leads, max(l.score) AS best_score FROM leads l WHERE l.account_id = a.id
            ) f
            ORDER BY a.name_key
            "#,
            filter.q.as_deref().map(str::trim).filter(|q| !q.is_empty() && is_storable(q)),
            after,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        let page = Page::from_rows(rows, limit, false, false, |row| URL_SAFE_NO_PAD.encode(&row.name_key));
        Ok(page.map(|row| Account {
            id: row.id,
            name: row.name,
            domain: row.domain,
            industry: row.industry,
            employees: row.employees,
            country: row.country,
            leads: row.leads,
            best_score: row.best_score,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }))
    }

    /// One account.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: AccountId) -> Result<Account> {
        self.t.require(Permission::Read).await?;
        sqlx::query_as!(
            Account,
            r#"
            SELECT a.id AS "id: AccountId", a.name, a.domain, a.industry, a.employees, a.country,
                   f.leads AS "leads!", f.best_score, a.created_at, a.updated_at, a.version
            FROM accounts a
            CROSS JOIN LATERAL (
                SELECT count(*) AS leads, max(l.score) AS best_score FROM leads l WHERE l.account_id = a.id
            ) f
            WHERE a.id = $1
            "#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("account"))
    }

    /// A new account.
    ///
    /// # Errors
    /// Problems of the input; [`Error::Conflict`] when the name is taken.
    pub async fn create(&mut self, input: AccountInput) -> Result<Account> {
        self.t.require(Permission::EditLeads).await?;
        let input = check(input)?;
        let id: AccountId = self.t.new_id();
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO accounts (id, name, domain, industry, employees, country, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            id.0,
            input.name,
            input.domain,
            input.industry,
            input.employees,
            input.country,
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("accounts_name_key", || name_taken(&input.name))?;
        self.t.tell("accounts", id.0).await?;
        self.get(id).await
    }

    /// Replaces what was entered about an account.
    ///
    /// # Errors
    /// Problems of the input; a conflict when `version` is not the newest or the name is taken.
    pub async fn update(&mut self, id: AccountId, input: AccountInput, version: Option<i64>) -> Result<Account> {
        self.t.require(Permission::EditLeads).await?;
        let old = self.lock(id).await?;
        if version.is_some_and(|v| v != old.version) {
            return Err(Error::stale());
        }
        let input = check(input)?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE accounts
             SET name = $2, domain = $3, industry = $4, employees = $5, country = $6, updated_at = $7,
                 version = version + 1
             WHERE id = $1",
            id.0,
            input.name,
            input.domain,
            input.industry,
            input.employees,
            input.country,
            now,
        )
        .execute(self.t.conn())
        .await
        .on_constraint("accounts_name_key", || name_taken(&input.name))?;
        if input.name != old.name || input.employees != old.employees {
            let leads = self.t.leads().of_account(id).await?;
            self.t.leads().renew(&leads).await?;
        }
        self.t.tell("accounts", id.0).await?;
        self.get(id).await
    }

    /// Deletes an account. Its leads stay and work for nobody.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] without the right to change leads of others.
    pub async fn delete(&mut self, id: AccountId) -> Result<()> {
        self.t.require(Permission::ManageAllLeads).await?;
        let old = self.lock(id).await?;
        let leads = self.t.leads().of_account(id).await?;
        sqlx::query!("DELETE FROM accounts WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.t.leads().renew(&leads).await?;
        self.t.audit().record(Entry::done("account.deleted").on(old.name)).await?;
        self.t.tell("accounts", id.0).await
    }

    /// The firm with this name, made if there is none.
    pub(crate) async fn firm(&mut self, name: Option<&str>) -> Result<Option<Firm>> {
        let Some(name) = name else { return Ok(None) };
        Ok(self.firms(&[name.to_owned()]).await?.remove(name))
    }

    /// The firms with these names, as they are spelled here; missing ones are made.
    pub(crate) async fn firms(&mut self, names: &[String]) -> Result<HashMap<String, Firm>> {
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let now = self.t.now();
        // In the order of their keys, so that two imports that make the same firms wait, not deadlock.
        sqlx::query!(
            "INSERT INTO accounts (id, name, created_at, updated_at)
             SELECT gen_random_uuid(), name, $2, $2
             FROM (SELECT DISTINCT ON (lower(name)) name FROM unnest($1::text[]) AS n (name) ORDER BY lower(name)) wanted
             WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.name_key = lower(wanted.name))
             ON CONFLICT (company_id, name_key) DO NOTHING",
            names,
            now
        )
        .execute(self.t.conn())
        .await?;
        let rows = sqlx::query!(
            r#"SELECT n.name AS "wanted!", a.id AS "id: AccountId", a.name, a.employees
               FROM unnest($1::text[]) AS n (name) JOIN accounts a ON a.name_key = lower(n.name)"#,
            names
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|r| (r.wanted, Firm { id: r.id, name: r.name, employees: r.employees })).collect())
    }

    async fn lock(&mut self, id: AccountId) -> Result<Locked> {
        sqlx::query_as!(Locked, "SELECT name, employees, version FROM accounts WHERE id = $1 FOR UPDATE", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("account"))
    }
}

struct Locked {
    name: String,
    employees: Option<i32>,
    version: i64,
}

/// The input, checked also for what Postgres does not keep.
fn check(input: AccountInput) -> Result<AccountInput> {
    let input = input.check()?;
    if [&input.domain, &input.industry].into_iter().flatten().any(|text| !is_storable(text)) {
        return Err(Problem::new("text_invalid", "Remove the characters that cannot be stored.").into());
    }
    Ok(input)
}

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", format!("There is an account “{name}” already."))
}

fn name_after(text: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| cursor::invalid())?;
    String::from_utf8(bytes).ok().filter(|key| is_storable(key)).ok_or_else(cursor::invalid)
}
