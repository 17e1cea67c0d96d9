//! Where one is in a task of several pages.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// Numbered steps of which one is the current page.
#[component]
pub fn Wizard(
    /// Their names.
    steps: Vec<&'static str>,
    /// Which one is shown, from zero.
    current: usize,
) -> impl IntoView {
    let rows = steps
        .into_iter()
        .enumerate()
        .map(|(n, name)| {
            let done = n < current;
            let mark = if done { view! { <Icon name=IconName::Check/> }.into_any() } else { (n + 1).into_any() };
            view! {
                <li class=done.then_some("done") aria-current=(n == current).then_some("step")>
                    <span class="stepno">{mark}</span>
                    {name}
                    {done.then(|| view! { <span class="sr-only">"(done)"</span> })}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="steps" aria-label="Steps">{rows}</ol> }
}
