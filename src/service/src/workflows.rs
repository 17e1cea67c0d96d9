//! Workflows of the company: what is done when something happens to a lead. A workflow acts with the rights that
//! whoever saved it has at that moment; without them it does nothing and is turned off.

mod acting;
mod actions;
mod checks;
mod happening;
mod log;

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, Permission, Problem, UserId, WorkflowId,
    leads::LeadFilter,
    words::sentence,
    workflows::{MOST, Workflow, WorkflowAction, WorkflowInput, WorkflowTrigger},
};
use sqlx::types::Json;
use uuid::Uuid;

pub use acting::carry_out;
pub(crate) use happening::{Happened, WorkflowWatch};

use crate::{Error, Result, Tenant, audit::Entry};

/// Workflows of the company.
#[derive(Debug)]
pub struct Workflows<'t> {
    t: &'t mut Tenant,
}

impl Tenant {
    /// Workflows of the company.
    pub fn workflows(&mut self) -> Workflows<'_> {
        Workflows { t: self }
    }
}

impl Workflows<'_> {
    /// All of them, by name.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self) -> Result<Vec<Workflow>> {
        self.t.require(Permission::Read).await?;
        self.select(None).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: WorkflowId) -> Result<Workflow> {
        self.t.require(Permission::Read).await?;
        self.select(Some(id)).await?.pop().ok_or(Error::NotFound("workflow"))
    }

    /// A new workflow. It acts with the rights of whoever makes it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the rights that its actions need; problems of the input.
    pub async fn create(&mut self, input: WorkflowInput) -> Result<Workflow> {
        let input = self.check(input).await?;
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM workflows"#).fetch_one(self.t.conn()).await?;
        if usize::try_from(count).unwrap_or(MOST) >= MOST {
            let words = format!("A company has at most {MOST} workflows. Delete one that is not needed any more.");
            return Err(Problem::new("workflows_many", words).into());
        }
        let (id, now, actor): (WorkflowId, _, _) = (self.t.new_id(), self.t.now(), self.t.actor().clone());
        sqlx::query!(
            "INSERT INTO workflows (id, name, kind, trigger, conditions, actions, once_per_lead, hourly_cap, enabled,
                                    person_id, api_key_id, saved_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
            id.0,
            input.name,
            input.trigger.kind().as_str(),
            Json(&input.trigger) as _,
            Json(&input.conditions) as _,
            Json(&input.actions) as _,
            input.once_per_lead,
            input.hourly_cap,
            input.enabled,
            actor.user_id().map(|id| id.0),
            actor.api_key_id().map(|id| id.0),
            actor.to_string(),
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("workflow.created").on(input.name)).await?;
        self.t.tell("workflows", id.0).await?;
        self.get(id).await
    }

    /// Replaces what was entered about a workflow. From then on it acts with the rights of whoever does it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Forbidden`] without the rights that its actions need; problems of the input;
    /// a conflict when `expected_version` is not the newest.
    pub async fn update(
        &mut self,
        id: WorkflowId,
        input: WorkflowInput,
        expected_version: Option<i64>,
    ) -> Result<Workflow> {
        let version = sqlx::query_scalar!("SELECT version FROM workflows WHERE id = $1 FOR NO KEY UPDATE", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("workflow"))?;
        let input = self.check(input).await?;
        if expected_version.is_some_and(|expected| expected != version) {
            return Err(Error::stale());
        }
        let (now, actor) = (self.t.now(), self.t.actor().clone());
        sqlx::query!(
            "UPDATE workflows SET name = $2, kind = $3, trigger = $4, conditions = $5, actions = $6, once_per_lead = $7,
                    hourly_cap = $8, enabled = $9, paused = NULL, person_id = $10, api_key_id = $11, saved_by = $12,
                    updated_at = $13, version = version + 1
             WHERE id = $1",
            id.0,
            input.name,
            input.trigger.kind().as_str(),
            Json(&input.trigger) as _,
            Json(&input.conditions) as _,
            Json(&input.actions) as _,
            input.once_per_lead,
            input.hourly_cap,
            input.enabled,
            actor.user_id().map(|id| id.0),
            actor.api_key_id().map(|id| id.0),
            actor.to_string(),
            now,
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("workflow.changed").on(input.name)).await?;
        self.t.tell("workflows", id.0).await?;
        self.get(id).await
    }

    /// Turns a workflow on, with the rights of whoever says so, or off.
    ///
    /// # Errors
    /// [`Error::NotFound`]; problems that the workflow has by now, which only matter for turning it on.
    pub async fn set_enabled(&mut self, id: WorkflowId, enabled: bool) -> Result<Workflow> {
        let old = self.get(id).await?;
        if enabled {
            // What somebody else changes meanwhile is not undone.
            let version = Some(old.version);
            return self.update(id, WorkflowInput { enabled, ..old.into() }, version).await;
        }
        // Whatever has become of what it names, it can be turned off.
        self.t.require(Permission::ManageAllLeads).await?;
        let now = self.t.now();
        sqlx::query!(
            "UPDATE workflows SET enabled = false, paused = NULL, updated_at = $2, version = version + 1 WHERE id = $1",
            id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.audit().record(Entry::done("workflow.turned_off").on(old.name)).await?;
        self.t.tell("workflows", id.0).await?;
        self.get(id).await
    }

    /// Deletes a workflow and what is told of it. What it has done stays.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&mut self, id: WorkflowId) -> Result<()> {
        self.t.require(Permission::ManageAllLeads).await?;
        let name = sqlx::query_scalar!("DELETE FROM workflows WHERE id = $1 RETURNING name", id.0)
            .fetch_optional(self.t.conn())
            .await?
            .ok_or(Error::NotFound("workflow"))?;
        self.t.audit().record(Entry::done("workflow.deleted").on(name)).await?;
        self.t.tell("workflows", id.0).await
    }

    async fn select(&mut self, id: Option<WorkflowId>) -> Result<Vec<Workflow>> {
        let hour_ago = self.t.now() - Duration::hours(1);
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT w.id AS "id: WorkflowId", w.name, w.trigger AS "trigger: Json<WorkflowTrigger>",
                      w.conditions AS "conditions: Json<LeadFilter>", w.actions AS "actions: Json<Vec<WorkflowAction>>",
                      w.once_per_lead, w.hourly_cap, w.enabled, w.paused, w.saved_by, w.created_at, w.updated_at, w.version,
                      (SELECT f.begun_at + interval '1 hour' FROM workflow_firings f
                       WHERE f.workflow_id = w.id AND f.begun_at > $2
                       ORDER BY f.begun_at DESC OFFSET w.hourly_cap - 1 LIMIT 1) AS used_up_until
               FROM workflows w
               WHERE $1::uuid IS NULL OR w.id = $1
               ORDER BY lower(w.name), w.id"#,
            id.map(|id| id.0),
            hour_ago,
        )
        .fetch_all(self.t.conn())
        .await?;
        let names = self.names(&rows).await?;
        Ok(rows.into_iter().map(|row| row.with(&names)).collect())
    }

    /// The names of what workflows are about.
    async fn names(&mut self, rows: &[Row]) -> Result<Names> {
        let mut campaigns: Vec<Uuid> = rows.iter().filter_map(|row| Some(row.trigger.campaign()?.0)).collect();
        let mut people = Vec::new();
        for action in rows.iter().flat_map(|row| row.actions.iter()) {
            match action {
                WorkflowAction::Enrol { campaign } => campaigns.push(campaign.0),
                WorkflowAction::Assign { people: several } => people.extend(several.iter().map(|id| id.0)),
                WorkflowAction::CreateTask { assignee: Some(person), .. } => people.push(person.0),
                _ => {}
            }
        }
        let mut names = Names::default();
        if !campaigns.is_empty() {
            let rows = sqlx::query!("SELECT id, name FROM campaigns WHERE id = ANY($1)", &campaigns)
                .fetch_all(self.t.conn())
                .await?;
            names.campaigns = rows.into_iter().map(|row| (CampaignId(row.id), row.name)).collect();
        }
        if !people.is_empty() {
            let rows = sqlx::query!(
                "SELECT u.id, u.name FROM memberships m JOIN users u ON u.id = m.user_id
                 WHERE m.user_id = ANY($1) AND m.deactivated_at IS NULL",
                &people
            )
            .fetch_all(self.t.conn())
            .await?;
            names.people = rows.into_iter().map(|row| (UserId(row.id), row.name)).collect();
        }
        Ok(names)
    }
}

#[derive(Debug, Default)]
struct Names {
    campaigns: HashMap<CampaignId, String>,
    people: HashMap<UserId, String>,
}

#[derive(Debug)]
struct Row {
    id: WorkflowId,
    name: String,
    trigger: Json<WorkflowTrigger>,
    conditions: Json<LeadFilter>,
    actions: Json<Vec<WorkflowAction>>,
    once_per_lead: bool,
    hourly_cap: i32,
    enabled: bool,
    paused: Option<String>,
    saved_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
    used_up_until: Option<DateTime<Utc>>,
}

impl Row {
    fn with(self, names: &Names) -> Workflow {
        let campaign = self.trigger.campaign().and_then(|id| names.campaigns.get(&id));
        let in_words = |action: &WorkflowAction| {
            action.words(|id| names.campaigns.get(&id).cloned(), |id| names.people.get(&id).cloned())
        };
        Workflow {
            id: self.id,
            name: self.name,
            trigger_words: self.trigger.words(campaign.map(String::as_str)),
            trigger: self.trigger.0,
            conditions_words: sentence(&self.conditions.words()),
            conditions: self.conditions.0,
            actions_words: self.actions.iter().map(in_words).collect(),
            actions: self.actions.0,
            once_per_lead: self.once_per_lead,
            hourly_cap: self.hourly_cap,
            enabled: self.enabled,
            paused: self.paused,
            saved_by: self.saved_by,
            used_up_until: self.used_up_until,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        }
    }
}
