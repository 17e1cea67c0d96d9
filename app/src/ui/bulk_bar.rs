//! Actions on the selected rows. Style shows the bar as soon as a box is ticked,
//! so it works before any script; only the count needs one.

use super::selection;
use leptos::{ev, prelude::*};

/// The form around a table whose rows can be selected. Its buttons say by their
/// own name and value, or `formaction`, what happens to the ticked rows.
#[component]
pub fn ListForm(
    /// Where the selection is posted.
    #[prop(into)]
    action: String,
    /// Kept equal to the number of ticked rows.
    selected: RwSignal<u32>,
    /// The table, the bulk bar, the pager.
    children: Children,
) -> impl IntoView {
    let recount = move |event: ev::Event| selected.set(selection::count(&event));
    view! { <form class="list-form" method="post" action=action on:change=recount>{children()}</form> }
}

/// The floating toolbar of a [`ListForm`].
#[component]
pub fn BulkBar(
    /// What is acted on: "leads".
    label: &'static str,
    /// How many rows are ticked.
    selected: RwSignal<u32>,
    /// Submit buttons and links.
    children: Children,
) -> impl IntoView {
    let sum = move || match selected.get() {
        0 => "Selected rows".to_owned(),
        n => format!("{n} selected"),
    };
    view! {
        <div class="bulk-bar" role="toolbar" aria-label=format!("Actions for selected {label}")>
            <span class="sum" aria-live="polite">{sum}</span>
            <span class="sep"></span>
            {children()}
        </div>
    }
}
