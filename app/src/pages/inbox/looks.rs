//! How classes look: a word on a tint; what a model has said carries its mark.

use domain::{
    inbound::Confidence,
    threads::{ClassifiedBy, ThreadClass},
};
use leptos::prelude::*;

use crate::ui::{Tag, Tone};

/// The tag of a class.
pub(super) fn class_tag(class: ThreadClass, machine: bool) -> AnyView {
    let tone = match class {
        ThreadClass::Interested => Tone::Jade,
        ThreadClass::Question => Tone::Sky,
        ThreadClass::NotNow => Tone::Amber,
        ThreadClass::Unsubscribe => Tone::Coral,
        ThreadClass::OutOfOffice | ThreadClass::Other => Tone::Neutral,
    };
    view! { <Tag text=class.label() tone machine/> }.into_any()
}

/// How sure a class is, in a word.
pub(super) fn confidence_words(by: ClassifiedBy, confidence: Confidence) -> String {
    match by {
        ClassifiedBy::Person => "set by a person",
        ClassifiedBy::Rule | ClassifiedBy::Model => confidence.as_str(),
    }
    .to_owned()
}
