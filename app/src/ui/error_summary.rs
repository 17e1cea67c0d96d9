//! The box at the top of a form that was refused. Every entry leads to its
//! field in the field's own words, and the box takes the focus when it appears.

use leptos::{html, prelude::*};

/// Shown only while there are errors: pairs of field id and message.
#[component]
pub fn ErrorSummary(
    /// Field id and message; an empty id makes an entry without a link.
    #[prop(into)]
    errors: Signal<Vec<(String, String)>>,
) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if !errors.with(Vec::is_empty)
            && let Some(node) = node.get()
        {
            // A browser that refuses focus leaves the box readable where it is.
            let _ = node.focus();
        }
    });
    move || {
        let errors = errors.get();
        (!errors.is_empty()).then(|| {
            let entries = errors.into_iter().map(entry).collect_view();
            view! {
                <div class="error-summary" tabindex="-1" node_ref=node>
                    <h2>"There is a problem"</h2>
                    <ul>{entries}</ul>
                </div>
            }
        })
    }
}

fn entry((field, text): (String, String)) -> impl IntoView {
    if field.is_empty() {
        view! { <li>{text}</li> }.into_any()
    } else {
        view! { <li><a href=format!("#{field}")>{text}</a></li> }.into_any()
    }
}
