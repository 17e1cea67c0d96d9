//! People: who they are, how they sign in, and which companies they belong to. Before a tenant there
//! is only this door; nothing here tells a stranger whether an address has an account.

mod company;
mod idempotency;
mod invitations;
mod keys;
mod members;
mod password;
mod rights;
mod sessions;
mod sign_ups;
mod system_mails;
mod throttle;

use domain::{
    CompanyId, EmailAddress, Problem, Role, UserId,
    companies::{Membership, NewCompany, Person, check_name, check_password},
    problem::Problems,
    window::is_time_zone,
};

pub use idempotency::{Idempotency, Idempotent};
pub use invitations::{Accept, InvitationState, Invitations, OpenInvitation};
pub use keys::{KeyUse, Keys};
pub use members::Members;
pub use sessions::{PgSessionStore, USER_ID};
pub use system_mails::SystemMail;

use crate::{Actor, Db, Error, Origin, Result, audit::Entry, error::OnConstraint};
use throttle::Bucket;

/// What somebody enters to get an account.
#[derive(Clone, Debug, Default)]
pub struct NewPerson {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Password.
    pub password: String,
}

/// People of this installation; made by [`Db::people`].
#[derive(Debug)]
pub struct People<'d> {
    db: &'d Db,
}

impl Db {
    /// People, before they have chosen a company.
    #[must_use]
    pub fn people(&self) -> People<'_> {
        People { db: self }
    }

    /// Where web sessions are kept.
    #[must_use]
    pub fn session_store(&self) -> PgSessionStore {
        PgSessionStore::new(self.clone())
    }
}

impl People<'_> {
    /// An account, a company, and its first owner; for somebody whose address is known to be theirs.
    ///
    /// # Errors
    /// Problems of the input; [`Error::TooMany`] when one network address asks too often.
    pub async fn sign_up(
        &self,
        person: NewPerson,
        company: NewCompany,
        origin: Origin,
    ) -> Result<(Person, Membership)> {
        let mut problems = Problems::new();
        problems.check("name", check_name(&person.name, 100));
        problems.check("email", EmailAddress::parse(&person.email));
        problems.check("password", check_password(&person.password));
        if let Err(more) = check_company(&company) {
            more.into_iter().for_each(|p| problems.push(p));
        }
        problems.finish()?;
        self.take_host(&origin).await?;
        let person = self.create_user(person).await?;
        let membership = self.create_company(person.id, company, origin).await?;
        Ok((person, membership))
    }

    /// Signs in. Unknown addresses cost the same time as wrong passwords.
    ///
    /// # Errors
    /// One problem for every kind of failure; [`Error::TooMany`] after five of them.
    pub async fn sign_in(&self, email: &str, password: &str, origin: Origin) -> Result<Person> {
        let address = EmailAddress::parse(email).map(String::from).unwrap_or_default();
        // The host first: one whose bucket is closed cannot close the bucket of an address.
        let host = self.take_host(&origin).await?;
        let bucket = Bucket::of_address(self.db, &address);
        bucket.take(self.db).await?;
        let row = sqlx::query!(
            r#"SELECT id AS "id!: UserId", name AS "name!", email AS "email!: EmailAddress", time_zone,
                      password_hash AS "hash!"
               FROM platform_user_by_email($1)"#,
            address
        )
        .fetch_optional(self.db.pool())
        .await?;
        let hash = row.as_ref().map(|r| r.hash.clone());
        let right = password::verify(password.to_owned(), hash).await?;
        match row {
            Some(row) if right => {
                bucket.clear(self.db).await?;
                if let Some(host) = host {
                    host.give_back(self.db).await?;
                }
                self.record_everywhere(row.id, &origin, Entry::done("person.signed_in")).await?;
                Ok(Person { id: row.id, name: row.name, email: row.email, time_zone: row.time_zone })
            }
            row => {
                if let Some(row) = row {
                    self.record_everywhere(row.id, &origin, Entry::refused("person.signed_in")).await?;
                }
                Err(Problem::new("sign_in_failed", "E-mail or password is not right.").into())
            }
        }
    }

    /// Writes down that somebody has signed out; the session itself is ended by the door.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn signed_out(&self, id: UserId, origin: Origin) -> Result<()> {
        self.record_everywhere(id, &origin, Entry::done("person.signed_out")).await
    }

    /// A person.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn person(&self, id: UserId) -> Result<Person> {
        sqlx::query_as!(
            Person,
            r#"SELECT id AS "id!: UserId", name AS "name!", email AS "email!: EmailAddress", time_zone
               FROM platform_user($1)"#,
            id.0
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or(Error::NotFound("person"))
    }

    /// The companies of a person, the last visited first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn memberships(&self, id: UserId) -> Result<Vec<Membership>> {
        Ok(sqlx::query_as!(
            Membership,
            r#"SELECT company_id AS "company!: CompanyId", name AS "name!", slug AS "slug!", role AS "role!: Role"
               FROM platform_memberships($1)"#,
            id.0
        )
        .fetch_all(self.db.pool())
        .await?)
    }

    /// The person as an actor in the company with this slug, with the right they have there now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the company does not exist or the person does not belong to it.
    pub async fn actor(&self, id: UserId, slug: &str, origin: Origin) -> Result<(Actor, Membership, Person)> {
        let now = self.db.clock().now();
        let row = sqlx::query!(
            r#"SELECT company_id AS "company!: CompanyId", name AS "name!", time_zone AS "time_zone!",
                      role AS "role!: Role", person_name AS "person_name!",
                      person_email AS "person_email!: EmailAddress", person_time_zone
               FROM platform_membership($1, $2, $3)"#,
            id.0,
            slug,
            now
        )
        .fetch_optional(self.db.pool())
        .await?
        .ok_or(Error::NotFound("company"))?;
        let actor = Actor::person(
            row.company,
            row.time_zone,
            id,
            row.person_name.clone(),
            row.role,
            row.person_time_zone.clone(),
            origin,
        );
        let membership = Membership { company: row.company, name: row.name, slug: slug.to_owned(), role: row.role };
        let person = Person { id, name: row.person_name, email: row.person_email, time_zone: row.person_time_zone };
        Ok((actor, membership, person))
    }

    /// Another company; the person becomes its owner.
    ///
    /// # Errors
    /// Problems of the input; a slug that is taken comes back with a free one.
    pub async fn create_company(&self, owner: UserId, company: NewCompany, origin: Origin) -> Result<Membership> {
        let (name, slug, zone) = check_company(&company)?;
        let chosen = company.slug.as_ref().is_some_and(|s| !s.is_empty());
        let person = self.person(owner).await?;
        for n in 1..=20 {
            // A slug that was made from the name may get a number; one that somebody chose may not.
            let slug = if n == 1 { slug.clone() } else { format!("{}-{n}", slug.chars().take(37).collect::<String>()) };
            let id: CompanyId = self.db.clock().new_id();
            let actor = Actor::person(
                id,
                zone.clone(),
                owner,
                person.name.clone(),
                Role::Owner,
                person.time_zone.clone(),
                origin.clone(),
            );
            let mut t = self.db.tenant(&actor).await?;
            let made = sqlx::query!(
                "INSERT INTO companies (id, name, slug, time_zone) VALUES ($1, $2, $3, $4)",
                id.0,
                name,
                slug,
                zone
            )
            .execute(t.conn())
            .await
            .on_constraint("companies_slug_key", || {
                Problem::field("slug", "slug_taken", "This address is taken. Choose another.").into()
            });
            match made {
                Err(Error::Invalid(_)) if !chosen => continue,
                other => other.map(|_| ())?,
            }
            sqlx::query!("INSERT INTO memberships (user_id, role) VALUES ($1, 'owner')", owner.0)
                .execute(t.conn())
                .await?;
            t.agents().take_catalogue().await?;
            t.audit().record(Entry::done("company.created").on(name.clone())).await?;
            t.commit().await?;
            return Ok(Membership { company: id, name, slug, role: Role::Owner });
        }
        Err(Problem::field("slug", "slug_taken", "This address is taken. Choose another.").into())
    }

    /// An account without a company, for the command line and for those who have opened a mail.
    ///
    /// # Errors
    /// Problems of the input.
    pub async fn create_user(&self, person: NewPerson) -> Result<Person> {
        let mut problems = Problems::new();
        let name = problems.check("name", check_name(&person.name, 100));
        let email = problems.check("email", EmailAddress::parse(&person.email));
        problems.check("password", check_password(&person.password));
        problems.finish()?;
        let (Some(name), Some(email)) = (name, email) else { return Err(Error::Unauthenticated) };
        let hash = password::hash(person.password).await?;
        let id: UserId = self.db.clock().new_id();
        let made = sqlx::query_scalar!(
            r#"SELECT platform_create_user($1, $2, $3, $4) AS "made!""#,
            id.0,
            email.as_str(),
            name,
            hash
        )
        .fetch_one(self.db.pool())
        .await?;
        if !made {
            return Err(Problem::field(
                "email",
                "account_exists",
                "This address has an account. Sign in with it instead.",
            )
            .into());
        }
        Ok(Person { id, name, email, time_zone: None })
    }

    /// Counts a try of the network address that a request came from, if it is known.
    async fn take_host(&self, origin: &Origin) -> Result<Option<Bucket>> {
        let Some(ip) = &origin.ip else { return Ok(None) };
        let host = Bucket::of_host(self.db, ip);
        host.take(self.db).await?;
        Ok(Some(host))
    }

    /// Writes an audit entry in each company of a person.
    async fn record_everywhere(&self, id: UserId, origin: &Origin, entry: Entry) -> Result<()> {
        let person = self.person(id).await?;
        for m in self.memberships(id).await? {
            // Not through `actor`, which remembers a visit.
            let (name, zone) = (person.name.clone(), person.time_zone.clone());
            let actor = Actor::person(m.company, "UTC".to_owned(), id, name, m.role, zone, origin.clone());
            let mut t = self.db.tenant(&actor).await?;
            t.audit().record(entry.clone()).await?;
            t.commit().await?;
        }
        Ok(())
    }
}

/// Name, slug and time zone of a new company.
fn check_company(company: &NewCompany) -> Result<(String, String, String), Vec<Problem>> {
    let (name, slug) = company.check()?;
    let zone = company.time_zone.clone().filter(|z| !z.is_empty()).unwrap_or_else(|| "UTC".to_owned());
    if !is_time_zone(&zone) {
        return Err(vec![Problem::field("time_zone", "time_zone_unknown", "Choose a time zone from the list.")]);
    }
    Ok((name, slug, zone))
}
