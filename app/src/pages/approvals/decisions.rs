//! What a person may do with a draft: approve it, change its words, ask for another one, or reject it. After a
//! decision the next draft of the queue is shown.

use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{
    exchange::{Post, PostForm},
    ui::{ButtonKind, ButtonLink, SubmitButton, TextArea, TextInput},
};

#[cfg(feature = "ssr")]
use super::{list::Shown, load, review::Review};

/// Approves a draft as it stands.
#[server(prefix = "/sf")]
pub async fn approve_draft(
    slug: String,
    id: String,
    version: i32,
    #[server(default)] campaign: String,
    #[server(default)] flag: String,
) -> Result<(), AppError> {
    let (draft, filter) = (load::draft_id(&id)?, load::filter(&campaign, &flag)?);
    let mut t = crate::server::tenant(&slug).await?;
    let next = t.drafts().place(draft, &filter).await?.next;
    t.drafts().approve(draft, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&load::after_decision(&slug, next, &campaign, &flag), "draft-approved");
    Ok(())
}

/// Keeps other words for a draft; it waits on.
#[server(prefix = "/sf")]
pub async fn edit_draft(
    slug: String,
    id: String,
    version: i32,
    subject: String,
    body: String,
    #[server(default)] campaign: String,
    #[server(default)] flag: String,
) -> Result<(), AppError> {
    let draft = load::draft_id(&id)?;
    let mut t = crate::server::tenant(&slug).await?;
    t.drafts().update(draft, &subject, &body, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&load::after_decision(&slug, Some(draft), &campaign, &flag), "draft-edited");
    Ok(())
}

/// Asks for another draft.
#[server(prefix = "/sf")]
pub async fn rewrite_draft(
    slug: String,
    id: String,
    version: i32,
    #[server(default)] wrong: String,
    #[server(default)] campaign: String,
    #[server(default)] flag: String,
) -> Result<(), AppError> {
    let (draft, filter) = (load::draft_id(&id)?, load::filter(&campaign, &flag)?);
    let mut t = crate::server::tenant(&slug).await?;
    let next = t.drafts().place(draft, &filter).await?.next;
    t.drafts().rewrite(draft, &wrong, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&load::after_decision(&slug, next, &campaign, &flag), "draft-rewritten");
    Ok(())
}

/// Rejects a draft: its lead leaves the campaign.
#[server(prefix = "/sf")]
pub async fn reject_draft(
    slug: String,
    id: String,
    version: i32,
    #[server(default)] reason: String,
    #[server(default)] campaign: String,
    #[server(default)] flag: String,
) -> Result<(), AppError> {
    let (draft, filter) = (load::draft_id(&id)?, load::filter(&campaign, &flag)?);
    let mut t = crate::server::tenant(&slug).await?;
    let next = t.drafts().place(draft, &filter).await?.next;
    t.drafts().reject(draft, &reason, Some(version)).await?;
    t.commit().await?;
    crate::server::done(&load::after_decision(&slug, next, &campaign, &flag), "draft-rejected");
    Ok(())
}

/// What the forms post to.
#[cfg(feature = "ssr")]
#[derive(Clone, Copy)]
pub(super) struct Posts {
    pub approve: Post,
    pub edit: Post,
    pub rewrite: Post,
    pub reject: Post,
}

#[cfg(feature = "ssr")]
impl Posts {
    pub fn new() -> Self {
        Self {
            approve: Post::to::<ApproveDraft>(),
            edit: Post::to::<EditDraft>(),
            rewrite: Post::to::<RewriteDraft>(),
            reject: Post::to::<RejectDraft>(),
        }
    }
}

/// The forms below a draft that waits.
#[cfg(feature = "ssr")]
pub(super) fn forms(slug: &str, r: &Review, posts: Posts) -> AnyView {
    let Posts { approve, edit, rewrite, reject } = posts;
    let [for_approve, for_edit, for_rewrite, for_reject] = std::array::from_fn(|_| hidden(slug, r));
    let skip = r.next.clone().map(|href| view! { <ButtonLink href>"Skip"</ButtonLink> });
    let decide = r.may_approve.then(|| {
        view! {
            <PostForm post=approve>{for_approve}<SubmitButton busy=approve.busy()>"Approve"</SubmitButton></PostForm>
        }
    });
    let waits = (!r.may_approve).then(|| {
        let least = domain::Permission::ApproveDrafts.least_role().label();
        view! { <p class="strong">{format!("Waits for somebody who may approve. That needs the role {least}.")}</p> }
    });
    let (subject, body) = (r.subject.clone(), r.body.clone());
    let words = r.may_edit.then(|| {
        let (subject_error, body_error) = (edit.of_field("subject"), edit.of_field("body"));
        let open = edit.error().is_some();
        view! {
            <details open=open>
                <summary>"Edit"</summary>
                <PostForm post=edit class="stack">
                    {for_edit}
                    <TextInput name="subject" label="Subject" value=subject maxlength=200u32 error=subject_error/>
                    <TextArea name="body" label="Text" hint="The footer with the way out is added." value=body rows=10 error=body_error/>
                    <SubmitButton kind=ButtonKind::Default busy=edit.busy()>"Save"</SubmitButton>
                </PostForm>
            </details>
        }
    });
    let back = r.may_approve.then(|| {
        let (wrong, why) = (rewrite.of_field("reason"), reject.of_field("reason"));
        view! {
            <details open=rewrite.error().is_some()>
                <summary>"Ask for a rewrite"</summary>
                <PostForm post=rewrite class="stack">
                    {for_rewrite}
                    <TextArea name="wrong" label="What is wrong with it" hint="The writer reads it: too long, wrong tone, another question." rows=2 maxlength=1_000u32 error=wrong/>
                    <SubmitButton kind=ButtonKind::Default busy=rewrite.busy()>"Ask for a rewrite"</SubmitButton>
                </PostForm>
            </details>
            <details open=reject.error().is_some()>
                <summary>"Reject"</summary>
                <PostForm post=reject class="stack">
                    {for_reject}
                    <TextArea name="reason" label="Why" hint="The lead leaves the campaign without this e-mail. Your team reads why." rows=2 maxlength=1_000u32 error=why/>
                    <SubmitButton kind=ButtonKind::Danger busy=reject.busy()>"Reject and skip this lead"</SubmitButton>
                </PostForm>
            </details>
        }
    });
    view! {
        <div class="cluster">{decide}{skip}</div>
        {waits}
        <div class="decisions">{words}{back}</div>
    }
    .into_any()
}

#[cfg(feature = "ssr")]
fn hidden(slug: &str, r: &Review) -> AnyView {
    let Shown { campaign, flag, .. } = r.shown.clone();
    let (slug, id, version) = (slug.to_owned(), r.id.clone(), r.version);
    view! {
        <input type="hidden" name="slug" value=slug/>
        <input type="hidden" name="id" value=id/>
        <input type="hidden" name="version" value=version/>
        <input type="hidden" name="campaign" value=campaign.map(|(id, _)| id).unwrap_or_default()/>
        <input type="hidden" name="flag" value=flag/>
    }
    .into_any()
}
