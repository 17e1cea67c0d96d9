//! The list of runs as it is shown: the runs that the address asks for, and what it can be narrowed by.

use chrono::{DateTime, Utc};
use domain::{
    AgentId, PageRequest, Permission,
    agents::AgentSummary,
    runs::{Run, RunFilter},
};
use service::{Error, Tenant};

use super::{
    super::{filters::RunFilters, list::*},
    after, beginning, cost, moves, some, took,
};
use crate::{
    error::AppError,
    fmt::{Moment, NO_DATA, dollars, duration, grouped},
    pages::filters::{Condition, given, pairs},
    server,
};

/// The list of the company.
pub async fn list(slug: &str, query: &str) -> Result<RunList, AppError> {
    let mut t = server::tenant(slug).await?;
    let list = load(&mut t, format!("/t/{slug}/runs"), query, None).await?;
    t.commit().await?;
    Ok(list)
}

/// The list of one agent, for its page at `base`.
pub async fn list_of_agent(t: &mut Tenant, base: String, query: &str, agent: AgentId) -> Result<RunList, AppError> {
    load(t, base, query, Some(agent)).await
}

async fn load(t: &mut Tenant, base: String, query: &str, agent: Option<AgentId>) -> Result<RunList, AppError> {
    let asked = pairs(query);
    let filter = RunFilter::from_pairs(asked.iter().map(|(key, value)| (key.as_str(), value.as_str())))
        .map_err(|problem| AppError::from(Error::invalid(problem)))?;
    let shown: Vec<_> = filter.to_pairs().into_iter().filter(|(key, _)| agent.is_none() || *key != "agent").collect();
    let filter = RunFilter { agent: agent.or(filter.agent), ..filter };
    let cursor = given(&asked, "after");
    let page = t.runs().list(&filter, &after(&cursor)).await?;
    let slots = t.runs().slots().await?;
    let agents = t.agents().list().await?;
    let people = t.members().list().await?;
    let people: Vec<_> = people.into_iter().map(|member| (member.user_id.to_string(), member.name)).collect();
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    let may_run = t.actor().can(Permission::RunAgents);
    let words = [(slots.busy, "working"), (slots.allowed, "allowed"), (slots.queued, "queued")];
    Ok(RunList {
        later: !cursor.is_empty(),
        next: page.next,
        slots: words.map(|(count, word)| format!("{} {word}", grouped(count))).join(", "),
        moves: page.items.iter().any(|run| moves(run.state)),
        filters: RunFilters {
            base,
            conditions: shown.iter().filter_map(|(key, _)| condition(key, &shown, &filter, &agents, &people)).collect(),
            pairs: shown,
            agents: if agent.is_some() { Vec::new() } else { names(agents) },
            people,
        },
        rows: page.items.into_iter().map(|run| row(run, now, &zone, may_run)).collect(),
    })
}

fn names(agents: Vec<AgentSummary>) -> Vec<(String, String)> {
    let mut names: Vec<_> = agents.into_iter().map(|agent| (agent.id.to_string(), agent.name)).collect();
    names.sort_by_key(|(_, name)| name.to_lowercase());
    names
}

/// A filter in words; the view is no chip, it is a tab.
fn condition(
    key: &'static str,
    shown: &[(&'static str, String)],
    filter: &RunFilter,
    agents: &[AgentSummary],
    people: &[(String, String)],
) -> Option<Condition> {
    let value = shown.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())?;
    let agent = || agents.iter().find(|agent| agent.id.to_string() == value).map(|agent| agent.name.clone());
    let person = || people.iter().find(|(id, _)| *id == value).map(|(_, name)| name.clone());
    let (field, operator, words) = match key {
        "agent" => ("Agent", "is", agent().unwrap_or_else(|| "one that was deleted".to_owned())),
        "f.state.is" => ("Status", "is", filter.state?.label().to_owned()),
        "f.by.is" => match filter.origin {
            Some(origin) => ("Started by", "is", origin.label().to_owned()),
            None => ("Started by", "is", person().unwrap_or_else(|| "somebody who has left".to_owned())),
        },
        "f.created.after" => ("Started", "from", value.clone()),
        "f.created.before" => ("Started", "before", value.clone()),
        "f.cost.over" => ("Cost", "over", dollars(filter.cost_over?)),
        "f.evaluation.is" => ("Kind", "is", "Evaluation".to_owned()),
        _ => return None,
    };
    Some(Condition { key, value, field, operator, words })
}

/// The last runs of an agent.
pub async fn last_of_agent(t: &mut Tenant, agent: AgentId) -> Result<Vec<RunRow>, Error> {
    let filter = RunFilter { agent: Some(agent), ..RunFilter::default() };
    let page = t.runs().list(&filter, &PageRequest { per: Some(5), ..PageRequest::default() }).await?;
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    Ok(page.items.into_iter().map(|run| row(run, now, &zone, false)).collect())
}

fn row(run: Run, now: DateTime<Utc>, zone: &str, may_run: bool) -> RunRow {
    let commands = run.commands();
    RunRow {
        id: run.id.to_string(),
        state: run.state.to_string(),
        word: run.state.label().to_owned(),
        task: Some(beginning(&run.task, 140)).filter(|task| !task.is_empty()).unwrap_or_else(|| "No task".to_owned()),
        marks: [(run.evaluation, "Evaluation"), (run.dry_run, "Dry run")]
            .into_iter()
            .filter_map(|(is, mark)| is.then_some(mark))
            .collect(),
        failure: run.failure_detail.as_deref().map(|words| beginning(words, 140)).unwrap_or_default(),
        steps: grouped(run.usage.steps.into()),
        tokens: some(run.usage.tokens_in + run.usage.tokens_out),
        cost: cost(&run.usage),
        took: took(&run, now).map_or_else(|| NO_DATA.to_owned(), duration),
        at: Moment::new(run.created_at, now, zone),
        command: ["cancel", "retry"].into_iter().find(|word| may_run && commands.contains(word)),
        started_by: run.started_by,
        agent: (run.agent_id.to_string(), run.agent),
    }
}
