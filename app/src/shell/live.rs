//! News of what changed, by topic. One stream per tab carries hints only, so a
//! page that hears of a change loads its data again and can never show a patch
//! it was not allowed to see.

use crate::ui::LiveState;
use leptos::prelude::*;

#[cfg(feature = "hydrate")]
mod stream;

/// The versions of all topics a page asked for, and the state of the stream.
#[derive(Clone, Copy)]
pub(super) struct Live {
    state: RwSignal<LiveState>,
    /// The server serves other pages than this one came with.
    outdated: RwSignal<bool>,
    topics: StoredValue<Vec<(String, ArcRwSignal<u32>)>>,
}

/// Opens the company's stream for everything below.
pub(super) fn provide_live(slug: &str) {
    let live = Live {
        state: RwSignal::new(LiveState::Stale),
        outdated: RwSignal::new(false),
        topics: StoredValue::new(Vec::new()),
    };
    provide_context(live);
    #[cfg(feature = "hydrate")]
    stream::follow(format!("/t/{slug}/live"), live);
    #[cfg(not(feature = "hydrate"))]
    let _ = slug;
}

/// A number that grows when something about `topic` changed. It stays 0 on the
/// server, and outside the frame.
pub fn use_live(topic: &str) -> Signal<u32> {
    match use_context::<Live>() {
        Some(live) => {
            let version = live.version(topic);
            Signal::derive(move || version.get())
        }
        None => Signal::stored(0),
    }
}

/// The same for one thing: what changed about another one of its kind does not count.
pub fn use_live_of(topic: &'static str, id: Memo<String>) -> Signal<u32> {
    match use_context::<Live>() {
        Some(live) => Signal::derive(move || live.version(&format!("{topic}:{}", id.get())).get()),
        None => Signal::stored(0),
    }
}

/// Whether the server was replaced by a newer one since the page was loaded.
pub fn use_outdated() -> Signal<bool> {
    use_context::<Live>().map_or_else(|| Signal::stored(false), |live| live.outdated.into())
}

/// Whether the numbers on the page move by themselves.
pub fn use_live_state() -> Signal<LiveState> {
    use_context::<Live>().map_or_else(|| Signal::stored(LiveState::Stale), |live| live.state.into())
}

impl Live {
    fn version(self, topic: &str) -> ArcRwSignal<u32> {
        let find = |topics: &mut Vec<(String, ArcRwSignal<u32>)>| {
            if let Some((_, version)) = topics.iter().find(|(name, _)| name == topic) {
                return version.clone();
            }
            let version = ArcRwSignal::new(0);
            topics.push((topic.to_owned(), version.clone()));
            version
        };
        self.topics.try_update_value(find).unwrap_or_else(|| ArcRwSignal::new(0))
    }
}

#[cfg(feature = "hydrate")]
impl Live {
    /// Something about `topic` changed: one thing, or any of them. What nobody asked for is ignored.
    fn bump(self, topic: &str, id: Option<&str>) {
        self.bump_each(|name| match name.split_once(':') {
            None => name == topic,
            Some((name, one)) => name == topic && id.is_none_or(|id| id == one),
        });
    }

    /// News may have been missed: everything counts as changed.
    fn bump_all(self) {
        self.bump_each(|_| true);
    }

    fn bump_each(self, changed: impl Fn(&str) -> bool) {
        for (_, version) in self.topics.try_get_value().unwrap_or_default().iter().filter(|(name, _)| changed(name)) {
            version.update(|version| *version = version.wrapping_add(1));
        }
    }
}
