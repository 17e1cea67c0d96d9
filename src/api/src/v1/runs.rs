//! Runs of agents: started, watched, answered and stopped. A run happens later; its events tell how it goes.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    http::{HeaderMap, HeaderName, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::{
    AgentId, ApprovalId, Page, RunId, UserId,
    runs::{
        Approval, Awaited, ChildRun, Decision, NewRun, PersonAnswer, Question, Run, RunEvent, RunFilter, RunOrigin,
        RunState, RunStep, RunView, Verdict, day, micros,
    },
};
use futures::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::{Actor, Db, Tenant, live::Hint};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    follow::Follow,
    problem::Result,
    query::{Paging, Path, Query, page as paging},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
        .routes(routes!(events))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(fork))
        .routes(routes!(answer))
        .routes(routes!(approvals))
        .routes(routes!(approve))
        .routes(routes!(deny))
}

/// A run with what it did and what it asks.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RunInFull {
    #[serde(flatten)]
    run: Run,
    /// The steps of the present attempt, in order.
    steps: Vec<RunStep>,
    /// Its questions to people.
    approvals: Vec<Approval>,
    /// What it wants to know from a person.
    question: Option<Question>,
    /// The answer that it waits for, of a system that it has called.
    awaits: Option<Awaited>,
    /// The runs that it has handed work over to.
    children: Vec<ChildRun>,
    /// What came of it, if it is an evaluation that has ended.
    verdict: Option<Verdict>,
    /// Commands that work now.
    allowed: Vec<String>,
}

/// A yes.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approve {
    /// Also for further calls of the same tool in this run, as long as it has read no text from outside.
    for_this_run: bool,
    /// Arguments in the place of those that were asked about.
    #[schema(value_type = Option<Object>)]
    arguments: Option<Value>,
}

/// A no.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deny {
    /// Why; the agent reads it.
    reason: String,
}

/// Which runs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only those of a view; all when absent.
    view: Option<RunView>,
    /// Only those of this agent.
    agent: Option<AgentId>,
    /// Only those in this state.
    state: Option<RunState>,
    /// Only those that this person started by hand.
    person: Option<UserId>,
    /// Only those that were started by this.
    origin: Option<RunOrigin>,
    /// Only those that were started on or after this day, in the time zone of the company.
    #[param(value_type = Option<String>, format = "date")]
    created_from: Option<String>,
    /// Only those that were started before this day.
    #[param(value_type = Option<String>, format = "date")]
    created_before: Option<String>,
    /// Only those that cost more than so many US dollars.
    cost_over: Option<f64>,
    /// Only evaluations.
    evaluations: bool,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

impl Wanted {
    fn filter(&self) -> Result<RunFilter> {
        let day = |name: &'static str, text: &Option<String>| {
            text.as_deref().map(day).transpose().map_err(|problem| problem.on(name))
        };
        Ok(RunFilter {
            view: self.view,
            agent: self.agent,
            state: self.state,
            person: self.person,
            origin: self.origin,
            created_from: day("created_from", &self.created_from)?,
            created_before: day("created_before", &self.created_before)?,
            cost_over: self.cost_over.map(micros).transpose().map_err(|problem| problem.on("cost_over"))?,
            evaluations: self.evaluations,
        })
    }
}

/// Where a stream begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct From {
    /// Number of the last event that is known; the header `Last-Event-ID` says the same.
    after: i32,
}

/// List runs
///
/// The newest first.
#[utoipa::path(get, path = "/runs", tag = "Runs", operation_id = "list_runs", params(Wanted),
    security(("key" = ["runs:read"])), responses((status = OK, body = Page<Run>)))]
async fn list(call: Read, Query(wanted): Query<Wanted>) -> Result<Reply> {
    let filter = wanted.filter()?;
    let page = paging(wanted.after, wanted.per)?;
    Reply::ok(&call.open().await?.runs().list(&filter, &page).await?)
}

/// Start a run
///
/// It is queued and works with the rights of the key. What it does is told by its events.
#[utoipa::path(post, path = "/runs", tag = "Runs", operation_id = "create_run",
    security(("key" = ["runs:write"])), request_body = NewRun,
    responses((status = ACCEPTED, body = Run), (status = NOT_FOUND, description = "There is no such agent."),
        (status = CONFLICT, description = "The agent is not enabled.")))]
async fn create(call: Write<Json<NewRun>>) -> Result<Reply> {
    let (mut work, Json(new)) = call.open().await?;
    let run = work.t.runs().create(new).await?;
    work.done(started(&run)?).await
}

/// Get a run
#[utoipa::path(get, path = "/runs/{id}", tag = "Runs", operation_id = "get_run", params(("id" = RunId, Path)),
    security(("key" = ["runs:read"])), responses((status = OK, body = RunInFull)))]
async fn get(call: Read, Path(id): Path<RunId>) -> Result<Reply> {
    Reply::ok(&in_full(&mut call.open().await?, id).await?)
}

/// Watch a run
///
/// Server-sent events, from the first one or from after `Last-Event-ID`, until the run has ended. Each has
/// the number of the event as its id, `state`, `step`, `approval` or `text` as its name, and JSON as its data.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "Runs", operation_id = "watch_run",
    params(("id" = RunId, Path), From), security(("key" = ["runs:read"])),
    responses((status = OK, body = RunEvent, content_type = "text/event-stream")))]
async fn events(call: Read, Path(id): Path<RunId>, Query(from): Query<From>, headers: HeaderMap) -> Result<Response> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    // Subscribed before the first look, so that nothing falls between the two.
    let hints = call.caller().db.live().subscribe_to_all();
    call.open().await?.runs().get(id).await?;
    let watch = Watch {
        db: call.caller().db.clone(),
        actor: call.caller().actor.clone(),
        follow: Follow::new(id, last.unwrap_or(from.after)),
        hints,
        read: VecDeque::new(),
    };
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok::<_, Infallible>(event), watch))
    });
    let headers =
        [(HeaderName::from_static("x-accel-buffering"), "no"), (header::CACHE_CONTROL, "no-cache, no-transform")];
    Ok((headers, Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))).into_response())
}

/// Cancel a run
///
/// At once, or as soon as its worker has let go of it; the runs that it started too. May be repeated.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "Runs", operation_id = "cancel_run",
    params(("id" = RunId, Path)), security(("key" = ["runs:write"])),
    responses((status = OK, body = Run), (status = CONFLICT, description = "It has ended.")))]
async fn cancel(Path(id): Path<RunId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let run = work.t.runs().cancel(id).await?;
    work.done(Reply::ok(&run)?).await
}

/// Try a run again
///
/// As its next attempt, from the first step.
#[utoipa::path(post, path = "/runs/{id}/retry", tag = "Runs", operation_id = "retry_run",
    params(("id" = RunId, Path)), security(("key" = ["runs:write"])),
    responses((status = ACCEPTED, body = Run), (status = CONFLICT, description = "It goes on, or has succeeded.")))]
async fn retry(Path(id): Path<RunId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let run = work.t.runs().retry(id).await?;
    work.done(started(&run)?).await
}

/// Fork a run
///
/// The same task and parameters as a run of its own, with the agent as it is now.
#[utoipa::path(post, path = "/runs/{id}/fork", tag = "Runs", operation_id = "fork_run",
    params(("id" = RunId, Path)), security(("key" = ["runs:write"])), responses((status = ACCEPTED, body = Run)))]
async fn fork(Path(id): Path<RunId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let run = work.t.runs().fork(id).await?;
    work.done(started(&run)?).await
}

/// Answer a run
///
/// It asks a person something; what is said here it reads as that person's words, and goes on.
#[utoipa::path(post, path = "/runs/{id}/answer", tag = "Runs", operation_id = "answer_run",
    params(("id" = RunId, Path)), security(("key" = ["runs:write"])), request_body = PersonAnswer,
    responses((status = OK, body = RunInFull), (status = CONFLICT, description = "It does not ask this any more.")))]
async fn answer(Path(id): Path<RunId>, call: Write<Json<PersonAnswer>>) -> Result<Reply> {
    let (mut work, Json(given)) = call.open().await?;
    work.t.runs().answer(id, given).await?;
    let reply = Reply::ok(&in_full(&mut work.t, id).await?)?;
    work.done(reply).await
}

/// List open questions
///
/// What runs ask of people, the oldest first.
#[utoipa::path(get, path = "/approvals", tag = "Runs", operation_id = "list_approvals", params(Paging),
    security(("key" = ["runs:read"])), responses((status = OK, body = Page<Approval>)))]
async fn approvals(call: Read, Query(page): Query<Paging>) -> Result<Reply> {
    Reply::ok(&call.open().await?.runs().pending_approvals(&page.page()?).await?)
}

/// Approve a call
///
/// The run goes on with exactly the arguments that were asked about, or with those that are sent here.
#[utoipa::path(post, path = "/runs/{id}/approvals/{approval}/approve", tag = "Runs", operation_id = "approve_call",
    params(("id" = RunId, Path), ("approval" = ApprovalId, Path)), security(("key" = ["runs:approve"])),
    request_body = Approve,
    responses((status = OK, body = RunInFull), (status = CONFLICT, description = "It was answered already, or has expired.")))]
async fn approve(Path((id, approval)): Path<(RunId, ApprovalId)>, call: Write<Json<Approve>>) -> Result<Reply> {
    let (mut work, Json(Approve { for_this_run, arguments })) = call.open().await?;
    work.t.runs().decide(id, approval, Decision::Approve { for_this_run, edited: arguments }).await?;
    let reply = Reply::ok(&in_full(&mut work.t, id).await?)?;
    work.done(reply).await
}

/// Deny a call
///
/// The run goes on without it; its agent reads why.
#[utoipa::path(post, path = "/runs/{id}/approvals/{approval}/deny", tag = "Runs", operation_id = "deny_call",
    params(("id" = RunId, Path), ("approval" = ApprovalId, Path)), security(("key" = ["runs:approve"])),
    request_body = Deny,
    responses((status = OK, body = RunInFull), (status = CONFLICT, description = "It was answered already, or has expired.")))]
async fn deny(Path((id, approval)): Path<(RunId, ApprovalId)>, call: Write<Json<Deny>>) -> Result<Reply> {
    let (mut work, Json(Deny { reason })) = call.open().await?;
    work.t.runs().decide(id, approval, Decision::Deny { reason }).await?;
    let reply = Reply::ok(&in_full(&mut work.t, id).await?)?;
    work.done(reply).await
}

/// 202 with the run and where it lies.
pub(super) fn started(run: &Run) -> Result<Reply> {
    Ok(Reply::accepted(run)?.location(&format!("/runs/{}", run.id)))
}

/// A run with all that hangs on it.
pub(crate) async fn in_full(t: &mut Tenant, id: RunId) -> Result<RunInFull> {
    let run = t.runs().get(id).await?;
    let allowed = run.commands().into_iter().map(str::to_owned).collect();
    let verdict = t.runs().verdict(&run).await?;
    Ok(RunInFull {
        run,
        verdict,
        steps: t.runs().steps(id).await?,
        approvals: t.runs().approvals(id).await?,
        question: t.runs().question(id).await?,
        awaits: t.runs().awaited(id).await?,
        children: t.runs().children(id).await?,
        allowed,
    })
}

/// A reader of the events of a run.
struct Watch {
    db: Db,
    actor: Actor,
    follow: Follow,
    hints: Receiver<Hint>,
    read: VecDeque<RunEvent>,
}

impl Watch {
    /// The next event; nothing when the run has ended, or the company can no longer be read.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.read.pop_front() {
                let data = Event::default().id(event.seq.to_string()).event(event.kind.clone());
                return data.json_data(&event).ok();
            }
            if self.follow.has_ended() {
                return None;
            }
            self.read = self.follow.read(&self.db, &self.actor).await.ok()?.into();
            if self.read.is_empty() && !self.follow.has_ended() {
                self.hint().await;
            }
        }
    }

    /// Waits until somebody says that the run has changed; looks again after a while in any case.
    async fn hint(&mut self) {
        let ours = async {
            loop {
                match self.hints.recv().await {
                    Ok(hint) if hint.topic == "runs" && hint.id == Some(self.follow.run.0) => return,
                    Ok(hint) if hint.topic == "resync" => return,
                    Err(RecvError::Lagged(_)) => return,
                    Ok(_) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(30), ours).await;
    }
}
