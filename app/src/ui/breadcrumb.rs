//! Where the page hangs in the tree: a trail of links, on phones one link back.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// One step of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crumb {
    /// The words.
    pub label: String,
    /// Where it leads.
    pub href: String,
}

impl Crumb {
    /// A step of the trail.
    pub fn new(label: impl Into<String>, href: impl Into<String>) -> Self {
        Self { label: label.into(), href: href.into() }
    }
}

/// A trail that ends in the current page, which is its heading unless the page shows its own.
#[component]
pub fn Breadcrumb(
    /// Parents, the outermost first; two at most.
    trail: Vec<Crumb>,
    /// The current page.
    #[prop(into)]
    title: String,
    /// The page shows its heading itself, below.
    headed: bool,
) -> impl IntoView {
    let Some(parent) = trail.last().cloned() else {
        return view! {
            <div class="crumbs"><h1 class="truncate" tabindex="-1">{title}</h1></div>
        }
        .into_any();
    };
    let steps = trail
        .into_iter()
        .map(|crumb| {
            view! {
                <li class="trail">
                    <a href=crumb.href>{crumb.label}</a>
                    <Icon name=IconName::Right small=true/>
                </li>
            }
        })
        .collect_view();
    view! {
        <nav class="crumbs" aria-label="Breadcrumb">
            <ol>
                <li class="back">
                    <a href=parent.href><Icon name=IconName::Left/>{parent.label}</a>
                </li>
                {steps}
                <li class="trail">
                    {if headed {
                        view! { <span class="truncate strong" aria-current="page">{title}</span> }.into_any()
                    } else {
                        view! { <h1 class="truncate" aria-current="page" tabindex="-1">{title}</h1> }.into_any()
                    }}
                </li>
            </ol>
        </nav>
    }
    .into_any()
}
