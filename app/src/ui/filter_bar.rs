//! The row of filters above a list. A chip is made of links to other addresses
//! of the same list, so filtering needs no script.

use super::icon::{Icon, IconName};
use super::menu::popover;
use leptos::prelude::*;

/// A labelled group of chips; further controls stand behind them.
#[component]
pub fn FilterBar(
    /// [`FilterChip`]s and an [`AddFilter`].
    chips: Children,
    /// Search and the like.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="filter-bar" role="group" aria-label="Filters">
            <div class="chips">{chips()}</div>
            {children()}
        </div>
    }
}

/// One filter in force: field, operator, value, and a link without it.
#[component]
pub fn FilterChip(
    /// The field's name.
    #[prop(into)]
    field: String,
    /// "is", "at least".
    #[prop(into)]
    operator: String,
    /// The value in words.
    #[prop(into)]
    value: String,
    /// The same list without this filter.
    #[prop(into)]
    remove: String,
    /// The field's drawing.
    #[prop(optional, into)]
    icon: Option<IconName>,
) -> impl IntoView {
    let label = format!("Remove filter {field}");
    view! {
        <span class="chip">
            <span class="key">{icon.map(|name| view! { <Icon name small=true/> })}{field}</span>
            <span class="op">{operator}</span>
            <span class="val">{value}</span>
            <a class="remove" href=remove aria-label=label><Icon name=IconName::X small=true/></a>
        </span>
    }
}

/// The "Filter" button and the GET form it opens.
#[component]
pub fn AddFilter(
    /// Id of the popover, unique on the page.
    #[prop(into)]
    id: String,
    /// The form.
    children: Children,
) -> impl IntoView {
    let words = view! { <Icon name=IconName::Plus small=true/> "Filter" }.into_any();
    let body = children().into_any();
    popover(&id, "button ghost small", "Filter this list".into(), words, "menu from-start filter-form", body)
}
