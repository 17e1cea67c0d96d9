//! How a lead's status and score look.

use leptos::prelude::*;

use crate::ui::{Glyph, Status, Tone};

/// The statuses that a person can choose, with their words.
pub const STATUSES: [(&str, &str); 7] = [
    ("new", "New"),
    ("working", "Working"),
    ("replied", "Replied"),
    ("qualified", "Qualified"),
    ("customer", "Customer"),
    ("nurture", "Nurture"),
    ("lost", "Lost"),
];

/// A status with its glyph. `suppressed` is stronger than any status.
pub fn lead_status(status: &str, suppressed: bool) -> impl IntoView + use<> {
    let (glyph, tone, word) = match (suppressed, status) {
        (true, _) => (Glyph::Slash, Tone::Coral, "Suppressed"),
        (_, "working") => (Glyph::Half, Tone::Accent, "Working"),
        (_, "replied") => (Glyph::Reply, Tone::Violet, "Replied"),
        (_, "qualified") => (Glyph::Done, Tone::Jade, "Qualified"),
        (_, "customer") => (Glyph::Star, Tone::Jade, "Customer"),
        (_, "nurture") => (Glyph::Crescent, Tone::Amber, "Nurture"),
        (_, "lost") => (Glyph::Dash, Tone::Neutral, "Lost"),
        _ => (Glyph::Ring, Tone::Sky, "New"),
    };
    view! { <Status glyph tone word/> }
}

/// The tone of a score.
pub const fn score_tone(score: i32) -> Tone {
    match score {
        85.. => Tone::Jade,
        60..85 => Tone::Accent,
        35..60 => Tone::Amber,
        _ => Tone::Neutral,
    }
}
