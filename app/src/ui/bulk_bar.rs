//! Actions on the selected rows. Style shows the bar as soon as a box is ticked,
//! so it works before any script; only the count and the box for all rows need one.

use leptos::prelude::*;

/// The form around a table whose rows can be selected. Its buttons say by their
/// own name and value, or `formaction`, what happens to the ticked rows.
#[component]
pub fn ListForm(
    /// Where the selection is posted.
    #[prop(into)]
    action: String,
    /// The table, the bulk bar, the pager.
    children: Children,
) -> impl IntoView {
    view! { <form class="list-form" method="post" action=action>{children()}</form> }
}

/// The floating toolbar of a [`ListForm`].
#[component]
pub fn BulkBar(
    /// What is acted on: "leads".
    label: &'static str,
    /// Submit buttons and links.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="bulk-bar" role="toolbar" aria-label=format!("Actions for selected {label}")>
            <span class="sum" aria-live="polite">"Selected rows"</span>
            <span class="sep"></span>
            {children()}
        </div>
    }
}
