//! The browser's side: requests in the background.

mod autosave;
mod in_use;
mod ticked;
mod unsaved;

use std::cell::RefCell;

use leptos::{
    ev::SubmitEvent,
    form::form_data_from_event,
    prelude::*,
    server_fn::{
        client::{Client, browser::BrowserClient},
        redirect::call_redirect_hook,
        request::{ClientReq, browser::BrowserRequest},
        response::ClientRes,
    },
    task::spawn_local,
    wasm_bindgen::JsCast,
};

pub(super) use self::{
    autosave::keep_what_is_written, in_use::idle, ticked::count_what_is_ticked, unsaved::ask_before_leaving,
};
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
    let status = ClientRes::<AppError>::status(&response);
    let location = ClientRes::<AppError>::has_redirect(&response).then(|| ClientRes::<AppError>::location(&response));
    let body = <Response as ClientRes<AppError>>::try_into_bytes(response).await?;
    if status < 400 { Ok(Reply { body: body.into(), location }) } else { Err(AppError::of_answer(status, &body)) }
}

impl Post {
    /// Posts the form that sent `event`, follows where the answer leads, and tells the page.
    pub(super) fn submit(self, event: &SubmitEvent) {
        if event.default_prevented() {
            return;
        }
        event.prevent_default();
        let Some(data) = form_data_from_event(event).ok().filter(|_| !self.busy.get_untracked()) else { return };
        let Ok(body) = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data) else { return };
        let form = form_of(event);
        self.busy.set(true);
        if let Some(posts) = self.posts {
            posts.open.set(true);
        }
        spawn_local(async move {
            match post(self.path, String::from(body.to_string())).await {
                Ok(reply) => {
                    form.as_ref().inspect(|form| unsaved::is_saved(form));
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

fn form_of(event: &SubmitEvent) -> Option<web_sys::HtmlFormElement> {
    event.target()?.dyn_into().ok()
}

/// Posts a form that the server has written in the background, and follows where the answer leads. What is
/// refused is posted once more as a browser without scripts does: the page then says what is wrong with
/// which field, and keeps what was entered. What the server has not looked at stays as it is.
pub(super) fn submit_written(event: &SubmitEvent, posts: Option<Posts>) {
    let Some(form) = form_of(event) else { return };
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
        autosave::all_kept().await;
        if let Some(version) = autosave::version_of(&form) {
            body.set(&version.name(), &version.value());
        }
        let answer = post(&path, String::from(body.to_string())).await;
        let _ = form.remove_attribute("aria-busy");
        let reply = match (answer, posts) {
            (Ok(reply), _) => reply,
            (Err(error), Some(posts)) if error.is_unread() => {
                let _ = posts.unread.try_set(Some(error));
                return;
            }
            (Err(_), _) => {
                let _ = form.set_attribute(REFUSED, "");
                let _ = form.request_submit_with_submitter(button.as_ref());
                return;
            }
        };
        unsaved::is_saved(&form);
        let stays = reply.location.as_deref().is_none_or(is_here);
        PRESSED.set(button.filter(|_| stays).map(|button| (path, button.text_content().unwrap_or_default())));
        if let Some(location) = reply.location {
            call_redirect_hook(&location);
        }
        if let Some(posts) = posts {
            let _ = posts.unread.try_set(None);
            if stays {
                let _ = posts.done.try_update(|n| *n = n.wrapping_add(1));
            }
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
    let address = address_without("done").map(|address| address.href()).unwrap_or_default();
    if BEGUN.replace(address.clone()) == address {
        return;
    }
    let first = place.query_selector("[autofocus]").ok().flatten();
    if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = first.focus();
    }
}

thread_local! {
    /// The button whose form was posted last, by the address of the form and by its words.
    static PRESSED: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Gives the focus back to the button that was pressed, now that its page is new, or to the heading where it has gone.
pub(super) fn focus_again(place: &web_sys::Element) {
    let Some((path, words)) = PRESSED.take() else { return };
    // Somebody who has gone on already stays where they are.
    if document().active_element().is_some_and(|active| active.tag_name() != "BODY") {
        return;
    }
    let buttons = place.query_selector_all(&format!("form[action='{path}'] button")).ok();
    let count = buttons.as_ref().map_or(0, web_sys::NodeList::length);
    let same = (0..count)
        .filter_map(|n| buttons.as_ref()?.item(n))
        .find(|button| button.text_content().is_some_and(|text| text == words))
        .and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok());
    // A button in a closed question takes no focus.
    if same.is_some_and(|button| button.offset_parent().is_some() && button.focus().is_ok()) {
        return;
    }
    let heading = document().query_selector("main h1").ok().flatten();
    if let Some(heading) = heading.and_then(|heading| heading.dyn_into::<web_sys::HtmlElement>().ok()) {
        heading.set_tab_index(-1);
        let _ = heading.focus();
    }
}

/// Scrolls to where it was, if this is the same page.
pub(super) fn scroll_again(place: &web_sys::Element) {
    let (path, tops) = SCROLLED.with_borrow(Clone::clone);
    if window().location().pathname().is_ok_and(|here| here == path) {
        parts(place).zip(tops).for_each(|(part, top)| part.set_scroll_top(top));
    }
}

/// Takes a parameter out of the address of the page that is shown; nothing is loaded.
pub(super) fn take_out(parameter: &str) {
    if let (Some(address), Ok(history)) = (address_without(parameter), window().history()) {
        let state = history.state().unwrap_or_default();
        let _ = history.replace_state_with_url(&state, "", Some(&address.href()));
    }
}

fn address_without(parameter: &str) -> Option<web_sys::Url> {
    let address = web_sys::Url::new(&window().location().href().ok()?).ok()?;
    address.search_params().delete(parameter);
    Some(address)
}

/// Whether an address is a state of the page that is shown.
fn is_here(address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default();
    window().location().pathname().is_ok_and(|here| path.ends_with(&here))
}
