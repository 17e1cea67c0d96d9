//! Figures about the work of agents.

use domain::analytics::{AgentAnalytics, Period};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{door::Read, problem::Result, query::Query, reply::Reply};

pub fn router() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(agents))
}

/// How far back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// `7d`, `30d` or `90d`, today included; `30d` when absent.
    period: Option<Period>,
}

/// What agents did in a period
///
/// Together, by team, by agent and by day. A success rate is `succeeded` of `ended`; with fewer than 30 ended runs
/// it says little.
#[utoipa::path(get, path = "/analytics/agents", tag = "Analytics", operation_id = "get_agent_analytics",
    params(Wanted), security(("key" = ["runs:read"])), responses((status = OK, body = AgentAnalytics)))]
async fn agents(call: Read, Query(wanted): Query<Wanted>) -> Result<Reply> {
    let period = wanted.period.unwrap_or(Period::Month);
    Reply::ok(&call.open().await?.analytics().agents(period).await?)
}
