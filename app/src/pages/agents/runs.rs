//! The runs of one agent: the list of runs as it stands everywhere, below the name of the agent.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_versions, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use {
    super::detail::head,
    crate::pages::runs::{list_of_agent, listing},
};

/// Loads a page of the list for the query string of the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent_runs(slug: String, id: String, query: String) -> Result<Written, AppError> {
    let base = format!("/t/{slug}/agents/{id}/runs");
    let id = super::load::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    let agent = super::load::head(&t.agents().get(id).await?);
    let list = list_of_agent(&mut t, base, &query, id).await?;
    t.commit().await?;
    Ok(Written::new(format!("Runs of {}", agent.name), move || {
        view! {
            {head(&slug, &agent, "/runs", ().into_any())}
            {listing(&slug, list)}
        }
        .into_any()
    }))
}

/// The runs of an agent.
#[component]
pub fn AgentRunsPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    written(live_versions(["agents", "runs"]), move || {
        let query = query.read().to_query_string();
        LoadAgentRuns { slug: slug.get(), id: id.get(), query }
    })
}
