//! A native modal dialog behind a link. The link leads to the same words as a
//! page, so the dialog may open only where scripts run and nothing is lost.

use super::button::{ButtonKind, ButtonLink};
use super::icon::IconName;
use leptos::{ev, html, prelude::*, wasm_bindgen::JsCast, web_sys};

/// A link that opens a dialog once the page is hydrated.
#[component]
pub fn Dialog(
    /// Id of the dialog, unique on the page.
    #[prop(into)]
    id: String,
    /// The page with the same words.
    #[prop(into)]
    href: String,
    /// The words of the link.
    #[prop(into)]
    trigger: String,
    /// How the link looks.
    #[prop(optional)]
    kind: ButtonKind,
    /// Drawing before the link's words.
    #[prop(optional, into)]
    icon: Option<IconName>,
    /// The question the dialog asks.
    #[prop(into)]
    title: String,
    /// The exact effect, and the form with [`DialogCancel`] and the button.
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let open = move |event: ev::MouseEvent| {
        let plain = !(event.ctrl_key() || event.meta_key() || event.shift_key());
        if plain
            && let Some(dialog) = node.get()
            && dialog.show_modal().is_ok()
        {
            event.prevent_default();
        }
    };
    let heading = format!("{id}-title");
    let labelled_by = heading.clone();
    let link = match icon {
        Some(icon) => view! { <ButtonLink href kind icon on:click=open>{trigger}</ButtonLink> }.into_any(),
        None => view! { <ButtonLink href kind on:click=open>{trigger}</ButtonLink> }.into_any(),
    };
    view! {
        {link}
        <dialog class="dialog" id=id aria-labelledby=labelled_by closedby="any" node_ref=node>
            <div class="dialog-body">
                <h2 id=heading>{title}</h2>
                {children()}
            </div>
        </dialog>
    }
}

/// The safe choice, focused first: closes the dialog it stands in.
#[component]
pub fn DialogCancel(
    /// "Keep running" rather than "Cancel".
    #[prop(into)]
    label: String,
) -> impl IntoView {
    let close = |event: ev::MouseEvent| {
        let dialog = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
            .and_then(|element| element.closest("dialog").ok().flatten())
            .and_then(|element| element.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if let Some(dialog) = dialog {
            dialog.close();
        }
    };
    view! { <button type="button" class="button" autofocus on:click=close>{label}</button> }
}
