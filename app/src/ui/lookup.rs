//! A field for something of the company by its name or address, with those that are likely. What stands in it is
//! looked up when the form is sent, so it reaches everything, and needs no script.

use leptos::prelude::*;

use super::field::FieldFrame;
use crate::exchange::entered;

/// The field. `likely` is what may be chosen: what the field then holds, and words beside it.
pub fn lookup(frame: FieldFrame, value: String, likely: Vec<(String, String)>) -> AnyView {
    let name = frame.id.clone();
    let list = format!("{name}-list");
    let options: Vec<_> =
        likely.into_iter().map(|(value, words)| view! { <option value=value>{words}</option> }.into_any()).collect();
    let control = view! {
        <input
            id=name.clone()
            name=name.clone()
            type="text"
            value=entered(&name).unwrap_or(value)
            list=list.clone()
            autocomplete="off"
            maxlength="320"
            aria-describedby=frame.described_by()
            aria-invalid=frame.invalid()
        />
        <datalist id=list>{options}</datalist>
    };
    frame.wrap(control.into_any())
}
