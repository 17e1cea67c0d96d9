//! A level against a limit. The figures stand beside it in words.

use leptos::prelude::*;

/// How much of a limit is used. Turns amber at 80 % and coral at 100 %.
#[component]
pub fn Meter(
    /// What is measured: "E-mails sent today".
    #[prop(into)]
    label: String,
    /// The level.
    value: i64,
    /// The limit.
    max: i64,
    /// Progress towards a goal: reaching it is good.
    #[prop(optional)]
    goal: bool,
) -> impl IntoView {
    let percent = share(value, max);
    let class = match percent {
        100.. if !goal => "meter full",
        80.. if !goal => "meter warn",
        100.. => "meter ok",
        _ => "meter",
    };
    view! {
        <div
            class=class
            style=format!("--meter:{percent}%")
            role="meter"
            aria-label=label
            aria-valuemin="0"
            aria-valuenow=value.clamp(0, max.max(0)).to_string()
            aria-valuemax=max.max(0).to_string()
        ></div>
    }
}

/// Whole percent between 0 and 100; an absent limit counts as unused.
fn share(value: i64, max: i64) -> i64 {
    if max <= 0 { 0 } else { (value.max(0).saturating_mul(100) / max).min(100) }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn a_share_stays_between_nothing_and_all() {
        assert_eq!(share(1284, 2000), 64);
        assert_eq!(share(5, 0), 0);
        assert_eq!(share(-5, 10), 0);
        assert_eq!(share(30, 10), 100);
    }
}
