//! Says whether the numbers on the page move by themselves. Until a connection
//! stands it offers the way that always works: loading the page again.

use leptos::prelude::*;

/// What is known about the connection that brings news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveState {
    /// No connection for a while, or none yet.
    #[default]
    Stale,
    /// News arrives.
    Live,
    /// The connection broke and is being made again.
    Reconnecting,
}

/// A small status line.
#[component]
pub fn LiveMark(
    /// What is known now.
    state: Signal<LiveState>,
) -> impl IntoView {
    let key = move || match state.get() {
        LiveState::Live => "live",
        LiveState::Reconnecting => "reconnecting",
        LiveState::Stale => "stale",
    };
    let words = move || match state.get() {
        LiveState::Live => "Live".into_any(),
        LiveState::Reconnecting => "Reconnecting".into_any(),
        LiveState::Stale => view! { "Not live. "<a href="">"Refresh"</a> }.into_any(),
    };
    view! { <span class="live" role="status" data-state=key><span>{words}</span></span> }
}
