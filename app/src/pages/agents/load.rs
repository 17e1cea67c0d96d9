//! What the pages of agents load: one transaction each.

mod memory;
mod quality;
mod tools;

use domain::{
    AgentId, Problem,
    agents::{AgentSummary, Autonomy, Definition, Origin, Team},
    analytics::Period,
};
use similar::{ChangeTag, TextDiff};

pub use self::{memory::memory, quality::quality, tools::tools};
use super::{detail::*, form::*, list::*, versions::*};
use crate::{
    error::AppError,
    fmt::{Moment, grouped, plural},
    pages::{
        analytics::{FigureWords, figure_words},
        filters::{Condition, given, pairs},
        runs::last_of_agent,
    },
    server,
};

/// An id of the path.
pub fn agent_id(text: &str) -> Result<AgentId, AppError> {
    text.parse().map_err(|_| service::Error::NotFound("agent").into())
}

/// The definition of a form.
pub fn definition(text: &str) -> Result<Definition, AppError> {
    Definition::from_markdown(text).map_err(|problem| service::Error::invalid(problem).into())
}

pub(super) fn head(agent: &AgentSummary) -> AgentHead {
    AgentHead {
        id: agent.id.to_string(),
        name: agent.name.clone(),
        team: agent.team.label().to_owned(),
        enabled: agent.enabled,
        version: agent.version,
    }
}

/// The catalogue.
pub async fn catalogue(slug: &str, query: &str) -> Result<Catalogue, AppError> {
    let asked = pairs(query);
    let conditions = conditions(&asked).map_err(|problem| AppError::from(service::Error::invalid(problem)))?;
    let (search, lead) = (given(&asked, "q"), given(&asked, "lead"));
    let mut t = server::tenant(slug).await?;
    let agents = t.agents().list().await?;
    let lead = match lead.parse() {
        Ok(id) => Some(t.leads().get(id).await?).map(|lead| (lead.id.to_string(), lead.display_name())),
        Err(_) => None,
    };
    let figures = t.analytics().by_agent(Period::Month).await?;
    t.commit().await?;
    let words = search.trim().to_lowercase();
    let fits = |agent: &AgentSummary, condition: &Condition| match condition.key {
        "team" => agent.team.as_str() == condition.value,
        "enabled" => agent.enabled == (condition.value == "yes"),
        _ => Autonomy::of(&agent.tools).as_str() == condition.value,
    };
    let matches = |agent: &AgentSummary| {
        (lead.is_none() || agent.enabled)
            && conditions.iter().all(|condition| fits(agent, condition))
            && (agent.name.to_lowercase().contains(&words) || agent.description.to_lowercase().contains(&words))
    };
    let choices = Team::ALL.iter().filter(|team| agents.iter().any(|agent| agent.team == **team));
    let choices = choices.map(|team| (team.to_string(), team.label().to_owned())).collect();
    let mut teams: Vec<(String, Vec<AgentCard>)> = Vec::new();
    for agent in agents.into_iter().filter(matches) {
        let label = agent.team.label();
        if teams.last().is_none_or(|(team, _)| team != label) {
            teams.push((label.to_owned(), Vec::new()));
        }
        if let Some((_, cards)) = teams.last_mut() {
            let figures = figures.get(&agent.id).map(figure_words);
            cards.push(card(agent, figures));
        }
    }
    Ok(Catalogue { teams, choices, conditions, search, lead })
}

/// What the catalogue is narrowed by. A value that is not known is told.
fn conditions(asked: &[(String, String)]) -> Result<Vec<Condition>, Problem> {
    let of = |key: &'static str, field, words: fn(&str) -> Result<&'static str, Problem>| {
        let value = given(asked, key);
        let told =
            |words: &str| Condition { key, value: value.clone(), field, operator: "is", words: words.to_owned() };
        let known = (!value.is_empty()).then(|| words(&value).map(told).map_err(|problem| problem.on(key)));
        known.transpose()
    };
    let enabled = |value: &str| match value {
        "yes" => Ok("Enabled"),
        "no" => Ok("Disabled"),
        other => Err(Problem::new("unknown_value", format!("“{other}” is not known here. Use one of: yes, no."))),
    };
    let conditions = [
        of("team", "Team", |value| value.parse::<Team>().map(Team::label))?,
        of("enabled", "Status", enabled)?,
        of("autonomy", "Autonomy", |value| value.parse::<Autonomy>().map(Autonomy::label))?,
    ];
    Ok(conditions.into_iter().flatten().collect())
}

fn card(agent: AgentSummary, figures: Option<FigureWords>) -> AgentCard {
    AgentCard {
        id: agent.id.to_string(),
        name: agent.name,
        job: beginning(&agent.description),
        autonomy: Autonomy::of(&agent.tools),
        tools: tools_words(&agent.tools),
        enabled: agent.enabled,
        figures,
    }
}

fn tools_words(tools: &[String]) -> String {
    let count = i64::try_from(tools.len()).unwrap_or(i64::MAX);
    if count == 0 { "no tools".to_owned() } else { plural(count, "tool", "tools") }
}

/// The first line, as far as a card has room.
fn beginning(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(180) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// One agent.
pub async fn agent(slug: &str, id: &str) -> Result<AgentView, AppError> {
    let id = agent_id(id)?;
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let read = t.agents().definition(id).await?;
    let runs = last_of_agent(&mut t, id).await?;
    let figures = t.analytics().by_agent(Period::Month).await?;
    t.commit().await?;
    let fact = |label: &str, value: String| (label.to_owned(), value);
    Ok(AgentView {
        head: head(&agent),
        job: agent.description,
        origin: match agent.origin {
            Origin::Catalogue => "From the catalogue of the product. It follows new versions of it until it is edited.",
            Origin::Written => "Written here.",
            Origin::Imported => "Imported from a file.",
        }
        .to_owned(),
        autonomy: (Autonomy::of(&read.tools), tools_words(&read.tools)),
        limits: vec![
            fact("Steps", grouped(read.limits.steps.into())),
            fact("Minutes", grouped(read.limits.minutes.into())),
            fact("Tokens", grouped(read.limits.tokens.into())),
            fact("Cost", format!("${:.2}", read.limits.cost)),
        ],
        inputs: inputs(&read),
        example: read.example.map(|example| example.task),
        without_model: if read.playbook.is_empty() {
            "It needs a language model.".to_owned()
        } else {
            let steps = i64::try_from(read.playbook.len()).unwrap_or(i64::MAX);
            format!("Without a language model it follows a playbook of {}.", plural(steps, "step", "steps"))
        },
        instructions: read.instructions,
        runs,
        figures: figures.get(&id).map(figure_words),
    })
}

/// Title and description of each parameter.
fn inputs(read: &Definition) -> Vec<(String, String)> {
    let properties = read.inputs.get("properties").and_then(|value| value.as_mapping());
    let properties = properties.into_iter().flatten();
    properties
        .filter_map(|(name, schema)| {
            let text = |key: &str| schema.get(key).and_then(|value| value.as_str()).map(str::to_owned);
            let title = text("title").or_else(|| name.as_str().map(str::to_owned))?;
            Some((title, text("description").unwrap_or_default()))
        })
        .collect()
}

/// The versions, with one of them beside the one before.
pub async fn versions(slug: &str, id: &str, version: i32) -> Result<Versions, AppError> {
    let id = agent_id(id)?;
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let rows = t.agents().versions(id).await?;
    let shown = if version == 0 { agent.version } else { version };
    let new = t.agents().file(id, shown).await?;
    let old = if shown > 1 { t.agents().file(id, shown - 1).await? } else { new.clone() };
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let diff = TextDiff::from_lines(&old, &new);
    let lines = diff.iter_all_changes().map(|change| {
        let mark = match change.tag() {
            ChangeTag::Insert => '+',
            ChangeTag::Delete => '-',
            ChangeTag::Equal => ' ',
        };
        (mark, change.value().trim_end_matches('\n').to_owned())
    });
    Ok(Versions {
        head: head(&agent),
        shown,
        lines: lines.collect(),
        rows: rows
            .into_iter()
            .map(|v| VersionRow {
                version: v.version,
                note: v.note,
                author: v.author,
                at: Moment::new(v.created_at, now, &zone),
            })
            .collect(),
    })
}

/// The file of the newest version.
pub async fn file(slug: &str, id: &str) -> Result<AgentFile, AppError> {
    let id = agent_id(id)?;
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let text = t.agents().file(id, agent.version).await?;
    t.commit().await?;
    Ok(AgentFile { head: head(&agent), text })
}
