//! Parts of a whole as one bar and a legend. The legend is the information, so
//! the bar is one image with a sentence.

use super::tone::Tone;
use crate::fmt::grouped;
use leptos::prelude::*;

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The word in the legend.
    pub label: String,
    /// How many.
    pub value: i64,
    /// Its colour.
    pub tone: Tone,
}

impl Part {
    /// One part of the whole.
    pub fn new(label: impl Into<String>, value: i64, tone: Tone) -> Self {
        Self { label: label.into(), value, tone }
    }
}

/// A bar of parts with its legend. Empty parts stay in the legend.
#[component]
pub fn StackedBar(
    /// The parts in their order.
    parts: Vec<Part>,
) -> impl IntoView {
    let sentence = sentence(&parts);
    let bar = parts
        .iter()
        .filter(|part| part.value > 0)
        .map(|part| view! { <i class=part.tone.segment() style=format!("flex:{}", part.value)></i> })
        .collect_view();
    let legend = parts
        .into_iter()
        .map(|part| {
            view! {
                <li><i class=part.tone.segment()></i>{part.label}" "<b>{grouped(part.value)}</b></li>
            }
        })
        .collect_view();
    view! {
        <div class="stacked-bar">
            <div class="segments" role="img" aria-label=sentence>{bar}</div>
            <ul class="legend">{legend}</ul>
        </div>
    }
}

fn sentence(parts: &[Part]) -> String {
    let words: Vec<String> =
        parts.iter().map(|part| format!("{} {}", grouped(part.value), part.label.to_lowercase())).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_every_part() {
        let parts = [Part::new("Finished", 1412, Tone::Jade), Part::new("Replied", 0, Tone::Violet)];
        assert_eq!(sentence(&parts), "1,412 finished, 0 replied");
    }
}
