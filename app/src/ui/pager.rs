//! The foot of a list: which rows these are, and links to the rows before and
//! after. Pages are reached by cursor, so there are no page numbers; a list that
//! is read forwards only leads back to its first page.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// Previous and next. A direction without rows stays visible and unavailable.
#[component]
pub fn Pager(
    /// "1–50 of 342", or empty when unknown.
    #[prop(optional, into)]
    range: String,
    /// Address of the rows before; a list that is read forwards only has none.
    #[prop(optional_no_strip)]
    previous: Option<String>,
    /// Address of the first page, where a list that is read forwards only shows a later one.
    #[prop(optional_no_strip)]
    first: Option<String>,
    /// Address of the rows after.
    next: Option<String>,
) -> impl IntoView {
    let back = if first.is_some() { "First page" } else { "Previous" };
    let left = view! { <Icon name=IconName::Left small=true/> {back} }.into_any();
    let right = view! { "Next" <Icon name=IconName::Right small=true/> }.into_any();
    view! {
        <footer class="grid-foot">
            <span class="num">{range}</span>
            <nav class="pager" aria-label="Pages">
                {step(first.or(previous), "prev", left)}
                {step(next, "next", right)}
            </nav>
        </footer>
    }
}

fn step(href: Option<String>, rel: &'static str, words: AnyView) -> AnyView {
    match href {
        Some(href) => view! { <a class="button small" href=href rel=rel>{words}</a> }.into_any(),
        None => view! { <span class="button small" aria-disabled="true">{words}</span> }.into_any(),
    }
}
