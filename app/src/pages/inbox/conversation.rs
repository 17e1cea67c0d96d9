//! The mails of a conversation, the oldest first. Their words come from outside and stand here as text; as they were
//! sent, they are shown in a frame that runs nothing.

use domain::threads::{ThreadClass, ThreadState};
use leptos::prelude::*;

use super::{
    actions::{actions, change_class},
    context::About,
    looks::class_tag,
    pane::Address,
    reply::{Editor, editor, take_back},
};
use crate::{
    exchange::Post,
    fmt::Moment,
    ui::{Avatar, Callout, Icon, IconName, Time, Tone},
};

/// A conversation that is open.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Opened {
    pub id: String,
    pub version: i64,
    pub name: String,
    pub from_address: String,
    pub subject: String,
    pub mailbox: String,
    pub state: ThreadState,
    pub snoozed_until: Option<Moment>,
    /// Id of whoever it is assigned to; empty for nobody.
    pub assignee: String,
    pub assignee_name: Option<String>,
    pub class: ThreadClass,
    pub class_why: String,
    pub confidence: String,
    pub by_model: bool,
    /// What people have corrected, and when.
    pub corrections: Vec<(String, Moment)>,
    pub mails: Vec<Mail>,
    /// It has older mails.
    pub earlier: bool,
    /// Ids and names of those it can be assigned to.
    pub people: Vec<(String, String)>,
    /// Id of the person who reads.
    pub me: String,
    /// Who else is replying.
    pub replying: Option<String>,
    /// The person may do something about it.
    pub may: bool,
    /// What they write; nothing when there is nobody to answer.
    pub editor: Option<Editor>,
    pub campaign: Option<(String, String)>,
    /// What is known of the lead.
    pub about: Option<About>,
    /// Addresses of the conversations before and after.
    pub before: Option<String>,
    pub next: Option<String>,
    /// The day that it is where the reader is.
    pub today: String,
}

/// Who has written a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Somebody outside.
    In,
    /// The company.
    Out,
}

/// A mail of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mail {
    pub id: String,
    pub side: Side,
    pub name: String,
    pub address: String,
    pub at: Moment,
    pub subject: String,
    pub text: String,
    pub quoted: String,
    /// Why it is what it is, or what the server said.
    pub note: String,
    /// What the product has done because of it.
    pub effects: Vec<&'static str>,
    /// Names and sizes of its files.
    pub files: Vec<(String, String)>,
    pub has_files: bool,
    /// It can be shown as it was sent.
    pub has_html: bool,
    /// Where an e-mail of ours stands.
    pub state: String,
    /// It was written here and has not left.
    pub can_be_taken_back: bool,
}

/// What stands in the middle.
pub(super) fn conversation(slug: &str, address: &Address, o: &Opened, post: Post) -> AnyView {
    let replying = o.replying.clone().map(|name| {
        let words = format!("{name} is replying.");
        view! { <Callout tone=Tone::Sky live=true>{words}</Callout> }
    });
    let snoozed = o.snoozed_until.clone().map(|moment| {
        let words = format!("Snoozed until {}, or until they write again.", moment.text);
        view! { <Callout tone=Tone::Sky>{words}</Callout> }
    });
    let earlier =
        o.earlier.then(|| view! { <p class="subtle small-text">"Older mails stand on the page of the lead."</p> });
    let corrections: Vec<_> = o
        .corrections
        .iter()
        .map(|(words, at)| view! { <li>{words.clone()}" "<Time moment=at.clone()/></li> }.into_any())
        .collect();
    let corrections = (!corrections.is_empty()).then(|| {
        view! {
            <details class="small-text subtle">
                <summary>"What people have corrected"</summary>
                <ul class="stack">{corrections}</ul>
            </details>
        }
    });
    let mails: Vec<_> = o.mails.iter().map(|mail| article(slug, address, &o.id, mail)).collect();
    let editor = editor(slug, address, o);
    let from = format!("{} · to {}", o.from_address, o.mailbox);
    let (actions, change) = (actions(slug, address, o, post), change_class(slug, address, o, post));
    view! {
        <header class="conversation-head">
            <h2 class="as-written">{o.subject.clone()}</h2>
            <p class="subtle small-text as-written">{from}</p>
            <div class="thread-class">
                <p class="thread-marks">
                    {class_tag(o.class, o.by_model)}
                    <span class="small-text">{o.class_why.clone()}" "<span class="subtle">{format!("({})", o.confidence)}</span></span>
                </p>
                {change}
            </div>
            {corrections}
            {actions}
        </header>
        {replying}
        {snoozed}
        {earlier}
        <ol class="mails">{mails}</ol>
        {editor}
    }
    .into_any()
}

fn article(slug: &str, address: &Address, thread: &str, m: &Mail) -> AnyView {
    let quoted = (!m.quoted.is_empty()).then(|| {
        let words = m.quoted.clone();
        view! {
            <details class="quoted">
                <summary>"Quoted text"</summary>
                <div class="as-written">{words}</div>
            </details>
        }
    });
    let as_sent = m.has_html.then(|| as_sent(slug, m));
    let effects = (!m.effects.is_empty()).then(|| {
        let words = m.effects.join(" ");
        view! { <p class="effects small-text"><Icon name=IconName::Check small=true/>{words}</p> }
    });
    let files: Vec<_> = m.files.iter().enumerate().map(|(place, file)| attachment(slug, m, place, file)).collect();
    let files = (!files.is_empty()).then(|| view! { <ul class="files" aria-label="Files">{files}</ul> });
    let (side, note) = match m.side {
        Side::In => ("in", format!("Recognised: {}", m.note)),
        Side::Out if m.note.is_empty() => ("out", m.state.clone()),
        Side::Out => ("out", format!("{}: {}", m.state, m.note)),
    };
    let take_back = take_back(slug, address, thread, m);
    let address = (!m.address.is_empty() && m.address != m.name)
        .then(|| view! { <span class="truncate subtle small-text">{m.address.clone()}</span> });
    let body = if m.text.is_empty() {
        view! { <p class="subtle">"No text."</p> }.into_any()
    } else {
        view! { <div class="as-written mail-words">{m.text.clone()}</div> }.into_any()
    };
    view! {
        <li>
            <article class="thread-mail" data-side=side>
                <header>
                    <Avatar name=m.name.clone()/>
                    <h3 class="truncate">{m.name.clone()}</h3>
                    {address}
                    <span class="push small-text subtle"><Time moment=m.at.clone()/></span>
                </header>
                {body}
                {quoted}
                {as_sent}
                {files}
                {effects}
                <p class="subtle small-text as-written">{note}</p>
                {take_back}
            </article>
        </li>
    }
    .into_any()
}

/// The mail as its sender has laid it out. Nothing of it is loaded before somebody opens it, and nothing from elsewhere
/// before they ask for it.
fn as_sent(slug: &str, m: &Mail) -> AnyView {
    let href = format!("/t/{slug}/inbox/mails/{}/html", m.id);
    let (with_images, frame) = (format!("{href}?images=1"), format!("mail-{}", m.id));
    let (target, title) = (frame.clone(), format!("Mail from {} as it was sent", m.name));
    view! {
        <details class="as-sent">
            <summary>"Show as it was sent"</summary>
            <p class="small-text subtle">
                <a class="button small" href=with_images target=target rel="external">"Load images"</a>
                <span>"Then the sender can see that the mail was read, when, and from where."</span>
            </p>
            <iframe
                src=href
                name=frame
                title=title
                sandbox="allow-popups allow-popups-to-escape-sandbox"
                referrerpolicy="no-referrer"
                {..leptos::attr::loading("lazy")}
            ></iframe>
        </details>
    }
    .into_any()
}

fn attachment(slug: &str, m: &Mail, place: usize, (name, size): &(String, String)) -> AnyView {
    let words = format!("{name}, {size}");
    if !m.has_files {
        let words = format!("{words}. The mail was too large to be kept: open it in the mailbox.");
        return view! { <li><Icon name=IconName::File small=true/>{words}</li> }.into_any();
    }
    let href = format!("/t/{slug}/inbox/files/{}/{place}", m.id);
    view! { <li><a href=href rel="external" download=name.clone()><Icon name=IconName::File small=true/>{words}</a><span class="subtle">" not scanned"</span></li> }
        .into_any()
}
