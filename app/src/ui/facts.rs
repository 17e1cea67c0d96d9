//! Names and values, as a description list.

use leptos::prelude::*;

/// A list of [`Fact`]s.
#[component]
pub fn Facts(
    /// The facts.
    children: Children,
) -> impl IntoView {
    view! { <dl class="facts">{children()}</dl> }
}

/// A name and its value.
#[component]
pub fn Fact(
    /// The name.
    #[prop(into)]
    label: String,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! {
        <dt>{label}</dt>
        <dd>{children()}</dd>
    }
}
