//! Checkboxes and radio buttons with their words. The whole row is the target.

use super::field::{error_line, hint_line};
use super::select::Choice;
use crate::exchange::{entered, ticked};
use leptos::prelude::*;

/// A checkbox with its words and an optional sentence.
#[component]
pub fn Checkbox(
    /// Name in the form, and id on the page.
    #[prop(into)]
    name: String,
    /// What ticking it says.
    #[prop(into)]
    label: String,
    /// What the form sends when ticked.
    #[prop(default = "true".to_owned(), into)]
    value: String,
    /// Ticked at first.
    #[prop(optional)]
    checked: bool,
    /// The form does not leave without it.
    #[prop(optional)]
    required: bool,
    /// What follows from ticking it.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let checked = ticked(&name, &value).unwrap_or(checked);
    let described = (!hint.is_empty()).then(|| format!("{name}-hint"));
    let message = error_line(&name, error);
    let hint = hint_line(&name, hint);
    view! {
        <div class="field">
            <label class="choice">
                <input
                    class="check"
                    type="checkbox"
                    id=name.clone()
                    name=name
                    value=value
                    checked=checked
                    required=required
                    aria-describedby=described
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                />
                <span>{label}</span>
            </label>
            {hint}
            {message}
        </div>
    }
}

/// A group of radio buttons under one question.
#[component]
pub fn RadioGroup(
    /// Name in the form. The first button's id, so an error summary can lead here.
    #[prop(into)]
    name: String,
    /// The question.
    #[prop(into)]
    legend: String,
    /// What can be chosen.
    options: Vec<Choice>,
    /// The value chosen at first.
    #[prop(optional, into)]
    value: String,
    /// How to answer.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let message = error_line(&name, error);
    let hint = hint_line(&name, hint);
    let rows = options
        .into_iter()
        .enumerate()
        .map(|(n, choice)| {
            let id = if n == 0 { name.clone() } else { format!("{name}-{n}") };
            let checked = entered(&name).map_or(choice.value == value, |answer| answer == choice.value);
            let note = (!choice.hint.is_empty()).then(|| view! { <span class="hint">{choice.hint}</span> });
            view! {
                <label class="choice">
                    <input class="radio" type="radio" id=id name=name.clone() value=choice.value checked=checked/>
                    <span>{choice.label}</span>
                    {note}
                </label>
            }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend>{legend}</legend>
            {hint}
            {message}
            <div class="choices">{rows}</div>
        </fieldset>
    }
}
