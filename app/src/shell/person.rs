//! The person's menu: who is signed in, the theme, the way out. Everything in it
//! is a form that posts, so it works before and without scripts.

use super::ShellData;
use crate::ui::{Avatar, Icon, IconName, MenuButton, popover};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// The colours a person wants. Kept in the cookie `theme`, which the server
/// turns into an attribute of `<html>`, so no page flashes in the other colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the operating system says.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// The theme named by a cookie or a form; anything unknown follows the system.
    pub fn parse(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The theme that a `Cookie` header asks for.
    #[cfg(feature = "ssr")]
    pub fn of_cookies(header: &str) -> Self {
        header.split("; ").find_map(|cookie| cookie.strip_prefix("theme=")).map_or_else(Self::default, Self::parse)
    }

    /// Its name in cookie, form and the attribute `data-theme`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Three buttons that post `theme` to `/theme`.
#[component]
pub fn ThemeForm(
    /// The theme in force.
    current: Theme,
) -> impl IntoView {
    let choices = [
        (Theme::System, "System theme", IconName::Screen),
        (Theme::Light, "Light theme", IconName::Sun),
        (Theme::Dark, "Dark theme", IconName::Moon),
    ]
    .map(|(theme, label, icon)| {
        let sends = ("theme", theme.as_str().to_owned());
        view! { <MenuButton label icon sends pressed=theme == current/> }
    });
    view! { <form method="post" action="/theme">{choices}</form> }
}

pub(super) fn sign_out_form() -> impl IntoView {
    view! {
        <form method="post" action="/logout">
            <MenuButton label="Sign out" icon=IconName::SignOut/>
        </form>
    }
}

pub(super) fn person_menu(data: &ShellData) -> AnyView {
    let button = view! {
        <Avatar name=data.person_name.clone()/>
        <span class="truncate">{data.person_name.clone()}</span>
        <span class="push"><Icon name=IconName::More small=true/></span>
    };
    let body = view! {
        <p class="menu-head">{data.person_email.clone()}" · "{data.role.label()}</p>
        <ThemeForm current=data.theme/>
        <hr/>
        {sign_out_form()}
    };
    let label = format!("{}, account", data.person_name);
    popover("person", "nav-item", label, button.into_any(), "menu from-start", body.into_any())
}

#[cfg(test)]
mod tests {
    use super::Theme;

    #[test]
    fn a_theme_survives_its_cookie() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::parse(theme.as_str()), theme);
        }
        assert_eq!(Theme::parse("\"><script>"), Theme::System);
    }
}
