//! How the state of a run or of a step looks. The word comes from the server; here is the shape beside it.

use leptos::prelude::*;

use crate::ui::{Glyph, Status, StatusLook, Tone};

/// A state with its glyph. Runs and steps share the table: what both know means the same.
pub fn status(state: &str, word: String, look: StatusLook) -> AnyView {
    let (glyph, tone) = match state {
        "running" | "intended" => (Glyph::Half, Tone::Accent),
        "waiting_approval" | "waiting_input" | "waiting_budget" | "waiting" => (Glyph::Diamond, Tone::Violet),
        "waiting_tool" | "waiting_child" | "sleeping" => (Glyph::Clock, Tone::Sky),
        "cancelling" | "cancelled" => (Glyph::Square, Tone::Neutral),
        "succeeded" | "done" => (Glyph::Done, Tone::Jade),
        "failed" => (Glyph::Octagon, Tone::Coral),
        "timed_out" => (Glyph::Clock, Tone::Coral),
        "denied" => (Glyph::Slash, Tone::Amber),
        "unknown" => (Glyph::Octagon, Tone::Amber),
        _ => (Glyph::Dashed, Tone::Neutral),
    };
    view! { <Status glyph tone word look/> }.into_any()
}
