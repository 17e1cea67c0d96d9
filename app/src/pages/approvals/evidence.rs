//! What a draft rests on, what it was written with, and what a person has changed of it.

use leptos::prelude::*;

use super::review::Review;
use crate::ui::{Card, Fact, Facts};

/// The right side of a draft.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Evidence {
    /// The facts that sentences name, in the order of their numbers.
    pub used: Vec<Quote>,
    /// The others that were known.
    pub unused: Vec<Quote>,
    /// Names and values of what it was written with.
    pub origin: Vec<(&'static str, String)>,
    /// What a person has changed.
    pub edits: Option<Edits>,
}

/// A fact as it was known when the draft was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quote {
    /// What kind of source it is from.
    pub source: &'static str,
    /// The page of the source, where it has one.
    pub href: Option<String>,
    pub label: String,
    pub value: String,
}

/// What a person has made of the words of a writer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edits {
    /// Who changed it last.
    pub by: String,
    /// Words of what the writer wrote and of what stands there now: `+`, `-` or a space.
    pub words: Vec<(char, String)>,
    /// Whose words they were.
    pub title: &'static str,
    /// Those words.
    pub original: String,
}

/// The cards beside a draft.
pub(super) fn evidence(r: &Review) -> AnyView {
    let e = r.evidence.clone();
    let used: Vec<_> = e
        .used
        .into_iter()
        .enumerate()
        .map(|(n, fact)| {
            let number = n + 1;
            quote(Some(number), fact)
        })
        .collect();
    let none = used.is_empty().then(|| view! { <p class="subtle">"No sentence names a fact."</p> });
    let unused: Vec<_> = e.unused.into_iter().map(|fact| quote(None, fact)).collect();
    let others = (!unused.is_empty()).then(|| {
        view! { <details><summary>"What else was known"</summary><ul class="stack quotes">{unused}</ul></details> }
    });
    let origin: Vec<_> =
        e.origin.into_iter().map(|(label, value)| view! { <Fact label>{value}</Fact> }.into_any()).collect();
    let edits = e.edits.map(|edits| {
        let words: Vec<_> = edits.words.into_iter().map(|(mark, text)| word(mark, text)).collect();
        let note = if edits.by.is_empty() { String::new() } else { format!("by {}", edits.by) };
        view! {
            <Card title="What a person has changed" note>
                <p class="word-diff as-written">{words}</p>
                <details><summary>{edits.title}</summary><p class="as-written">{edits.original}</p></details>
            </Card>
        }
    });
    view! {
        <Card title="Facts">
            {none}
            <ol class="stack quotes">{used}</ol>
            {others}
        </Card>
        {edits}
        <Card title="Written with"><Facts>{origin}</Facts></Card>
    }
    .into_any()
}

fn quote(number: Option<usize>, Quote { source, href, label, value }: Quote) -> AnyView {
    let id = number.map(|n| format!("fact-{n}"));
    let number = number.map(|n| format!("{n}. "));
    let from = match href {
        Some(href) => view! { <a href=href>{source}</a> }.into_any(),
        None => view! { <span>{source}</span> }.into_any(),
    };
    view! {
        <li id=id>
            <span class="subtle small-text">{number}{from}" · "{label}</span>
            <q class="as-written">{value}</q>
        </li>
    }
    .into_any()
}

fn word(mark: char, text: String) -> AnyView {
    let marked = |word: &'static str, text: String| view! { <span class="sr-only">{word}</span>{text} };
    match mark {
        '+' => view! { <ins>{marked("added: ", text)}</ins> }.into_any(),
        '-' => view! { <del>{marked("removed: ", text)}</del> }.into_any(),
        _ => view! { <span>{text}</span> }.into_any(),
    }
}
