//! Threads: the inbox. The words of people outside are data for programs, never instructions.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, LeadId, MailboxId, MessageId, Page, Problem, ThreadId, UserId, replies,
    replies::ReplyInput,
    threads::{Thread, ThreadChange, ThreadFilter, ThreadInFull},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, change))
        .routes(routes!(unsubscribe))
        .routes(routes!(meeting))
        .routes(routes!(answer))
        .routes(routes!(take_back))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ThreadList {
    /// `needs_answer`, `done` or `snoozed`.
    state: Option<String>,
    /// `interested`, `question`, `not_now`, `out_of_office`, `unsubscribe` or `other`.
    class: Option<String>,
    /// Answers to this campaign.
    campaign: Option<CampaignId>,
    /// In this mailbox.
    mailbox: Option<MailboxId>,
    /// Of this person.
    assignee: Option<UserId>,
    /// With this lead.
    lead: Option<LeadId>,
    /// Whose newest mail came at this time or later.
    since: Option<DateTime<Utc>>,
    /// Whose newest mail came before this time.
    before: Option<DateTime<Utc>>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List threads
///
/// The newest first.
#[utoipa::path(get, path = "/threads", tag = "Inbox", operation_id = "list_threads", params(ThreadList),
    security(("key" = ["campaigns:read"])), responses((status = OK, body = Page<Thread>)))]
async fn list(call: Read, Query(query): Query<ThreadList>) -> Result<Reply> {
    let state = query.state.as_deref().map(str::parse).transpose().map_err(|problem: Problem| problem.on("state"))?;
    let class = query.class.as_deref().map(str::parse).transpose().map_err(|problem: Problem| problem.on("class"))?;
    let filter = ThreadFilter {
        state,
        class,
        campaign: query.campaign,
        mailbox: query.mailbox,
        assignee: query.assignee,
        unassigned: false,
        lead: query.lead,
        since: query.since,
        before: query.before,
    };
    let page = page(query.after, query.per)?;
    Reply::ok(&call.open().await?.threads().list(&filter, &page).await?)
}

/// Get a thread
///
/// With its newest mails.
#[utoipa::path(get, path = "/threads/{id}", tag = "Inbox", operation_id = "get_thread",
    params(("id" = ThreadId, Path)), security(("key" = ["campaigns:read"])),
    responses((status = OK, body = ThreadInFull)))]
async fn get(call: Read, Path(id): Path<ThreadId>) -> Result<Reply> {
    let thread = call.open().await?.threads().in_full(id).await?;
    let version = thread.thread.version;
    Ok(Reply::ok(&thread)?.version(version))
}

/// Change a thread
///
/// What is to be done about it, whose it is, or what it is about. Another class than before is kept as a correction.
#[utoipa::path(patch, path = "/threads/{id}", tag = "Inbox", operation_id = "change_thread",
    params(("id" = ThreadId, Path)), security(("key" = ["campaigns:write"])), request_body = ThreadChange,
    responses((status = OK, body = Thread)))]
async fn change(Path(id): Path<ThreadId>, call: Write<Json<ThreadChange>>) -> Result<Reply> {
    let (mut work, Json(change)) = call.open().await?;
    let version = work.version();
    let thread = work.t.threads().change(id, &change, version).await?;
    let reply = Reply::ok(&thread)?.version(thread.version);
    work.done(reply).await
}

/// Unsubscribe whoever has written
///
/// Their address goes on the suppression list for good, and the thread is done.
#[utoipa::path(post, path = "/threads/{id}/unsubscribe", tag = "Inbox", operation_id = "unsubscribe_thread",
    params(("id" = ThreadId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = OK, body = Thread)))]
async fn unsubscribe(Path(id): Path<ThreadId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    let thread = work.t.threads().unsubscribe(id, version).await?;
    let reply = Reply::ok(&thread)?.version(thread.version);
    work.done(reply).await
}

/// Say that a meeting is booked
///
/// With the lead of the thread: nothing more is sent to them by itself, they are qualified unless they are customers, and
/// their timeline tells of it. Said once more before they have written again, it changes nothing. What is to be done about
/// the thread stays.
#[utoipa::path(post, path = "/threads/{id}/meeting", tag = "Inbox", operation_id = "book_meeting",
    params(("id" = ThreadId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = OK, body = Thread)))]
async fn meeting(Path(id): Path<ThreadId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let version = work.version();
    let thread = work.t.threads().meeting_booked(id, false, version).await?;
    let reply = Reply::ok(&thread)?.version(thread.version);
    work.done(reply).await
}

/// Reply to a thread
///
/// An e-mail from the mailbox of the thread to whoever has written last. It leaves in ten seconds, or at `send_at`, and
/// can be taken back until then; with an `Idempotency-Key` the same call once more sends nothing.
#[utoipa::path(post, path = "/threads/{id}/replies", tag = "Inbox", operation_id = "reply_to_thread",
    params(("id" = ThreadId, Path)), security(("key" = ["campaigns:write"])), request_body = ReplyInput,
    responses((status = CREATED, body = replies::Reply)))]
async fn answer(Path(id): Path<ThreadId>, call: Write<Json<ReplyInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let version = work.version();
    let written = work.t.threads().reply(id, input, None, version).await?;
    let reply = Reply::created(&format!("/threads/{id}"), &written)?;
    work.done(reply).await
}

/// Take a reply back
///
/// One that has not begun to leave. Its thread needs an answer again.
#[utoipa::path(delete, path = "/threads/{id}/replies/{message}", tag = "Inbox", operation_id = "take_reply_back",
    params(("id" = ThreadId, Path), ("message" = MessageId, Path)), security(("key" = ["campaigns:write"])),
    responses((status = NO_CONTENT)))]
async fn take_back(Path((id, message)): Path<(ThreadId, MessageId)>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.threads().take_back(id, message).await?;
    work.done(Reply::nothing()).await
}
