//! The suppression list: addresses and domains that get no more e-mail.

use domain::{
    Page, Problem, SuppressionId,
    suppressions::{Suppression, SuppressionTarget},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    door::{Json, Read, Write},
    problem::Result,
    query::{Path, Query, page},
    reply::Reply,
};

/// The most entries of one call.
const MOST: usize = 1_000;

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SuppressionList {
    /// Part of the address or domain.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

/// List suppressions
#[utoipa::path(get, path = "/suppressions", tag = "Suppressions", operation_id = "list_suppressions",
    params(SuppressionList), security(("key" = ["suppressions:read"])),
    responses((status = OK, body = Page<Suppression>)))]
async fn list(call: Read, Query(query): Query<SuppressionList>) -> Result<Reply> {
    let page = page(query.after, query.per)?;
    Reply::ok(&call.open().await?.suppressions().list(query.q.as_deref(), &page).await?)
}

/// Who gets no more e-mail.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuppressions {
    /// Addresses and domains (`@example.com`), at most 1,000.
    targets: Vec<String>,
    /// Why, in words.
    #[serde(default)]
    detail: Option<String>,
}

/// How many entries are new.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SuppressionsAdded {
    /// Entries that were not there before.
    added: i64,
}

/// Add to the suppression list
///
/// In effect before the next e-mail leaves.
#[utoipa::path(post, path = "/suppressions", tag = "Suppressions", operation_id = "add_suppressions",
    security(("key" = ["suppressions:write"])), request_body = NewSuppressions,
    responses((status = OK, body = SuppressionsAdded)))]
async fn add(call: Write<Json<NewSuppressions>>) -> Result<Reply> {
    let (mut work, Json(new)) = call.open().await?;
    let targets = targets(&new.targets)?;
    let added = work.t.suppressions().add(&targets, new.detail.as_deref()).await?;
    work.done(Reply::ok(&SuppressionsAdded { added })?).await
}

/// All of them, or every problem with the place of its entry.
fn targets(texts: &[String]) -> Result<Vec<SuppressionTarget>> {
    if texts.is_empty() || texts.len() > MOST {
        return Err(Problem::field("targets", "targets_number", "Send 1 to 1,000 addresses or domains.").into());
    }
    let mut targets = Vec::with_capacity(texts.len());
    let mut problems = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match SuppressionTarget::parse(text) {
            Ok(target) => targets.push(target),
            Err(problem) => problems.push(problem.on(format!("targets[{place}]"))),
        }
    }
    if problems.is_empty() { Ok(targets) } else { Err(problems.into()) }
}

/// Remove from the suppression list
///
/// An entry that the person asked for stays.
#[utoipa::path(delete, path = "/suppressions/{id}", tag = "Suppressions", operation_id = "remove_suppression",
    params(("id" = SuppressionId, Path)), security(("key" = ["suppressions:write"])),
    responses((status = NO_CONTENT), (status = CONFLICT, description = "The person asked for it.")))]
async fn remove(Path(id): Path<SuppressionId>, call: Write) -> Result<Reply> {
    let (mut work, ()) = call.open().await?;
    work.t.suppressions().remove(id).await?;
    work.done(Reply::nothing()).await
}
