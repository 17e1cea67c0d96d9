//! A question before what cannot be taken back. It opens in place and needs no script.

use leptos::prelude::*;

/// A button that shows the exact effect and, below it, the form that does it. `object` says to
/// assistive technology what the words are about, where there are several such buttons.
pub fn confirm(words: &'static str, object: &str, effect: impl Into<String>, form: AnyView) -> AnyView {
    question([words, "Cancel"], object, effect.into(), form)
}

/// The same where the first of `words` is about cancelling itself: the second ones close the question.
pub fn question(words: [&'static str; 2], object: &str, effect: String, form: AnyView) -> AnyView {
    let ([words, keep], object) = (words, object.to_owned());
    view! {
        <details class="confirm">
            <summary class="button small">
                <span class="ask">{words}" "<span class="sr-only">{object}</span></span>
                <span class="keep">{keep}</span>
            </summary>
            <p>{effect}</p>
            {form}
        </details>
    }
    .into_any()
}
