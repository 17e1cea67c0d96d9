//! Whose rights a run has, and what people have answered it. Both are read anew whenever a worker takes the
//! run.

use std::collections::HashMap;

use domain::{
    ApiKeyId, Role, UserId,
    keys::Scope,
    runs::{ApprovalState, Run},
};
use serde_json::Value;

use super::super::Runs;
use crate::{Actor, Origin, Result};

#[derive(Debug)]
pub(super) struct Answer {
    pub state: ApprovalState,
    pub arguments: Value,
    pub reason: Option<String>,
}

impl Runs<'_> {
    /// Who started a run, with the rights they have now; nothing when they have none any more.
    pub(crate) async fn rights_of(&mut self, person: Option<UserId>, key: Option<ApiKeyId>) -> Result<Option<Actor>> {
        let (company, zone) = (self.t.actor().company(), self.t.actor().company_time_zone().to_owned());
        let now = self.t.now();
        if let Some(person) = person {
            let row = sqlx::query!(
                r#"SELECT u.name, u.time_zone, m.role AS "role: Role" FROM memberships m JOIN users u ON u.id = m.user_id
                   WHERE m.user_id = $1 AND m.deactivated_at IS NULL"#,
                person.0
            )
            .fetch_optional(self.t.conn())
            .await?;
            return Ok(row.map(|row| {
                Actor::person(company, zone, person, row.name, row.role, row.time_zone, Origin::default())
            }));
        }
        if let Some(key) = key {
            let row = sqlx::query!(
                "SELECT name, scopes FROM api_keys
                 WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
                key.0,
                now
            )
            .fetch_optional(self.t.conn())
            .await?;
            return Ok(row.map(|row| {
                let scopes = row.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect();
                Actor::key(company, zone, key, row.name, scopes, Origin::default())
            }));
        }
        Ok(Some(Actor::system(company, zone, "agents")))
    }

    /// The answers of people, by the place in the work that they are about. Arguments that are not those
    /// that were asked about are no answer.
    pub(super) async fn answers(&mut self, run: &Run) -> Result<HashMap<String, Answer>> {
        let rows = sqlx::query!(
            r#"SELECT step_key, state AS "state: ApprovalState", coalesce(edited, arguments) AS "arguments!", reason
               FROM run_approvals
               WHERE run_id = $1 AND attempt = $2 AND state <> 'pending'
                 AND hash = sha256(convert_to(arguments::text, 'UTF8'))"#,
            run.id.0,
            run.attempt
        )
        .fetch_all(self.t.conn())
        .await?;
        let answer = |state, arguments, reason| Answer { state, arguments, reason };
        Ok(rows.into_iter().map(|row| (row.step_key, answer(row.state, row.arguments, row.reason))).collect())
    }
}
