//! Key figures side by side. A figure without data is "–", never 0 %.

use leptos::prelude::*;

/// Whether a change is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Better than before.
    Good,
    /// Worse than before.
    Bad,
}

/// One key figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kpi {
    /// What it counts.
    pub label: String,
    /// The figure, formatted.
    pub value: String,
    /// Its base or period, in a few words.
    pub note: String,
    /// A change, formatted, before the note.
    pub delta: Option<(String, Trend)>,
}

impl Kpi {
    /// A figure with its base or period.
    pub fn new(label: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), note: note.into(), delta: None }
    }

    /// Adds a change.
    pub fn delta(mut self, text: impl Into<String>, trend: Trend) -> Self {
        self.delta = Some((text.into(), trend));
        self
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
            let delta = kpi.delta.map(|(text, trend)| {
                let class = match trend {
                    Trend::Good => "delta up",
                    Trend::Bad => "delta down",
                };
                view! { <span class=class>{text}</span>" " }
            });
            view! {
                <div>
                    <dt>{kpi.label}</dt>
                    <dd class="fig">{kpi.value}</dd>
                    <dd class="sub">{delta}{kpi.note}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="kpis wide">{cells}</dl> }
}
