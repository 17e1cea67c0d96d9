//! A native select with its label, for up to about fifteen options. Longer
//! lists deserve a search.

use super::field::{FieldFrame, FieldWidth};
use crate::exchange::entered;
use leptos::prelude::*;

/// One choice of a [`Select`] or [`super::RadioGroup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What a person reads.
    pub label: String,
    /// One more sentence, shown by radio groups.
    pub hint: String,
}

impl Choice {
    /// A choice without a further sentence.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    /// Adds the further sentence.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// A labelled native select.
#[component]
pub fn Select(
    /// Name in the form, and id on the page.
    #[prop(into)]
    name: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// What can be chosen.
    options: Vec<Choice>,
    /// The value chosen at first.
    #[prop(optional, into)]
    value: String,
    /// First line with an empty value, such as "Any status".
    #[prop(optional, into)]
    placeholder: Option<String>,
    /// How to answer.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// May be left empty.
    #[prop(optional)]
    optional: bool,
    /// How wide it is.
    #[prop(optional)]
    width: FieldWidth,
) -> impl IntoView {
    let value = entered(&name).unwrap_or(value);
    let frame = FieldFrame { id: name.clone(), label, hint, error, optional, width };
    let control = view! {
        <select
            id=name.clone()
            name=name
            aria-describedby=frame.described_by()
            aria-invalid=frame.invalid()
        >
            {option_list(options, &value, placeholder)}
        </select>
    };
    frame.wrap(control.into_any())
}

/// The `<option>` elements of a select, for places without room for a label.
pub fn option_list(options: Vec<Choice>, value: &str, placeholder: Option<String>) -> impl IntoView + use<> {
    let first = placeholder.map(|words| Choice::new("", words));
    first
        .into_iter()
        .chain(options)
        .map(|choice| {
            let selected = choice.value == value;
            view! { <option value=choice.value selected=selected>{choice.label}</option> }
        })
        .collect_view()
}
