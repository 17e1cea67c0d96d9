//! The search inside a list. `/` focuses it; the form around it is a GET form.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// A search input with a lens and a hidden label.
#[component]
pub fn SearchField(
    /// What is searched: "Search leads".
    #[prop(into)]
    label: String,
    /// The text searched for now.
    #[prop(optional, into)]
    value: String,
    /// Name in the query string.
    #[prop(default = "q")]
    name: &'static str,
) -> impl IntoView {
    view! {
        <label class="search-field">
            <Icon name=IconName::Search small=true/>
            <span class="sr-only">{label.clone()}</span>
            <input type="search" name=name value=value placeholder=label autocomplete="off"/>
        </label>
    }
}
