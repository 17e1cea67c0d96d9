//! A status is a shape and a word; the colour only repeats them. The pairing of
//! a state with its shape lives with the state's owner, not here.

use super::tone::Tone;
use leptos::prelude::*;

/// The shapes, each readable without colour at 14 pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// Dashed ring: not begun.
    Dashed,
    /// Open ring: new.
    Ring,
    /// Half-filled disc: under way.
    Half,
    /// Disc with a triangle: running.
    Play,
    /// Two bars: paused.
    Pause,
    /// Disc with a tick: done.
    Done,
    /// Star: has bought.
    Star,
    /// Speech block: replied.
    Reply,
    /// Crescent: later.
    Crescent,
    /// Ring with a dash: lost.
    Dash,
    /// Slashed ring: suppressed, denied.
    Slash,
    /// Clock: scheduled, waiting.
    Clock,
    /// Square: stopped.
    Square,
    /// Octagon with a bang: failed.
    Octagon,
    /// Bent arrow: tried again.
    Retry,
    /// Diamond with a bang: needs a person.
    Diamond,
}

impl Glyph {
    const fn shape(self) -> &'static str {
        match self {
            Self::Dashed => {
                r#"<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="2.2 2"/>"#
            }
            Self::Ring => r#"<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.7"/>"#,
            Self::Half => {
                r#"<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.7"/><path d="M7 4a3 3 0 0 1 0 6z"/>"#
            }
            Self::Play => r#"<circle cx="7" cy="7" r="6"/><path class="glyph-hole" d="M5.6 4.4v5.2L9.9 7z"/>"#,
            Self::Pause => {
                r#"<rect x="2.5" y="1.8" width="3.2" height="10.4" rx="1"/><rect x="8.3" y="1.8" width="3.2" height="10.4" rx="1"/>"#
            }
            Self::Done => {
                r#"<circle cx="7" cy="7" r="6"/><path class="glyph-hole line" d="m4.3 7.2 1.9 1.8 3.5-3.8" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>"#
            }
            Self::Star => r#"<path d="m7 .9 1.9 3.8 4.2.6-3 3 .7 4.2L7 10.5l-3.8 2 .7-4.2-3-3 4.2-.6z"/>"#,
            Self::Reply => r#"<path d="M1.5 2.5h11V10h-5l-3 2.8V10h-3z"/>"#,
            Self::Crescent => r#"<path d="M8.5 1.5A5.7 5.7 0 1 0 12.6 9 4.7 4.7 0 0 1 8.5 1.5z"/>"#,
            Self::Dash => {
                r#"<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M4.5 7h5" stroke="currentColor" stroke-width="1.6" stroke-linecap="round"/>"#
            }
            Self::Slash => {
                r#"<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="m3.5 3.5 7 7" stroke="currentColor" stroke-width="1.6"/>"#
            }
            Self::Clock => {
                r#"<circle cx="7" cy="7" r="5.2" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M7 4.2V7l2 1.2" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"/>"#
            }
            Self::Square => r#"<rect x="2" y="2" width="10" height="10" rx="2"/>"#,
            Self::Octagon => {
                r#"<path d="M4.5 1h5L13 4.5v5L9.5 13h-5L1 9.5v-5z"/><path class="glyph-hole line" d="M7 4v3.4M7 9.8v.1" stroke-width="1.6" stroke-linecap="round"/>"#
            }
            Self::Retry => {
                r#"<path d="M11.5 4.8A5 5 0 1 0 12 8M11.8 1.8v3.2H8.6" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>"#
            }
            Self::Diamond => {
                r#"<path d="M7 .8 13.2 7 7 13.2.8 7z"/><path class="glyph-hole line" d="M7 4v3.4M7 9.8v.1" stroke-width="1.6" stroke-linecap="round"/>"#
            }
        }
    }
}

/// How a status is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatusLook {
    /// Shape and word, in tables.
    #[default]
    Plain,
    /// On a tint, beside a heading.
    Pill,
}

/// A shape and a word.
#[component]
pub fn Status(
    /// The shape.
    glyph: Glyph,
    /// The colour.
    tone: Tone,
    /// The word.
    #[prop(into)]
    word: String,
    /// How it is set.
    #[prop(optional)]
    look: StatusLook,
) -> impl IntoView {
    let look = match look {
        StatusLook::Plain => "status",
        StatusLook::Pill => "pill",
    };
    view! { <span class=format!("{look} {}", tone.class())>{glyph_mark(glyph)}{word}</span> }
}

/// The bare shape, for lists whose words stand elsewhere.
pub fn glyph_mark(glyph: Glyph) -> impl IntoView {
    view! { <svg viewBox="0 0 14 14" fill="currentColor" aria-hidden="true" inner_html=glyph.shape()></svg> }
}
