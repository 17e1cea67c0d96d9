//! What the last action did, told at the top of the next page.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// A sentence about the last action, which worked.
#[component]
pub fn Flash(
    /// The sentence.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <div class="flash t-jade" role="status">
            <Icon name=IconName::Check/>
            <p>{text}</p>
        </div>
    }
}
