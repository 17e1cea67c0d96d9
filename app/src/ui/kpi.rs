//! Key figures side by side. A figure without data is "–", never 0 %.

use leptos::prelude::*;

/// One key figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kpi {
    /// What it counts.
    pub label: String,
    /// The figure, formatted.
    pub value: String,
    /// Its base or period, in a few words.
    pub note: String,
}

impl Kpi {
    /// A figure with its base or period.
    pub fn new(label: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), note: note.into() }
    }
}

/// A strip of key figures.
#[component]
pub fn KpiStrip(
    /// The figures.
    items: Vec<Kpi>,
) -> impl IntoView {
    let cells = items
        .into_iter()
        .map(|kpi| {
            view! {
                <div>
                    <dt>{kpi.label}</dt>
                    <dd class="fig">{kpi.value}</dd>
                    <dd class="sub">{kpi.note}</dd>
                </div>
            }
            .into_any()
        })
        .collect_view();
    view! { <dl class="kpis wide">{cells}</dl> }
}
