//! What somebody has written and not kept: whoever is about to leave it is asked first.

use std::cell::Cell;

use leptos::{
    ev,
    prelude::*,
    wasm_bindgen::{JsCast, closure::Closure},
};
use web_sys::{Element, Event, HtmlAnchorElement, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement, MouseEvent};

const QUESTION: &str = "Leave this page? What you have written on it is not kept.";
/// Marks a form whose words the server has.
const SAVED: &str = "data-saved";

thread_local! {
    /// The page is left on purpose: somebody said so, or the browser posts a form of it.
    static LEAVES: Cell<bool> = const { Cell::new(false) };
}

/// Asks before a page is left, as long as this program runs.
pub(in crate::exchange) fn ask_before_leaving() {
    let written = |event: Event| {
        LEAVES.set(false);
        let field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(form) = field.and_then(|field| field.closest("form").ok().flatten()) {
            let _ = form.remove_attribute(SAVED);
        }
    };
    let _ = window_event_listener(ev::input, written);
    // After those that post in the background: what is left to the browser leaves the page with its words.
    let _ = window_event_listener(ev::submit, |event| {
        let form = event.target().and_then(|target| target.dyn_into::<HtmlFormElement>().ok());
        if !event.default_prevented() && form.is_some_and(|form| form.method() == "post") {
            LEAVES.set(true);
        }
    });
    let _ = window_event_listener(ev::beforeunload, |event| {
        if !LEAVES.get() && is_unsaved() {
            event.prevent_default();
        }
    });
    // The router listens at the window, which hears of a click after the document.
    let clicked = Closure::<dyn FnMut(MouseEvent)>::new(|event: MouseEvent| {
        if !leads_away(&event) || LEAVES.get() || !is_unsaved() {
            return;
        }
        if window().confirm_with_message(QUESTION).unwrap_or(true) {
            LEAVES.set(true);
        } else {
            event.prevent_default();
        }
    });
    let _ = document().add_event_listener_with_callback("click", clicked.as_ref().unchecked_ref());
    clicked.forget();
}

/// The server has what is written in a form.
pub(super) fn is_saved(form: &HtmlFormElement) {
    let _ = form.set_attribute(SAVED, "");
}

/// Whether a click follows a link to another page in this tab.
fn leads_away(event: &MouseEvent) -> bool {
    let elsewhere = event.button() != 0 || event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || elsewhere {
        return false;
    }
    let clicked = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let link = clicked.and_then(|clicked| clicked.closest("a[href]:not([download], [target])").ok().flatten());
    let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) else { return false };
    let here = window().location().href().unwrap_or_default();
    let page = |address: &str| address.split('#').next().map(str::to_owned);
    link.hash().is_empty() || page(&link.href()) != page(&here)
}

/// Whether a field of a form that changes something has other words than it came with. What is only chosen is
/// chosen again quickly.
fn is_unsaved() -> bool {
    let fields = "main form[method=post]:not([data-saved]) :is(textarea, input)";
    let Ok(fields) = document().query_selector_all(fields) else { return false };
    (0..fields.length()).filter_map(|n| fields.item(n)).any(|field| {
        if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            return area.default_value().is_ok_and(|given| given != area.value());
        }
        field.dyn_ref::<HtmlInputElement>().is_some_and(|input| {
            let is_written = matches!(input.type_().as_str(), "text" | "email" | "url" | "number" | "password" | "tel");
            is_written && input.value() != input.default_value()
        })
    })
}
