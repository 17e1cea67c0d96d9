//! Text fields with their label, hint and error. The value given is the value
//! first shown; the browser owns it afterwards and the form sends it by name.

use super::field::{FieldFrame, FieldWidth};
use crate::exchange::entered;
use leptos::prelude::*;

/// What kind of text is asked for; phones choose their keyboard by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    #[default]
    Text,
    /// An e-mail address.
    Email,
    /// A secret. Its value is never sent back to the browser.
    Password,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
    /// A whole number.
    Number,
    /// A day.
    Date,
    /// A day and a time of day.
    DateTime,
    /// A time of day.
    Time,
}

impl InputKind {
    const fn html(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Email => "email",
            Self::Password => "password",
            Self::Phone => "tel",
            Self::Url => "url",
            Self::Number => "number",
            Self::Date => "date",
            Self::DateTime => "datetime-local",
            Self::Time => "time",
        }
    }
}

/// A labelled one-line field. Its `name` is its id.
#[component]
pub fn TextInput(
    /// Name in the form, and id on the page.
    #[prop(into)]
    name: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// What kind of text.
    #[prop(optional)]
    kind: InputKind,
    /// What is shown first.
    #[prop(optional, into)]
    value: String,
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
    /// The browser's autofill token.
    #[prop(optional, into)]
    autocomplete: Option<&'static str>,
    /// Longest value, in characters.
    #[prop(optional, into)]
    maxlength: Option<u32>,
    /// Smallest number or first day.
    #[prop(optional, into)]
    min: Option<String>,
    /// Largest number or last day.
    #[prop(optional, into)]
    max: Option<String>,
    /// Fixed words after the value, such as a unit.
    #[prop(optional, into)]
    suffix: Option<&'static str>,
) -> impl IntoView {
    let frame = FieldFrame { id: name.clone(), label, hint, error, optional, width };
    let value = (kind != InputKind::Password).then(|| entered(&name).unwrap_or(value));
    let input = view! {
        <input
            id=name.clone()
            name=name
            type=kind.html()
            value=value
            autocomplete=autocomplete
            maxlength=maxlength.map(|n| n.to_string())
            min=min
            max=max
            aria-describedby=frame.described_by()
            aria-invalid=frame.invalid()
        />
    };
    let control = match suffix {
        Some(words) => view! { <span class="affix">{input}<span>{words}</span></span> }.into_any(),
        None => input.into_any(),
    };
    frame.wrap(control)
}

/// A labelled field of many lines that grows with its text where browsers can.
#[component]
pub fn TextArea(
    /// Name in the form, and id on the page.
    #[prop(into)]
    name: String,
    /// What is asked for.
    #[prop(into)]
    label: String,
    /// What is shown first.
    #[prop(optional, into)]
    value: String,
    /// How to answer.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the answer.
    #[prop(optional, into)]
    error: Signal<Option<String>>,
    /// May be left empty.
    #[prop(optional)]
    optional: bool,
    /// Lines shown at first.
    #[prop(default = 5)]
    rows: u32,
    /// Longest value, in characters.
    #[prop(optional, into)]
    maxlength: Option<u32>,
    /// A file of a machine: letters of one width, no spelling marks.
    #[prop(optional)]
    code: bool,
    /// The page is for this: it has the focus at first.
    #[prop(optional)]
    first: bool,
) -> impl IntoView {
    let width = FieldWidth::Full;
    let value = entered(&name).unwrap_or(value);
    let frame = FieldFrame { id: name.clone(), label, hint, error, optional, width };
    let control = view! {
        <textarea
            class=code.then_some("code")
            spellcheck=code.then_some("false")
            id=name.clone()
            name=name
            autofocus=first
            rows=rows.to_string()
            maxlength=maxlength.map(|n| n.to_string())
            aria-describedby=frame.described_by()
            aria-invalid=frame.invalid()
        >
            {value}
        </textarea>
    };
    frame.wrap(control.into_any())
}
