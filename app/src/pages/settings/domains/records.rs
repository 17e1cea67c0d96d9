//! How records stand, in a line and in full, and the record to copy.

use domain::domains::{DnsRecord, RecordCheck, RecordKind, Standing};
use leptos::prelude::*;

use crate::ui::{Fact, Facts, Glyph, Status, Tone};

/// One mark for each kind. Of what not every domain has there is none until it was looked at.
pub(super) fn summary(records: &[RecordCheck]) -> AnyView {
    let marks: Vec<_> = RecordKind::ALL
        .iter()
        .map(|kind| (*kind, records.iter().find(|record| record.kind == *kind)))
        .filter(|(kind, found)| found.is_some() || kind.is_always_judged())
        .map(|(kind, found)| {
            let (glyph, tone, word) = found.map_or(UNKNOWN, |record| look(record.standing));
            view! { <Status glyph tone word=format!("{} {word}", kind.label())/> }
        })
        .collect();
    view! { <p class="cluster">{marks}</p> }.into_any()
}

/// A record: how it stands, what is there, what to publish.
pub(super) fn full(record: &RecordCheck) -> AnyView {
    let (glyph, tone, word) = look(record.standing);
    let found = (!record.found.is_empty()).then(|| {
        let lines: Vec<_> =
            record.found.iter().map(|text| view! { <code class="record">{text.clone()}</code> }).collect();
        let title = if record.kind == RecordKind::Blocklist { "The list says" } else { "Published now" };
        view! { <p class="subtle small-text">{title}</p> {lines} }
    });
    let publish = record.publish.clone().map(to_copy);
    view! {
        <li class="stack">
            <h3 class="cluster">{record.kind.label()}" "<Status glyph tone word/></h3>
            <p>{record.message.clone()}</p>
            {found}
            {publish}
        </li>
    }
    .into_any()
}

/// A record to copy: each part is chosen whole with one click.
pub(super) fn to_copy(record: DnsRecord) -> AnyView {
    let long = (record.value.len() > 255)
        .then(|| view! { <p class="subtle small-text">"If your provider takes at most 255 characters, split the value into several strings."</p> });
    view! {
        <p class="subtle small-text">"Publish this record"</p>
        <Facts>
            <Fact label="Type"><code class="record">{record.kind}</code></Fact>
            <Fact label="Name"><code class="record">{record.name}</code></Fact>
            <Fact label="Value"><code class="record">{record.value}</code></Fact>
        </Facts>
        {long}
    }
    .into_any()
}

type Look = (Glyph, Tone, &'static str);

const UNKNOWN: Look = (Glyph::Dashed, Tone::Neutral, "not checked");

const fn look(standing: Standing) -> Look {
    match standing {
        Standing::Pass => (Glyph::Done, Tone::Jade, "passes"),
        Standing::Warn => (Glyph::Diamond, Tone::Amber, "could be better"),
        Standing::Fail => (Glyph::Octagon, Tone::Coral, "does not pass"),
    }
}
