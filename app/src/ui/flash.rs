//! What the page says at its top: what the last action did, or what has happened in the meantime.

use super::{
    icon::{Icon, IconName},
    tone::Tone,
};
use leptos::prelude::*;

/// A sentence about the last action, which worked.
#[component]
pub fn Flash(
    /// The sentence.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <div class="flash t-jade" role="status">
            <Icon name=IconName::Check/>
            <p>{text}</p>
        </div>
    }
}

/// A sentence about what has happened while the page was open.
#[component]
pub fn Notice(
    /// The sentence.
    #[prop(into)]
    text: String,
    /// Sky informs, coral tells of failure.
    #[prop(default = Tone::Sky)]
    tone: Tone,
    /// What there is to do about it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let icon = if tone == Tone::Coral { IconName::Octagon } else { IconName::Info };
    view! {
        <div class=format!("flash {}", tone.class()) role="status">
            <Icon name=icon/>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
}
