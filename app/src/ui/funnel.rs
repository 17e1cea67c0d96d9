//! Stages that each keep a part of the one before. The bar decorates the figures.

use super::tone::Tone;
use crate::fmt::{grouped, percent};
use leptos::prelude::*;

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub label: String,
    /// How many reached it.
    pub value: i64,
    /// Its colour.
    pub tone: Tone,
}

/// Stages from the widest to the narrowest, each as a share of `whole`.
#[component]
pub fn Funnel(
    /// What one hundred percent is.
    whole: i64,
    /// The stages.
    stages: Vec<Stage>,
) -> impl IntoView {
    let rows = stages
        .into_iter()
        .map(|stage| {
            let share = percent(stage.value, whole);
            let bar = if whole > 0 { format!("--meter:{share}") } else { "--meter:0%".to_owned() };
            view! {
                <li>
                    <span class="muted">{stage.label}</span>
                    <span class="bar" aria-hidden="true"><i class=stage.tone.segment() style=bar></i></span>
                    <span class="val"><b>{grouped(stage.value)}</b>" · "{share}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="funnel">{rows}</ol> }
}
