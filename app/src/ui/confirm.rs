//! A question before what cannot be taken back. It opens in place and needs no script.

use leptos::prelude::*;

/// A button that shows the exact effect and, below it, the form that does it. `object` says to
/// assistive technology what the words are about, where there are several such buttons.
pub fn confirm(words: &'static str, object: &str, effect: impl Into<String>, form: AnyView) -> AnyView {
    let (effect, object) = (effect.into(), object.to_owned());
    view! {
        <details class="confirm">
            <summary class="button small">
                <span class="ask">{words}" "<span class="sr-only">{object}</span></span>
                <span class="keep">"Cancel"</span>
            </summary>
            <p>{effect}</p>
            {form}
        </details>
    }
    .into_any()
}
