//! A question before what cannot be taken back. It opens in place and needs no script.

use leptos::prelude::*;

/// A button that shows the exact effect and, below it, the form that does it.
pub fn confirm(words: &'static str, effect: impl Into<String>, form: AnyView) -> AnyView {
    let effect = effect.into();
    view! {
        <details class="confirm">
            <summary class="button small">{words}</summary>
            <p>{effect}</p>
            {form}
        </details>
    }
    .into_any()
}
