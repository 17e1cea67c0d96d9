//! The rights that somebody has now. An [`Actor`] is minted at a door and says what was true then; who keeps
//! one for longer than a call asks here.

use domain::{ApiKeyId, Role, UserId, keys::Scope};

use crate::{Actor, Origin, Result, Tenant};

impl Tenant {
    /// The actor with the rights they have now; nothing when they have none any more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn rights_now(&mut self) -> Result<Option<Actor>> {
        match (self.actor().user_id(), self.actor().api_key_id()) {
            (Some(person), _) => self.rights_of_person(person).await,
            (None, Some(key)) => self.rights_of_key(key).await,
            (None, None) => Ok(Some(self.actor().clone())),
        }
    }

    /// A person as a member of the company, as long as they are one.
    pub(crate) async fn rights_of_person(&mut self, person: UserId) -> Result<Option<Actor>> {
        let (company, zone) = (self.actor().company(), self.actor().company_time_zone().to_owned());
        let row = sqlx::query!(
            r#"SELECT u.name, u.time_zone, m.role AS "role: Role" FROM memberships m JOIN users u ON u.id = m.user_id
                   WHERE m.user_id = $1 AND m.deactivated_at IS NULL"#,
            person.0
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(|row| Actor::person(company, zone, person, row.name, row.role, row.time_zone, Origin::default())))
    }

    /// A program, as long as its key works.
    pub(crate) async fn rights_of_key(&mut self, key: ApiKeyId) -> Result<Option<Actor>> {
        let (company, zone) = (self.actor().company(), self.actor().company_time_zone().to_owned());
        let now = self.now();
        let row = sqlx::query!(
            "SELECT name, scopes FROM api_keys
                 WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
            key.0,
            now
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(|row| {
            let scopes = row.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect();
            Actor::key(company, zone, key, row.name, scopes, Origin::default())
        }))
    }
}
