//! Accounts: the firms that leads work for.

use domain::{
    AccountId, Page,
    accounts::{Account, AccountFilter, AccountInput},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::merged;
use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page},
    reply::Reply,
};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, change, delete))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccountList {
    /// Part of the name or domain.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List accounts
#[utoipa::path(get, path = "/accounts", tag = "Accounts", operation_id = "list_accounts", params(AccountList),
    security(("key" = ["leads:read"])), responses((status = OK, body = Page<Account>)))]
async fn list(call: Read, Query(query): Query<AccountList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    Reply::ok(&call.open().await?.accounts().list(&AccountFilter { q: query.q }, &page).await?)
}

/// Create an account
#[utoipa::path(post, path = "/accounts", tag = "Accounts", operation_id = "create_account",
    security(("key" = ["leads:write"])), request_body = AccountInput,
    responses((status = CREATED, body = Account), (status = CONFLICT, description = "An account has this name already.")))]
async fn create(call: Write<Json<AccountInput>>) -> Result<Reply> {
    let (mut work, Json(input)) = call.open().await?;
    let account = work.t.accounts().create(input).await?;
    let reply = Reply::created(&format!("/accounts/{}", account.id), &account)?.version(account.version);
    work.done(reply).await
}

/// Get an account
#[utoipa::path(get, path = "/accounts/{id}", tag = "Accounts", operation_id = "get_account",
    params(("id" = AccountId, Path)), security(("key" = ["leads:read"])), responses((status = OK, body = Account)))]
async fn get(call: Read, Path(id): Path<AccountId>) -> Result<Reply> {
    let account = call.open().await?.accounts().get(id).await?;
    Ok(Reply::ok(&account)?.version(account.version))
}

/// Change an account
#[utoipa::path(patch, path = "/accounts/{id}", tag = "Accounts", operation_id = "change_account",
    params(("id" = AccountId, Path)), security(("key" = ["leads:write"])), request_body = AccountInput,
    responses((status = OK, body = Account), (status = CONFLICT, description = "An account has this name already.")))]
async fn change(Path(id): Path<AccountId>, call: Write<Json<serde_json::Value>>) -> Result<Reply> {
    let (mut work, Json(patch)) = call.open().await?;
    let old = work.t.accounts().get(id).await?;
    let version = work.version().unwrap_or(old.version);
    let account = work.t.accounts().update(id, merged(&AccountInput::from(old), patch)?, Some(version)).await?;
    let reply = Reply::ok(&account)?.version(account.version);
    work.done(reply).await
}

/// Delete an account
///
/// Its leads stay, without an account.
#[utoipa::path(delete, path = "/accounts/{id}", tag = "Accounts", operation_id = "delete_account",
    params(("id" = AccountId, Path)), security(("key" = ["leads:write"])), responses((status = NO_CONTENT)))]
async fn delete(Path(id): Path<AccountId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.accounts().delete(id).await?;
    work.done(Reply::nothing()).await
}
