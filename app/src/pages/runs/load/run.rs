//! One run as its page shows it: loaded in one transaction, with the names of the things it is about.

use chrono::{DateTime, Utc};
use domain::{
    AccountId, CampaignId, LeadId, Permission,
    agents::{Definition, tool},
    runs::{Approval, ApprovalState, Run, RunState, RunStep, RunStepState, StepKind, Thing, ThingKind, ids_in},
};
use serde_json::Value;
use service::{Error, Tenant};

use super::{
    super::{
        decision::{Ask, NamedThings},
        detail::RunView,
        inputs,
        question::Asking,
        trace::Trace,
    },
    limit, moves, run_id, there, took,
    trace::{in_full, line, places, pretty, told},
};
use crate::{
    error::AppError,
    fmt::{Moment, dollars, duration, grouped, plural},
    server,
};

/// One run: `step` is looked into, `full` shows all of it.
pub async fn run(slug: &str, id: &str, view: String, step: i32, full: bool) -> Result<RunView, AppError> {
    let id = run_id(id)?;
    let view = if matches!(view.as_str(), "waterfall" | "log") { view } else { "tree".to_owned() };
    let mut t = server::tenant(slug).await?;
    let run = t.runs().get(id).await?;
    let steps = t.runs().steps(id).await?;
    let approvals = t.runs().approvals(id).await?;
    let question = t.runs().question(id).await?;
    let awaits = t.runs().awaited(id).await?;
    let writing = t.runs().writing(id).await?;
    let children = t.runs().children(id).await?;
    let events = if view == "log" { t.runs().log(id).await? } else { Vec::new() };
    let parameters = parameters(&mut t, slug, &run).await?;
    let verdict = t.runs().verdict(&run).await?;
    let pending = approvals.iter().find(|asked| asked.state == ApprovalState::Pending);
    let things = t.runs().things(&pending.map(|asked| ids_in(&asked.arguments)).unwrap_or_default()).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let [may_run, may_decide] = [Permission::RunAgents, Permission::DecideRuns].map(|right| t.actor().can(right));
    t.commit().await?;
    let chosen = steps.iter().find(|known| known.number == step);
    let (places, axis) = places(&steps, &run, now);
    let place_of = |key: &str| children.iter().find(|child| child.step == key).map(|child| child.id.to_string());
    Ok(RunView {
        meta: meta(&run, steps.len(), now),
        started: Moment::new(run.created_at, now, &zone),
        dry_run: run.dry_run,
        evaluation: run.evaluation,
        verdict,
        built_in: !steps.is_empty() && !steps.iter().any(of_model),
        ended: run.state.has_ended(),
        moves: moves(run.state),
        may_run,
        commands: run.commands().into_iter().map(str::to_owned).collect(),
        ask: pending.map(|asked| {
            let expires = Moment::new(asked.expires_at, now, &zone);
            ask(&run, asked, by_kind(slug, things), expires, may_decide)
        }),
        asking: question.map(|asked| Asking {
            step: asked.step,
            agent: run.agent.clone(),
            words: asked.question,
            choices: asked.choices,
            expires: Moment::new(asked.expires_at, now, &zone),
            may_answer: may_run,
        }),
        sleeps: run.wake_at.filter(|_| run.state == RunState::Sleeping).map(|until| Moment::new(until, now, &zone)),
        awaits: awaits.map(|awaited| (awaited.host, Moment::exact(awaited.expires_at, &zone))),
        decided: approvals
            .iter()
            .filter_map(|asked| Some((decided(asked), Moment::new(asked.decided_at?, now, &zone))))
            .collect(),
        trace: Trace {
            log: events.iter().map(|event| (Moment::clock(event.at, &zone), told(event))).collect(),
            chosen: chosen.map(|step| in_full(step, run.state, &zone, full)),
            steps: steps
                .iter()
                .zip(places)
                .map(|(step, place)| line(step, run.state, place, place_of(&step.key)))
                .collect(),
            axis,
            view,
        },
        id: run.id.to_string(),
        state: run.state.to_string(),
        word: run.state.label().to_owned(),
        failure: run.failure_detail,
        answer: run.answer,
        writing,
        task: run.task,
        parameters,
        children: children
            .iter()
            .map(|child| {
                [child.id.to_string(), child.agent.clone(), child.state.to_string(), child.state.label().to_owned()]
            })
            .collect(),
        conversation: run.conversation.map(|id| id.to_string()),
        parent: run.parent.map(|id| id.to_string()),
        agent: (run.agent_id.to_string(), run.agent),
    })
}

fn meta(run: &Run, own: usize, now: DateTime<Utc>) -> Vec<String> {
    let used = &run.usage;
    let own = i64::try_from(own).unwrap_or(i64::MAX);
    let mut meta = vec![format!("by {}", run.started_by), format!("Version {}", run.agent_version)];
    if run.attempt > 1 {
        meta.push(format!("Attempt {}", run.attempt));
    }
    let so_far = if run.state.has_ended() { "took" } else { "for" };
    meta.extend(took(run, now).map(|took| format!("{so_far} {}", duration(took))));
    meta.push(plural(own, "step", "steps"));
    // What runs that work was handed over to have done counts for its limits.
    let others = i64::from(used.steps) - own;
    if others > 0 {
        meta.push(format!("{} of runs it handed over to", plural(others, "step", "steps")));
    }
    if used.tokens_in + used.tokens_out > 0 {
        meta.push(format!("{} tokens in, {} out", grouped(used.tokens_in), grouped(used.tokens_out)));
    }
    if used.steps > 0 {
        meta.push(dollars(used.cost_micros));
    }
    meta
}

/// The parameters with the words of their inputs, and the names of the things that they stand for.
async fn parameters(t: &mut Tenant, slug: &str, run: &Run) -> Result<Vec<(String, String, Option<String>)>, Error> {
    let file = there(t.agents().file(run.agent_id, run.agent_version).await)?;
    let declared = file.and_then(|file| Definition::from_markdown(&file).ok()).map(|read| inputs::declared(&read));
    let declared = declared.unwrap_or_default();
    let place = |name: &str| declared.iter().position(|input| input.name == name);
    let mut given: Vec<_> = run.parameters.iter().collect();
    given.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
    let mut shown = Vec::new();
    for (name, value) in given {
        let input = place(name).map(|n| &declared[n]);
        let label = input.map_or_else(|| name.clone(), inputs::Declared::title);
        let thing = match input.and_then(inputs::Declared::format) {
            Some(kind) => thing(t, slug, kind, &inputs::plain(value)).await?,
            None => None,
        };
        let (words, href) = match (thing, value) {
            (Some((name, href)), _) => (name, Some(href)),
            (None, Value::Bool(yes)) => (if *yes { "Yes" } else { "No" }.to_owned(), None),
            (None, value) => (inputs::plain(value), None),
        };
        shown.push((label, words, href));
    }
    Ok(shown)
}

/// Name and address of a thing of the company, if it is still there.
async fn thing(t: &mut Tenant, slug: &str, kind: &str, id: &str) -> Result<Option<(String, String)>, Error> {
    let (name, noun) = match kind {
        "lead" => match id.parse::<LeadId>() {
            Ok(id) => (there(t.leads().get(id).await)?.map(|lead| lead.display_name()), "leads"),
            Err(_) => return Ok(None),
        },
        "account" => match id.parse::<AccountId>() {
            Ok(id) => (there(t.accounts().get(id).await)?.map(|account| account.name), "accounts"),
            Err(_) => return Ok(None),
        },
        "campaign" => match id.parse::<CampaignId>() {
            Ok(id) => (there(t.campaigns().get(id).await)?.map(|campaign| campaign.name), "campaigns"),
            Err(_) => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(name.map(|name| (name, format!("/t/{slug}/{noun}/{id}"))))
}

/// Whether a model has answered, or is still asked.
fn of_model(step: &RunStep) -> bool {
    step.kind == StepKind::ModelCall && (step.model.is_some() || step.state == RunStepState::Intended)
}

/// The things by their kind, each with its address.
fn by_kind(slug: &str, things: Vec<Thing>) -> Vec<NamedThings> {
    let kinds = [
        (ThingKind::Campaign, "Campaign", "Campaigns", "campaigns"),
        (ThingKind::Lead, "Lead", "Leads", "leads"),
        (ThingKind::Account, "Account", "Accounts", "accounts"),
    ];
    let group = |(kind, one, many, noun): (ThingKind, &str, &str, &str)| {
        let of_kind = things.iter().filter(|thing| thing.kind == kind);
        let links: Vec<_> =
            of_kind.map(|thing| (thing.name.clone(), format!("/t/{slug}/{noun}/{}", thing.id))).collect();
        let label = if links.len() == 1 { one.to_owned() } else { format!("{} {}", links.len(), many.to_lowercase()) };
        (!links.is_empty()).then_some((label, links))
    };
    kinds.into_iter().filter_map(group).collect()
}

/// The question as its card shows it.
fn ask(run: &Run, asked: &Approval, things: Vec<NamedThings>, expires: Moment, may_decide: bool) -> Ask {
    let limit = limit(asked);
    Ask {
        things,
        id: asked.id.to_string(),
        title: match &limit {
            Some(height) => format!("{} needs more than its limit of {height}", run.agent),
            None => format!("{} wants to call {}", run.agent, asked.tool),
        },
        what: match (&limit, tool(&asked.tool)) {
            (Some(_), _) => "Double the limit, and the run goes on. Without that it ends here.".to_owned(),
            (None, Some(tool)) => format!("{}. It is called with exactly these arguments:", tool.what),
            (None, None) => "It is called with exactly these arguments:".to_owned(),
        },
        arguments: limit.is_none().then(|| pretty(&asked.arguments)),
        outside: run.read_outside && limit.is_none(),
        expires,
        may_decide,
    }
}

fn decided(asked: &Approval) -> String {
    let what = limit(asked).map_or_else(|| asked.tool.clone(), |height| format!("more than {height}"));
    let by = asked.decided_by.as_deref().unwrap_or("nobody");
    match asked.state {
        ApprovalState::Approved if asked.edited.is_some() => format!("{by} approved {what}, with other arguments."),
        ApprovalState::Approved => format!("{by} approved {what}."),
        ApprovalState::Denied => match asked.reason.as_deref().filter(|reason| !reason.is_empty()) {
            Some(reason) => format!("{by} denied {what}: {reason}"),
            None => format!("{by} denied {what}."),
        },
        ApprovalState::Expired => format!("Nobody answered about {what} in time. That counts as no."),
        ApprovalState::Withdrawn => format!("The run ended before somebody answered about {what}."),
        ApprovalState::Pending => format!("Asked about {what}."),
    }
}
