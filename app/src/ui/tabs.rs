//! Tabs between routes: a navigation of links, not a tab list, because each
//! tab is a page with an address.

use leptos::prelude::*;

/// One tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabLink {
    /// The word on it.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// A number behind the word, already grouped.
    pub count: Option<String>,
    /// The page shown now.
    pub current: bool,
    /// The key that leads there.
    pub key: Option<&'static str>,
}

impl TabLink {
    /// A tab without a number.
    pub fn new(label: impl Into<String>, href: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), href: href.into(), count: None, current, key: None }
    }

    /// Adds the number.
    pub fn count(mut self, count: impl Into<String>) -> Self {
        self.count = Some(count.into());
        self
    }

    /// Gives it a key.
    pub const fn key(mut self, key: &'static str) -> Self {
        self.key = Some(key);
        self
    }
}

/// A row of links of which one is the current page.
#[component]
pub fn Tabs(
    /// What the tabs are of: "Campaign", "Saved views".
    #[prop(into)]
    label: String,
    /// The tabs.
    items: Vec<TabLink>,
) -> impl IntoView {
    let links = items
        .into_iter()
        .map(|tab| {
            view! {
                <a href=tab.href aria-current=tab.current.then_some("page") aria-keyshortcuts=tab.key>
                    {tab.label}
                    {tab.count.map(|count| view! { <span class="count">{count}</span> })}
                </a>
            }
        })
        .collect_view();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }
}
