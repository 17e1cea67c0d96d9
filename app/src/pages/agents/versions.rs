//! The versions of an agent: who changed it, why, and what is different.

#[cfg(feature = "ssr")]
use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::detail::{AgentHead, ChangeAgent, command, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::Post,
    fmt::Moment,
    pages::frame::may,
    shell::PageScroll,
    ui::{Card, Time, refusal},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Versions {
    pub(super) head: AgentHead,
    pub(super) rows: Vec<VersionRow>,
    /// The version looked at.
    pub(super) shown: i32,
    /// Its lines beside those of the version before: `+`, `-` or a space, and the line.
    pub(super) lines: Vec<(char, String)>,
}

/// A version in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    pub(super) version: i32,
    pub(super) note: String,
    pub(super) author: String,
    pub(super) at: Moment,
}

/// Loads the page; version 0 is the newest.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent_versions(slug: String, id: String, version: i32) -> Result<Written, AppError> {
    let versions = super::load::versions(&slug, &id, version).await?;
    Ok(Written::new(versions.head.name.clone(), move || page(slug, versions)))
}

/// The versions.
#[component]
pub fn AgentVersionsPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    written(live_version("agents"), move || {
        let version = query.read().get("version").and_then(|text| text.parse().ok()).unwrap_or(0);
        LoadAgentVersions { slug: slug.get(), id: id.get(), version }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: String, v: Versions) -> AnyView {
    let change = Post::to::<ChangeAgent>();
    let (shown, newest) = (v.shown, v.head.version);
    let base = format!("/t/{slug}/agents/{}/versions", v.head.id);
    let rows: Vec<_> = v
        .rows
        .into_iter()
        .map(|row| {
            let here = (row.version == shown).then_some("true");
            view! {
                <li class="cluster">
                    <a class="strong" href=format!("{base}?version={}", row.version) aria-current=here>{format!("Version {}", row.version)}</a>
                    <span>{row.note}</span>
                    <span class="push subtle">{row.author}" · "<Time moment=row.at/></span>
                </li>
            }
            .into_any()
        })
        .collect();
    let lines: Vec<_> = v
        .lines
        .into_iter()
        .map(|(mark, text)| {
            let (class, word) = match mark {
                '+' => ("line added", "added: "),
                '-' => ("line removed", "removed: "),
                _ => ("line", ""),
            };
            view! { <span class=class><span class="sr-only">{word}</span>{text}</span> }.into_any()
        })
        .collect();
    let restore = (shown != newest && may(Permission::ManageAgents))
        .then(|| command(change, &slug, &v.head.id, "restore", "Restore this version", &v.head.name, shown));
    let title = if shown > 1 { format!("Version {shown} beside {}", shown - 1) } else { format!("Version {shown}") };
    view! {
        {head(&slug, &v.head, "/versions", ().into_any())}
        <PageScroll label="Versions">
            <div class="page-body">
                {refusal(change)}
                <Card title="Versions"><ul class="stack">{rows}</ul></Card>
                <Card title action=restore.unwrap_or_else(|| ().into_any())><pre class="diff" tabindex="0">{lines}</pre></Card>
            </div>
        </PageScroll>
    }
    .into_any()
}
