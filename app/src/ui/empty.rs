//! Nothing to show, said in one of four ways that are never confused.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// Why there is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyKind {
    /// Nothing has been made yet: say what this is and what to do first.
    First,
    /// Something exists, the filters hide it.
    None,
    /// Everything is done.
    Done,
    /// The role may not see it: say who may.
    Denied,
}

/// A heading, a sentence and what to do.
#[component]
pub fn Empty(
    /// Why there is nothing.
    kind: EmptyKind,
    /// The heading.
    #[prop(into)]
    title: String,
    /// One or two sentences.
    #[prop(optional, into)]
    text: String,
    /// At most one primary and one other action.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let (class, icon) = match kind {
        EmptyKind::First => ("empty", IconName::Inbox),
        EmptyKind::None => ("empty", IconName::Search),
        EmptyKind::Done => ("empty done", IconName::Task),
        EmptyKind::Denied => ("empty", IconName::Lock),
    };
    view! {
        <div class=class>
            <Icon name=icon/>
            <h2>{title}</h2>
            {(!text.is_empty()).then(|| view! { <p>{text}</p> })}
            {children.map(|actions| view! { <div class="actions-row">{actions()}</div> })}
        </div>
    }
}
