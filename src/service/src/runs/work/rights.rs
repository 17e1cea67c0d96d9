//! Whose rights a run has, and what people have answered it. Both are read anew whenever a worker takes the
//! run.

use std::collections::HashMap;

use domain::{
    ApiKeyId, UserId,
    runs::{ApprovalState, Run},
};
use serde_json::Value;

use super::super::Runs;
use crate::{Actor, Result};

#[derive(Debug)]
pub(super) struct Answer {
    pub state: ApprovalState,
    pub arguments: Value,
    pub reason: Option<String>,
}

impl Runs<'_> {
    /// Who started a run, with the rights they have now; nothing when they have none any more.
    pub(crate) async fn rights_of(&mut self, person: Option<UserId>, key: Option<ApiKeyId>) -> Result<Option<Actor>> {
        match (person, key) {
            (Some(person), _) => self.t.rights_of_person(person).await,
            (None, Some(key)) => self.t.rights_of_key(key).await,
            (None, None) => {
                let (company, zone) = (self.t.actor().company(), self.t.actor().company_time_zone().to_owned());
                Ok(Some(Actor::system(company, zone, "agents")))
            }
        }
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
