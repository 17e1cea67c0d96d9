//! Words that are kept while they are written: a form with `data-autosave` posts itself with that answer when
//! somebody has paused, and says in its `[data-kept]` what came of it. A field `[data-version]` counts what was kept,
//! so that the next words are not taken for those of an older page.

use std::{cell::Cell, future::poll_fn, task::Poll, time::Duration};

use leptos::{ev, prelude::*, task::spawn_local, wasm_bindgen::JsCast};
use web_sys::{Element, FormData, HtmlFormElement, HtmlInputElement, UrlSearchParams, js_sys::Date};

use super::{post, unsaved};

/// A pause in the writing.
const PAUSE: Duration = Duration::from_millis(800);
/// When a form that waits for its words to be kept looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

thread_local! {
    /// Counts what was typed.
    static TYPED: Cell<u32> = const { Cell::new(0) };
    /// Words are on their way.
    static UNDER_WAY: Cell<bool> = const { Cell::new(false) };
}

/// Listens as long as this program runs.
pub(in crate::exchange) fn keep_what_is_written() {
    let _ = window_event_listener(ev::input, |event| {
        let field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let form = field.and_then(|field| field.closest("form[data-autosave]").ok().flatten());
        let Some(form) = form.and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) else { return };
        let typed = TYPED.get().wrapping_add(1);
        TYPED.set(typed);
        set_timeout(move || keep(form, typed), PAUSE);
    });
}

/// Waits until no words are on their way: what is posted after them comes after them.
pub(super) async fn all_kept() {
    poll_fn(|context| {
        if !UNDER_WAY.get() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        set_timeout(move || waker.wake(), LOOK_AGAIN);
        Poll::Pending
    })
    .await;
}

/// The field that says on which version the words of a form stand.
pub(super) fn version_of(form: &HtmlFormElement) -> Option<HtmlInputElement> {
    form.query_selector("[data-version]").ok().flatten()?.dyn_into().ok()
}

/// Posts a form unless somebody has typed on, sent it or left it.
fn keep(form: HtmlFormElement, typed: u32) {
    let over = || TYPED.get() != typed || !form.is_connected() || form.has_attribute("aria-busy");
    if over() || UNDER_WAY.get() {
        return;
    }
    let (Some(answer), Some(path)) = (form.get_attribute("data-autosave"), form.get_attribute("action")) else {
        return;
    };
    let Ok(data) = FormData::new_with_form(&form) else { return };
    let _ = data.set_with_str("what", &answer);
    let Ok(body) = UrlSearchParams::new_with_str_sequence_sequence(&data) else { return };
    UNDER_WAY.set(true);
    spawn_local(async move {
        let kept = post(&path, String::from(body.to_string())).await;
        UNDER_WAY.set(false);
        if let Some(version) = version_of(&form).filter(|_| kept.is_ok()) {
            let next = version.value().parse().map(|now: i64| now + 1).unwrap_or_default();
            version.set_value(&next.to_string());
        }
        let words = match kept {
            Ok(_) if TYPED.get() == typed => {
                unsaved::is_saved(&form);
                let now = Date::new_0();
                format!("Kept {:02}:{:02}", now.get_hours(), now.get_minutes())
            }
            // What was typed in the meantime is still to be kept.
            Ok(_) => return keep(form, TYPED.get()),
            Err(error) => format!("Not kept. {}", error.message),
        };
        if let Ok(Some(place)) = form.query_selector("[data-kept]") {
            place.set_text_content(Some(&words));
        }
    });
}
