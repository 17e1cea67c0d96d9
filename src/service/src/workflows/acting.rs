//! A worker carries a workflow out. First it says for which leads the workflow acts at all; then each action is a
//! transaction of its own that writes down what came of it, so whoever goes on after a worker has died does
//! nothing twice.

use chrono::Duration;
use domain::{
    ApiKeyId, CompanyId, LeadId, Permission, UserId, WorkflowFiringId, WorkflowId,
    workflows::{ActionResult, WorkflowAction, WorkflowNotStarted},
};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Workflows, checks::permissions};
use crate::{Actor, Db, Error, InWorkflow, Result, audit::Entry, error::OnConstraint, jobs::CarryOutWorkflow};

/// Leads that one look of a worker is about.
const BATCH: i64 = 50;
/// Looks of one job: a workflow with much to do then goes to the end of the line.
const LOOKS: usize = 20;
/// An action that fails for a reason of ours is tried so often.
const TRIES: usize = 3;

/// Something that the workflow acts for.
#[derive(Debug)]
struct Begun {
    id: WorkflowFiringId,
    lead: Option<LeadId>,
    depth: i32,
    behind: Vec<Uuid>,
    actions: Json<Vec<WorkflowAction>>,
    done: i32,
}

/// With whom a worker goes on.
#[derive(Debug)]
struct Look {
    name: String,
    /// Whose rights the workflow has; nothing when they are not enough any more.
    actor: Option<Actor>,
    begun: Vec<Begun>,
    /// Whether there may be more.
    more: bool,
}

/// Does what a workflow has to do now, and asks for another job when that is much. Safe to call at any time, twice
/// and at once.
///
/// # Errors
/// When the database is away; the next call goes on.
pub async fn carry_out(db: &Db, company: CompanyId, id: WorkflowId) -> Result<()> {
    let system = db.platform().system_actor(company, "workflows").await?;
    for look in 1..=LOOKS {
        let mut t = db.tenant(&system).await?;
        let Some(Look { name, actor, begun, more }) = t.workflows().look(id).await? else { return Ok(()) };
        if more && look == LOOKS {
            t.enqueue(&CarryOutWorkflow { company, workflow: id }).await?;
        }
        t.commit().await?;
        if !more {
            break;
        }
        for firing in begun {
            let behind = firing.behind.iter().map(|id| WorkflowId(*id)).chain([id]).collect();
            let within = InWorkflow { id, name: name.clone(), depth: firing.depth, behind };
            act(db, &system, actor.clone().map(|actor| actor.in_workflow(within)), &firing).await?;
        }
    }
    Ok(())
}

/// Carries out what is left of the actions for one lead.
async fn act(db: &Db, system: &Actor, actor: Option<Actor>, firing: &Begun) -> Result<()> {
    for (place, action) in (0..).zip(firing.actions.iter()).skip(usize::try_from(firing.done).unwrap_or_default()) {
        let refused = match &actor {
            Some(actor) => match attempt(db, actor, firing, place, action).await {
                Ok(()) => continue,
                Err(Error::Unavailable) => return Err(Error::Unavailable),
                Err(error) => refusal(action, error),
            },
            None => ActionResult::refused(action.kind(), "rights_lost", WorkflowNotStarted::RightsLost.label()),
        };
        let mut t = db.tenant(system).await?;
        if t.workflows().take(firing, place).await? {
            t.workflows().note(firing, &refused).await?;
        }
        t.commit().await?;
    }
    Ok(())
}

/// One action and what came of it, in one commit.
async fn attempt(db: &Db, actor: &Actor, firing: &Begun, place: i32, action: &WorkflowAction) -> Result<()> {
    for tried in 1.. {
        let outcome = once(db, actor, firing, place, action).await;
        match outcome {
            // Two that wait for each other in a ring are told so, and one of them begins anew.
            Err(Error::Internal(_)) if tried < TRIES => {}
            outcome => return outcome,
        }
    }
    Ok(())
}

async fn once(db: &Db, actor: &Actor, firing: &Begun, place: i32, action: &WorkflowAction) -> Result<()> {
    let mut t = db.tenant(actor).await?;
    let lead = t.workflows().hold_lead(firing.lead, action).await?;
    if !(t.workflows().hold_rule().await? && t.workflows().take(firing, place).await?) {
        return Ok(());
    }
    let result = match lead {
        Some(lead) => t.workflows().carry_out(firing.id, lead, action).await?,
        None => ActionResult::refused(action.kind(), "lead_gone", WorkflowNotStarted::LeadGone.label()),
    };
    t.workflows().note(firing, &result).await?;
    t.commit().await
}

/// Why an action was refused, in words.
fn refusal(action: &WorkflowAction, error: Error) -> ActionResult {
    let (reason, words) = match error {
        Error::Forbidden(permission) => {
            ("forbidden".to_owned(), format!("Whoever saved the workflow may not {}.", permission.label()))
        }
        Error::NotFound(what) => ("not_found".to_owned(), format!("There is no such {what} any more.")),
        Error::Conflict(problem) => (problem.code.into_owned(), problem.message),
        Error::Refused(refusal) => (refusal.code.into_owned(), refusal.message),
        Error::Invalid(problems) => {
            let code = problems.first().map_or_else(|| "invalid".to_owned(), |problem| problem.code.to_string());
            (code, problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" "))
        }
        other => {
            tracing::error!(error = &other as &dyn std::error::Error, "An action of a workflow failed");
            ("failed".to_owned(), "It failed for a reason that the log of the server tells.".to_owned())
        }
    };
    ActionResult::refused(action.kind(), reason, words)
}

impl Workflows<'_> {
    /// Says for which leads the workflow acts, and gives those that it has begun with; nothing without a workflow.
    async fn look(&mut self, id: WorkflowId) -> Result<Option<Look>> {
        let workflow = sqlx::query!(
            r#"SELECT name, actions AS "actions: Json<Vec<WorkflowAction>>", once_per_lead, hourly_cap, enabled,
                      person_id AS "person: UserId", api_key_id AS "key: ApiKeyId", saved_by
               FROM workflows WHERE id = $1 FOR NO KEY UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(workflow) = workflow else { return Ok(None) };
        let actor = self.t.runs().rights_of(workflow.person, workflow.key).await?;
        let needed = || [vec![Permission::ManageAllLeads], permissions(&workflow.actions)].concat();
        let actor = match actor {
            Some(actor) => match needed().into_iter().find(|permission| !actor.can(*permission)) {
                None => Ok(actor),
                Some(permission) => Err(format!("may not {} any more", permission.label())),
            },
            None => Err("does not belong to the company any more".to_owned()),
        };
        if let (Err(why), true) = (&actor, workflow.enabled) {
            self.pause(id, &workflow.name, &format!("{} {why}.", workflow.saved_by)).await?;
        }
        let against = match (workflow.enabled, actor.is_ok()) {
            (false, _) => Some(WorkflowNotStarted::Disabled),
            (true, false) => Some(WorkflowNotStarted::RightsLost),
            (true, true) => None,
        };
        let waited = match against {
            Some(reason) => self.begin_none(id, reason).await.map(|()| false)?,
            None => self.begin(id, &workflow.actions, workflow.once_per_lead, workflow.hourly_cap).await?,
        };
        let begun = sqlx::query_as!(
            Begun,
            r#"SELECT id AS "id: WorkflowFiringId", lead_id AS "lead: LeadId", depth, behind,
                      actions AS "actions!: Json<Vec<WorkflowAction>>", jsonb_array_length(results) AS "done!"
               FROM workflow_firings WHERE workflow_id = $1 AND state = 'running'
               ORDER BY at, id LIMIT $2"#,
            id.0,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        let more = waited || !begun.is_empty();
        Ok(Some(Look { name: workflow.name, actor: actor.ok(), begun, more }))
    }

    /// Turns a workflow off whose rights are not enough any more.
    async fn pause(&mut self, id: WorkflowId, name: &str, why: &str) -> Result<()> {
        let words = format!("{why} Whoever turns it on again gives it their rights.");
        sqlx::query!(
            "UPDATE workflows SET enabled = false, paused = $2, version = version + 1 WHERE id = $1",
            id.0,
            words
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("workflow.paused").on(name).details(words)).await?;
        self.t.tell("workflows", id.0).await
    }

    /// Nothing is done about what waits.
    async fn begin_none(&mut self, id: WorkflowId, reason: WorkflowNotStarted) -> Result<()> {
        let settled = sqlx::query!(
            "UPDATE workflow_firings SET state = 'not_started', reason = $2 WHERE workflow_id = $1 AND state = 'pending'",
            id.0,
            reason.as_str()
        )
        .execute(self.t.conn())
        .await?;
        if settled.rows_affected() > 0 { self.t.tell("workflows", id.0).await } else { Ok(()) }
    }

    /// Begins with what waits, as far as the bounds allow; whether something has waited. The row of the workflow is
    /// held, so the bounds are kept by however many workers there are.
    async fn begin(&mut self, id: WorkflowId, actions: &[WorkflowAction], once: bool, hourly_cap: i32) -> Result<bool> {
        let now = self.t.now();
        let lately = sqlx::query_scalar!(
            r#"SELECT count(*) AS "n!" FROM workflow_firings WHERE workflow_id = $1 AND begun_at > $2"#,
            id.0,
            now - Duration::hours(1)
        )
        .fetch_one(self.t.conn())
        .await?;
        let mut room = (i64::from(hourly_cap) - lately).max(0);
        let waiting = sqlx::query!(
            r#"SELECT id AS "id: WorkflowFiringId", lead_id AS "lead: LeadId" FROM workflow_firings
               WHERE workflow_id = $1 AND state = 'pending' ORDER BY at, id LIMIT $2"#,
            id.0,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        for firing in &waiting {
            let against = match firing.lead {
                None => Some(WorkflowNotStarted::LeadGone),
                Some(_) if room == 0 => break,
                Some(lead) => match self.remember(id, lead).await {
                    Ok(is_first) => (once && !is_first).then_some(WorkflowNotStarted::OncePerLead),
                    Err(Error::NotFound(_)) => Some(WorkflowNotStarted::LeadGone),
                    Err(error) => return Err(error),
                },
            };
            if against.is_none() {
                room -= 1;
            }
            sqlx::query!(
                "UPDATE workflow_firings
                 SET state = CASE WHEN $2::text IS NULL THEN 'running' ELSE 'not_started' END, reason = $2,
                     actions = CASE WHEN $2::text IS NULL THEN $3::jsonb END,
                     begun_at = CASE WHEN $2::text IS NULL THEN $4::timestamptz END
                 WHERE id = $1",
                firing.id.0,
                against.map(WorkflowNotStarted::as_str),
                Json(actions) as _,
                now
            )
            .execute(self.t.conn())
            .await?;
        }
        if room == 0 {
            self.begin_none(id, WorkflowNotStarted::HourlyCap).await?;
        }
        if !waiting.is_empty() {
            self.t.tell("workflows", id.0).await?;
        }
        Ok(!waiting.is_empty())
    }

    /// Remembers that the workflow acts for this lead; whether it is for the first time.
    async fn remember(&mut self, id: WorkflowId, lead: LeadId) -> Result<bool> {
        let made = sqlx::query!(
            "INSERT INTO workflow_leads (workflow_id, lead_id)
             SELECT $1, id FROM leads WHERE id = $2 FOR KEY SHARE ON CONFLICT DO NOTHING",
            id.0,
            lead.0
        )
        .execute(self.t.conn())
        .await
        .on_constraint("workflow_leads_company_id_lead_id_fkey", || Error::NotFound("lead"))?;
        Ok(made.rows_affected() > 0)
    }

    /// Holds the lead of an action before anything else but the enrolments that the action ends, as everybody does:
    /// against other changes when the action changes it, and only against its end otherwise, so that senders need not
    /// wait.
    async fn hold_lead(&mut self, lead: Option<LeadId>, action: &WorkflowAction) -> Result<Option<LeadId>> {
        let Some(lead) = lead else { return Ok(None) };
        if let WorkflowAction::SetStatus { status } = action {
            self.t.enrolments().hold_for_status(&[lead.0], *status).await?;
        }
        let changes = matches!(
            action,
            WorkflowAction::AddTag { .. }
                | WorkflowAction::RemoveTag { .. }
                | WorkflowAction::Assign { .. }
                | WorkflowAction::SetStatus { .. }
        );
        let there = match changes {
            true => {
                sqlx::query_scalar!("SELECT id FROM leads WHERE id = $1 FOR UPDATE", lead.0)
                    .fetch_optional(self.t.conn())
                    .await?
            }
            false => {
                sqlx::query_scalar!("SELECT id FROM leads WHERE id = $1 FOR KEY SHARE", lead.0)
                    .fetch_optional(self.t.conn())
                    .await?
            }
        };
        Ok(there.map(LeadId))
    }

    /// Holds the workflow itself against its end: whoever deletes it holds it before what has set it off. False when
    /// it is gone.
    async fn hold_rule(&mut self) -> Result<bool> {
        let Some(id) = self.t.actor().workflow().map(|workflow| workflow.id) else { return Ok(false) };
        let there = sqlx::query_scalar!(r#"SELECT true AS "there!" FROM workflows WHERE id = $1 FOR KEY SHARE"#, id.0)
            .fetch_optional(self.t.conn())
            .await?;
        Ok(there.is_some())
    }

    /// Takes the action at this place; not when another worker was faster.
    async fn take(&mut self, firing: &Begun, place: i32) -> Result<bool> {
        let next = sqlx::query_scalar!(
            r#"SELECT jsonb_array_length(results) AS "next!" FROM workflow_firings
               WHERE id = $1 AND state = 'running' FOR UPDATE"#,
            firing.id.0
        )
        .fetch_optional(self.t.conn())
        .await?;
        Ok(next == Some(place))
    }

    /// Writes down what came of the action that was taken; after the last one the workflow is through.
    async fn note(&mut self, firing: &Begun, result: &ActionResult) -> Result<()> {
        let now = self.t.now();
        let workflow = sqlx::query_scalar!(
            "UPDATE workflow_firings
             SET results = results || jsonb_build_array($2::jsonb),
                 state = CASE WHEN jsonb_array_length(results) + 1 < jsonb_array_length(actions) THEN 'running' ELSE 'done' END,
                 done_at = CASE WHEN jsonb_array_length(results) + 1 < jsonb_array_length(actions) THEN NULL
                                ELSE $3::timestamptz END
             WHERE id = $1 RETURNING workflow_id",
            firing.id.0,
            Json(result) as _,
            now
        )
        .fetch_one(self.t.conn())
        .await?;
        self.t.tell("workflows", workflow).await
    }
}
