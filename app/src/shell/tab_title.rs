//! The name of the tab.
//!
//! The framework keeps a pile of names, and one that was drawn again stays in it after its page has gone. Here
//! whoever is shown last writes its name, and the frame says it to screen readers.

use leptos::prelude::*;

/// What is open in the tab, as screen readers are told. Stands once above the router.
#[derive(Clone, Copy, Debug)]
pub struct TabName(pub RwSignal<String>);

/// Names the tab of the page it stands in. A server function that writes a part of a page has no tab.
#[component]
pub fn TabTitle(
    /// What the page is: "Leads".
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let name = format!("{text} · Saleswright");
    #[cfg(feature = "ssr")]
    if use_context::<leptos_meta::MetaContext>().is_some() {
        // The server hears of it as soon as it is made; there is nothing to place.
        let _ = view! { <leptos_meta::Title text=name/> };
    }
    #[cfg(not(feature = "ssr"))]
    if let Some(TabName(tab)) = use_context() {
        document().set_title(&name);
        tab.set(name);
    }
}
