//! Ticked rows, read from and written to the page itself: the boxes are the
//! only place where a selection is kept. The server has nothing to tick.

use leptos::ev::Event;

/// How many rows of the form that heard `event` are ticked.
#[cfg(feature = "hydrate")]
pub(super) fn count(event: &Event) -> u32 {
    use leptos::wasm_bindgen::JsCast;

    let form = event.current_target().and_then(|form| form.dyn_into::<web_sys::Element>().ok());
    let ticked = form.and_then(|form| form.query_selector_all("tbody .pin-0 :checked").ok());
    ticked.map_or(0, |boxes| boxes.length())
}

/// Gives every row of the table the state of the header box that sent `event`.
#[cfg(feature = "hydrate")]
pub(super) fn tick_all(event: &Event) {
    use leptos::wasm_bindgen::JsCast;
    use web_sys::HtmlInputElement;

    let Some(head) = event.target().and_then(|head| head.dyn_into::<HtmlInputElement>().ok()) else {
        return;
    };
    let table = head.closest("table").ok().flatten();
    let Some(rows) = table.and_then(|table| table.query_selector_all("tbody .pin-0 input").ok()) else {
        return;
    };
    for n in 0..rows.length() {
        if let Some(row) = rows.item(n).and_then(|row| row.dyn_into::<HtmlInputElement>().ok()) {
            row.set_checked(head.checked());
        }
    }
}

#[cfg(not(feature = "hydrate"))]
pub(super) fn count(_event: &Event) -> u32 {
    0
}

#[cfg(not(feature = "hydrate"))]
pub(super) fn tick_all(_event: &Event) {}
