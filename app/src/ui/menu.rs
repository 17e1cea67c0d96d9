//! Menus are native popovers: the button opens them before any script runs, and
//! `Esc` or a press elsewhere closes them. Items are links and form buttons.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// A button and the popover it opens.
pub fn popover(
    id: &str,
    button_class: &'static str,
    label: String,
    button: AnyView,
    menu_class: &'static str,
    body: AnyView,
) -> AnyView {
    // Browsers without anchor positioning ignore both and centre the popover.
    let anchor = format!("anchor-name:--{id}");
    let anchored = format!("position-anchor:--{id}");
    view! {
        <button
            type="button"
            class=button_class
            popovertarget=id.to_owned()
            aria-label=label.clone()
            style=anchor
        >
            {button}
        </button>
        <div class=menu_class id=id.to_owned() popover="auto" role="group" aria-label=label style=anchored>
            {body}
        </div>
    }
    .into_any()
}

/// An item that leads somewhere.
#[component]
pub fn MenuLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// The words.
    #[prop(into)]
    label: String,
    /// Drawing before the words.
    #[prop(optional, into)]
    icon: Option<IconName>,
    /// Leads to something destructive.
    #[prop(optional)]
    danger: bool,
    /// A quiet word at the end.
    #[prop(optional, into)]
    note: String,
    /// It is where the person is now.
    #[prop(optional)]
    current: bool,
) -> impl IntoView {
    let class = if danger { "menu-item danger" } else { "menu-item" };
    view! {
        <a class=class href=href aria-current=current.then_some("true")>
            {icon.map(|name| view! { <Icon name/> })}
            <span class="truncate">{label}</span>
            {(!note.is_empty()).then(|| view! { <span class="note">{note}</span> })}
        </a>
    }
}

/// An item that submits the form around it.
#[component]
pub fn MenuButton(
    /// The words.
    #[prop(into)]
    label: String,
    /// Drawing before the words.
    #[prop(optional, into)]
    icon: Option<IconName>,
    /// Does something destructive.
    #[prop(optional)]
    danger: bool,
    /// Name and value sent when this item is the one pressed.
    #[prop(optional, into)]
    sends: Option<(&'static str, String)>,
    /// For a choice among several: whether this is the one in force.
    #[prop(optional, into)]
    pressed: Option<bool>,
) -> impl IntoView {
    let class = if danger { "menu-item danger" } else { "menu-item" };
    let (name, value) = sends.unzip();
    view! {
        <button
            type="submit"
            class=class
            name=name
            value=value
            aria-pressed=pressed.map(|on| if on { "true" } else { "false" })
        >
            {icon.map(|name| view! { <Icon name/> })}
            <span class="truncate">{label}</span>
        </button>
    }
}
