//! Tools about campaigns and the mailboxes they send from.

use domain::{
    CampaignId, LeadId, PageRequest, StepId,
    campaigns::{CampaignFilter, CampaignSummary},
    enrolments::EnrolmentState,
    leads::LeadSelection,
    messages::MessageState,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::Tenant;
use uuid::Uuid;

use super::{Nothing, Result, outside, own, word};

/// Which campaigns.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindCampaigns {
    /// draft, scheduled, running, paused, completed, stopped or failed.
    pub state: Option<String>,
}

/// One campaign.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneCampaign {
    /// Id of the campaign.
    pub campaign: Uuid,
}

/// Leads for a campaign.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolLeads {
    /// Id of the campaign.
    pub campaign: Uuid,
    /// Ids of the leads, at most 1,000.
    pub leads: Vec<Uuid>,
}

pub(super) async fn find(t: &mut Tenant, wanted: FindCampaigns) -> Result {
    let state = wanted.state.as_deref().map(word).transpose()?.into_iter().collect();
    let page = PageRequest { per: Some(100), ..PageRequest::default() };
    let found = t.campaigns().list(&CampaignFilter { state, ..CampaignFilter::default() }, &page).await?;
    let item = |c: CampaignSummary| {
        json!({
            "id": c.id, "name": c.name, "state": c.state, "audience": c.audience_size, "sent": c.sent,
            "finished": c.finished, "bounced": c.bounced,
        })
    };
    own(json!({ "items": found.items.into_iter().map(item).collect::<Vec<_>>() }))
}

pub(super) async fn read(t: &mut Tenant, wanted: OneCampaign) -> Result {
    let id = CampaignId(wanted.campaign);
    let campaign = t.campaigns().get(id).await?;
    let steps = t.campaigns().steps(id).await?;
    let checks = t.campaigns().checks(id).await?;
    let steps: Vec<_> = steps
        .steps()
        .iter()
        .map(|step| {
            let problems: Vec<_> = step.problems().into_iter().map(|problem| problem.message).collect();
            let email = step.email();
            json!({
                "position": step.position, "kind": step.kind(), "name": step.name(&steps),
                "delay": step.delay.to_string(), "subject": email.map(|e| &e.subject), "body": email.map(|e| &e.body),
                "branch": step.branch, "problems": problems,
            })
        })
        .collect();
    own(json!({
        "id": campaign.id, "name": campaign.name, "state": campaign.lifecycle.state, "window": campaign.window.to_string(),
        "steps": steps,
        "checks": checks.iter().map(|c| json!({ "verdict": c.verdict, "message": c.in_full() })).collect::<Vec<_>>(),
    }))
}

pub(super) async fn figures(t: &mut Tenant, wanted: OneCampaign) -> Result {
    let id = CampaignId(wanted.campaign);
    let campaign = t.campaigns().get(id).await?;
    let ledger = t.campaigns().ledger(id).await?;
    let days = t.campaigns().per_day(id).await?;
    let steps = t.campaigns().steps(id).await?;
    let of = |step: StepId, state: MessageState| -> i64 {
        ledger.messages.iter().filter(|m| m.step == step && m.state == state).map(|m| m.messages).sum()
    };
    let steps: Vec<_> = steps
        .steps()
        .iter()
        .filter_map(|step| Some((step, step.email()?)))
        .map(|(step, email)| {
            json!({
                "position": step.position, "subject": email.subject, "sent": of(step.id, MessageState::Sent),
                "failed": of(step.id, MessageState::Failed),
            })
        })
        .collect();
    own(json!({
        "audience": campaign.audience_size, "sent": ledger.messages_in(MessageState::Sent), "finished": ledger.finished(),
        "open": ledger.audience - ledger.ended(), "bounced": ledger.leads(&[EnrolmentState::Bounced]),
        "unsubscribed": ledger.leads(&[EnrolmentState::Unsubscribed]),
        "unknown": ledger.messages_in(MessageState::Unknown), "failed": ledger.messages_in(MessageState::Failed),
        "per_day": days.iter().map(|day| json!({ "day": day.day, "sent": day.sent })).collect::<Vec<_>>(),
        "steps": steps,
    }))
}

pub(super) async fn mailboxes(t: &mut Tenant, _: Nothing) -> Result {
    let used = t.mailboxes().used().await?;
    let item = |mailbox: domain::mailboxes::Mailbox| {
        json!({
            "address": mailbox.address, "kind": mailbox.kind, "state": mailbox.state,
            "sent_24h": used.get(&mailbox.id).copied().unwrap_or_default(), "daily_cap": mailbox.daily_cap,
            "gap_seconds": mailbox.gap_seconds, "error": mailbox.last_error,
        })
    };
    // What a server of somebody else has said stands in the errors.
    outside(json!({ "items": t.mailboxes().list().await?.into_iter().map(item).collect::<Vec<_>>() }))
}

pub(super) async fn enrol(t: &mut Tenant, wanted: EnrolLeads) -> Result {
    if wanted.leads.len() > 1_000 {
        return Err(super::Trouble::Words("Enrol at most 1,000 leads at once.".to_owned()));
    }
    let selection = LeadSelection::Ids(wanted.leads.into_iter().map(LeadId).collect());
    let outcome = t.campaigns().enrol(CampaignId(wanted.campaign), &selection).await?;
    own(json!({ "enrolled": outcome.changed, "skipped": outcome.unchanged }))
}
