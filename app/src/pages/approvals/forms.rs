//! The forms below a draft that waits, and the way back from the last decision. The first button is the one that
//! is pressed most; each has its key.

use domain::drafts::{Rejection, RewriteReason};
use leptos::prelude::*;

use super::{
    decisions::{ApproveDraft, EditDraft, RejectDraft, RewriteDraft, UndoDraft},
    list::Shown,
    review::Review,
};
use crate::{
    exchange::{Post, PostForm},
    ui::{ButtonKind, Checkbox, Choice, Icon, IconName, RadioGroup, SubmitButton, TextArea, TextInput},
};

/// What the forms post to.
#[derive(Clone, Copy)]
pub(super) struct Posts {
    pub approve: Post,
    pub edit: Post,
    pub rewrite: Post,
    pub reject: Post,
}

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
pub(super) fn forms(slug: &str, r: &Review, posts: Posts) -> AnyView {
    let skip = r.next.clone().map(|href| {
        view! { <a class="button" href=href aria-keyshortcuts="s">"Skip"</a> }
    });
    let waits = (!r.may_approve).then(|| {
        let least = domain::Permission::ApproveDrafts.least_role().label();
        view! { <p class="strong">{format!("Waits for somebody who may approve. That needs the role {least}.")}</p> }
    });
    let approve = (r.may_approve && r.complete).then(|| {
        let hidden = hidden(slug, &r.id, Some(r.version), &r.shown);
        let read = (r.against > 0).then(|| {
            let label = match r.against {
                1 => "I have read what stands against it".to_owned(),
                against => format!("I have read the {against} checks that stand against it"),
            };
            view! { <Checkbox name="acknowledged" label required=true/> }
        });
        view! {
            <PostForm post=posts.approve class="cluster">
                {hidden}
                {read}
                <button type="submit" class="button primary" aria-keyshortcuts="Control+Enter Meta+Enter">"Approve"</button>
            </PostForm>
        }
    });
    let edit = r.may_edit.then(|| edit(slug, r, posts.edit));
    let back = r.may_approve.then(|| view! { {rewrite(slug, r, posts.rewrite)}{reject(slug, r, posts.reject)} });
    let keys = r.may_approve.then(keys);
    let gaps = (r.may_approve && !r.complete).then(|| {
        view! { <p class="strong">"It has gaps, see its checks, and can’t leave like this. Edit it, or ask for another one."</p> }
    });
    view! {
        {gaps}
        <div class="cluster">{approve}{skip}</div>
        {waits}
        <div class="decisions">{edit}{back}</div>
        {keys}
    }
    .into_any()
}

fn edit(slug: &str, r: &Review, post: Post) -> AnyView {
    let hidden = hidden(slug, &r.id, Some(r.version), &r.shown);
    let (subject, body) = (r.subject.clone(), r.body.clone());
    let (subject_error, body_error) = (post.of_field("subject"), post.of_field("body"));
    view! {
        <details open=post.error().is_some()>
            <summary aria-keyshortcuts="e">"Edit"</summary>
            <PostForm post class="stack">
                {hidden}
                <TextInput name="subject" label="Subject" value=subject maxlength=200u32 error=subject_error/>
                <TextArea name="body" label="Text" hint="The footer with the way out is added." value=body rows=10 error=body_error/>
                <SubmitButton kind=ButtonKind::Default busy=post.busy()>"Save"</SubmitButton>
            </PostForm>
        </details>
    }
    .into_any()
}

fn rewrite(slug: &str, r: &Review, post: Post) -> AnyView {
    let hidden = hidden(slug, &r.id, Some(r.version), &r.shown);
    let wrong = post.of_field("reason");
    let reasons: Vec<_> = RewriteReason::ALL
        .iter()
        .enumerate()
        .map(|(n, reason)| {
            view! { <Checkbox name=format!("reasons[{n}]") label=reason.label() value=reason.as_str()/> }.into_any()
        })
        .collect();
    view! {
        <details open=post.error().is_some()>
            <summary aria-keyshortcuts="w">"Ask for a rewrite"</summary>
            <PostForm post class="stack">
                {hidden}
                <fieldset class="reasons"><legend>"What is wrong with it"</legend>{reasons}</fieldset>
                <TextArea name="wrong" label="In your words" hint="The writer reads it. With a reason above it may stay empty, except with “Other”." rows=2 maxlength=1_000u32 error=wrong/>
                <SubmitButton kind=ButtonKind::Default busy=post.busy()>"Ask for a rewrite"</SubmitButton>
            </PostForm>
        </details>
    }
    .into_any()
}

fn reject(slug: &str, r: &Review, post: Post) -> AnyView {
    let hidden = hidden(slug, &r.id, Some(r.version), &r.shown);
    let (then, why) = (post.of_field("then"), post.of_field("reason"));
    let ways = [Rejection::SkipStep, Rejection::LeaveCampaign];
    let ways = ways.map(|way| Choice::new(way.as_str(), way.label())).to_vec();
    view! {
        <details open=post.error().is_some()>
            <summary aria-keyshortcuts="Backspace">"Reject"</summary>
            <PostForm post class="stack">
                {hidden}
                <RadioGroup name="then" legend="What then" options=ways value=Rejection::SkipStep.as_str() error=then/>
                <TextArea name="reason" label="Why" hint="Your team reads it." rows=2 maxlength=1_000u32 error=why/>
                <SubmitButton kind=ButtonKind::Danger busy=post.busy()>"Reject"</SubmitButton>
            </PostForm>
        </details>
    }
    .into_any()
}

fn keys() -> AnyView {
    let key = |key: &'static str, what: &'static str| view! { <span><kbd>{key}</kbd>" "{what}</span> }.into_any();
    view! {
        <p class="key-line subtle small-text">
            "Keyboard: "
            {key("Ctrl Enter", "or ")}
            {key("⌘ Enter", "approve")}
            {key("e", "edit")}
            {key("w", "ask for a rewrite")}
            {key("⌫", "reject")}
            {key("s", "skip")}
        </p>
    }
    .into_any()
}

/// What the form of a decision says about its draft and the queue.
fn hidden(slug: &str, id: &str, version: Option<i32>, shown: &Shown) -> AnyView {
    let Shown { campaign, writer, flag, .. } = shown.clone();
    let (slug, id) = (slug.to_owned(), id.to_owned());
    view! {
        <input type="hidden" name="slug" value=slug/>
        <input type="hidden" name="id" value=id/>
        {version.map(|version| view! { <input type="hidden" name="seen[version]" value=version/> })}
        <input type="hidden" name="seen[campaign]" value=campaign.map(|(id, _)| id).unwrap_or_default()/>
        <input type="hidden" name="seen[writer]" value=writer/>
        <input type="hidden" name="seen[flag]" value=flag/>
    }
    .into_any()
}

/// A decision that can still be taken back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Undoable {
    pub id: String,
    /// What was decided and what follows.
    pub words: String,
}

/// What was just decided, with the way back; and why the last try to go back was refused.
pub(super) fn undo(slug: &str, shown: &Shown, undoable: Option<Undoable>) -> AnyView {
    let post = Post::to::<UndoDraft>();
    let flash = undoable.map(|Undoable { id, words }| {
        let hidden = hidden(slug, &id, None, shown);
        view! {
            <div class="flash t-jade" role="status">
                <Icon name=IconName::Check/>
                <p>{words}</p>
                <PostForm post class="while-it-lasts">{hidden}<button type="submit" class="undo">"Undo"</button></PostForm>
            </div>
        }
    });
    view! { {crate::ui::refusal(post)}{flash} }.into_any()
}
