//! One conversation: who said what, in order, and the form for the next message. Words of agents are Markdown
//! without anything that acts.

use leptos::{prelude::*, server_fn::codec::Postcard};

use crate::{
    error::AppError,
    pages::{
        frame::{live_versions, use_param, use_slug},
        written::{Written, written},
    },
};
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    shell::{PageScroll, Topbar},
    ui::{ButtonKind, ButtonSize, Crumb, SubmitButton, Tag, TextArea, Time, confirm, markdown, refusal},
};

/// What the page shows.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct Talk {
    pub(super) id: String,
    pub(super) title: String,
    /// Id and name.
    pub(super) agent: (String, String),
    pub(super) turns: Vec<TurnView>,
    /// The agent has not answered the last message yet.
    pub(super) open: bool,
    /// Whether who looks may say something.
    pub(super) may_talk: bool,
}

/// A message and what came of it.
#[cfg(feature = "ssr")]
#[derive(Clone, Debug, PartialEq)]
pub struct TurnView {
    pub(super) from: String,
    pub(super) message: String,
    pub(super) at: Moment,
    pub(super) run: String,
    pub(super) agent: String,
    pub(super) answer: Option<String>,
    /// What stands there instead of an answer.
    pub(super) state: String,
    pub(super) built_in: bool,
    /// Run, agent and answer of those it has handed work over to.
    pub(super) helpers: Vec<(String, String, String)>,
}

/// Loads the page.
#[server(prefix = "/sf", output = Postcard)]
pub async fn load_conversation(slug: String, id: String) -> Result<Written, AppError> {
    let talk = super::load::talk(&slug, &id).await?;
    Ok(Written::new(talk.title.clone(), move || page(&slug, talk)))
}

/// Says something.
#[server(prefix = "/sf")]
pub async fn say(slug: String, id: String, #[server(default)] message: String) -> Result<(), AppError> {
    let own = format!("/t/{slug}/conversations/{id}");
    let id = super::load::conversation_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.conversations().say(id, &domain::conversations::NewMessage { message }).await?;
    t.commit().await?;
    crate::server::done(&own, "said");
    Ok(())
}

/// Deletes a conversation with everything that was said.
#[server(prefix = "/sf")]
pub async fn delete_conversation(slug: String, id: String) -> Result<(), AppError> {
    let id = super::load::conversation_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.conversations().delete(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/conversations"), "conversation-deleted");
    Ok(())
}

/// One conversation.
#[component]
pub fn ConversationPage() -> impl IntoView {
    let (slug, id) = (use_slug(), use_param("conversation"));
    written(live_versions(["conversations", "runs"]), move || LoadConversation { slug: slug.get(), id: id.get() })
}

#[cfg(feature = "ssr")]
fn page(slug: &str, talk: Talk) -> AnyView {
    let (post, delete) = (Post::to::<Say>(), Post::to::<DeleteConversation>());
    let base = format!("/t/{slug}/conversations");
    let (agent, name) = talk.agent.clone();
    let turns: Vec<_> = talk.turns.into_iter().map(|turn| exchange(slug, turn)).collect();
    let gone = (talk.may_talk && !talk.open).then(|| {
        let (slug, id) = (slug.to_owned(), talk.id.clone());
        let form = view! {
            <PostForm post=delete>
                <input type="hidden" name="slug" value=slug/>
                <input type="hidden" name="id" value=id/>
                <SubmitButton kind=ButtonKind::Danger size=ButtonSize::Small busy=delete.busy()>"Delete conversation"</SubmitButton>
            </PostForm>
        };
        confirm("Delete", &talk.title, "Everything that was said is gone. What the agent has done stays in the list of runs.", form.into_any())
    });
    let form = talk.may_talk.then(|| form(slug, &talk.id, &name, talk.open, post));
    view! {
        // As text: an element that a script makes would refresh the page, noscript or not.
        {talk.open.then(|| view! { <noscript inner_html=r#"<meta http-equiv="refresh" content="3">"#></noscript> })}
        <Topbar title=talk.title.clone() headed=true trail=vec![Crumb::new("Conversations", base)]/>
        <header class="page-head">
            <div>
                <h1>{talk.title}</h1>
                <div class="meta"><span>"With "<a href=format!("/t/{slug}/agents/{agent}")>{name}</a></span></div>
            </div>
            <div class="head-actions">{gone}</div>
        </header>
        <PageScroll label="Conversation">
            <div class="page-body narrow">
                {refusal(delete)}
                <ol class="talk" aria-label="Messages">{turns}</ol>
                {form}
            </div>
        </PageScroll>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn exchange(slug: &str, turn: TurnView) -> AnyView {
    let run = format!("/t/{slug}/runs/{}", turn.run);
    let helpers: Vec<_> = turn
        .helpers
        .into_iter()
        .map(|(id, agent, answer)| {
            let href = format!("/t/{slug}/runs/{id}");
            view! {
                <div class="said by-helper">
                    <p class="who"><a href=href>{agent}</a>" to "{turn.agent.clone()}</p>
                    <div class="prose" inner_html=markdown(&answer)></div>
                </div>
            }
            .into_any()
        })
        .collect();
    let built_in = turn.built_in.then(|| view! { <Tag text="Built-in writer"/> });
    let answer = match turn.answer {
        Some(text) => view! { <div class="prose" inner_html=markdown(&text)></div> }.into_any(),
        None => view! { <p class="subtle">{turn.state}</p> }.into_any(),
    };
    view! {
        <li>
            <div class="said by-person">
                <p class="who"><span class="strong">{turn.from}</span>" "<span class="subtle"><Time moment=turn.at/></span></p>
                <p class="as-written">{turn.message}</p>
            </div>
            {helpers}
            <div class="said by-agent">
                <p class="who"><span class="strong">{turn.agent.clone()}</span>" "{built_in}" "<a href=run>"How it came to this"</a></p>
                <div aria-live="polite">{answer}</div>
            </div>
        </li>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn form(slug: &str, id: &str, agent: &str, open: bool, post: Post) -> AnyView {
    let (slug, id, label) = (slug.to_owned(), id.to_owned(), format!("Message to {agent}"));
    let hint = if open { "It is still answering; one message is answered after the other." } else { "" };
    view! {
        {refusal(post)}
        <PostForm post class="stack">
            <input type="hidden" name="slug" value=slug/>
            <input type="hidden" name="id" value=id/>
            <TextArea name="message" label hint error=post.of_field("message")/>
            <div class="cluster"><SubmitButton kind=ButtonKind::Primary busy=post.busy()>"Send"</SubmitButton></div>
        </PostForm>
    }
    .into_any()
}
