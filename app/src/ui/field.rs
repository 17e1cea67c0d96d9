//! A label, a hint, an error and the control between them. The control names
//! hint and error in `aria-describedby`, so they are read out with it.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// How wide the control is; the width hints at the length of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldWidth {
    /// The whole column.
    #[default]
    Full,
    /// About twenty characters.
    Medium,
    /// About ten characters.
    Short,
}

impl FieldWidth {
    const fn class(self) -> &'static str {
        match self {
            Self::Full => "field",
            Self::Medium => "field medium",
            Self::Short => "field short",
        }
    }
}

/// What every labelled control has, whatever the control is.
#[derive(Clone, Debug)]
pub struct FieldFrame {
    /// Id of the control; hint and error derive theirs from it.
    pub id: String,
    /// What is asked for.
    pub label: String,
    /// How to answer, below the label.
    pub hint: String,
    /// What is wrong with the answer.
    pub error: Signal<Option<String>>,
    /// May be left empty.
    pub optional: bool,
    /// Width of the control.
    pub width: FieldWidth,
}

impl FieldFrame {
    /// Ids of hint and error, for `aria-describedby`.
    pub fn described_by(&self) -> impl Fn() -> Option<String> + Clone + Send + Sync + use<> {
        let (id, has_hint, error) = (self.id.clone(), !self.hint.is_empty(), self.error);
        move || match (has_hint, error.with(Option::is_some)) {
            (false, false) => None,
            (true, false) => Some(format!("{id}-hint")),
            (false, true) => Some(format!("{id}-error")),
            (true, true) => Some(format!("{id}-hint {id}-error")),
        }
    }

    /// `aria-invalid`, absent while nothing is wrong.
    pub fn invalid(&self) -> impl Fn() -> Option<&'static str> + Clone + Send + Sync + use<> {
        let error = self.error;
        move || error.with(Option::is_some).then_some("true")
    }

    /// Puts label, hint and error around a control that has the frame's id.
    pub fn wrap(self, control: AnyView) -> AnyView {
        let Self { id, label, hint, error, optional, width } = self;
        view! {
            <div class=width.class()>
                <label for=id.clone()>{label}" "{optional_mark(optional)}</label>
                {hint_line(&id, hint)}
                {error_line(&id, error)}
                {control}
            </div>
        }
        .into_any()
    }
}

pub(super) fn optional_mark(optional: bool) -> Option<impl IntoView> {
    optional.then(|| view! { <span class="optional">"(optional)"</span> })
}

pub(super) fn hint_line(id: &str, hint: String) -> Option<impl IntoView + use<>> {
    let id = format!("{id}-hint");
    (!hint.is_empty()).then(|| view! { <p class="hint" id=id>{hint}</p> })
}

pub(super) fn error_line(id: &str, error: Signal<Option<String>>) -> impl IntoView + use<> {
    let id = format!("{id}-error");
    move || {
        error.get().map(|text| {
            view! {
                <p class="error" id=id.clone()>
                    <Icon name=IconName::Alert small=true/>
                    <span>{text}</span>
                </p>
            }
        })
    }
}
