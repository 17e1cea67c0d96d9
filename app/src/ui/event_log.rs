//! One line per event, dense, with the second it happened in. It is not a live
//! region: many lines a second would drown everything else.

use super::icon::{Icon, IconName};
use super::time::Time;
use super::tone::Tone;
use crate::fmt::Moment;
use leptos::prelude::*;

/// One line.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// When; its text is the time of day.
    pub at: Moment,
    /// Its drawing.
    pub icon: IconName,
    /// The colour of the drawing.
    pub tone: Tone,
    /// Whom it is about: name and address of the record.
    pub subject: Option<(String, String)>,
    /// What happened; follows the subject's name.
    pub text: String,
}

/// Lines, the newest first.
#[component]
pub fn EventLog(
    /// The lines.
    lines: Vec<LogLine>,
) -> impl IntoView {
    let lines = lines
        .into_iter()
        .map(|line| {
            let subject = line.subject.map(|(name, href)| view! { <a href=href>{name}</a>" " });
            view! {
                <li class=line.tone.class()>
                    <Time moment=line.at/>
                    <Icon name=line.icon/>
                    <p>{subject}{line.text}</p>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="log" aria-live="off">{lines}</ol> }
}
