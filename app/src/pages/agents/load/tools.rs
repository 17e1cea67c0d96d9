//! The tools of an agent as its page shows them: what each does is looked up where it is decided, in the table of the
//! product's own tools and in what people have said of those of connectors.

use domain::{
    agents::{AgentSummary, Risk, Tool, tool},
    connectors::{ToolPermission, connector_of, lists},
    runs::needs_approval,
};
use service::connectors::Listed;

use super::super::tools::*;
use crate::{error::AppError, server};

/// The tools of an agent.
pub async fn tools(slug: &str, id: &str) -> Result<AgentTools, AppError> {
    let id = super::agent_id(id)?;
    let mut t = server::tenant(slug).await?;
    let agent = t.agents().get(id).await?;
    let definition = t.agents().definition(id).await?;
    let of_connectors = t.connectors().listed(&definition.tools).await?;
    let others = if definition.hands_over_to.is_empty() { Vec::new() } else { t.agents().list().await? };
    t.commit().await?;
    let lines = definition.tools.iter().flat_map(|name| match (tool(name), connector_of(name)) {
        (Some(known), _) => vec![own(known)],
        (None, Some(connector)) => of_connector(slug, name, connector, &of_connectors),
        (None, None) => vec![ToolLine {
            name: name.clone(),
            what: "Not a tool of this product; it is never called".to_owned(),
            connector: None,
            effect: None,
            asks: "–",
        }],
    });
    let named = |name: &String| {
        let same = |agent: &&AgentSummary| agent.name.to_lowercase() == name.to_lowercase();
        (name.clone(), others.iter().find(same).map(|agent| format!("/t/{slug}/agents/{}", agent.id)))
    };
    Ok(AgentTools {
        head: super::head(&agent),
        lines: lines.collect(),
        helpers: definition.hands_over_to.iter().map(named).collect(),
    })
}

fn own(tool: Tool) -> ToolLine {
    ToolLine {
        name: tool.name.to_owned(),
        what: tool.what.to_owned(),
        connector: None,
        effect: Some((tool.risk.label(), tool.risk == Risk::Unsafe)),
        asks: match (needs_approval(tool.risk, false, false), needs_approval(tool.risk, true, true)) {
            (false, _) => "Never",
            (true, false) => "Each time, until somebody approves it for the run",
            (true, true) => "Each time. An approval for the whole run counts until the run has read text from outside.",
        },
    }
}

/// The tools that a name of a connector stands for: one, or with a star all of them.
fn of_connector(slug: &str, name: &str, connector: &str, known: &[Listed]) -> Vec<ToolLine> {
    let found: Vec<_> = known.iter().filter(|tool| lists(name, &tool.call_name)).collect();
    if found.is_empty() {
        return vec![ToolLine {
            name: name.to_owned(),
            what: format!("There is no such tool of a connector “{connector}” here; it is never called"),
            connector: None,
            effect: None,
            asks: "–",
        }];
    }
    let line = |tool: &&Listed| ToolLine {
        name: tool.call_name.clone(),
        what: tool.description.clone(),
        connector: Some((tool.connector.clone(), format!("/t/{slug}/settings/connectors/{}", tool.connector_id))),
        effect: tool.permission.risk().filter(|_| !tool.paused).map(|risk| (risk.label(), risk == Risk::Unsafe)),
        asks: match tool.permission {
            _ if tool.paused => "Its connector is paused.",
            ToolPermission::Off => "Nobody has allowed it yet.",
            ToolPermission::Ask => "Each time, with exactly its arguments",
            ToolPermission::Allow => "Never: a person has found it harmless",
        },
    };
    found.iter().map(line).collect()
}
