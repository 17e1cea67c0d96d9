//! The list of conversations, with the form that begins one.

use leptos::{prelude::*, server_fn::codec::Postcard};
use leptos_router::hooks::use_query_map;

use crate::{
    error::AppError,
    pages::{
        frame::{live_version, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{
        ButtonKind, Card, Choice, Empty, EmptyKind, FilterBar, FilterChip, IconName, Pager, Select, SubmitButton,
        TextArea, Time, refusal,
    },
};

/// A page of the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationList {
    /// Id and name of the one agent that is shown.
    pub(super) agent: Option<(String, String)>,
    /// Agents to talk to: id and name. Nobody, where who looks may not.
    pub(super) agents: Vec<(String, String)>,
    pub(super) rows: Vec<ConversationRow>,
    /// It is not the first page.
    pub(super) later: bool,
    pub(super) next: Option<String>,
}

/// A conversation in the list.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct ConversationRow {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) agent: String,
    pub(super) by: String,
    pub(super) at: Moment,
}

/// Loads a page of the list.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_conversations(slug: String, agent: String, after: String) -> Result<Written, AppError> {
    let list = super::load::list(&slug, &agent, &after).await?;
    Ok(Written::new("Conversations", move || page(&slug, list)))
}

/// Begins a conversation with its first message.
#[server(prefix = "/sf")]
pub async fn start_conversation(
    slug: String,
    #[server(default)] agent: String,
    #[server(default)] message: String,
) -> Result<(), AppError> {
    let chosen = || service::Error::from(domain::Problem::field("agent", "agent_missing", "Choose an agent."));
    if agent.is_empty() {
        return Err(chosen().into());
    }
    let agent = crate::pages::agents::agent_id(&agent)?;
    let mut t = crate::server::tenant(&slug).await?;
    let message = domain::conversations::NewMessage { message };
    let conversation = t.conversations().create(agent, &message).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/conversations/{}", conversation.id), "said");
    Ok(())
}

/// The conversations.
#[component]
pub fn ConversationsPage() -> impl IntoView {
    let (slug, query) = (use_slug(), use_query_map());
    written(live_version("conversations"), move || {
        let get = |name: &str| query.read().get(name).unwrap_or_default();
        LoadConversations { slug: slug.get(), agent: get("agent"), after: get("after") }
    })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, list: ConversationList) -> AnyView {
    let base = format!("/t/{slug}/conversations");
    let of_agent = list.agent.as_ref().map(|(id, _)| format!("agent={id}&")).unwrap_or_default();
    let first = list.later.then(|| format!("{base}?{of_agent}"));
    let next = list.next.map(|cursor| format!("{base}?{of_agent}after={cursor}"));
    let chosen = list.agent.as_ref().map(|(id, _)| id.clone()).unwrap_or_default();
    let chip = list.agent.map(|(_, name)| {
        view! { <FilterChip field="Agent" operator="is" value=name remove=base.clone() icon=IconName::Spark/> }
            .into_any()
    });
    let begin = (!list.agents.is_empty()).then(|| form(slug, chosen, list.agents));
    let rows: Vec<_> = list.rows.into_iter().map(|row| line(&base, row)).collect();
    let body = if rows.is_empty() {
        let text = "Ask an agent something, and it answers here. It remembers what was said before.";
        view! { <Empty kind=EmptyKind::First title="No conversations yet" text/> }.into_any()
    } else {
        view! { <ul class="stack">{rows}</ul> }.into_any()
    };
    view! {
        <Topbar title="Conversations"/>
        <FilterBar chips=ToChildren::to_children(move || chip)><span class="subtle">"Everybody of the company reads them. After a year without a message they are deleted."</span></FilterBar>
        <PageScroll label="Conversations">
            <div class="page-body narrow">
                {begin}
                <Card title="Conversations">{body}</Card>
                <Pager first next/>
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn form(slug: &str, chosen: String, agents: Vec<(String, String)>) -> AnyView {
    let post = Post::to::<StartConversation>();
    let (slug, options) = (slug.to_owned(), agents.into_iter().map(|(id, name)| Choice::new(id, name)).collect());
    view! {
        <Card title="Talk to an agent">
            {refusal(post)}
            <PostForm post class="stack">
                <input type="hidden" name="slug" value=slug/>
                <Select name="agent" label="Agent" options value=chosen placeholder="Choose an agent" error=post.of_field("agent")/>
                <TextArea name="message" label="Message" error=post.of_field("message")/>
                <div class="cluster"><SubmitButton kind=ButtonKind::Primary busy=post.busy()>"Send"</SubmitButton></div>
            </PostForm>
        </Card>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn line(base: &str, row: ConversationRow) -> AnyView {
    view! {
        <li>
            <a class="strong" href=format!("{base}/{}", row.id)>{row.title}</a>
            <p class="subtle">{row.agent}" · begun by "{row.by}" · "<Time moment=row.at/></p>
        </li>
    }
    .into_any()
}
