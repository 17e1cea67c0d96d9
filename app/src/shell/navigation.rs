//! What a browser does by itself on a full page load and a client-side router
//! must do again: move the focus, say the new title, close what is open.

use super::TabName;
use leptos::{html, prelude::*};
use leptos_router::hooks::use_location;

/// A thin line while the next page loads, and the new page's title for screen
/// readers. Stands once inside the router.
#[component]
pub fn RouteFollower(
    /// The router is between two pages.
    is_routing: Signal<bool>,
) -> impl IntoView {
    let said = RwSignal::new(String::new());
    let path = use_location().pathname;
    let seen = StoredValue::new(None::<String>);
    Effect::new(move |_| {
        let here = path.get();
        if is_routing.get() {
            return;
        }
        let before = seen.try_update_value(|seen| seen.replace(here.clone())).flatten();
        // The first page came from the server: the browser has seen to it.
        if before.is_some_and(|before| before != here) {
            request_animation_frame(arrive);
        }
    });
    // A page may get its name after the frame has gone there, when what it shows has come.
    if let Some(TabName(tab)) = use_context() {
        Effect::new(move |first: Option<()>| {
            let name = tab.get();
            if first.is_some() {
                said.set(name);
            }
        });
    }
    let line = move || is_routing.get().then(|| html::div().class("route-progress").aria_hidden("true"));
    view! {
        {line}
        <div class="sr-only" aria-live="polite">{said}</div>
    }
}

#[cfg(feature = "hydrate")]
fn arrive() {
    use leptos::wasm_bindgen::JsCast;
    use web_sys::HtmlElement;

    let document = document();
    let find = |selector| document.query_selector(selector).ok().flatten();
    let html_element = |element: web_sys::Element| element.dyn_into::<HtmlElement>().ok();
    while let Some(open) = find("[popover]:popover-open").and_then(html_element) {
        if open.hide_popover().is_err() {
            break;
        }
    }
    if let Some(target) = find("main h1").or_else(|| find("main")).and_then(html_element) {
        // A heading takes the focus only with a tabindex; it never joins the tab order.
        target.set_tab_index(-1);
        let _ = target.focus();
    }
}

#[cfg(not(feature = "hydrate"))]
fn arrive() {}
