//! What the last action did, told at the top of the next page. It never is the
//! only record of an error.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// What kind of news a flash brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlashKind {
    /// It worked.
    #[default]
    Success,
    /// Good to know.
    Info,
    /// It did not work.
    Error,
}

/// A sentence about the last action.
#[component]
pub fn Flash(
    /// What kind of news.
    #[prop(optional)]
    kind: FlashKind,
    /// The sentence.
    #[prop(into)]
    text: String,
    /// A form that takes the action back, where there is one.
    #[prop(optional)]
    undo: Option<Children>,
) -> impl IntoView {
    let (class, icon, role) = match kind {
        FlashKind::Success => ("flash t-jade", IconName::Check, "status"),
        FlashKind::Info => ("flash t-sky", IconName::Info, "status"),
        FlashKind::Error => ("flash t-coral", IconName::Octagon, "alert"),
    };
    view! {
        <div class=class role=role>
            <Icon name=icon/>
            <p>{text}</p>
            {undo.map(|undo| undo())}
        </div>
    }
}
