//! What the pages of conversations load: one transaction each, turned into what they show.

use chrono::{DateTime, Utc};
use domain::{
    ConversationId, PageRequest, Permission,
    conversations::{Conversation, Turn},
    runs::RunState,
};
use service::Error;

use super::{list::*, talk::*};
use crate::{error::AppError, fmt::Moment, pages::agents::agent_id, server};

/// An id of the path.
pub fn conversation_id(text: &str) -> Result<ConversationId, AppError> {
    text.parse().map_err(|_| Error::NotFound("conversation").into())
}

/// The list.
pub async fn list(slug: &str, agent: &str, cursor: &str) -> Result<ConversationList, AppError> {
    let agent = Some(agent).filter(|id| !id.is_empty()).map(agent_id).transpose()?;
    let later = !cursor.is_empty();
    let request = PageRequest { after: later.then(|| cursor.to_owned()), ..PageRequest::default() };
    let mut t = server::tenant(slug).await?;
    let agent = match agent {
        Some(id) => Some((id, t.agents().get(id).await?.name)),
        None => None,
    };
    let page = t.conversations().list(agent.as_ref().map(|(id, _)| *id), &request).await?;
    let may_talk = t.actor().can(Permission::RunAgents);
    let agents = if may_talk { t.agents().list().await? } else { Vec::new() };
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    let row = |c: Conversation| ConversationRow {
        id: c.id.to_string(),
        title: c.title,
        agent: c.agent,
        by: c.created_by,
        at: Moment::new(c.updated_at, now, &zone),
    };
    let enabled = agents.into_iter().filter(|agent| agent.enabled);
    Ok(ConversationList {
        agent: agent.map(|(id, name)| (id.to_string(), name)),
        agents: enabled.map(|agent| (agent.id.to_string(), agent.name)).collect(),
        rows: page.items.into_iter().map(row).collect(),
        later,
        next: page.next,
    })
}

/// One conversation.
pub async fn talk(slug: &str, id: &str) -> Result<Talk, AppError> {
    let id = conversation_id(id)?;
    let mut t = server::tenant(slug).await?;
    let conversation = t.conversations().get(id).await?;
    let turns = t.conversations().turns(id).await?;
    let open = turns.iter().find(|turn| !turn.state.has_ended()).map(|turn| turn.run);
    let writing = match open {
        Some(run) => t.runs().writing(run).await?,
        None => None,
    };
    let may_talk = t.actor().can(Permission::RunAgents);
    let (now, zone) = (t.now(), t.actor().time_zone().to_owned());
    t.commit().await?;
    Ok(Talk {
        id: id.to_string(),
        title: conversation.title,
        agent: (conversation.agent_id.to_string(), conversation.agent),
        open: open.is_some(),
        turns: turns
            .into_iter()
            .map(|mut turn| {
                // Only the last turn can be open, and what is said so far stands in the place of its answer.
                turn.answer = turn.answer.or_else(|| writing.clone().filter(|_| open == Some(turn.run)));
                view(turn, now, &zone)
            })
            .collect(),
        may_talk,
    })
}

fn view(turn: Turn, now: DateTime<Utc>, zone: &str) -> TurnView {
    let state = match (turn.state, turn.failure) {
        (_, Some(words)) => words,
        (RunState::Queued | RunState::Running, None) => "Writes an answer…".to_owned(),
        (state, None) => format!("{}.", state.label()),
    };
    let helpers =
        turn.helpers.into_iter().filter_map(|helper| Some((helper.run.to_string(), helper.agent, helper.answer?)));
    TurnView {
        from: turn.from,
        message: turn.message,
        at: Moment::new(turn.at, now, zone),
        run: turn.run.to_string(),
        agent: turn.agent,
        built_in: turn.built_in && turn.answer.is_some(),
        answer: turn.answer,
        state,
        helpers: helpers.collect(),
    }
}
