//! Buttons, and links that look like them. At most one primary per view; an
//! icon-only button always has a name that says what it acts on.

use super::icon::{Icon, IconName};
use leptos::prelude::*;

/// How loud a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// A bordered button.
    #[default]
    Default,
    /// The one main action of a view.
    Primary,
    /// Without a border, for toolbars.
    Ghost,
    /// Fills with coral: confirms something that cannot be undone.
    Danger,
    /// Coral words on a plain button: leads to something destructive.
    DangerText,
}

/// How large a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonSize {
    /// 32 pixels.
    #[default]
    Medium,
    /// 26 pixels, for toolbars and rows.
    Small,
    /// 40 pixels, for forms that stand alone.
    Large,
}

fn classes(kind: ButtonKind, size: ButtonSize) -> String {
    let kind = match kind {
        ButtonKind::Default => "",
        ButtonKind::Primary => " primary",
        ButtonKind::Ghost => " ghost",
        ButtonKind::Danger => " danger",
        ButtonKind::DangerText => " danger-text",
    };
    let size = match size {
        ButtonSize::Medium => "",
        ButtonSize::Small => " small",
        ButtonSize::Large => " large",
    };
    format!("button{kind}{size}")
}

/// Submits its form. While `busy` it keeps its width and says so.
#[component]
pub fn SubmitButton(
    /// How loud it is.
    #[prop(default = ButtonKind::Primary)]
    kind: ButtonKind,
    /// How large it is.
    #[prop(optional)]
    size: ButtonSize,
    /// Drawing before the words.
    #[prop(optional, into)]
    icon: Option<IconName>,
    /// The form is on its way.
    #[prop(optional, into)]
    busy: Signal<bool>,
    /// Its name with the object, where the words alone do not tell it; it begins with the words.
    #[prop(optional, into)]
    label: Option<String>,
    /// Name in the form, where a form has several such buttons: only the one that was pressed is sent.
    #[prop(optional, into)]
    name: Option<&'static str>,
    /// What the form then sends.
    #[prop(optional, into)]
    value: Option<&'static str>,
    /// The key that presses it.
    #[prop(optional, into)]
    key: Option<&'static str>,
    /// The words: a verb and its object.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            name=name
            value=value
            class=classes(kind, size)
            aria-label=label
            aria-keyshortcuts=key
            aria-busy=move || busy.get().then_some("true")
        >
            {icon.map(|name| view! { <Icon name/> })}
            {children()}
        </button>
    }
}

/// A link that looks like a button.
#[component]
pub fn ButtonLink(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// How loud it is.
    #[prop(optional)]
    kind: ButtonKind,
    /// How large it is.
    #[prop(optional)]
    size: ButtonSize,
    /// Drawing before the words.
    #[prop(optional, into)]
    icon: Option<IconName>,
    /// The words.
    children: Children,
) -> impl IntoView {
    view! {
        <a class=classes(kind, size) href=href>
            {icon.map(|name| view! { <Icon name/> })}
            {children()}
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_words_in_a_fixed_order() {
        assert_eq!(classes(ButtonKind::Default, ButtonSize::Medium), "button");
        assert_eq!(classes(ButtonKind::Primary, ButtonSize::Small), "button primary small");
    }
}
