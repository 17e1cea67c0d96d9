//! The browser's side: requests in the background.

mod in_use;

use std::cell::RefCell;

use leptos::{
    ev::SubmitEvent,
    form::form_data_from_event,
    prelude::*,
    server_fn::{
        client::{Client, browser::BrowserClient},
        error::FromServerFnError,
        redirect::call_redirect_hook,
        request::{ClientReq, browser::BrowserRequest},
        response::ClientRes,
    },
    task::spawn_local,
    wasm_bindgen::JsCast,
};

pub(super) use self::in_use::idle;
use super::{Answer, Loading, Post, Posts};
use crate::error::AppError;

type Response = <BrowserClient as Client<AppError>>::Response;

struct Reply {
    body: Vec<u8>,
    location: Option<String>,
}

/// Asks a server function for the data of a page.
pub(super) fn load(path: &'static str, arguments: String) -> Loading {
    Box::pin(async move { Answer(post(path, arguments).await.map(|reply| reply.body)) })
}

/// Posts a form to a server function.
async fn post(path: &str, body: String) -> Result<Reply, AppError> {
    let (form, bytes) = ("application/x-www-form-urlencoded", "application/x-postcard");
    let request = <BrowserRequest as ClientReq<AppError>>::try_new_post(path, form, bytes, body)?;
    let response = <BrowserClient as Client<AppError>>::send(request).await?;
    let failed = ClientRes::<AppError>::status(&response) >= 400;
    let location = ClientRes::<AppError>::has_redirect(&response).then(|| ClientRes::<AppError>::location(&response));
    let body = <Response as ClientRes<AppError>>::try_into_bytes(response).await?;
    if failed { Err(AppError::de(body)) } else { Ok(Reply { body: body.into(), location }) }
}

impl Post {
    /// Posts the form that sent `event`, follows where the answer leads, and tells the page.
    pub(super) fn submit(self, event: &SubmitEvent) {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        let Some(form) = form_data_from_event(event).ok().filter(|_| !self.busy.get_untracked()) else { return };
        let Ok(body) = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&form) else { return };
        self.busy.set(true);
        if let Some(posts) = self.posts {
            posts.open.set(true);
        }
        spawn_local(async move {
            match post(self.path, String::from(body.to_string())).await {
                Ok(reply) => {
                    // The page may be gone by now, and its signals with it.
                    let _ = self.error.try_set(None);
                    let stays = reply.location.as_deref().is_none_or(is_here);
                    if let Some(location) = reply.location {
                        call_redirect_hook(&location);
                    }
                    if let Some(posts) = self.posts {
                        let _ = posts.open.try_set(false);
                        if stays {
                            let _ = posts.done.try_update(|n| *n = n.wrapping_add(1));
                        }
                    }
                }
                Err(error) => {
                    let _ = self.error.try_set(Some(error));
                }
            }
            let _ = self.busy.try_set(false);
        });
    }
}

/// Marks a form whose next post is the browser's own.
const REFUSED: &str = "data-refused";

/// Posts a form that the server has written in the background, and follows where the answer leads. What is
/// refused is posted once more as a browser without scripts does: the page then says what is wrong with
/// which field, and keeps what was entered.
pub(super) fn submit_written(event: &SubmitEvent, posts: Option<Posts>) {
    let Some(form) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok()) else {
        return;
    };
    let path = form.get_attribute("action").unwrap_or_default();
    if event.default_prevented() || !path.starts_with("/sf/") || form.has_attribute(REFUSED) {
        return;
    }
    event.prevent_default();
    // While an answer is awaited a second click does nothing.
    if form.has_attribute("aria-busy") {
        return;
    }
    let Some(data) = form_data_from_event(event).ok() else { return };
    let Ok(body) = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data) else { return };
    let _ = form.set_attribute("aria-busy", "true");
    let button = event.submitter().and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok());
    spawn_local(async move {
        let answer = post(&path, String::from(body.to_string())).await;
        let _ = form.remove_attribute("aria-busy");
        let Ok(reply) = answer else {
            let _ = form.set_attribute(REFUSED, "");
            let _ = form.request_submit_with_submitter(button.as_ref());
            return;
        };
        let stays = reply.location.as_deref().is_none_or(is_here);
        if let Some(location) = reply.location {
            call_redirect_hook(&location);
        }
        if let Some(posts) = posts.filter(|_| stays) {
            let _ = posts.done.try_update(|n| *n = n.wrapping_add(1));
        }
    });
}

thread_local! {
    /// The page of which something was scrolled last, and how far each of its parts is.
    static SCROLLED: RefCell<(String, Vec<i32>)> = RefCell::default();
}

/// Remembers how far the parts of a written page are scrolled.
pub(super) fn scrolled(place: &web_sys::Element) {
    let tops = parts(place).map(|part| part.scroll_top()).collect();
    SCROLLED.set((window().location().pathname().unwrap_or_default(), tops));
}

/// The parts of a page that scroll on their own.
fn parts(place: &web_sys::Element) -> impl Iterator<Item = web_sys::Element> {
    let all = place.query_selector_all("[tabindex='0']").ok();
    let count = all.as_ref().map_or(0, web_sys::NodeList::length);
    (0..count).filter_map(move |n| all.as_ref()?.item(n)?.dyn_into().ok())
}

thread_local! {
    /// The address whose first field was given the focus.
    static BEGUN: RefCell<String> = RefCell::default();
}

/// Gives the focus to the field with which the page begins, as `autofocus` does where the browser loads a page.
/// Once for an address: news that come in later move nobody.
pub(super) fn begin(place: &web_sys::Element) {
    let address = window().location().href().unwrap_or_default();
    if BEGUN.replace(address.clone()) == address {
        return;
    }
    let first = place.query_selector("[autofocus]").ok().flatten();
    if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = first.focus();
    }
}

/// Scrolls to where it was, if this is the same page.
pub(super) fn scroll_again(place: &web_sys::Element) {
    let (path, tops) = SCROLLED.with_borrow(Clone::clone);
    if window().location().pathname().is_ok_and(|here| here == path) {
        parts(place).zip(tops).for_each(|(part, top)| part.set_scroll_top(top));
    }
}

/// Whether an address is a state of the page that is shown.
fn is_here(address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    window().location().pathname().is_ok_and(|here| path.ends_with(&here))
}
