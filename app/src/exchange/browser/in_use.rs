//! Whether somebody is in the middle of something on the page.

use std::{future::poll_fn, task::Poll, time::Duration};

use leptos::{prelude::*, wasm_bindgen::JsCast};
use web_sys::{HtmlElement, HtmlInputElement, HtmlTextAreaElement};

use crate::exchange::Answer;

/// When to look again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Waits with news until nobody is in the middle of anything, or until it is `over` in any case. False when they are
/// `outdated` before that.
pub(in crate::exchange) async fn idle(news: &Answer, over: impl Fn() -> bool, outdated: impl Fn() -> bool) -> bool {
    if in_use() {
        announce(news);
    }
    poll_fn(|context| {
        if over() || !in_use() {
            return Poll::Ready(true);
        }
        if outdated() {
            return Poll::Ready(false);
        }
        let waker = context.waker().clone();
        set_timeout(move || waker.wake(), LOOK_AGAIN);
        Poll::Pending
    })
    .await
}

/// An open question, form, menu or frame, and a choice that is not the one that was given.
const OPEN: &str = "main :is(details[open]:has(form, iframe), details.confirm[open], [popover]:popover-open, \
    option[selected]:not(:checked), select:not(:has(option[selected])) > option:checked:not(:first-child))";

/// A box is ticked, a field has other words than it was given, or something is open or chosen. A reload would
/// put the tick beside somebody else, or the words beside a newer version.
fn in_use() -> bool {
    let document = document();
    if document.query_selector(OPEN).is_ok_and(|open| open.is_some()) {
        return true;
    }
    let Ok(fields) = document.query_selector_all("main :is(input, textarea)") else { return false };
    (0..fields.length()).filter_map(|n| fields.item(n)).any(|field| {
        if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
            return area.default_value().is_ok_and(|given| given != area.value());
        }
        field.dyn_ref::<HtmlInputElement>().is_some_and(|input| match input.type_().as_str() {
            // A box without a value has another value than its default one.
            "checkbox" | "radio" => input.checked() != input.default_checked(),
            _ => input.value() != input.default_value(),
        })
    })
}

/// Shows the bar of a page that says in `data-news` what is the newest on it, if that is not so any more.
fn announce(news: &Answer) {
    let Ok(bytes) = &news.0 else { return };
    let Ok(Some(bar)) = document().query_selector("main [data-news]") else { return };
    let newest = format!("data-news=\"{}\"", bar.get_attribute("data-news").unwrap_or_default());
    if !bytes.windows(newest.len()).any(|part| part == newest.as_bytes())
        && let Some(bar) = bar.dyn_ref::<HtmlElement>()
    {
        bar.set_hidden(false);
    }
}
