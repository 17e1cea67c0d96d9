//! The one event source of a tab. A hidden tab holds no connection; when it is
//! seen again everything counts as changed, because news may have been missed.

use super::Live;
use crate::ui::LiveState;
use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue, closure::Closure};
use std::time::Duration;
use web_sys::{EventSource, MessageEvent, js_sys};

/// A browser gives up on a stream that answered with an error; we do not.
const REOPEN_AFTER: Duration = Duration::from_secs(5);
/// How long a person is told "Reconnecting" before "Not live".
const STALE_AFTER: Duration = Duration::from_secs(120);

/// Keeps the stream at `url` open while the frame is on the page and seen.
pub(super) fn follow(url: String, live: Live) {
    Effect::new(move |_| {
        let stream = StoredValue::new_local(None::<Stream>);
        let tab = Tab { url: StoredValue::new(url.clone()), live, stream };
        tab.open();
        let seen = window_event_listener_untyped("visibilitychange", move |_| tab.look());
        on_cleanup(move || {
            seen.remove();
            tab.close();
        });
    });
}

#[derive(Clone, Copy)]
struct Tab {
    url: StoredValue<String>,
    live: Live,
    stream: StoredValue<Option<Stream>, LocalStorage>,
}

impl Tab {
    fn open(self) {
        let url = self.url.try_get_value().unwrap_or_default();
        if !url.is_empty() && !document().hidden() {
            self.stream.try_set_value(Stream::open(&url, self));
        }
    }

    fn close(self) {
        self.stream.try_set_value(None);
    }

    fn look(self) {
        if document().hidden() {
            self.close();
        } else {
            self.live.bump_all();
            self.open();
        }
    }

    fn opened(self) {
        // Not the first time: whatever happened in between was not heard.
        if self.live.state.try_get_untracked() == Some(LiveState::Reconnecting) {
            self.live.bump_all();
        }
        self.live.state.try_set(LiveState::Live);
    }

    /// The stream says first which version serves it.
    fn served_by(self, version: Option<String>) {
        let ours = document().document_element().and_then(|page| page.get_attribute("data-version"));
        self.live.outdated.try_set(ours.is_some() && version.is_some() && ours != version);
    }

    fn broke(self, for_good: bool) {
        self.live.state.try_set(LiveState::Reconnecting);
        if for_good {
            set_timeout(move || self.open(), REOPEN_AFTER);
        }
        let give_up = move || {
            if self.live.state.try_get_untracked() == Some(LiveState::Reconnecting) {
                self.live.state.try_set(LiveState::Stale);
            }
        };
        set_timeout(give_up, STALE_AFTER);
    }
}

/// An open event source with the closures it calls; dropping it closes it.
struct Stream {
    source: EventSource,
    _opened: Closure<dyn FnMut()>,
    _broke: Closure<dyn FnMut()>,
    _news: Closure<dyn FnMut(MessageEvent)>,
    _resync: Closure<dyn FnMut()>,
    _version: Closure<dyn FnMut(MessageEvent)>,
}

impl Stream {
    fn open(url: &str, tab: Tab) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let opened = Closure::<dyn FnMut()>::new(move || tab.opened());
        let ended = source.clone();
        let broke = Closure::<dyn FnMut()>::new(move || {
            tab.broke(ended.ready_state() == EventSource::CLOSED);
        });
        let news = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some((topic, id)) = hint_of(&event) {
                tab.live.bump(&topic, id.as_deref());
            }
        });
        let resync = Closure::<dyn FnMut()>::new(move || tab.live.bump_all());
        let version = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            tab.served_by(event.data().as_string());
        });
        source.set_onopen(Some(opened.as_ref().unchecked_ref()));
        source.set_onerror(Some(broke.as_ref().unchecked_ref()));
        source.set_onmessage(Some(news.as_ref().unchecked_ref()));
        source.add_event_listener_with_callback("resync", resync.as_ref().unchecked_ref()).ok()?;
        source.add_event_listener_with_callback("version", version.as_ref().unchecked_ref()).ok()?;
        Some(Self { source, _opened: opened, _broke: broke, _news: news, _resync: resync, _version: version })
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Topic and id of `{"topic": "campaigns", "id": ".."}`; the browser parses it.
fn hint_of(event: &MessageEvent) -> Option<(String, Option<String>)> {
    let hint = js_sys::JSON::parse(&event.data().as_string()?).ok()?;
    let text = |name| js_sys::Reflect::get(&hint, &JsValue::from_str(name)).ok()?.as_string();
    Some((text("topic")?, text("id")))
}
