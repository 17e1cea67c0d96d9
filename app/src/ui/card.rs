//! A titled section with a hairline around it.

use leptos::prelude::*;

/// A section with a heading, words at the end of it, and a body.
#[component]
pub fn Card(
    /// The heading.
    #[prop(into)]
    title: String,
    /// Quiet words at the end of the heading's line.
    #[prop(optional, into)]
    note: String,
    /// A small button or status at the end of the heading's line.
    #[prop(optional)]
    action: Option<AnyView>,
    /// The body reaches the edges: tables and lists.
    #[prop(optional)]
    flush: bool,
    /// The body.
    children: Children,
) -> impl IntoView {
    let note = (!note.is_empty()).then(|| view! { <span class="push subtle num small-text">{note}</span> });
    let action = action.map(|action| view! { <span class="push">{action}</span> });
    view! {
        <section class="card">
            <header><h2>{title}</h2>{note}{action}</header>
            <div class=if flush { "body flush" } else { "body" }>{children()}</div>
        </section>
    }
}
