//! The box at the top of a form that was refused. Every entry leads to its
//! field in the field's own words, and the box takes the focus when it appears, without scripts too.

use leptos::{html, prelude::*};

use crate::exchange::Post;

/// Why `post` was refused, in one sentence.
pub fn refusal(post: Post) -> AnyView {
    summary(Signal::derive(move || post.message().map(|text| vec![(String::new(), text)]).unwrap_or_default()))
}

/// The same for a form whose fields are named `form[field]`: what is wrong with each, and where it is.
pub fn refusal_of_fields(post: Post, form: &'static str) -> AnyView {
    summary(Signal::derive(move || {
        let Some(error) = post.error() else { return Vec::new() };
        let of_field = |(field, message)| (format!("{form}[{field}]"), message);
        let of_fields: Vec<_> = error.problems.into_iter().map(of_field).collect();
        if of_fields.is_empty() { vec![(String::new(), error.message)] } else { of_fields }
    }))
}

/// The way to what stands in the way, if the refusal knows it. Without scripts a refusal travels in the
/// address, which anybody can write: only places of a company are led to.
pub fn existing(post: Post, words: &'static str) -> AnyView {
    (move || {
        let href = post.error()?.existing.filter(|href| href.starts_with("/t/"))?;
        Some(view! { <p><a class="button small" href=href>{words}</a></p> })
    })
    .into_any()
}

/// Pairs of field id and message; nothing while there are none.
fn summary(errors: Signal<Vec<(String, String)>>) -> AnyView {
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if !errors.with(Vec::is_empty)
            && let Some(node) = node.get()
        {
            // A browser that refuses focus leaves the box readable where it is.
            let _ = node.focus();
        }
    });
    (move || {
        let errors = errors.get();
        (!errors.is_empty()).then(|| view! { <div node_ref=node tabindex="-1" autofocus=true>{problems(errors)}</div> })
    })
    .into_any()
}

/// The box itself. A message without a field id is no link.
pub fn problems(errors: Vec<(String, String)>) -> AnyView {
    let entries: Vec<_> = errors.into_iter().map(entry).collect();
    view! {
        <div class="error-summary" role="alert">
            <h2>"There is a problem"</h2>
            <ul>{entries}</ul>
        </div>
    }
    .into_any()
}

fn entry((field, text): (String, String)) -> AnyView {
    if field.is_empty() {
        view! { <li>{text}</li> }.into_any()
    } else {
        view! { <li><a href=format!("#{field}")>{text}</a></li> }.into_any()
    }
}
