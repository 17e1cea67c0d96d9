//! What happened, by day, the newest first. Every entry is an article with a
//! heading, so it can be walked through by heading.

use super::icon::{Icon, IconName};
use super::time::Time;
use super::tone::Tone;
use crate::fmt::Moment;
use leptos::prelude::*;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TimelineItem {
    /// Its drawing.
    pub icon: IconName,
    /// The colour of the drawing.
    pub tone: Tone,
    /// What happened, in a sentence.
    pub title: String,
    /// Where more is told.
    pub href: Option<String>,
    /// Further text, or empty.
    pub detail: String,
    /// What stands behind the text and is shown when somebody asks for it, or empty.
    pub folded: String,
    /// Why it is told as it is, or empty.
    pub why: String,
    /// When.
    pub at: Moment,
}

/// The things of one day.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TimelineDay {
    /// "Today", "18 Nov 2026".
    pub label: String,
    /// Its entries, the newest first.
    pub items: Vec<TimelineItem>,
}

/// Days of entries.
#[component]
pub fn Timeline(
    /// The days, the newest first.
    days: Vec<TimelineDay>,
) -> impl IntoView {
    let days = days
        .into_iter()
        .map(|day| {
            view! {
                <section>
                    <h2 class="day">{day.label}</h2>
                    <ol>{day.items.into_iter().map(entry).collect_view()}</ol>
                </section>
            }
        })
        .collect_view();
    view! { <div class="timeline">{days}</div> }
}

fn entry(item: TimelineItem) -> impl IntoView {
    let title = match item.href {
        Some(href) => view! { <a href=href>{item.title}</a> }.into_any(),
        None => item.title.into_any(),
    };
    let detail = (!item.detail.is_empty()).then(|| view! { <p class="detail">{item.detail}</p> });
    let folded = (!item.folded.is_empty()).then(|| {
        view! { <details><summary>"Quoted text"</summary><p class="detail">{item.folded}</p></details> }
    });
    let why = (!item.why.is_empty()).then(|| view! { <p class="subtle">{item.why}</p> });
    view! {
        <li class=item.tone.class()>
            <span class="mark"><Icon name=item.icon/></span>
            <article>
                <header><h3>{title}</h3><Time moment=item.at/></header>
                {detail}
                {folded}
                {why}
            </article>
        </li>
    }
}
