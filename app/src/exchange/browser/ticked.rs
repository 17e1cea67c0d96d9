//! Ticked rows of lists, on whichever page: the boxes are the only place where a selection is kept.

use leptos::{ev, prelude::*, wasm_bindgen::JsCast};
use web_sys::{Element, HtmlInputElement};

/// Listens as long as this program runs: the box in the head of a list ticks its rows, and its bar says how many are.
pub(in crate::exchange) fn count_what_is_ticked() {
    let _ = window_event_listener(ev::change, |event| {
        let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) else { return };
        let Some(form) = input.closest(".list-form").ok().flatten() else { return };
        if input.matches("thead .pin-0 input").unwrap_or(false) {
            boxes(&form, "input").for_each(|row| row.set_checked(input.checked()));
        }
        if let Ok(Some(sum)) = form.query_selector(".bulk-bar .sum") {
            sum.set_text_content(Some(&format!("{} selected", boxes(&form, ":checked").count())));
        }
    });
}

/// The boxes of the rows.
fn boxes(form: &Element, which: &str) -> impl Iterator<Item = HtmlInputElement> + use<> {
    let all = form.query_selector_all(&format!("tbody .pin-0 {which}")).ok();
    let count = all.as_ref().map_or(0, web_sys::NodeList::length);
    (0..count).filter_map(move |n| all.as_ref()?.item(n)?.dyn_into().ok())
}
