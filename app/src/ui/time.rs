//! A moment as the server wrote it. The browser never formats a time, so both
//! sides of hydration read the same.

use crate::fmt::Moment;
use leptos::prelude::*;

/// A time with its full form in the tooltip.
#[component]
pub fn Time(
    /// The moment.
    moment: Moment,
) -> impl IntoView {
    view! { <time datetime=moment.iso title=moment.title>{moment.text}</time> }
}
