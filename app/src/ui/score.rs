//! A score out of a hundred: the number is the information, the meter decorates.

use super::tone::Tone;
use crate::fmt::NO_DATA;
use leptos::prelude::*;

/// A number with a small meter; "–" while there is none.
#[component]
pub fn Score(
    /// From 0 to 100.
    value: Option<i32>,
    /// The colour of its band.
    #[prop(optional)]
    tone: Tone,
) -> impl IntoView {
    match value {
        Some(value) => view! {
            <span class=format!("score {}", tone.class())>
                <span class="meter" style=format!("--meter:{value}%") aria-hidden="true"></span>
                <b>{value}</b>
            </span>
        }
        .into_any(),
        None => view! { <span class="subtle">{NO_DATA}</span> }.into_any(),
    }
}
