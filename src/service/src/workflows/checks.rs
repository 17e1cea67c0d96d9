//! What only the company knows about what was entered: whether campaigns, people and agents are there, and whether
//! whoever saves a workflow may do what it will do.

use domain::{
    Permission, Problem,
    workflows::{WorkflowAction, WorkflowActionKind, WorkflowInput},
};

use super::Workflows;
use crate::{Error, Result, leads::is_storable};

impl Workflows<'_> {
    /// The input, checked. Whoever saves a workflow gives it their rights, so they need those that it acts with.
    pub(super) async fn check(&mut self, input: WorkflowInput) -> Result<WorkflowInput> {
        self.t.require(Permission::ManageAllLeads).await?;
        for permission in permissions(&input.actions) {
            self.t.require(permission).await?;
        }
        let input = input.check()?;
        if !is_storable(&input.name) || !input.conditions.q.as_deref().is_none_or(is_storable) {
            return Err(Problem::new("text_invalid", "Remove the characters that cannot be stored.").into());
        }
        if let Some(campaign) = input.trigger.campaign() {
            self.t.campaigns().require_there(campaign).await?;
        }
        if let Some(campaign) = input.conditions.campaign {
            self.t.campaigns().require_there(campaign).await?;
        }
        let mut problems = Vec::new();
        for (place, action) in input.actions.iter().enumerate() {
            match self.check_action(action, input.enabled).await {
                Err(Error::Invalid(found)) => problems.extend(found.into_iter().map(|problem| {
                    let field = problem.field.as_deref().unwrap_or_default();
                    let field = format!("actions.{place}.{field}");
                    problem.on(field)
                })),
                other => other?,
            }
        }
        if problems.is_empty() { Ok(input) } else { Err(problems.into()) }
    }

    async fn check_action(&mut self, action: &WorkflowAction, enabled: bool) -> Result<()> {
        match action {
            WorkflowAction::Enrol { campaign } => {
                let state = self.t.campaigns().get(*campaign).await?.lifecycle.state;
                if enabled && state.is_terminal() {
                    let words = "This campaign has ended, so it takes no leads. Choose another one.";
                    return Err(Problem::field("campaign", "campaign_ended", words).into());
                }
            }
            WorkflowAction::Assign { people } => {
                for person in people {
                    let there = self.t.members().require_there(Some(*person)).await;
                    there.map_err(|error| of_field(error, "people"))?;
                }
            }
            WorkflowAction::CreateTask { assignee, .. } => self.t.members().require_there(*assignee).await?,
            WorkflowAction::RunAgent { agent, .. } => self.check_agent(agent).await?,
            WorkflowAction::CallWebhook { .. } => {
                if enabled && self.t.webhook().find().await?.is_none() {
                    let words = "No webhook is connected. An admin connects one under Settings, Models.";
                    return Err(Problem::field("event", "no_webhook", words).into());
                }
            }
            WorkflowAction::AddTag { .. } | WorkflowAction::RemoveTag { .. } | WorkflowAction::SetStatus { .. } => {}
        }
        Ok(())
    }

    /// An agent gets the lead and nothing else, so it must be content with that.
    async fn check_agent(&mut self, agent: &str) -> Result<()> {
        let Ok(id) = self.t.agents().by_name(agent).await else {
            return Err(Problem::field("agent", "agent_unknown", format!("There is no agent “{agent}”.")).into());
        };
        let needs = self.t.agents().definition(id).await?.required_inputs();
        match needs.into_iter().find(|name| name != "lead") {
            Some(name) => {
                let words = format!("“{agent}” needs “{name}”, which a workflow cannot give it. Choose another agent.");
                Err(Problem::field("agent", "agent_needs_more", words).into())
            }
            None => Ok(()),
        }
    }
}

/// The rights that actions need, each once.
pub(super) fn permissions(actions: &[WorkflowAction]) -> Vec<Permission> {
    let mut permissions: Vec<_> =
        actions.iter().map(WorkflowAction::kind).flat_map(WorkflowActionKind::permissions).copied().collect();
    permissions.sort_unstable();
    permissions.dedup();
    permissions
}

fn of_field(error: Error, field: &'static str) -> Error {
    match error {
        Error::Invalid(problems) => Error::Invalid(problems.into_iter().map(|problem| problem.on(field)).collect()),
        other => other,
    }
}
