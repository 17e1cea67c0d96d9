//! A value to take elsewhere. It can always be selected by hand; the button
//! appears only where it works.

use super::icon::{Icon, IconName};
use leptos::{html, prelude::*};

/// A read-only field with a copy button.
#[component]
pub fn CopyField(
    /// What it is: "API key". The button says "Copy API key".
    #[prop(into)]
    label: String,
    /// The value.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let ready = RwSignal::new(false);
    let copied = RwSignal::new(false);
    Effect::new(move |_| ready.set(true));
    let copy = move |_| {
        if let Some(input) = node.get() {
            input.select();
            copied.set(write_clipboard(&input.value()));
        }
    };
    let name = format!("Copy {label}");
    view! {
        <div class="copy-field">
            <input type="text" readonly aria-label=label value=value node_ref=node/>
            <button type="button" class="button" hidden=move || !ready.get() aria-label=name on:click=copy>
                <Icon name=IconName::Copy/>
                "Copy"
            </button>
            <span class="copied" role="status">{move || copied.get().then_some("Copied")}</span>
        </div>
    }
}

/// Whether the browser took the text; the server has no clipboard.
#[cfg(feature = "hydrate")]
fn write_clipboard(text: &str) -> bool {
    // The promise is not awaited: a refusal leaves the text selected, which is enough.
    let _ = window().navigator().clipboard().write_text(text);
    true
}

#[cfg(not(feature = "hydrate"))]
fn write_clipboard(_text: &str) -> bool {
    false
}
