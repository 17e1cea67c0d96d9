//! Language models of the company, in the order they are asked. A key goes in and never comes out.

use domain::{
    ModelId, Page,
    models::{Model, ModelInput},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::whole;
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::Path,
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, change, delete))
        .routes(routes!(test))
        .routes(routes!(ask_earlier))
}

/// List models
///
/// In the order they are asked.
#[utoipa::path(get, path = "/models", tag = "Models", operation_id = "list_models",
    security(("key" = ["agents:read"])), responses((status = OK, body = Page<Model>)))]
async fn list(call: Read) -> Result<Reply> {
    Reply::ok(&whole(call.open().await?.models().list().await?))
}

/// Set up a model
///
/// It is the last to be asked, and is tested at once.
#[utoipa::path(post, path = "/models", tag = "Models", operation_id = "create_model",
    security(("key" = ["agents:write"])), request_body = ModelInput,
    responses((status = CREATED, body = Model), (status = CONFLICT, description = "A model has this name already.")))]
async fn create(call: Write<Json<ModelInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let model = work.t.models().create(input).await?;
    work.done(Reply::created(&format!("/models/{}", model.id), &model)?).await
}

/// Get a model
#[utoipa::path(get, path = "/models/{id}", tag = "Models", operation_id = "get_model",
    params(("id" = ModelId, Path)), security(("key" = ["agents:read"])),
    responses((status = OK, body = Model)))]
async fn get(call: Read, Path(id): Path<ModelId>) -> Result<Reply> {
    Reply::ok(&call.open().await?.models().get(id).await?)
}

/// Change a model
///
/// An absent value stays as it is; another address needs the key again.
#[utoipa::path(patch, path = "/models/{id}", tag = "Models", operation_id = "change_model",
    params(("id" = ModelId, Path)), security(("key" = ["agents:write"])), request_body = ModelInput,
    responses((status = OK, body = Model), (status = CONFLICT, description = "A model has this name already.")))]
async fn change(Path(id): Path<ModelId>, call: Write<Json<ModelInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let model = work.t.models().update(id, input).await?;
    work.done(Reply::ok(&model)?).await
}

/// Remove a model
///
/// Its key is forgotten.
#[utoipa::path(delete, path = "/models/{id}", tag = "Models", operation_id = "delete_model",
    params(("id" = ModelId, Path)), security(("key" = ["agents:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<ModelId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.models().delete(id).await?;
    work.done(Reply::nothing()).await
}

/// Test a model
///
/// It happens at once, in the background; `worked_at` and `last_error` of the model tell the outcome.
#[utoipa::path(post, path = "/models/{id}/test", tag = "Models", operation_id = "test_model",
    params(("id" = ModelId, Path)), security(("key" = ["agents:write"])),
    responses((status = ACCEPTED, body = Model)))]
async fn test(Path(id): Path<ModelId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.models().request_test(id).await?;
    let model = work.t.models().get(id).await?;
    work.done(Reply::accepted(&model)?).await
}

/// Ask a model earlier
///
/// It changes places with the one that is asked before it; the first one stays where it is.
#[utoipa::path(post, path = "/models/{id}/ask-earlier", tag = "Models", operation_id = "ask_model_earlier",
    params(("id" = ModelId, Path)), security(("key" = ["agents:write"])),
    responses((status = OK, body = Model)))]
async fn ask_earlier(Path(id): Path<ModelId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.models().ask_earlier(id).await?;
    let model = work.t.models().get(id).await?;
    work.done(Reply::ok(&model)?).await
}
