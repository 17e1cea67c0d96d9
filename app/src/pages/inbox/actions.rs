//! What can be done about a conversation, each with its key, and the way back from the last decision.

use domain::threads::{Snooze, ThreadClass, ThreadState};
use leptos::prelude::*;

use super::{change::ChangeThread, conversation::Opened, pane::Address};
use crate::{
    exchange::{Post, PostForm},
    ui::{Choice, Icon, IconName, MenuButton, confirm, option_list, popover, refusal},
};

/// A decision that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Undoable {
    pub id: String,
    /// What was decided and what follows.
    pub words: String,
}

/// What was just decided, with the way back; and why the last try to go back was refused.
pub(super) fn undo(slug: &str, address: &Address, undoable: Option<Undoable>) -> AnyView {
    let post = Post::to::<ChangeThread>();
    undoable
        .map(|Undoable { id, words }| {
            let hidden = hidden(slug, &id, None, address, "reopen");
            view! {
                {refusal(post)}
                <div class="flash t-jade" role="status">
                    <Icon name=IconName::Check/>
                    <p>{words}</p>
                    <PostForm post>{hidden}<button type="submit" class="undo">"Undo"</button></PostForm>
                </div>
            }
        })
        .into_any()
}

/// The actions above the mails, in one line where there is room for it.
pub(super) fn actions(slug: &str, address: &Address, o: &Opened, post: Post) -> AnyView {
    let step = |href: &Option<String>, key: &'static str, words: &'static str, name| {
        href.clone().map(|href| {
            view! { <a class="button small ghost" href=href aria-keyshortcuts=key aria-label=words title=words><Icon name small=true/></a> }
                .into_any()
        })
    };
    let steps = view! {
        <span class="push">
            {step(&o.before, "k", "Conversation before", IconName::Up)}
            {step(&o.next, "j", "Conversation after", IconName::Down)}
        </span>
    };
    if !o.may {
        return view! { <div class="thread-actions">{steps}</div> }.into_any();
    }
    let hidden = |what| hidden(slug, &o.id, Some(o.version), address, what);
    let state = if o.state == ThreadState::NeedsAnswer {
        let done = hidden("done");
        view! { <PostForm post>{done}<button type="submit" class="button small" aria-keyshortcuts="e"><Icon name=IconName::Check small=true/>"Done"</button></PostForm> }
            .into_any()
    } else {
        let reopen = hidden("reopen");
        view! { <PostForm post>{reopen}<button type="submit" class="button small" aria-keyshortcuts="e">"Needs answer"</button></PostForm> }
            .into_any()
    };
    view! {
        <div class="thread-actions">
            {state}
            {snooze(o, hidden("snooze"), post)}
            {assign(o, hidden("assign"), post)}
            {more(o, [hidden(""), hidden("unread"), hidden("unsubscribe")], post)}
            {steps}
        </div>
    }
    .into_any()
}

/// The way to another class, beside the class.
pub(super) fn change_class(slug: &str, address: &Address, o: &Opened, post: Post) -> Option<AnyView> {
    o.may.then(|| class(o, hidden(slug, &o.id, Some(o.version), address, "class"), post))
}

/// What is done less often.
fn more(o: &Opened, [meeting, unread, unsubscribe]: [AnyView; 3], post: Post) -> AnyView {
    // Of a stranger there is nothing that a meeting could end.
    let meeting = o.about.is_some().then(|| {
        view! {
            <PostForm post>
                {meeting}
                <p class="menu-head">"Ends their sequences and makes the lead “Qualified”"</p>
                <MenuButton label="Meeting booked" icon=IconName::Calendar sends=("what", "meeting".to_owned())/>
                <MenuButton label="Meeting booked, mark done" icon=IconName::Check sends=("what", "meeting_done".to_owned())/>
            </PostForm>
            <hr/>
        }
    });
    let words = if o.from_address.is_empty() { "the sender" } else { &o.from_address };
    let effect = format!(
        "Nothing more is ever sent to {words} by itself: the address goes on the suppression list, and only they can take that back."
    );
    let form = view! { <PostForm post>{unsubscribe}<button type="submit" class="button danger small">"Unsubscribe"</button></PostForm> };
    let unsubscribe = confirm("Unsubscribe", &o.name, effect, form.into_any());
    let body = view! {
        {meeting}
        <PostForm post>
            {unread}
            <button type="submit" class="menu-item" aria-keyshortcuts="u">
                <Icon name=IconName::Mail/><span class="truncate">"Mark unread"</span><span class="note"><kbd>"u"</kbd></span>
            </button>
        </PostForm>
        <hr/>
        <div class="menu-date">{unsubscribe}</div>
    };
    let button = view! { <Icon name=IconName::More small=true/> };
    let label = "More actions".to_owned();
    popover("thread-more", "button small icon-only", label, button.into_any(), "menu", body.into_any())
}

/// A menu with its key; without scripts its button opens it, too.
fn menu(id: &'static str, words: String, key: &'static str, icon: IconName, body: AnyView) -> AnyView {
    let (anchor, anchored) = (format!("anchor-name:--{id}"), format!("position-anchor:--{id}"));
    let label = words.clone();
    view! {
        <button type="button" class="button small" popovertarget=id aria-keyshortcuts=key style=anchor>
            <Icon name=icon small=true/><span class="truncate">{words}</span>
        </button>
        <div class="menu from-start" id=id popover="auto" role="group" aria-label=label style=anchored>{body}</div>
    }
    .into_any()
}

fn snooze(o: &Opened, hidden: AnyView, post: Post) -> AnyView {
    let times = [Snooze::Tomorrow, Snooze::ThreeDays, Snooze::NextWeek]
        .map(|time| view! { <MenuButton label=time.label() sends=("form[until]", time.to_string())/> }.into_any());
    let (today, date_error) = (o.today.clone(), post.of_field("form[date]"));
    let error = move || date_error.get().map(|words| view! { <p class="error">{words}</p> });
    let body = view! {
        <PostForm post>
            {hidden}
            {times}
            <div class="menu-date">
                <label for="snooze-date">"Until 9:00 on"</label>
                <input type="date" id="snooze-date" name="form[date]" min=today/>
                {error}
                <button type="submit" class="button small" name="form[until]" value=Snooze::Date.as_str()>"Snooze"</button>
            </div>
        </PostForm>
    };
    menu("thread-snooze", "Snooze".to_owned(), "h", IconName::Clock, body.into_any())
}

fn assign(o: &Opened, hidden: AnyView, post: Post) -> AnyView {
    let mut people: Vec<_> = vec![Choice::new("", "Nobody")];
    people.extend(o.people.iter().map(|(id, name)| {
        let name = if *id == o.me { format!("{name} (you)") } else { name.clone() };
        Choice::new(id.clone(), name)
    }));
    let options = option_list(people, &o.assignee, None);
    let words = o.assignee_name.clone().map_or_else(|| "Assign".to_owned(), |name| format!("Assigned to {name}"));
    let body = view! {
        <PostForm post>
            {hidden}
            <div class="menu-date">
                <label for="thread-assignee">"Assign to"</label>
                <select id="thread-assignee" name="form[assignee]">{options}</select>
                <button type="submit" class="button small">"Assign"</button>
            </div>
        </PostForm>
    };
    menu("thread-assign", words, "a", IconName::Person, body.into_any())
}

fn class(o: &Opened, hidden: AnyView, post: Post) -> AnyView {
    let classes: Vec<_> = ThreadClass::ALL
        .iter()
        .zip(["1", "2", "3", "4", "5", "6"])
        .map(|(class, key)| {
            let pressed = if *class == o.class { "true" } else { "false" };
            view! {
                <button type="submit" class="menu-item" name="form[class]" value=class.as_str() aria-pressed=pressed aria-keyshortcuts=key>
                    <span class="truncate">{class.label()}</span><span class="note"><kbd>{key}</kbd></span>
                </button>
            }
            .into_any()
        })
        .collect();
    let body = view! { <PostForm post>{hidden}{classes}</PostForm> };
    menu("thread-class", "Change class".to_owned(), "c", IconName::Tag, body.into_any())
}

/// What a form says about its conversation and the list; `what` is empty where a button says it.
fn hidden(slug: &str, id: &str, version: Option<i64>, address: &Address, what: &'static str) -> AnyView {
    let (slug, id) = (slug.to_owned(), id.to_owned());
    let query = address.at("", &[]);
    let query = query.split_once('?').map_or("", |(_, query)| query).to_owned();
    let what = (!what.is_empty()).then(|| view! { <input type="hidden" name="what" value=what/> });
    view! {
        <input type="hidden" name="slug" value=slug/>
        <input type="hidden" name="id" value=id/>
        {what}
        <input type="hidden" name="form[query]" value=query/>
        {version.map(|version| view! { <input type="hidden" name="form[version]" value=version/> })}
    }
    .into_any()
}
