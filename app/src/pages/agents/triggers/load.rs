//! What the page of the triggers loads, within the transaction of its server function.

use domain::{
    AgentId, PageRequest, TriggerId,
    campaigns::CampaignFilter,
    triggers::{Trigger, TriggerKind, WhileBusy},
};
use service::{Error, Result, Tenant};

use super::{
    State, TriggerRow,
    form::FilledForm,
    log::{Line, Log},
};
use crate::{
    fmt::{Moment, plural},
    pages::runs::input_fields,
};

/// Campaigns that a select offers.
const CAMPAIGNS: i64 = 100;

/// An id of the address.
pub(super) fn trigger_id(text: &str) -> Result<TriggerId> {
    text.parse().map_err(|_| Error::NotFound("trigger"))
}

/// The triggers of an agent.
pub(super) async fn list(t: &mut Tenant, agent: AgentId) -> Result<Vec<TriggerRow>> {
    let triggers = t.triggers().list(agent).await?;
    let zone = t.actor().time_zone().to_owned();
    let hooks = format!("{}/hooks", t.db().settings().public_url);
    Ok(triggers.into_iter().map(|trigger| row(trigger, &zone, &hooks)).collect())
}

fn row(trigger: Trigger, zone: &str, hooks: &str) -> TriggerRow {
    let hourly = plural(trigger.hourly_cap.into(), "run", "runs");
    let busy = match trigger.while_busy {
        WhileBusy::Skip => "none while one has not ended",
        WhileBusy::Queue => "one after the other",
    };
    let hook = trigger.when.kind() == TriggerKind::IncomingWebhook;
    TriggerRow {
        hook: hook.then(|| (format!("{hooks}/{}", trigger.id), trigger.has_secret)),
        id: trigger.id.to_string(),
        name: trigger.name,
        when: trigger.when_words,
        task: trigger.task,
        state: match (trigger.enabled, trigger.paused) {
            (true, _) => State::On,
            (false, Some(why)) => State::Paused(why),
            (false, None) => State::Off,
        },
        next: trigger.next_times.into_iter().map(|at| Moment::exact(at, zone)).collect(),
        used_up: trigger.used_up_until.map(|at| (hourly.clone(), Moment::exact(at, zone))),
        bounds: format!("At most {hourly} an hour, {busy}"),
        rights: format!("Those of {}", trigger.saved_by),
        enabled: trigger.enabled,
    }
}

/// The form of a new trigger.
pub(super) async fn empty(t: &mut Tenant, agent: AgentId, kind: &str) -> Result<FilledForm> {
    let kind = TriggerKind::parse(kind).ok_or(Error::NotFound("kind of trigger"))?;
    let zone = t.actor().company_time_zone().to_owned();
    filled_with(t, agent, FilledForm::new(kind, &zone), None).await
}

/// The form of a trigger that there is.
pub(super) async fn filled(t: &mut Tenant, agent: AgentId, id: &str) -> Result<FilledForm> {
    let trigger = t.triggers().get(agent, trigger_id(id)?).await?;
    filled_with(t, agent, FilledForm::of(&trigger), Some(&trigger)).await
}

async fn filled_with(
    t: &mut Tenant,
    agent: AgentId,
    mut form: FilledForm,
    trigger: Option<&Trigger>,
) -> Result<FilledForm> {
    let definition = t.agents().definition(agent).await?;
    let first = PageRequest { per: Some(CAMPAIGNS), ..PageRequest::default() };
    if form.kind == TriggerKind::CampaignState {
        let page = t.campaigns().list(&CampaignFilter::default(), &first).await?;
        form.campaigns = page.items.into_iter().map(|campaign| (campaign.id.to_string(), campaign.name)).collect();
    }
    let fields = input_fields(t, &definition).await?;
    form.ask_for(fields, trigger.map(|trigger| &trigger.parameters));
    Ok(form)
}

/// What has set a trigger off.
pub(super) async fn log(t: &mut Tenant, agent: AgentId, id: &str, after: String) -> Result<Log> {
    let later = !after.is_empty();
    let request = PageRequest { after: Some(after).filter(|a| !a.is_empty()), ..PageRequest::default() };
    let trigger = t.triggers().get(agent, trigger_id(id)?).await?;
    let page = t.triggers().firings(agent, trigger.id, &request).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let line = |firing: domain::triggers::Firing| Line {
        at: Moment::new(firing.at, now, &zone),
        due: firing.due_at.map(|at| Moment::exact(at, &zone)),
        what: firing.cause,
        events: firing.events,
        lead: firing.lead.map(|id| id.to_string()),
        campaign: firing.campaign.map(|id| id.to_string()),
        run: firing.run.map(|id| id.to_string()),
        why_not: firing.detail.or(firing.reason.map(|reason| reason.label().to_owned())),
        state: firing.state,
    };
    Ok(Log {
        trigger: trigger.id.to_string(),
        name: trigger.name,
        lines: page.items.into_iter().map(line).collect(),
        later,
        next: page.next,
    })
}
