//! What an agent remembers from run to run: where each thing came from, when it is forgotten, and the way to
//! forget it now.

#[cfg(feature = "ssr")]
use domain::Permission;
use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

#[cfg(feature = "ssr")]
use super::detail::{AgentHead, head};
use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    pages::frame::may,
    shell::PageScroll,
    ui::{ButtonKind, ButtonSize, Card, Empty, EmptyKind, Pager, SubmitButton, Tag, Time, Tone, confirm, refusal},
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryList {
    pub(super) head: AgentHead,
    pub(super) rows: Vec<MemoryRow>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) next: Option<String>,
}

/// Something that the agent remembers.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) outside: bool,
    pub(super) run: Option<String>,
    pub(super) by: String,
    pub(super) at: Moment,
    pub(super) expires: Moment,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_memory(slug: String, id: String, after: String) -> Result<Written, AppError> {
    let list = super::load::memory(&slug, &id, &after).await?;
    Ok(Written::new(format!("Memory of {}", list.head.name), move || page(&slug, list)))
}

/// Forgets one memory of an agent, or all of them where `memory` is empty.
#[server(prefix = "/sf")]
pub async fn forget(slug: String, id: String, #[server(default)] memory: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/agents/{id}/memory");
    let id = super::load::agent_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    if memory.is_empty() {
        t.memories().delete_all(id).await?;
    } else {
        let memory = memory.parse().map_err(|_| AppError::from(service::Error::NotFound("memory")))?;
        t.memories().delete(id, memory).await?;
    }
    t.commit().await?;
    crate::server::done(&own, "memory-deleted");
    Ok(())
}

/// What an agent remembers.
#[component]
pub fn AgentMemoryPage() -> impl IntoView {
    let (slug, id, query) = (use_slug(), use_param("agent"), use_query_map());
    written(live_version("memories"), move || {
        let after = query.read().get("after").unwrap_or_default();
        LoadMemory { slug: slug.get(), id: id.get(), after }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, list: MemoryList) -> AnyView {
    let post = Post::to::<Forget>();
    let own = format!("/t/{slug}/agents/{}/memory", list.head.id);
    let first = list.later.then(|| own.clone());
    let next = list.next.map(|cursor| format!("{own}?after={cursor}"));
    let may_forget = may(Permission::ManageAgents);
    let all = (may_forget && !list.rows.is_empty()).then(|| {
        let form = form(post, slug, &list.head.id, "", "Forget everything".to_owned(), "Forget everything");
        confirm("Forget everything", &list.head.name, "Its next run begins without memories.", form)
    });
    let body = if list.rows.is_empty() {
        let text = "What it keeps in a run with the tool `remember` stands here, and it finds it again with `recall`.";
        view! { <Empty kind=EmptyKind::First title="It remembers nothing yet" text/> }.into_any()
    } else {
        let rows: Vec<_> =
            list.rows.into_iter().map(|row| item(slug, &list.head.id, row, may_forget.then_some(post))).collect();
        view! { <ul class="stack">{rows}</ul> }.into_any()
    };
    view! {
        {head(slug, &list.head, "/memory", ().into_any())}
        <PageScroll label="Memory">
            <div class="page-body narrow">
                {refusal(post)}
                <Card title="What it remembers" action=all.unwrap_or_else(|| ().into_any())>{body}</Card>
                <Pager first next/>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn item(slug: &str, agent: &str, row: MemoryRow, post: Option<Post>) -> AnyView {
    let source = row.run.map(|run| view! { <a href=format!("/t/{slug}/runs/{run}")>"The run"</a>" · " });
    let outside = row.outside.then(|| view! { <Tag text="from outside" tone=Tone::Amber/> });
    let forget = post.map(|post| {
        let beginning: String = row.text.chars().take(60).collect();
        form(post, slug, agent, &row.id, format!("Forget: {beginning}"), "Forget")
    });
    view! {
        <li>
            <div class="cluster"><Tag text=row.kind/>{outside}<span class="push">{forget}</span></div>
            <p class="as-written">{row.text}</p>
            <p class="subtle">{source}{row.by}", "<Time moment=row.at/>" · forgotten "<Time moment=row.expires/></p>
        </li>
    }
    .into_any()
}

/// A form with one button.
#[cfg(feature = "ssr")]
fn form(post: Post, slug: &str, agent: &str, memory: &str, label: String, words: &'static str) -> AnyView {
    let (slug, agent, memory) = (slug.to_owned(), agent.to_owned(), memory.to_owned());
    let kind = if memory.is_empty() { ButtonKind::Danger } else { ButtonKind::Default };
    view! {
        <PostForm post>
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=agent/>
            <input type="hidden" name="memory" value=memory/>
            <SubmitButton kind size=ButtonSize::Small label busy=post.busy()>{words}</SubmitButton>
        </PostForm>
    }
    .into_any()
}
