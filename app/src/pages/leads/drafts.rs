//! The open drafts of e-mails to a lead. Nothing here sends: their words are taken, or they are dismissed.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    fmt::Moment,
    ui::{ButtonKind, ButtonSize, Card, SubmitButton, Tag, Time, Tone, refusal},
};

/// A draft, as the page of its lead shows it.
#[cfg(feature = "ssr")]
pub struct DraftRow {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) body: String,
    pub(super) agent: Option<String>,
    pub(super) author: String,
    pub(super) at: Moment,
}

/// Dismisses a draft.
#[server(prefix = "/sf")]
pub async fn dismiss_draft(slug: String, id: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("draft")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let draft = t.drafts().dismiss(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{}", draft.lead), "draft-dismissed");
    Ok(())
}

/// Remembers that somebody took the words of a draft.
#[server(prefix = "/sf")]
pub async fn use_draft(slug: String, id: String) -> Result<(), AppError> {
    let id = id.parse().map_err(|_| AppError::from(service::Error::NotFound("draft")))?;
    let mut t = crate::server::tenant(&slug).await?;
    let draft = t.drafts().use_it(id).await?;
    t.commit().await?;
    crate::server::done(&format!("/t/{slug}/leads/{}", draft.lead), "draft-used");
    Ok(())
}

/// The card on the page of the lead, with a button for each where somebody may decide.
#[cfg(feature = "ssr")]
pub fn drafts_of_lead(slug: &str, drafts: Vec<DraftRow>, edit: bool) -> AnyView {
    let (take, dismiss) = (Post::to::<UseDraft>(), Post::to::<DismissDraft>());
    let posts = [(take, "Mark as used"), (dismiss, "Dismiss")];
    let items: Vec<_> = drafts.into_iter().map(|draft| draft_item(slug, draft, edit.then_some(posts))).collect();
    view! { <Card title="Drafts" note="not sent">{refusal(take)}{refusal(dismiss)}<ul class="stack">{items}</ul></Card> }
        .into_any()
}

#[cfg(feature = "ssr")]
fn draft_item(slug: &str, draft: DraftRow, posts: Option<[(Post, &'static str); 2]>) -> AnyView {
    let button = posts.map(|posts| {
        let forms = posts.map(|(post, words)| {
            let (slug, id, label) = (slug.to_owned(), draft.id.clone(), format!("{words}: {}", draft.subject));
            view! {
                <PostForm post>
                    <input type="hidden" name="slug" value=slug/>
                    <input type="hidden" name="id" value=id/>
                    <SubmitButton kind=ButtonKind::Default size=ButtonSize::Small label busy=post.busy()>{words}</SubmitButton>
                </PostForm>
            }
            .into_any()
        });
        view! { <div class="push cluster">{forms}</div> }
    });
    let agent = draft.agent.map(|name| view! { <Tag text=name tone=Tone::Violet machine=true/> });
    view! {
        <li>
            <div class="cluster"><span class="strong">{draft.subject}</span>{agent}{button}</div>
            <p class="as-written">{draft.body}</p>
            <p class="subtle">{draft.author}" · "<Time moment=draft.at/></p>
        </li>
    }
    .into_any()
}
