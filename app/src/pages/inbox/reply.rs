//! The editor below the mails, and what can be done about an answer that was written.

use leptos::prelude::*;

use super::{
    answer::AnswerThread,
    conversation::{Mail, Opened},
    pane::Address,
};
use crate::{
    exchange::{Post, PostForm},
    ui::{ButtonKind, Checkbox, Icon, IconName, SubmitButton, TextArea, TextInput, refusal},
};

/// What somebody writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Editor {
    pub subject: String,
    pub body: String,
    pub quotes: bool,
    /// It is open; else only the way to it is shown.
    pub open: bool,
}

/// The editor, or the way to it.
pub(super) fn editor(slug: &str, address: &Address, o: &Opened) -> Option<AnyView> {
    let editor = o.editor.clone().filter(|_| o.may)?;
    if !editor.open {
        let href = address.at(&format!("/{}", o.id), &[("reply", "1")]);
        let words = if editor.body.is_empty() { "Reply" } else { "Go on with your reply" };
        return Some(
            view! { <p><a class="button primary" href=href aria-keyshortcuts="r"><Icon name=IconName::Mail small=true/>{words}</a></p> }
                .into_any(),
        );
    }
    let post = Post::to::<AnswerThread>();
    let hidden = hidden(slug, &o.id, address);
    let version = o.version;
    let close = address.at(&format!("/{}", o.id), &[]);
    let to = format!("To {} from {}. It leaves ten seconds after you send it.", o.from_address, o.mailbox);
    Some(
        view! {
            <section class="reply-editor" aria-label="Your reply">
                {refusal(post)}
                <PostForm post class="stack">
                    {hidden}
                    <input type="hidden" name="form[version]" value=version/>
                    <p class="subtle small-text as-written">{to}</p>
                    <TextInput name="form[subject]" label="Subject" value=editor.subject error=post.of_field("subject") maxlength=200u32/>
                    <TextArea name="form[body]" label="Your words" value=editor.body rows=8 maxlength=20_000u32 error=post.of_field("body") first=true/>
                    <Checkbox name="form[quotes]" label="Quote the mail that you answer below your words" checked=editor.quotes/>
                    <div class="thread-actions">
                        <button type="submit" class="button primary" name="what" value="send_done" aria-keyshortcuts="Control+Enter Meta+Enter">"Send and mark done"</button>
                        <SubmitButton kind=ButtonKind::Default name="what" value="send">"Send"</SubmitButton>
                        <SubmitButton kind=ButtonKind::Default name="what" value="save">"Keep as draft"</SubmitButton>
                        <SubmitButton kind=ButtonKind::Ghost name="what" value="discard">"Discard"</SubmitButton>
                        <a class="button ghost" href=close>"Close"</a>
                    </div>
                </PostForm>
            </section>
        }
        .into_any(),
    )
}

/// The way back of an answer that has not left.
pub(super) fn take_back(slug: &str, address: &Address, thread: &str, mail: &Mail) -> Option<AnyView> {
    if !mail.can_be_taken_back {
        return None;
    }
    let post = Post::to::<AnswerThread>();
    let (hidden, id) = (hidden(slug, thread, address), mail.id.clone());
    Some(
        view! {
            <PostForm post>
                {hidden}
                <input type="hidden" name="form[message]" value=id/>
                <button type="submit" class="button small" name="what" value="take_back">"Take back"</button>
            </PostForm>
        }
        .into_any(),
    )
}

fn hidden(slug: &str, id: &str, address: &Address) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    let query = address.at("", &[]);
    let query = query.split_once('?').map_or("", |(_, query)| query).to_owned();
    view! {
        <input type="hidden" name="slug" value=slug/>
        <input type="hidden" name="id" value=id/>
        <input type="hidden" name="form[query]" value=query/>
    }
    .into_any()
}
