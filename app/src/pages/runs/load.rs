//! What the pages of runs load: one transaction each, turned into what they show.

use chrono::{DateTime, Utc};
use domain::{
    AccountId, AgentId, CampaignId, LeadId, PageRequest, Permission, RunId,
    accounts::AccountFilter,
    agents::{Definition, tool},
    campaigns::CampaignFilter,
    leads::{LeadFilter, LeadSort},
    runs::{
        Approval, ApprovalState, Run, RunEvent, RunFilter, RunState, RunStep, RunStepState, RunView as View, StepKind,
        Usage,
    },
};
use serde_json::Value;
use service::{Error, Tenant};

use super::{approvals::*, decision::Ask, detail::RunView, inputs, list::*, start::StartForm, trace::*};
use crate::{
    error::AppError,
    fmt::{Moment, NO_DATA, bytes, dollars, duration, grouped, plural},
    pages::agents::agent_id,
    server,
    ui::IconName,
};

/// More of a value is shown on request.
const SHOWN: usize = 4_096;
/// Things of the company that a select offers.
const THINGS: i64 = 100;
/// The beginning of the tool of a question for more of a limit.
const LIMIT: &str = "limit:";

/// An id of the path.
pub fn run_id(text: &str) -> Result<RunId, AppError> {
    text.parse().map_err(|_| Error::NotFound("run").into())
}

fn after(cursor: &str) -> PageRequest {
    PageRequest { after: Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()), ..PageRequest::default() }
}

/// The list.
pub async fn list(slug: &str, view: &str, agent: &str, cursor: &str) -> Result<RunList, AppError> {
    let agent = Some(agent).filter(|id| !id.is_empty()).map(agent_id).transpose()?;
    let filter = RunFilter { view: View::parse(view), agent };
    let mut t = server::tenant(slug).await?;
    let page = t.runs().list(&filter, &after(cursor)).await?;
    let slots = t.runs().slots().await?;
    let agent = match agent {
        Some(id) => Some((id.to_string(), there(t.agents().get(id).await)?.map(|agent| agent.name))),
        None => None,
    };
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let words = [(slots.busy, "working"), (slots.allowed, "allowed"), (slots.queued, "queued")];
    Ok(RunList {
        view: filter.view.map(|view| view.to_string()).unwrap_or_default(),
        later: !cursor.is_empty(),
        next: page.next,
        slots: words.map(|(count, word)| format!("{} {word}", grouped(count))).join(", "),
        moves: page.items.iter().any(|run| moves(run.state)),
        agent: agent.map(|(id, name)| (id, name.unwrap_or_else(|| "one that was deleted".to_owned()))),
        rows: page.items.into_iter().map(|run| row(run, now, &zone)).collect(),
    })
}

/// The last runs of an agent.
pub async fn last_of_agent(t: &mut Tenant, agent: AgentId) -> Result<Vec<RunRow>, Error> {
    let filter = RunFilter { agent: Some(agent), view: None };
    let page = t.runs().list(&filter, &PageRequest { per: Some(5), ..PageRequest::default() }).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    Ok(page.items.into_iter().map(|run| row(run, now, &zone)).collect())
}

fn row(run: Run, now: DateTime<Utc>, zone: &str) -> RunRow {
    RunRow {
        id: run.id.to_string(),
        state: run.state.to_string(),
        word: run.state.label().to_owned(),
        task: Some(beginning(&run.task, 140)).filter(|task| !task.is_empty()).unwrap_or_else(|| "No task".to_owned()),
        failure: run.failure_detail.as_deref().map(|words| beginning(words, 140)).unwrap_or_default(),
        steps: grouped(run.usage.steps.into()),
        tokens: some(run.usage.tokens_in + run.usage.tokens_out),
        cost: cost(&run.usage),
        took: took(&run, now).map_or_else(|| NO_DATA.to_owned(), duration),
        at: Moment::new(run.created_at, now, zone),
        started_by: run.started_by,
        agent: (run.agent_id.to_string(), run.agent),
    }
}

/// The first line, as far as there is room.
fn beginning(text: &str, room: usize) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(room) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// A number, or "–" where it says nothing.
fn some(value: i64) -> String {
    if value == 0 { NO_DATA.to_owned() } else { grouped(value) }
}

/// What it cost; before the first step there is nothing to say.
fn cost(usage: &Usage) -> String {
    if usage.steps == 0 { NO_DATA.to_owned() } else { dollars(usage.cost_micros) }
}

fn took(run: &Run, now: DateTime<Utc>) -> Option<i64> {
    Some((run.finished_at.unwrap_or(now) - run.started_at?).num_milliseconds())
}

/// Whether it goes on by itself.
fn moves(state: RunState) -> bool {
    !state.has_ended() && !state.needs_person()
}

/// What is there; nothing instead of a refusal when it is not.
fn there<T>(found: Result<T, Error>) -> Result<Option<T>, Error> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One run: `step` is looked into, `full` shows all of it.
pub async fn run(slug: &str, id: &str, view: String, step: i32, full: bool) -> Result<RunView, AppError> {
    let id = run_id(id)?;
    let view = if matches!(view.as_str(), "waterfall" | "log") { view } else { "tree".to_owned() };
    let mut t = server::tenant(slug).await?;
    let run = t.runs().get(id).await?;
    let steps = t.runs().steps(id).await?;
    let approvals = t.runs().approvals(id).await?;
    let events = if view == "log" { t.runs().events(id, 0).await? } else { Vec::new() };
    let parameters = parameters(&mut t, slug, &run).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let [may_run, may_decide] = [Permission::RunAgents, Permission::DecideRuns].map(|right| t.actor().can(right));
    t.commit().await?;
    let chosen = steps.iter().find(|known| known.number == step);
    let (places, axis) = places(&steps, &run, now);
    Ok(RunView {
        meta: meta(&run, now),
        started: Moment::new(run.created_at, now, &zone),
        built_in: !steps.is_empty() && steps.iter().all(|step| step.model.is_none()),
        ended: run.state.has_ended(),
        moves: moves(run.state),
        may_run,
        commands: run.state.commands().iter().map(|&command| command.to_owned()).collect(),
        ask: approvals
            .iter()
            .find(|asked| asked.state == ApprovalState::Pending)
            .map(|asked| ask(&run, asked, Moment::new(asked.expires_at, now, &zone), may_decide)),
        decided: approvals
            .iter()
            .filter_map(|asked| Some((decided(asked), Moment::new(asked.decided_at?, now, &zone))))
            .collect(),
        trace: Trace {
            log: events.iter().map(|event| (Moment::clock(event.at, &zone), told(event))).collect(),
            chosen: chosen.map(|step| in_full(step, &zone, full)),
            steps: steps.iter().zip(places).map(|(step, place)| line(step, place)).collect(),
            axis,
            view,
        },
        id: run.id.to_string(),
        state: run.state.to_string(),
        word: run.state.label().to_owned(),
        failure: run.failure_detail,
        answer: run.answer,
        task: run.task,
        parameters,
        parent: run.parent.map(|id| id.to_string()),
        agent: (run.agent_id.to_string(), run.agent),
    })
}

fn meta(run: &Run, now: DateTime<Utc>) -> Vec<String> {
    let used = &run.usage;
    let mut meta = vec![format!("by {}", run.started_by), format!("Version {}", run.agent_version)];
    if run.attempt > 1 {
        meta.push(format!("Attempt {}", run.attempt));
    }
    let so_far = if run.state.has_ended() { "took" } else { "for" };
    meta.extend(took(run, now).map(|took| format!("{so_far} {}", duration(took))));
    meta.push(plural(used.steps.into(), "step", "steps"));
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

/// The question as its card shows it.
fn ask(run: &Run, asked: &Approval, expires: Moment, may_decide: bool) -> Ask {
    let limit = limit(asked);
    Ask {
        id: asked.id.to_string(),
        title: match &limit {
            Some(height) => format!("{} has reached its limit of {height}", run.agent),
            None => format!("{} wants to call {}", run.agent, asked.tool),
        },
        what: match (&limit, tool(&asked.tool)) {
            (Some(_), _) => "Double the limit, and the run goes on. Without that it ends here.".to_owned(),
            (None, Some(tool)) => format!("{}. It is called with exactly these arguments:", tool.what),
            (None, None) => "It is called with exactly these arguments:".to_owned(),
        },
        arguments: limit.is_none().then(|| pretty(&asked.arguments)),
        outside: run.read_outside,
        expires,
        may_decide,
    }
}

/// The limit that a question is about, with its height: "20 steps".
fn limit(asked: &Approval) -> Option<String> {
    let name = asked.tool.strip_prefix(LIMIT)?;
    let height = &asked.arguments["limit"];
    Some(match (name, height.as_i64(), height.as_f64()) {
        ("cost", _, Some(dollars)) => format!("${dollars:.2}"),
        (_, Some(height), _) => format!("{} {name}", grouped(height)),
        _ => name.to_owned(),
    })
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

fn line(step: &RunStep, place: String) -> StepLine {
    let (icon, kind) = kind(step.kind);
    StepLine {
        number: step.number,
        icon,
        kind: kind.to_owned(),
        name: step.name.clone(),
        state: step.state.to_string(),
        word: word(step.state).to_owned(),
        took: step_took(step).map_or_else(|| NO_DATA.to_owned(), duration),
        tokens: some(step.tokens_in + step.tokens_out),
        cost: if step.cost_micros > 0 { dollars(step.cost_micros) } else { NO_DATA.to_owned() },
        outside: step.outside,
        place,
    }
}

const fn kind(kind: StepKind) -> (IconName, &'static str) {
    match kind {
        StepKind::ToolCall => (IconName::Gear, "Tool"),
        StepKind::ModelCall => (IconName::Spark, "Model"),
        StepKind::Text => (IconName::Note, "Text"),
        StepKind::Answer => (IconName::Flag, "Answer"),
        StepKind::Handoff => (IconName::Agent, "Handover"),
        StepKind::MemoryWrite => (IconName::Archive, "Memory"),
    }
}

const fn word(state: RunStepState) -> &'static str {
    match state {
        RunStepState::Intended => "Under way",
        RunStepState::Waiting => "Waits for a person",
        RunStepState::Done => "Done",
        RunStepState::Failed => "Did not work",
        RunStepState::Denied => "Denied",
        RunStepState::Unknown => "May have happened",
    }
}

/// How long it took; a text is there at once.
fn step_took(step: &RunStep) -> Option<i64> {
    let instant = matches!(step.kind, StepKind::Text | StepKind::Answer | StepKind::MemoryWrite);
    Some((step.finished_at.filter(|_| !instant)? - step.started_at).num_milliseconds())
}

/// Where each step stands on a shared axis, and the words of the axis.
fn places(steps: &[RunStep], run: &Run, now: DateTime<Utc>) -> (Vec<String>, Vec<String>) {
    let end_of = |step: &RunStep| step.finished_at.or(run.finished_at).unwrap_or(now);
    let begin = steps.iter().map(|step| step.started_at).min().unwrap_or(now);
    let end = steps.iter().map(end_of).max().unwrap_or(now);
    let whole = (end - begin).num_milliseconds().max(1);
    let share = |milliseconds: i64| {
        let hundredths = milliseconds.clamp(0, whole) * 10_000 / whole;
        format!("{}.{:02}%", hundredths / 100, hundredths % 100)
    };
    let place = |step: &RunStep| {
        let (from, long) = (step.started_at - begin, end_of(step) - step.started_at);
        format!("--from:{};--long:{}", share(from.num_milliseconds()), share(long.num_milliseconds()))
    };
    (steps.iter().map(place).collect(), [0, whole / 2, whole].map(duration).to_vec())
}

fn in_full(step: &RunStep, zone: &str, full: bool) -> StepInFull {
    let (_, kind) = kind(step.kind);
    let fact = |label: &str, value: String| (label.to_owned(), value);
    let mut facts = vec![
        fact("State", word(step.state).to_owned()),
        fact("Begun", Moment::exact(step.started_at, zone).text),
        fact("Took", step_took(step).map_or_else(|| NO_DATA.to_owned(), duration)),
    ];
    facts.extend(step.risk.map(|risk| fact("Risk", risk.label().to_owned())));
    if let Some(model) = &step.model {
        facts.push(fact("Model", model.clone()));
        facts.push(fact("Tokens", format!("{} in, {} out", grouped(step.tokens_in), grouped(step.tokens_out))));
        facts.push(fact("Cost", dollars(step.cost_micros)));
    }
    let input = Some(&step.input).filter(|input| input.as_object().is_none_or(|object| !object.is_empty()));
    let payloads = [("Input", input), ("Output", step.output.as_ref())];
    StepInFull {
        number: step.number,
        title: format!("Step {}: {}", step.number, step.name),
        what: tool(&step.name).map(|tool| format!("{kind}: {}.", tool.what)),
        facts,
        error: step.error.clone(),
        outside: step.outside,
        payloads: payloads
            .into_iter()
            .filter_map(|(title, value)| Some((title.to_owned(), payload(value?, full))))
            .collect(),
    }
}

/// A value as text: words as they are, everything else as JSON.
fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

fn payload(value: &Value, full: bool) -> Payload {
    let text = pretty(value);
    if full || text.len() <= SHOWN {
        return Payload { text, more: None };
    }
    let end = (0..=SHOWN).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let size = bytes(i64::try_from(text.len()).unwrap_or(i64::MAX));
    Payload { text: format!("{}…", &text[..end]), more: Some(format!("Show all {size}")) }
}

/// An event in words; one of a later version as it stands.
fn told(event: &RunEvent) -> String {
    let data = &event.data;
    let text = |key: &str| data[key].as_str().filter(|text| !text.is_empty());
    match event.kind.as_str() {
        "state" => {
            let state = text("state").and_then(RunState::parse).map_or("Changed", RunState::label);
            text("detail").map_or_else(|| state.to_owned(), |detail| format!("{state}: {detail}"))
        }
        "step" => {
            let state = text("state").and_then(RunStepState::parse).map_or("changed", word).to_lowercase();
            let error = text("error").map(|error| format!(" ({error})")).unwrap_or_default();
            format!("Step {}, {}: {state}{error}", inputs::plain(&data["number"]), text("name").unwrap_or_default())
        }
        "approval" => {
            // What expires together is told together.
            let tools =
                data["tool"].as_array().map(|tools| tools.iter().map(inputs::plain).collect::<Vec<_>>().join(", "));
            let tool = tools.unwrap_or_else(|| inputs::plain(&data["tool"]));
            let state = match text("state").and_then(ApprovalState::parse) {
                Some(ApprovalState::Pending) => "asked a person",
                Some(ApprovalState::Approved) => "approved",
                Some(ApprovalState::Denied) => "denied",
                Some(ApprovalState::Expired) => "not answered in time",
                _ => "not needed any more",
            };
            let by = text("by").map(|name| format!(" by {name}")).unwrap_or_default();
            format!("Approval of {tool}: {state}{by}")
        }
        other => other.to_owned(),
    }
}

/// The questions that nobody has answered.
pub async fn questions(slug: &str, cursor: &str) -> Result<QuestionList, AppError> {
    let mut t = server::tenant(slug).await?;
    let page = t.runs().pending_approvals(&after(cursor)).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let row = |asked: Approval| {
        let limit = limit(&asked);
        Question {
            run: asked.run.to_string(),
            what: match &limit {
                Some(height) => format!("More than {height}"),
                None => tool(&asked.tool).map_or_else(|| asked.tool.clone(), |tool| tool.what.to_owned()),
            },
            arguments: if limit.is_some() { NO_DATA.to_owned() } else { beginning(&asked.arguments.to_string(), 120) },
            asked: Moment::new(asked.created_at, now, &zone),
            expires: Moment::new(asked.expires_at, now, &zone),
            agent: asked.agent,
        }
    };
    Ok(QuestionList { later: !cursor.is_empty(), next: page.next, rows: page.items.into_iter().map(row).collect() })
}

/// The form that starts a run of an agent.
pub async fn start(slug: &str, id: &str) -> Result<StartForm, AppError> {
    let id = agent_id(id)?;
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let definition = t.agents().definition(id).await?;
    let mut fields = Vec::new();
    for input in inputs::declared(&definition) {
        let things = match input.format() {
            Some(kind) => things(&mut t, kind).await?,
            None => None,
        };
        fields.push(input.field(things));
    }
    t.commit().await?;
    Ok(StartForm {
        id: agent.id.to_string(),
        name: agent.name,
        job: beginning(&agent.description, 300),
        enabled: agent.enabled,
        example: definition.example.map(|example| example.task),
        inputs: fields,
    })
}

/// The things that an input of this kind can stand for: id and name.
async fn things(t: &mut Tenant, kind: &str) -> Result<Option<Vec<(String, String)>>, Error> {
    let first = PageRequest { per: Some(THINGS), ..PageRequest::default() };
    Ok(Some(match kind {
        "lead" => {
            let page = t.leads().list(&LeadFilter::default(), LeadSort::default(), &first).await?;
            let name = |lead: domain::leads::LeadSummary| match lead.account_name {
                Some(account) => (lead.id.to_string(), format!("{}, {account}", lead.name)),
                None => (lead.id.to_string(), lead.name),
            };
            page.items.into_iter().map(name).collect()
        }
        "account" => {
            let page = t.accounts().list(&AccountFilter::default(), &first).await?;
            page.items.into_iter().map(|account| (account.id.to_string(), account.name)).collect()
        }
        "campaign" => {
            let page = t.campaigns().list(&CampaignFilter::default(), &first).await?;
            page.items.into_iter().map(|campaign| (campaign.id.to_string(), campaign.name)).collect()
        }
        _ => return Ok(None),
    }))
}
