//! A paragraph that stands out: what happened, what it means, what to do.

use super::icon::{Icon, IconName};
use super::tone::Tone;
use leptos::prelude::*;

/// A tinted box with a drawing that fits its tone.
#[component]
pub fn Callout(
    /// Amber warns, coral tells of failure, sky informs.
    #[prop(default = Tone::Sky)]
    tone: Tone,
    /// The first words, set strong.
    #[prop(optional, into)]
    title: String,
    /// It appears while the page is open, so it is announced.
    #[prop(optional)]
    live: bool,
    /// The rest, with links if there is something to do.
    children: Children,
) -> impl IntoView {
    let icon = match tone {
        Tone::Amber => IconName::Alert,
        Tone::Coral => IconName::Octagon,
        Tone::Jade => IconName::Check,
        Tone::Violet => IconName::Spark,
        Tone::Accent | Tone::Sky | Tone::Neutral => IconName::Info,
    };
    let title = (!title.is_empty()).then(|| view! { <strong class="strong">{title} " "</strong> });
    view! {
        <div class=format!("callout {}", tone.class()) role=live.then_some("status")>
            <Icon name=icon/>
            <div>{title}{children()}</div>
        </div>
    }
}
