//! What an agent can do: each of its tools, what calling it does, and when a person is asked first.

use leptos::{prelude::*, server_fn::codec::Postcard};

#[cfg(feature = "ssr")]
use super::detail::{AgentHead, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_versions, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    shell::PageScroll,
    ui::{Card, HeaderCell, TableRegion, Tag, Tone},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct AgentTools {
    pub(super) head: AgentHead,
    pub(super) lines: Vec<ToolLine>,
    /// The agents that it may hand work over to: name, and address if there is one of this name.
    pub(super) helpers: Vec<(String, Option<String>)>,
}

/// A tool of the agent.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ToolLine {
    pub(super) name: String,
    /// What it does; that of a connector in the words of its server.
    pub(super) what: String,
    /// Name and address of its connector; the product's own tools have none.
    pub(super) connector: Option<(String, String)>,
    /// What calling it does, and whether that reaches outside; nothing for what is never called.
    pub(super) effect: Option<(&'static str, bool)>,
    /// When a person is asked.
    pub(super) asks: &'static str,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent_tools(slug: String, id: String) -> Result<Written, AppError> {
    let tools = super::load::tools(&slug, &id).await?;
    Ok(Written::new(format!("Tools of {}", tools.head.name), move || page(&slug, tools)))
}

/// The tools of an agent.
#[component]
pub fn AgentToolsPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("agent"));
    written(live_versions(["agents", "connectors"]), move || LoadAgentTools { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, tools: AgentTools) -> AnyView {
    let body = if tools.lines.is_empty() {
        view! { <p class="nothing subtle">"It has no tools: it only writes."</p> }.into_any()
    } else {
        table(tools.lines)
    };
    let helpers: Vec<_> = tools
        .helpers
        .into_iter()
        .map(|(name, href)| match href {
            Some(href) => view! { <li><a href=href>{name}</a></li> }.into_any(),
            None => {
                view! { <li>{name}" "<span class="subtle">"There is no agent of this name."</span></li> }.into_any()
            }
        })
        .collect();
    let helpers = (!helpers.is_empty())
        .then(|| view! { <Card title="Hands work over to"><ul class="listed">{helpers}</ul></Card> });
    view! {
        {head(slug, &tools.head, "/tools", ().into_any())}
        <PageScroll label="Tools and permissions">
            <div class="page-body">
                <p>"A call has the rights of whoever started the run, as they are at that moment. What is asked about is done with exactly the arguments that were approved."</p>
                <Card title="Tools" flush=true>{body}</Card>
                {helpers}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn table(lines: Vec<ToolLine>) -> AnyView {
    let head = view! {
        <HeaderCell label="Tool" width="11rem"/>
        <HeaderCell label="What it does"/>
        <HeaderCell label="From" width="8rem"/>
        <HeaderCell label="Effect" width="7.5rem"/>
        <HeaderCell label="Asks a person" width="17rem"/>
    }
    .into_any();
    let rows: Vec<_> = lines.into_iter().map(row).collect();
    view! { <TableRegion label="Tools" min_width="58rem" head>{rows}</TableRegion> }.into_any()
}

#[cfg(feature = "ssr")]
fn row(line: ToolLine) -> AnyView {
    let from = match line.connector {
        Some((name, href)) => view! { <a href=href>{name}</a> }.into_any(),
        None if line.effect.is_some() => "Saleswright".into_any(),
        None => "Nowhere".into_any(),
    };
    let effect = match line.effect {
        Some((word, outside)) => {
            let tone = if outside { Tone::Amber } else { Tone::Neutral };
            view! { <Tag text=word tone/> }.into_any()
        }
        None => view! { <Tag text="Never called"/> }.into_any(),
    };
    view! {
        <tr role="row">
            <td role="cell" class="name"><code>{line.name}</code></td>
            <td role="cell" class="title wraps">{line.what}</td>
            <td role="cell">{from}</td>
            <td role="cell" class="status-cell">{effect}</td>
            <td role="cell" class="wraps shown"><span class="at">"Asks a person: "</span>{line.asks}</td>
        </tr>
    }
    .into_any()
}
