//! Verdicts with their fixes. The verdict is a word before it is a colour.

use super::status::{Glyph, glyph_mark};
use super::tone::Tone;
use leptos::prelude::*;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// In order.
    Pass,
    /// May go on, but look at it.
    Warn,
    /// May not go on.
    Block,
}

impl Verdict {
    const fn looks(self, [pass, warn, block]: [&'static str; 3]) -> (Glyph, Tone, &'static str) {
        match self {
            Self::Pass => (Glyph::Done, Tone::Jade, pass),
            Self::Warn => (Glyph::Dash, Tone::Amber, warn),
            Self::Block => (Glyph::Octagon, Tone::Coral, block),
        }
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckItem {
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, as a sentence.
    pub text: String,
    /// More about it, a line for each thing; or empty.
    pub detail: String,
    /// Words and address of the place where it is put right.
    pub fix: Option<(String, String)>,
}

/// A list of checks in the order given.
#[component]
pub fn Checklist(
    /// The checks.
    items: Vec<CheckItem>,
    /// The words for the three verdicts, the best first.
    #[prop(default = ["Ready: ", "Warning: ", "Fix first: "])]
    words: [&'static str; 3],
) -> impl IntoView {
    let rows = items
        .into_iter()
        .map(|item| {
            let (glyph, tone, word) = item.verdict.looks(words);
            let detail = (!item.detail.is_empty()).then(|| detail(item.detail));
            let fix = item.fix.map(|(words, href)| view! { <a href=href>{words}</a> });
            view! {
                <li class=tone.class()>
                    {glyph_mark(glyph)}
                    <div><span class="verdict">{word}</span>{item.text}{detail}</div>
                    {fix}
                </li>
            }
        })
        .collect_view();
    view! { <ol class="checklist">{rows}</ol> }
}

fn detail(text: String) -> AnyView {
    if !text.contains('\n') {
        return view! { <span class="detail">{text}</span> }.into_any();
    }
    let lines: Vec<_> = text.lines().map(|line| view! { <li>{line.to_owned()}</li> }.into_any()).collect();
    view! { <ul class="detail">{lines}</ul> }.into_any()
}
