//! Initials on a tint. The tint is a stable function of the name, so a person
//! looks the same on every page and on both sides of hydration.

use super::tone::Tone;
use crate::fmt::initials;
use leptos::prelude::*;

/// What the avatar stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AvatarKind {
    /// A person, round.
    #[default]
    Person,
    /// A person beside a page title, larger.
    Large,
    /// A firm, square, with one letter.
    Company,
}

/// Decoration beside a name that is written out.
#[component]
pub fn Avatar(
    /// The name beside it.
    #[prop(into)]
    name: String,
    /// What it stands for.
    #[prop(optional)]
    kind: AvatarKind,
    /// It stands alone, so it says the name itself.
    #[prop(optional)]
    alone: bool,
) -> impl IntoView {
    let (class, letters) = match kind {
        AvatarKind::Person => ("avatar", initials(&name)),
        AvatarKind::Large => ("avatar lg", initials(&name)),
        AvatarKind::Company => ("avatar square", initials(&name).chars().take(1).collect()),
    };
    let class = format!("{class} {}", tone_of(&name).class());
    let (role, label, title, hidden) =
        if alone { (Some("img"), Some(name.clone()), Some(name), None) } else { (None, None, None, Some("true")) };
    view! { <span class=class role=role aria-label=label title=title aria-hidden=hidden>{letters}</span> }
}

/// The name's tone, by FNV-1a: small, and the same everywhere.
fn tone_of(name: &str) -> Tone {
    const TONES: [Tone; 7] =
        [Tone::Sky, Tone::Violet, Tone::Jade, Tone::Amber, Tone::Coral, Tone::Accent, Tone::Neutral];
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    TONES[(hash % 7) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_tone() {
        assert_eq!(tone_of("Ines Albrecht"), tone_of("Ines Albrecht"));
        assert_eq!(tone_of(""), Tone::Jade);
    }
}
