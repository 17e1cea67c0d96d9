//! A short label. One made by a machine carries a spark.

use super::icon::{Icon, IconName};
use super::tone::Tone;
use leptos::prelude::*;

/// A word on a tint.
#[component]
pub fn Tag(
    /// The word.
    #[prop(into)]
    text: String,
    /// The tint.
    #[prop(optional)]
    tone: Tone,
    /// Written by a machine.
    #[prop(optional)]
    machine: bool,
) -> impl IntoView {
    let spark = machine.then(|| view! { <Icon name=IconName::Spark small=true/> });
    view! { <span class=format!("tag {}", tone.class())>{spark}{text}</span> }
}
