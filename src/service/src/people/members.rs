//! The members of a company. A company always has an owner, and nobody gives or takes a role above
//! their own.

use domain::{EmailAddress, Permission, Problem, Role, UserId, companies::Member};

use crate::{Error, Result, Tenant, audit::Entry};

/// The members of the company.
#[derive(Debug)]
pub struct Members<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// The members of the company.
    pub fn members(&mut self) -> Members<'_> {
        Members { t: self }
    }
}

impl Members<'_> {
    /// Goes on when a person belongs to the company, for whom something is to be; nobody may be named, too.
    pub(crate) async fn require_there(&mut self, person: Option<UserId>) -> Result<()> {
        let Some(person) = person else { return Ok(()) };
        sqlx::query_scalar!("SELECT 1 FROM memberships WHERE user_id = $1 AND deactivated_at IS NULL", person.0)
            .fetch_optional(self.t.conn())
            .await?
            .map(|_| ())
            .ok_or_else(|| Problem::field("assignee", "assignee_unknown", "Choose somebody of this company.").into())
    }

    /// Everybody who belongs to the company, by name. Those who have left are not among them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&mut self) -> Result<Vec<Member>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_as!(
            Member,
            r#"
            SELECT u.id AS "user_id: UserId", u.name, u.email AS "email: EmailAddress", m.role AS "role: Role",
                   m.created_at AS joined_at, m.last_active_at, m.deactivated_at
            FROM memberships m JOIN users u ON u.id = m.user_id
            WHERE m.deactivated_at IS NULL
            ORDER BY lower(u.name), u.id
            "#
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    /// Gives somebody another role.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] above the own role; a conflict for the last owner.
    pub async fn change_role(&mut self, id: UserId, role: Role) -> Result<()> {
        let member = self.lock(id).await?;
        self.may_grant(role).await?;
        if member.role == Role::Owner && role != Role::Owner {
            self.keep_an_owner(id).await?;
        }
        sqlx::query!("UPDATE memberships SET role = $2 WHERE user_id = $1", id.0, role.as_str())
            .execute(self.t.conn())
            .await?;
        self.t.tell("members", id.0).await?;
        let details = format!("{} to {}", member.role.label(), role.label());
        self.t.audit().record(Entry::done("member.role_changed").on(member.name).details(details)).await
    }

    /// Takes somebody out of the company. Their name stays on what they did.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] above the own role; a conflict for the last owner.
    pub async fn remove(&mut self, id: UserId) -> Result<()> {
        let member = self.lock(id).await?;
        if member.role == Role::Owner {
            self.keep_an_owner(id).await?;
        }
        let now = self.t.now();
        sqlx::query!("UPDATE memberships SET deactivated_at = $2 WHERE user_id = $1", id.0, now)
            .execute(self.t.conn())
            .await?;
        self.t.tell("members", id.0).await?;
        self.t.audit().record(Entry::done("member.removed").on(member.name)).await
    }

    /// Makes somebody a member, or a member again.
    pub(crate) async fn add(&mut self, id: UserId, role: Role) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO memberships (user_id, role, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (company_id, user_id) DO UPDATE SET role = excluded.role, deactivated_at = NULL",
            id.0,
            role.as_str(),
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Adds an existing account, for the command line.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right.
    pub async fn add_existing(&mut self, id: UserId, role: Role) -> Result<()> {
        self.t.require(Permission::ManageMembers).await?;
        self.add(id, role).await?;
        self.t.audit().record(Entry::done("member.added").details(role.label())).await
    }

    /// Goes on only if the actor may give `role`.
    pub(crate) async fn may_grant(&mut self, role: Role) -> Result<()> {
        self.t.require(Permission::ManageMembers).await?;
        match self.t.actor().role() {
            Some(own) if !own.may_grant(role) => self.t.require(Permission::OwnCompany).await,
            _ => Ok(()),
        }
    }

    async fn lock(&mut self, id: UserId) -> Result<Locked> {
        self.t.require(Permission::ManageMembers).await?;
        let member = sqlx::query_as!(
            Locked,
            r#"SELECT u.name, m.role AS "role: Role" FROM memberships m JOIN users u ON u.id = m.user_id
               WHERE m.user_id = $1 AND m.deactivated_at IS NULL FOR UPDATE OF m"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("member"))?;
        self.may_grant(member.role).await?;
        Ok(member)
    }

    /// Two owners that leave at the same time: one of them goes, the other is told that it is the last.
    async fn keep_an_owner(&mut self, leaving: UserId) -> Result<()> {
        let owners = sqlx::query_scalar!(
            "SELECT user_id FROM memberships WHERE role = 'owner' AND deactivated_at IS NULL ORDER BY user_id FOR UPDATE"
        )
        .fetch_all(self.t.conn())
        .await?;
        if owners.iter().all(|owner| *owner == leaving.0) {
            return Err(Error::conflict("last_owner", "A company needs an owner. Make somebody else an owner first."));
        }
        Ok(())
    }
}

struct Locked {
    name: String,
    role: Role,
}
