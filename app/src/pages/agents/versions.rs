//! The versions of an agent: who changed it, why, and what is different.

use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use super::detail::{AgentHead, ChangeAgent, command, head};
use crate::{
    error::AppError,
    exchange::{Post, with_data},
    fmt::Moment,
    pages::frame::{live_version, may, use_param, use_slug},
    shell::PageScroll,
    ui::{Card, Time, refusal},
};

/// What the page shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    pub(super) head: AgentHead,
    pub(super) rows: Vec<VersionRow>,
    /// The version looked at.
    pub(super) shown: i32,
    /// Its lines beside those of the version before: `+`, `-` or a space, and the line.
    pub(super) lines: Vec<(char, String)>,
}

/// A version in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionRow {
    pub(super) version: i32,
    pub(super) note: String,
    pub(super) author: String,
    pub(super) at: Moment,
}

/// Loads the page; version 0 is the newest.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_agent_versions(slug: String, id: String, version: i32) -> Result<Versions, AppError> {
    super::load::versions(&slug, &id, version).await
}

/// The versions.
#[component]
pub fn AgentVersionsPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    let change = Post::to::<ChangeAgent>();
    with_data(
        live_version("agents"),
        move || {
            let version = query.read().get("version").and_then(|text| text.parse().ok()).unwrap_or(0);
            LoadAgentVersions { slug: slug.get(), id: id.get(), version }
        },
        move |shown| page(slug.get_untracked(), shown, change),
    )
}

fn page(slug: String, v: Versions, change: Post) -> AnyView {
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
