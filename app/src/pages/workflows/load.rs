//! What the pages of workflows load, within the transaction of their server function.

use domain::{
    PageRequest, WorkflowId,
    campaigns::{CampaignFilter, CampaignState},
    workflows::{Workflow, WorkflowActionKind, WorkflowInput, WorkflowTrigger, WorkflowTriggerKind},
};
use service::{Error, Result, Tenant};

use super::{action::ActionForm, form::FilledForm};

/// Campaigns that a select offers.
const CAMPAIGNS: i64 = 100;

/// An id of the address.
pub(super) fn workflow_id(text: &str) -> Result<WorkflowId> {
    text.parse().map_err(|_| Error::NotFound("workflow"))
}

/// The form of a new workflow.
pub(super) async fn empty(t: &mut Tenant, kind: &str) -> Result<FilledForm> {
    let kind = WorkflowTriggerKind::parse(kind).ok_or(Error::NotFound("kind of trigger"))?;
    Ok(FilledForm {
        workflow: None,
        input: WorkflowInput::new(String::new(), WorkflowTrigger::empty(kind)),
        campaigns: campaigns(t, |_| true).await?,
        people: people(t).await?,
    })
}

/// The form of one that there is.
pub(super) async fn filled(t: &mut Tenant, workflow: Workflow) -> Result<FilledForm> {
    Ok(FilledForm {
        workflow: Some((workflow.id.to_string(), workflow.version)),
        input: workflow.into(),
        campaigns: campaigns(t, |_| true).await?,
        people: people(t).await?,
    })
}

/// The form of an action: a new one of this kind, or the one at this place.
pub(super) async fn action(t: &mut Tenant, workflow: &Workflow, add: &str, place: &str) -> Result<ActionForm> {
    let missing = || Error::NotFound("action");
    let (kind, place, action) = match add {
        "" => {
            let place: usize = place.parse().map_err(|_| missing())?;
            let action = workflow.actions.get(place).ok_or_else(missing)?;
            (action.kind(), place, Some(action.clone()))
        }
        add => (WorkflowActionKind::parse(add).ok_or_else(missing)?, workflow.actions.len(), None),
    };
    use WorkflowActionKind as Kind;
    Ok(ActionForm {
        kind,
        place,
        is_new: action.is_none(),
        workflow: workflow.id.to_string(),
        version: workflow.version,
        action,
        campaigns: match kind {
            Kind::Enrol => campaigns(t, |state| !state.is_terminal() && state != CampaignState::Stopping).await?,
            _ => Vec::new(),
        },
        people: match kind {
            Kind::Assign | Kind::CreateTask => people(t).await?,
            _ => Vec::new(),
        },
        agents: match kind {
            Kind::RunAgent => t.agents().list().await?.into_iter().filter(|a| a.enabled).map(|a| a.name).collect(),
            _ => Vec::new(),
        },
        has_webhook: kind != Kind::CallWebhook || t.webhook().find().await?.is_some(),
    })
}

/// Campaigns in states that are `fit`, with their state where it says something.
async fn campaigns(t: &mut Tenant, fit: impl Fn(CampaignState) -> bool) -> Result<Vec<(String, String)>> {
    let first = PageRequest { per: Some(CAMPAIGNS), ..PageRequest::default() };
    let page = t.campaigns().list(&CampaignFilter::default(), &first).await?;
    let named = |campaign: domain::campaigns::CampaignSummary| {
        let state = campaign.state;
        let name = match state {
            CampaignState::Running => campaign.name,
            state => format!("{} ({})", campaign.name, state.label().to_lowercase()),
        };
        fit(state).then(|| (campaign.id.to_string(), name))
    };
    Ok(page.items.into_iter().filter_map(named).collect())
}

async fn people(t: &mut Tenant) -> Result<Vec<(String, String)>> {
    Ok(t.members().list().await?.into_iter().map(|m| (m.user_id.to_string(), m.name)).collect())
}
