//! What steps do besides e-mails: tasks for people, runs of agents, calls to the webhook of the company.

use std::collections::HashMap;

use chrono::Days;
use domain::{
    LeadId, Permission, RunId, UserId,
    runs::{NewRun, RunOrigin},
    steps::{Action, Step},
    window::day_in,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Campaigns, Walker, Way};
use crate::{
    Error, Result,
    campaigns::{
        Concerning,
        render::{LeadFacts, Sender, fill},
    },
    jobs::CallStepWebhook,
    runs::{Cause, StartedBy},
};

/// The characters that a title of a task may have.
const TITLE: usize = 200;

/// Something that a step does to a lead.
pub(super) struct Doing {
    pub walker: Walker,
    pub step: Step,
}

/// A lead, as texts of steps name it.
struct About {
    facts: LeadFacts,
    owner: Option<UserId>,
}

impl Campaigns<'_> {
    /// Does what leads have come to. What cannot be done is written into the log, and they go on.
    pub(super) async fn do_doings(&mut self, way: &Way<'_>, doings: &[Doing]) -> Result<()> {
        if doings.is_empty() {
            return Ok(());
        }
        let leads: Vec<_> = doings.iter().filter_map(|doing| doing.walker.lead.map(|lead| lead.0)).collect();
        let about = self.about_leads(&leads).await?;
        let sender = self.sender_of(way.campaign.id).await?;
        for Doing { walker, step } in doings {
            let Some((lead, about)) = walker.lead.and_then(|lead| Some((lead, about.get(&lead.0)?))) else { continue };
            match &step.action {
                Action::Task { .. } => self.give_task(way, walker, step, lead, about, &sender).await?,
                Action::Agent { .. } => self.start_agent(way, walker, step, lead, about, &sender).await?,
                Action::Webhook { event } => self.tell_webhook(way, walker, step, event, lead).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn give_task(
        &mut self,
        way: &Way<'_>,
        walker: &Walker,
        step: &Step,
        lead: LeadId,
        about: &About,
        sender: &Sender,
    ) -> Result<()> {
        let Action::Task { title, details, assignee, due_in_days, wait } = &step.action else { return Ok(()) };
        let today = day_in(self.t.actor().company_time_zone(), way.now);
        let due = today.checked_add_days(Days::new(u64::try_from(*due_in_days).unwrap_or(0)));
        let title: String = fill(title, &about.facts, sender).chars().take(TITLE).collect();
        let details = Some(fill(details, &about.facts, sender)).filter(|text| !text.trim().is_empty());
        let by = format!("Campaign “{}”", way.campaign.name);
        let id: domain::TaskId = self.t.new_id();
        sqlx::query!(
            "INSERT INTO tasks (id, title, details, lead_id, assignee, due_on, created_by, created_at)
             VALUES ($1, $2, $3, $4, (SELECT user_id FROM memberships WHERE user_id = $5 AND deactivated_at IS NULL),
                     $6, $7, $8)",
            id.0,
            title,
            details,
            lead.0,
            assignee.or(about.owner).map(|id| id.0),
            due,
            by,
            way.now,
        )
        .execute(self.t.conn())
        .await?;
        if *wait {
            self.wait_on(walker, Some(id.0)).await?;
        }
        self.t.tell("tasks", id.0).await?;
        self.log_of(way.campaign.id, "task_given", Some(&title), of_step(step, lead)).await
    }

    async fn start_agent(
        &mut self,
        way: &Way<'_>,
        walker: &Walker,
        step: &Step,
        lead: LeadId,
        about: &About,
        sender: &Sender,
    ) -> Result<()> {
        let Action::Agent { agent, task, wait } = &step.action else { return Ok(()) };
        let started = self.run_of_step(way, agent, fill(task, &about.facts, sender), lead).await;
        match started {
            Ok(run) => {
                if *wait {
                    self.wait_on(walker, Some(run.0)).await?;
                }
                self.log_of(way.campaign.id, "run_started", Some(agent), of_step(step, lead)).await
            }
            Err(Error::Unavailable) => Err(Error::Unavailable),
            Err(error) => {
                let words = format!("{agent}: {}", reason(&error));
                self.log_of(way.campaign.id, "run_not_started", Some(&words), of_step(step, lead)).await?;
                if *wait { self.wait_on(walker, None).await } else { Ok(()) }
            }
        }
    }

    /// The enrolment goes on when this is done; when there is nothing to wait for, as soon as somebody looks.
    async fn wait_on(&mut self, walker: &Walker, what: Option<Uuid>) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE enrolments SET waits_on = $2, due_at = CASE WHEN $2::uuid IS NULL THEN $3::timestamptz END WHERE id = $1",
            walker.enrolment.0,
            what,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn run_of_step(&mut self, way: &Way<'_>, agent: &str, task: String, lead: LeadId) -> Result<RunId> {
        let rights = sqlx::query!(
            r#"SELECT rights_person AS "person: UserId", rights_key AS "key: domain::ApiKeyId" FROM campaigns WHERE id = $1"#,
            way.campaign.id.0
        )
        .fetch_one(self.t.conn())
        .await?;
        let may = self.t.runs().rights_of(rights.person, rights.key).await?;
        if !may.is_some_and(|actor| actor.can(Permission::RunAgents)) {
            let words = "Whoever started the campaign may not run agents any more. Pause and resume it.";
            return Err(Error::conflict("rights_lost", words));
        }
        let id = self.t.agents().by_name(agent).await?;
        let by = StartedBy {
            origin: RunOrigin::Campaign,
            words: format!("Campaign “{}”", way.campaign.name),
            person: rights.person,
            key: rights.key,
        };
        // Facts of a lead come from outside.
        let cause = Cause { by: Some(by), outside: true, ..Cause::default() };
        let parameters = Map::from_iter([("lead".to_owned(), Value::String(lead.to_string()))]);
        let new = NewRun { agent: agent.to_owned(), task, parameters, ..NewRun::default() };
        Ok(self.t.runs().start(id, new, cause).await?.id)
    }

    async fn tell_webhook(
        &mut self,
        way: &Way<'_>,
        walker: &Walker,
        step: &Step,
        event: &str,
        lead: LeadId,
    ) -> Result<()> {
        let id: Uuid = self.t.new_id();
        let lead = self.t.leads().told_outside(lead).await?;
        let body = json!({
            "type": event,
            "timestamp": way.now,
            "data": {
                "campaign": { "id": way.campaign.id, "name": way.campaign.name },
                "step": { "id": step.id, "position": step.position },
                "lead": lead,
            },
        });
        sqlx::query!(
            "INSERT INTO step_webhooks (id, enrolment_id, step_id, body, created_at) VALUES ($1, $2, $3, $4, $5)",
            id,
            walker.enrolment.0,
            step.id.0,
            body,
            way.now,
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue(&CallStepWebhook { company, call: id }).await
    }

    async fn about_leads(&mut self, leads: &[Uuid]) -> Result<HashMap<Uuid, About>> {
        let rows = sqlx::query!(
            r#"SELECT l.id AS "id!", l.email AS "email: domain::EmailAddress", l.first_name, l.last_name, l.title, l.country,
                      l.owner_id AS "owner: UserId", a.name AS "account?"
               FROM leads l LEFT JOIN accounts a ON a.id = l.account_id WHERE l.id = ANY($1)"#,
            leads
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let facts = LeadFacts {
                    email: row.email,
                    first_name: row.first_name,
                    last_name: row.last_name,
                    title: row.title,
                    account: row.account,
                    country: row.country,
                };
                (row.id, About { facts, owner: row.owner })
            })
            .collect())
    }
}

/// What the log says that it is about.
fn of_step(step: &Step, lead: LeadId) -> Concerning {
    Concerning { lead: Some(lead), step: Some(step.id), message: None }
}

fn reason(error: &Error) -> String {
    match error {
        Error::Conflict(problem) => problem.message.clone(),
        Error::Invalid(problems) => problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join(" "),
        Error::NotFound(_) => "There is no such agent any more.".to_owned(),
        other => other.to_string(),
    }
}
