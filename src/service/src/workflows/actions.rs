//! What a workflow does to a lead: each action goes the way that a person goes who does the same, so the same
//! checks of rights hold. The lead is held by the caller.

use domain::{
    CampaignId, LeadId, Permission, UserId, WorkflowFiringId,
    campaigns::CampaignState,
    enrolments::EndReason,
    inbound::MOST_FOR_AGENTS,
    leads::{LeadSelection, LeadStatus},
    runs::{NewRun, RunOrigin},
    tasks::TaskInput,
    words::sentence,
    workflows::{ActionOutcome, ActionResult, WorkflowAction, WorkflowActionKind as Kind},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Workflows;
use crate::{
    Error, Result,
    jobs::CallStepWebhook,
    runs::{Cause, StartedBy},
};

impl Workflows<'_> {
    /// Carries out one action. What cannot be done is an error that says why.
    pub(super) async fn carry_out(
        &mut self,
        firing: WorkflowFiringId,
        lead: LeadId,
        action: &WorkflowAction,
    ) -> Result<ActionResult> {
        match action {
            WorkflowAction::Enrol { campaign } => self.enrol(lead, *campaign).await,
            WorkflowAction::AddTag { tag } => self.tag(lead, tag, Kind::AddTag).await,
            WorkflowAction::RemoveTag { tag } => self.tag(lead, tag, Kind::RemoveTag).await,
            WorkflowAction::Assign { people } => self.assign(lead, people).await,
            WorkflowAction::CreateTask { title, due_in_days, assignee } => {
                self.create_task(lead, title, *due_in_days, *assignee).await
            }
            WorkflowAction::SetStatus { status } => self.set_status(lead, *status).await,
            WorkflowAction::RunAgent { agent, task } => self.run_agent(firing, lead, agent, task).await,
            WorkflowAction::CallWebhook { event } => self.call_webhook(firing, lead, event).await,
        }
    }

    /// Into the line of a campaign that runs. Who is held out for comparison is counted there, so it goes in, too.
    async fn enrol(&mut self, lead: LeadId, id: CampaignId) -> Result<ActionResult> {
        let of = |result: ActionResult| Ok(ActionResult { campaign: Some(id), ..result });
        let campaign = self.t.campaigns().get(id).await?;
        let name = &campaign.name;
        if campaign.lifecycle.state != CampaignState::Running {
            let words = format!("“{name}” is {}.", campaign.lifecycle.state.label().to_lowercase());
            return of(ActionResult::refused(Kind::Enrol, "campaign_not_running", words));
        }
        let left_out = self.t.campaigns().why_left_out(&campaign, lead).await?;
        if let Some(why) = left_out.filter(|why| *why != EndReason::HeldOut) {
            let words = format!("{}.", sentence(why.label()));
            return of(ActionResult::refused(Kind::Enrol, why.as_str(), words));
        }
        let added = self.t.campaigns().enrol(id, &LeadSelection::Ids(vec![lead])).await?.changed;
        of(match (added, left_out) {
            (0, _) => {
                let words = format!("It is or was in “{name}” already.");
                ActionResult::new(Kind::Enrol, ActionOutcome::Unchanged, words)
            }
            (_, Some(why)) => {
                let words = format!("In “{name}”, where it gets nothing: {}.", why.label());
                ActionResult::new(Kind::Enrol, ActionOutcome::Done, words)
            }
            (_, None) => ActionResult::new(Kind::Enrol, ActionOutcome::Done, format!("Enrolled in “{name}”.")),
        })
    }

    async fn tag(&mut self, lead: LeadId, tag: &str, kind: Kind) -> Result<ActionResult> {
        self.t.require(Permission::ManageAllLeads).await?;
        let had = sqlx::query_scalar!(r#"SELECT $2 = ANY(tags) AS "had!" FROM leads WHERE id = $1"#, lead.0, tag)
            .fetch_one(self.t.conn())
            .await?;
        let adds = kind == Kind::AddTag;
        if had == adds {
            let words = if adds { "has the tag already" } else { "does not have the tag" };
            return Ok(ActionResult::new(kind, ActionOutcome::Unchanged, format!("It {words}: {tag}.")));
        }
        let changed = match adds {
            true => self.t.leads().add_tag(&[lead.0], tag).await?,
            false => self.t.leads().remove_tag(&[lead.0], tag).await?,
        };
        if changed == 0 {
            return Ok(ActionResult::refused(kind, "tags_many", "It has 20 tags, and no more fit."));
        }
        self.t.tell("leads", lead.0).await?;
        let words = if adds { format!("Added the tag {tag}.") } else { format!("Removed the tag {tag}.") };
        Ok(ActionResult::new(kind, ActionOutcome::Done, words))
    }

    /// To the next of several people who are still there. Who has it already, and is one of them, keeps it.
    async fn assign(&mut self, lead: LeadId, people: &[UserId]) -> Result<ActionResult> {
        let wanted: Vec<_> = people.iter().map(|person| person.0).collect();
        let there = sqlx::query!(
            r#"SELECT m.user_id AS "id: UserId", u.name, l.owner_id IS NOT DISTINCT FROM m.user_id AS "has_it!"
               FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, place)
               JOIN memberships m ON m.user_id = w.id AND m.deactivated_at IS NULL
               JOIN users u ON u.id = m.user_id
               JOIN leads l ON l.id = $2
               ORDER BY w.place"#,
            &wanted,
            lead.0
        )
        .fetch_all(self.t.conn())
        .await?;
        if let Some(owner) = there.iter().find(|person| person.has_it) {
            let words = format!("It belongs to {} already.", owner.name);
            return Ok(ActionResult::new(Kind::Assign, ActionOutcome::Unchanged, words));
        }
        let turn = match (self.t.actor().workflow().map(|workflow| workflow.id), there.len()) {
            (Some(id), 2..) => {
                sqlx::query_scalar!("UPDATE workflows SET turn = turn + 1 WHERE id = $1 RETURNING turn - 1", id.0)
                    .fetch_optional(self.t.conn())
                    .await?
                    .flatten()
                    .unwrap_or_default()
            }
            _ => 0,
        };
        let place = usize::try_from(turn).unwrap_or_default() % there.len().max(1);
        let Some(person) = there.into_iter().nth(place) else {
            let words = "Nobody who was chosen belongs to the company any more.";
            return Ok(ActionResult::refused(Kind::Assign, "people_gone", words));
        };
        self.t.leads().assign(lead, Some(person.id)).await?;
        Ok(ActionResult::new(Kind::Assign, ActionOutcome::Done, format!("Assigned to {}.", person.name)))
    }

    async fn create_task(
        &mut self,
        lead: LeadId,
        title: &str,
        due_in_days: i32,
        assignee: Option<UserId>,
    ) -> Result<ActionResult> {
        let assignee = match assignee {
            Some(person) => Some(person),
            None => {
                sqlx::query_scalar!(
                    r#"SELECT m.user_id AS "id: UserId" FROM leads l
                   JOIN memberships m ON m.user_id = l.owner_id AND m.deactivated_at IS NULL
                   WHERE l.id = $1"#,
                    lead.0
                )
                .fetch_optional(self.t.conn())
                .await?
            }
        };
        let input = TaskInput {
            title: title.to_owned(),
            lead: Some(lead),
            assignee,
            due_in_days: Some(due_in_days.into()),
            ..TaskInput::default()
        };
        let task = self.t.tasks().create(input).await?;
        let who = task.assignee_name.unwrap_or_else(|| "anybody".to_owned());
        let words = format!("Created the task “{}” for {who}.", task.title);
        Ok(ActionResult::new(Kind::CreateTask, ActionOutcome::Done, words))
    }

    async fn set_status(&mut self, lead: LeadId, status: LeadStatus) -> Result<ActionResult> {
        let was = self.t.leads().get(lead).await?.status;
        if was == status {
            let words = format!("Its status is {status} already.");
            return Ok(ActionResult::new(Kind::SetStatus, ActionOutcome::Unchanged, words));
        }
        self.t.leads().set_status(lead, status).await?;
        let words = format!("Changed its status from {was} to {status}.");
        Ok(ActionResult::new(Kind::SetStatus, ActionOutcome::Done, words))
    }

    async fn run_agent(
        &mut self,
        firing: WorkflowFiringId,
        lead: LeadId,
        agent: &str,
        task: &str,
    ) -> Result<ActionResult> {
        self.t.require(Permission::RunAgents).await?;
        let id = self.t.agents().by_name(agent).await?;
        let mail = sqlx::query!(
            "SELECT left(i.text, $2) AS text, i.subject, i.from_address, i.kind
             FROM workflow_firings f JOIN inbound_messages i ON i.id = f.inbound_id WHERE f.id = $1",
            firing.0,
            i32::try_from(MOST_FOR_AGENTS).unwrap_or(i32::MAX)
        )
        .fetch_optional(self.t.conn())
        .await?;
        // What came from outside goes with the run: then it is one that has read such text.
        let payload = mail.map(|mail| {
            let from = mail.from_address.unwrap_or_default();
            json!({ "reply": { "text": mail.text, "subject": mail.subject, "from": from, "kind": mail.kind } })
        });
        let actor = self.t.actor().clone();
        let by = StartedBy {
            origin: RunOrigin::Workflow,
            words: actor.to_string(),
            person: actor.user_id(),
            key: actor.api_key_id(),
        };
        let depth = actor.workflow().map_or(1, |workflow| workflow.depth);
        // Facts of a lead come from outside, too.
        let cause = Cause { by: Some(by), depth, payload, outside: true, ..Cause::default() };
        let parameters = Map::from_iter([("lead".to_owned(), Value::String(lead.to_string()))]);
        let new = NewRun { agent: agent.to_owned(), task: task.to_owned(), parameters, ..NewRun::default() };
        let run = self.t.runs().start(id, new, cause).await?.id;
        let result = ActionResult::new(Kind::RunAgent, ActionOutcome::Done, format!("Started a run of {agent}."));
        Ok(ActionResult { run: Some(run), ..result })
    }

    /// Writes down the call; a worker makes it, as those of steps of campaigns.
    async fn call_webhook(&mut self, firing: WorkflowFiringId, lead: LeadId, event: &str) -> Result<ActionResult> {
        let Some(workflow) = self.t.actor().workflow().cloned() else { return Err(Error::NotFound("workflow")) };
        let (id, now): (Uuid, _) = (self.t.new_id(), self.t.now());
        let lead = self.t.leads().told_outside(lead).await?;
        let body = json!({
            "type": event,
            "timestamp": now,
            "data": { "workflow": { "id": workflow.id, "name": workflow.name }, "lead": lead },
        });
        sqlx::query!(
            "INSERT INTO step_webhooks (id, firing_id, body, created_at) VALUES ($1, $2, $3, $4)",
            id,
            firing.0,
            body,
            now,
        )
        .execute(self.t.conn())
        .await?;
        let company = self.t.actor().company();
        self.t.enqueue(&CallStepWebhook { company, call: id }).await?;
        let words = format!("{event} is on its way.");
        Ok(ActionResult { call: Some(id), ..ActionResult::new(Kind::CallWebhook, ActionOutcome::Waiting, words) })
    }
}
