//! What came of an evaluation: each expectation in words, and whether it was found.

use domain::runs::Verdict;
use leptos::prelude::*;

use crate::ui::{Card, Glyph, Status, StatusLook, Tone};

/// An expectation in words; one that nobody understands stands as it was written.
pub fn expectation(text: &str) -> String {
    match text.split_once(':').map(|(what, value)| (what.trim(), value.trim())) {
        Some(("answer contains", words)) => format!("The answer contains “{words}”"),
        Some(("calls", tool)) => format!("It calls {tool}"),
        Some(("never calls", tool)) => format!("It never calls {tool}"),
        Some(("steps at most", most)) => format!("It takes at most {most} steps"),
        _ => format!("“{text}”, which nobody understands"),
    }
}

/// The card of a verdict on the page of its run; `quality` is where all evaluations of the agent stand.
pub(super) fn verdict_card(verdict: Verdict, quality: String) -> AnyView {
    let line = |(text, met): (String, bool)| {
        let (glyph, tone, word) =
            if met { (Glyph::Done, Tone::Jade, "Met") } else { (Glyph::Octagon, Tone::Coral, "Not met") };
        view! {
            <li class="cluster">
                <span>{expectation(&text)}</span>
                <span class="push"><Status glyph tone word look=StatusLook::Plain/></span>
            </li>
        }
        .into_any()
    };
    let unmet = verdict.unmet.into_iter().map(|text| (text, false));
    let lines: Vec<_> = unmet.chain(verdict.met.into_iter().map(|text| (text, true))).map(line).collect();
    let title = if verdict.passed { "Evaluation passed" } else { "Evaluation not passed" };
    let all = view! { <a class="button ghost small" href=quality>"All evaluations"</a> }.into_any();
    view! { <Card title action=all><ul class="stack">{lines}</ul></Card> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_told_in_words() {
        let table = [
            ("answer contains: Plan for", "The answer contains “Plan for”"),
            ("never calls: enrol_leads", "It never calls enrol_leads"),
            ("steps at most: 16", "It takes at most 16 steps"),
            ("is polite", "“is polite”, which nobody understands"),
        ];
        for (text, words) in table {
            assert_eq!(expectation(text), words);
        }
    }
}
