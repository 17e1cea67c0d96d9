//! The editor below the mails, and what can be done about an answer that was written.

use domain::runs::RunState;
use leptos::prelude::*;
use service::threads::Drafting;

use super::{
    answer::AnswerThread,
    conversation::{Mail, Opened},
    pane::Address,
};
use crate::{
    exchange::{Post, PostForm},
    ui::{
        ButtonKind, Callout, Checkbox, Choice, Icon, IconName, InputKind, Select, SubmitButton, TextArea, TextInput,
        Tone, confirm, refusal,
    },
};

/// What somebody writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Editor {
    pub subject: String,
    pub body: String,
    pub quotes: bool,
    /// What an agent has drafted stands in the words.
    pub arrived: bool,
    /// The draft that an agent makes for it.
    pub drafting: Option<Drafting>,
    /// The person may run agents.
    pub may_draft: bool,
    /// There is a language model to ask.
    pub has_model: bool,
    /// Variables for which nothing is known of the person.
    pub gaps: Vec<String>,
    /// When it is to leave, as its field shows it; empty for at once.
    pub send_at: String,
    /// The zone of the clock.
    pub zone: String,
    /// Ids and titles of the texts that can be put into it.
    pub texts: Vec<(String, String)>,
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
    let newest = o.mails.last().map(|mail| mail.id.clone());
    let to = format!("To {} from {}.", o.from_address, o.mailbox);
    let (texts, drafting) = (texts(slug, &editor, post), drafting(slug, address, &o.id, &editor));
    let arrived = editor.arrived.then(|| view! { <input type="hidden" name="form[arrived]" value="true"/> });
    let hint = format!("On your clock in {}. Left empty, it leaves ten seconds after you send it.", editor.zone);
    let discard = confirm(
        "Discard",
        "your words",
        "What you have written here is thrown away.",
        view! { <SubmitButton kind=ButtonKind::Danger name="what" value="discard">"Discard my words"</SubmitButton> }
            .into_any(),
    );
    let gaps = (!editor.gaps.is_empty()).then(|| {
        let words = format!(
            "The words for {} are still missing. Write them yourself: nothing leaves with a variable in it.",
            editor.gaps.join(", ")
        );
        view! { <Callout tone=Tone::Amber>{words}</Callout> }
    });
    Some(
        view! {
            <section class="reply-editor" aria-label="Your reply">
                {refusal(post)}
                <PostForm post class="stack" autosave="save">
                    // Enter in a field keeps the draft: the first button of a form answers it.
                    <button type="submit" hidden name="what" value="save">"Keep as draft"</button>
                    {hidden}
                    <input type="hidden" name="form[version]" value=version/>
                    // Shown once a mail has come that this page does not show, because somebody writes in it.
                    <div class="news-bar" role="status" data-news=newest hidden>
                        <p>"New message."</p>
                        <button type="submit" class="button small" name="what" value="save">"Keep my words and show it"</button>
                    </div>
                    <p class="subtle small-text as-written">{to}</p>
                    <TextInput name="form[subject]" label="Subject" value=editor.subject error=post.of_field("subject") maxlength=200u32/>
                    <TextArea name="form[body]" label="Your words" value=editor.body rows=8 maxlength=20_000u32 error=post.of_field("body") first=true/>
                    {arrived}
                    {drafting}
                    {gaps}
                    <Checkbox name="form[quotes]" label="Quote the mail that you answer below your words" checked=editor.quotes/>
                    <div class="reply-tools">
                        {texts}
                        <TextInput name="form[send_at]" label="Send at" kind=InputKind::DateTime value=editor.send_at hint optional=true error=post.of_field("send_at")/>
                    </div>
                    <div class="thread-actions">
                        <button type="submit" class="button primary" name="what" value="send_done" aria-keyshortcuts="Control+Enter Meta+Enter">"Send and mark done"</button>
                        <SubmitButton kind=ButtonKind::Default name="what" value="send">"Send"</SubmitButton>
                        <SubmitButton kind=ButtonKind::Default name="what" value="save">"Keep as draft"</SubmitButton>
                        {discard}
                        <a class="button ghost" href=close>"Close"</a>
                        <span class="subtle small-text" role="status" data-kept></span>
                    </div>
                </PostForm>
            </section>
        }
        .into_any(),
    )
}

/// The way to a draft of an agent, and how far the last one is.
fn drafting(slug: &str, address: &Address, thread: &str, editor: &Editor) -> Option<AnyView> {
    let news = editor.drafting.as_ref().map(|drafting| {
        let (run, agent) = (format!("/t/{slug}/runs/{}", drafting.run), drafting.agent.clone());
        let again = address.at(&format!("/{thread}"), &[("reply", "1")]);
        let writes = matches!(drafting.state, RunState::Queued | RunState::Running);
        let words = match drafting.state {
            _ if writes => " writes. Its draft appears below your words by itself.".to_owned(),
            state if !state.has_ended() => " waits for you.".to_owned(),
            RunState::Succeeded if drafting.wrote => {
                let writer = if drafting.built_in { ", without a language model," } else { "" };
                format!("{writer} has drafted this from {}. Check what it says before you send it.", sources(drafting))
            }
            RunState::Succeeded => " has read the mail and drafted no answer. Its run says why.".to_owned(),
            _ => format!(" has drafted nothing: {}", drafting.failure.as_deref().unwrap_or("its run was ended.")),
        };
        let so_far = drafting.writing.clone().filter(|_| writes);
        let so_far = so_far.map(|words| view! { <p class="as-written draft-so-far">{words}</p> });
        // Without scripts nothing appears by itself.
        let again = writes.then(|| view! { <noscript><a href=again>"Look again"</a>" "</noscript> });
        view! {
            <Callout tone=Tone::Violet live=true><a href=run.clone()>{agent}</a>{words}" "{again}<a href=run>"Its run"</a></Callout>
            // Not read aloud word by word: it is there as a whole in a moment.
            {so_far}
        }
    });
    let open = editor.drafting.as_ref().is_some_and(|drafting| !drafting.state.has_ended());
    let ask = (editor.may_draft && !open).then(|| {
        let models = (!editor.has_model).then(|| {
            let href = format!("/t/{slug}/settings/models");
            view! { <p class="subtle small-text">"No language model is connected, so the built-in writer drafts. "<a href=href>"Connect a model"</a></p> }
        });
        view! {
            <div class="thread-actions">
                <button type="submit" class="button ai" name="what" value="draft"><Icon name=IconName::Spark small=true/>"Draft with AI"</button>
                {models}
            </div>
        }
    });
    (news.is_some() || ask.is_some()).then(|| view! { {news}{ask} }.into_any())
}

/// What a draft was made from.
fn sources(drafting: &Drafting) -> String {
    let read = drafting.read.iter().filter(|tool| tool.as_str() != "think").map(|tool| match tool.as_str() {
        "read_lead" => "the lead".to_owned(),
        "read_timeline" => "what has happened with them".to_owned(),
        "read_account" => "their account".to_owned(),
        other => other.replace('_', " "),
    });
    let all: Vec<_> = std::iter::once("the mail".to_owned()).chain(read).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => all.concat(),
    }
}

/// Texts of the library, or the way to write the first one.
fn texts(slug: &str, editor: &Editor, post: Post) -> AnyView {
    if editor.texts.is_empty() {
        let href = format!("/t/{slug}/content/new");
        return view! {
            <p class="subtle small-text">"Texts that you use again: "<a href=href>"write one"</a>" of the kind “E-mail”, and it can be put in here."</p>
        }
        .into_any();
    }
    let options = editor.texts.iter().map(|(id, title)| Choice::new(id.clone(), title.clone())).collect();
    let hint = "Filled in for this person and put below your words.";
    view! {
        <div class="with-button">
            <Select name="form[text]" label="Text of the library" options placeholder="Choose a text" hint error=post.of_field("text") optional=true/>
            <SubmitButton kind=ButtonKind::Default name="what" value="insert">"Insert"</SubmitButton>
        </div>
    }
    .into_any()
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
