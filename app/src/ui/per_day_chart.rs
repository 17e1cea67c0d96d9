//! One series by day: bars drawn by the server between HTML axes, and the same
//! numbers as a table. Bars start at zero; a day that is not over is lighter.

use super::tone::Tone;
use crate::fmt::grouped;
use leptos::prelude::*;

/// One day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayBar {
    /// "18 Nov".
    pub label: String,
    /// How many.
    pub value: i64,
}

/// Bars by day with their sum.
#[component]
pub fn PerDayChart(
    /// What is counted.
    #[prop(into)]
    title: String,
    /// The days, the oldest first.
    days: Vec<DayBar>,
    /// The colour of the bars.
    #[prop(default = Tone::Accent)]
    tone: Tone,
    /// The last day is not over.
    #[prop(optional)]
    partial_last: bool,
    /// Height of the drawing.
    #[prop(default = "6.5rem")]
    height: &'static str,
) -> impl IntoView {
    let top = nice_top(days.iter().map(|day| day.value).max().unwrap_or(0));
    let total = grouped(days.iter().map(|day| day.value).sum());
    let sentence = sentence(&title, &total, &days);
    let labels = axis_labels(&days).into_iter().map(|label| view! { <span>{label}</span> }).collect_view();
    let ticks = [top, top / 2, 0].map(|tick| view! { <span>{grouped(tick)}</span> }).collect_view();
    let rows = days
        .iter()
        .map(|day| view! { <tr><th scope="row">{day.label.clone()}</th><td class="num">{grouped(day.value)}</td></tr> })
        .collect_view();
    view! {
        <figure class=format!("plot {}", tone.segment()) style=format!("--plot-h:{height}")>
            <figcaption><i></i>{title}" "<b>{total}</b></figcaption>
            <div class="y" aria-hidden="true">{ticks}</div>
            <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label=sentence>
                <line x1="0" x2="100" y1="0" y2="0"></line>
                <line x1="0" x2="100" y1="50" y2="50"></line>
                <line class="base" x1="0" x2="100" y1="100" y2="100"></line>
                {bars(&days, top, partial_last)}
            </svg>
            <div class="x" aria-hidden="true">{labels}</div>
            <details>
                <summary>"Show as table"</summary>
                <table class="plain-table"><tbody>{rows}</tbody></table>
            </details>
        </figure>
    }
}

/// Rectangles in a square of 100 by 100 that the style stretches.
fn bars(days: &[DayBar], top: i64, partial_last: bool) -> impl IntoView + use<> {
    // In hundredths: whole numbers spare the browser the code that writes fractions.
    let count = i64::try_from(days.len()).unwrap_or(i64::MAX);
    let slot = 10_000 / count.max(1);
    (0..)
        .zip(days)
        .filter(|(_, day)| day.value > 0)
        .map(|(n, day)| {
            let height = day.value.saturating_mul(10_000) / top.max(1);
            let partial = partial_last && n + 1 == count;
            view! {
                <rect
                    class=partial.then_some("partial")
                    x=hundredths(n * slot + slot * 16 / 100)
                    y=hundredths(10_000 - height)
                    width=hundredths(slot * 68 / 100)
                    height=hundredths(height)
                ></rect>
            }
        })
        .collect_view()
}

fn hundredths(value: i64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

/// The smallest of 2, 4, 10, 20, 40, 100 .. that holds the largest bar, so
/// that the tick in the middle is a whole number.
fn nice_top(largest: i64) -> i64 {
    let mut unit: i64 = 1;
    loop {
        for step in [2, 4, 10] {
            let top = unit.saturating_mul(step);
            if top >= largest {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// At most five labels at even distances, the first and the last among them.
fn axis_labels(days: &[DayBar]) -> Vec<String> {
    let last = days.len().saturating_sub(1);
    let steps = last.min(4);
    if days.is_empty() {
        return Vec::new();
    }
    (0..=steps).map(|n| days[(n * last).checked_div(steps).unwrap_or(0)].label.clone()).collect()
}

fn sentence(title: &str, total: &str, days: &[DayBar]) -> String {
    match (days.first(), days.last()) {
        (Some(first), Some(last)) => {
            format!("{title} per day, {} to {}, total {total}", first.label, last.label)
        }
        _ => format!("{title} per day, no days yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(count: i64) -> Vec<DayBar> {
        (1..=count).map(|n| DayBar { label: n.to_string(), value: n }).collect()
    }

    #[test]
    fn the_axis_ends_above_the_largest_bar() {
        assert_eq!([0, 2, 3, 11, 304, 1000].map(nice_top), [2, 2, 4, 20, 400, 1000]);
        assert_eq!(nice_top(i64::MAX), i64::MAX);
    }

    #[test]
    fn labels_are_few_and_reach_both_ends() {
        assert_eq!(axis_labels(&days(17)), ["1", "5", "9", "13", "17"]);
        assert_eq!(axis_labels(&days(2)), ["1", "2"]);
        assert_eq!(axis_labels(&days(1)), ["1"]);
        assert!(axis_labels(&[]).is_empty());
    }

    #[test]
    fn the_sentence_says_the_period_and_the_sum() {
        assert_eq!(sentence("Sent", "6", &days(3)), "Sent per day, 1 to 3, total 6");
    }
}
