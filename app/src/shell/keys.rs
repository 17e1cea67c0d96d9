//! The keys that work everywhere: `[`, `/` and `?`, and those that buttons of a page ask for in
//! `aria-keyshortcuts`. They are silent while somebody types, and the list of them can switch them off.

use leptos::prelude::*;

/// Listens while the frame is on the page; the server hears no keys.
#[cfg(not(feature = "hydrate"))]
pub(super) fn listen(_rail: RwSignal<bool>) {}

/// Listens while the frame is on the page.
#[cfg(feature = "hydrate")]
pub(super) fn listen(rail: RwSignal<bool>) {
    Effect::new(move |_| {
        let handle = window_event_listener(leptos::ev::keydown, move |event| browser::press(&event, rail));
        on_cleanup(move || handle.remove());
    });
}

/// The list of keys, opened by `?`.
pub(super) fn shortcuts_dialog() -> impl IntoView {
    let on = RwSignal::new(true);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| on.set(browser::enabled()));
    let toggle = move |event| {
        on.set(event_target_checked(&event));
        #[cfg(feature = "hydrate")]
        browser::remember("keys", if on.get_untracked() { "on" } else { "off" });
    };
    view! {
        <dialog class="dialog" id="shortcuts" aria-labelledby="shortcuts-title" closedby="any">
            <div class="dialog-body">
                <h2 id="shortcuts-title">"Keyboard shortcuts"</h2>
                <dl class="keys">
                    <dt>"Search in this list"</dt>
                    <dd><kbd>"/"</kbd></dd>
                    <dt>"Collapse or open the sidebar"</dt>
                    <dd><kbd>"["</kbd></dd>
                    <dt>"This list"</dt>
                    <dd><kbd>"?"</kbd></dd>
                    <dt>"Close what is open"</dt>
                    <dd><kbd>"Esc"</kbd></dd>
                </dl>
                <label class="choice">
                    <input class="check" type="checkbox" prop:checked=on on:change=toggle/>
                    <span>"Use single-key shortcuts"</span>
                </label>
                <form method="dialog" class="dialog-actions">
                    <button class="button">"Close"</button>
                </form>
            </div>
        </dialog>
    }
}

#[cfg(feature = "hydrate")]
mod browser {
    use super::*;
    use leptos::wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlDialogElement, HtmlDocument, HtmlElement, KeyboardEvent};

    /// Acts on a key unless it belongs to a field, a dialog or a browser command.
    pub(super) fn press(event: &KeyboardEvent, rail: RwSignal<bool>) {
        let commanded = event.ctrl_key() || event.meta_key() || event.alt_key();
        // Whoever has written something sends it from where they write.
        let sends = commanded && event.key() == "Enter";
        if event.default_prevented() || is_typing(event) && !sends || find("dialog[open]").is_some() {
            return;
        }
        let handled = match event.key().as_str() {
            "Enter" if commanded => press_button("Control+Enter"),
            _ if commanded => false,
            "?" => open_list(),
            _ if !enabled() => false,
            "[" => toggle_rail(rail),
            "/" => focus_search(),
            key => press_button(key),
        };
        if handled {
            event.prevent_default();
        }
    }

    /// Whether the person kept the single keys.
    pub(super) fn enabled() -> bool {
        !cookies().split("; ").any(|cookie| cookie == "keys=off")
    }

    /// Keeps a preference for a year, where the server can read it.
    pub(super) fn remember(name: &str, value: &str) {
        if let Some(document) = html_document() {
            // A browser that refuses cookies keeps the choice for this page only.
            let _ = document.set_cookie(&format!("{name}={value}; path=/; max-age=31536000; samesite=lax"));
        }
    }

    fn toggle_rail(rail: RwSignal<bool>) -> bool {
        rail.update(|rail| *rail = !*rail);
        remember("sidebar", if rail.get_untracked() { "rail" } else { "open" });
        true
    }

    fn focus_search() -> bool {
        let field = find("main input[type=search]").and_then(|field| field.dyn_into::<HtmlElement>().ok());
        field.is_some_and(|field| field.focus().is_ok())
    }

    /// Presses what says of itself, to readers of a screen too, that this key does it.
    fn press_button(key: &str) -> bool {
        let button = find(&format!("main [aria-keyshortcuts~='{key}']"));
        let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) else { return false };
        // A browser that refuses focus presses it all the same.
        let _ = button.focus();
        button.click();
        true
    }

    fn open_list() -> bool {
        let dialog = find("#shortcuts").and_then(|dialog| dialog.dyn_into::<HtmlDialogElement>().ok());
        dialog.is_some_and(|dialog| dialog.show_modal().is_ok())
    }

    fn is_typing(event: &KeyboardEvent) -> bool {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|target| {
            let field = "input, textarea, select, [contenteditable]";
            target.closest(field).is_ok_and(|found| found.is_some())
        })
    }

    fn find(selector: &str) -> Option<Element> {
        document().query_selector(selector).ok().flatten()
    }

    fn html_document() -> Option<HtmlDocument> {
        document().dyn_into().ok()
    }

    fn cookies() -> String {
        html_document().and_then(|document| document.cookie().ok()).unwrap_or_default()
    }
}
