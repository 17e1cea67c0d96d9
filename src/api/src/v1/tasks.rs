//! Tasks for people.

use domain::{
    Page, TaskId,
    tasks::{Task, TaskInput},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Paging, Path, Query},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(delete))
        .routes(routes!(complete))
        .routes(routes!(reopen))
}

/// List open tasks
///
/// Those that are due first, then the oldest.
#[utoipa::path(get, path = "/tasks", tag = "Tasks", operation_id = "list_tasks", params(Paging),
    security(("key" = ["leads:read"])), responses((status = OK, body = Page<Task>)))]
async fn list(call: Read, Query(paging): Query<Paging>) -> Result<Reply> {
    let page = paging.page()?;
    Reply::ok(&call.open().await?.tasks().open(&page).await?)
}

/// Create a task
#[utoipa::path(post, path = "/tasks", tag = "Tasks", operation_id = "create_task",
    security(("key" = ["leads:write"])), request_body = TaskInput,
    responses((status = CREATED, body = Task), (status = NOT_FOUND, description = "There is no such lead.")))]
async fn create(call: Write<Json<TaskInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let task = work.t.tasks().create(input).await?;
    work.done(Reply::created("/tasks", &task)?).await
}

/// Delete a task
#[utoipa::path(delete, path = "/tasks/{id}", tag = "Tasks", operation_id = "delete_task",
    params(("id" = TaskId, Path)), security(("key" = ["leads:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<TaskId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.tasks().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Complete a task
#[utoipa::path(post, path = "/tasks/{id}/complete", tag = "Tasks", operation_id = "complete_task",
    params(("id" = TaskId, Path)), security(("key" = ["leads:write"])), responses((status = OK, body = Task)))]
async fn complete(Path(id): Path<TaskId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let task = work.t.tasks().complete(id).await?;
    work.done(Reply::ok(&task)?).await
}

/// Open a task again
#[utoipa::path(post, path = "/tasks/{id}/reopen", tag = "Tasks", operation_id = "reopen_task",
    params(("id" = TaskId, Path)), security(("key" = ["leads:write"])), responses((status = OK, body = Task)))]
async fn reopen(Path(id): Path<TaskId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    let task = work.t.tasks().reopen(id).await?;
    work.done(Reply::ok(&task)?).await
}
