//! Conversations with agents. Each message starts a run that answers it; its events tell how that goes.

use domain::{
    AgentId, ConversationId, Page,
    conversations::{Conversation, NewMessage, Turn},
    runs::Run,
};
use serde::{Deserialize, Serialize};
use service::Tenant;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page as paging},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, delete)).routes(routes!(say))
}

/// A conversation with what was said.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ConversationInFull {
    #[serde(flatten)]
    conversation: Conversation,
    /// The last hundred messages with their answers, in order.
    turns: Vec<Turn>,
}

/// The beginning of a conversation.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConversation {
    /// Name of the agent.
    agent: String,
    /// The first message.
    message: String,
}

/// Which conversations.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only those with this agent.
    agent: Option<AgentId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List conversations
///
/// Those with the newest messages first.
#[utoipa::path(get, path = "/conversations", tag = "Conversations", operation_id = "list_conversations", params(Wanted),
    security(("key" = ["runs:read"])), responses((status = OK, body = Page<Conversation>)))]
async fn list(call: Read, Query(wanted): Query<Wanted>) -> Result<Reply> {
    let page = paging(wanted.after, wanted.per)?;
    Reply::ok(&call.open().await?.conversations().list(wanted.agent, &page).await?)
}

/// Begin a conversation
///
/// With its first message, which the agent answers in a run.
#[utoipa::path(post, path = "/conversations", tag = "Conversations", operation_id = "create_conversation",
    security(("key" = ["runs:write"])), request_body = NewConversation,
    responses((status = CREATED, body = ConversationInFull), (status = NOT_FOUND, description = "There is no such agent.")))]
async fn create(call: Write<Json<NewConversation>>) -> Result<Reply> {
    let (mut work, Json(NewConversation { agent, message })) = call.open().await?;
    let agent = work.t.agents().by_name(&agent).await?;
    let id = work.t.conversations().create(agent, &NewMessage { message }).await?.id;
    let made = in_full(&mut work.t, id).await?;
    work.done(Reply::created("/conversations", &made)?).await
}

/// Get a conversation
#[utoipa::path(get, path = "/conversations/{id}", tag = "Conversations", operation_id = "get_conversation",
    params(("id" = ConversationId, Path)), security(("key" = ["runs:read"])),
    responses((status = OK, body = ConversationInFull)))]
async fn get(call: Read, Path(id): Path<ConversationId>) -> Result<Reply> {
    Reply::ok(&in_full(&mut call.open().await?, id).await?)
}

/// Delete a conversation
///
/// With everything that was said.
#[utoipa::path(delete, path = "/conversations/{id}", tag = "Conversations", operation_id = "delete_conversation",
    params(("id" = ConversationId, Path)), security(("key" = ["runs:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "The agent still answers.")))]
async fn delete(Path(id): Path<ConversationId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.conversations().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Say something
///
/// A run begins that answers it. One message is answered after the other.
#[utoipa::path(post, path = "/conversations/{id}/messages", tag = "Conversations", operation_id = "say_in_conversation",
    params(("id" = ConversationId, Path)), security(("key" = ["runs:write"])), request_body = NewMessage,
    responses((status = ACCEPTED, body = Run), (status = CONFLICT, description = "The agent still answers.")))]
async fn say(Path(id): Path<ConversationId>, call: Write<Json<NewMessage>>) -> Result<Reply> {
    let (mut work, Json(message)) = call.open().await?;
    let run = work.t.conversations().say(id, &message).await?;
    work.done(Reply::accepted(&run)?.location(&format!("/runs/{}", run.id))).await
}

async fn in_full(t: &mut Tenant, id: ConversationId) -> Result<ConversationInFull> {
    let conversation = t.conversations().get(id).await?;
    Ok(ConversationInFull { conversation, turns: t.conversations().turns(id).await? })
}
