//! A drop zone that is a real file input: browsers let people drop files on it,
//! and the form around it is a plain multipart post.

use super::field::{error_line, hint_line};
use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// A labelled file input. Its form needs `enctype="multipart/form-data"`.
#[component]
pub fn FileDrop(
    /// Name in the form, and id on the page.
    #[prop(into)]
    name: String,
    /// What to choose: "CSV file with leads".
    #[prop(into)]
    label: String,
    /// File types the dialog offers, as in the `accept` attribute.
    #[prop(optional)]
    accept: &'static str,
    /// Limits in words.
    #[prop(optional, into)]
    hint: String,
    /// Several files at once.
    #[prop(optional)]
    multiple: bool,
    /// What is wrong with the file.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let message = error_line(&name, error);
    let described = (!hint.is_empty()).then(|| format!("{name}-hint"));
    let hint = hint_line(&name, hint);
    view! {
        <div class="field">
            {message}
            <label class="file-drop">
                <Icon name=IconName::Upload/>
                <strong>{label}</strong>
                <input
                    type="file"
                    id=name.clone()
                    name=name
                    accept=accept
                    multiple=multiple
                    aria-describedby=described
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                />
            </label>
            {hint}
        </div>
    }
}
