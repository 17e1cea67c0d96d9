//! Mails that nobody could take apart. A person looks at their headers here and opens them in their own mail program.

use domain::{Page, inbound::Inbound};
use leptos::prelude::*;

use crate::{
    fmt::Moment,
    ui::{Card, Pager, Time},
};

/// A page of such mails.
pub(super) struct UnreadableMails {
    rows: Vec<Row>,
    next: Option<String>,
    later: bool,
}

struct Row {
    at: Moment,
    why: String,
    headers: String,
}

impl UnreadableMails {
    /// What is shown of them.
    pub(super) fn new(page: Page<Inbound>, later: bool, at: impl Fn(chrono::DateTime<chrono::Utc>) -> Moment) -> Self {
        let row = |mail: Inbound| Row { at: at(mail.arrived_at), why: mail.why, headers: mail.text };
        Self { rows: page.items.into_iter().map(row).collect(), next: page.next, later }
    }

    /// The part of the page at `base` that is about them.
    pub(super) fn section(self, base: &str) -> Option<AnyView> {
        if self.rows.is_empty() && !self.later {
            return None;
        }
        let rows: Vec<_> = self.rows.into_iter().map(row).collect();
        let next = self.next.map(|cursor| format!("{base}?after={cursor}"));
        let first = self.later.then(|| base.to_owned());
        let pager = (next.is_some() || first.is_some()).then(|| view! { <Pager first next/> });
        Some(
            view! {
                <Card title="Mails that could not be read">
                    <p class="subtle">"Nothing was done because of them. Look at each in your mail program."</p>
                    <ul class="stack">{rows}</ul>
                    {pager}
                </Card>
            }
            .into_any(),
        )
    }
}

fn row(mail: Row) -> AnyView {
    let summary = format!("Headers, {}", mail.at.title);
    let headers = match mail.headers.as_str() {
        "" => view! { <p class="subtle">"The server gives out nothing of it."</p> }.into_any(),
        _ => view! { <details><summary>{summary}</summary><pre class="as-written outside" tabindex="0">{mail.headers}</pre></details> }.into_any(),
    };
    view! {
        <li>
            <div class="cluster"><strong class="as-written outside">{mail.why}</strong><span class="push subtle"><Time moment=mail.at/></span></div>
            {headers}
        </li>
    }
    .into_any()
}
