//! The key itself: what it may do, and for which company.

use axum::http::StatusCode;
use domain::{ApiKeyId, CompanyId, companies::Company, keys::Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{door::Read, problem::Result, reply::Reply};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(me))
}

/// The key that calls.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// Id of the key.
    key_id: Option<ApiKeyId>,
    /// Its name.
    key_name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// Id of its company.
    company_id: CompanyId,
    /// The company.
    company: Company,
}

/// The key and its company
#[utoipa::path(get, path = "/me", tag = "Me", operation_id = "get_me", security(("key" = [])), responses((status = OK, body = Me)))]
async fn me(call: Read) -> Result<Reply> {
    let mut t = call.open().await?;
    let company = t.company().await?;
    let actor = t.actor();
    Reply::json(
        StatusCode::OK,
        &Me {
            key_id: actor.api_key_id(),
            key_name: actor.name().to_owned(),
            scopes: actor.scopes().to_vec(),
            company_id: actor.company(),
            company,
        },
    )
}
