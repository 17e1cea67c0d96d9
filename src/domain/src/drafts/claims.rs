//! What a sentence claims: numbers, names, superlatives, and what a company says of itself. A claim holds when
//! its words stand in a fact; the judgement is strict, because a person can overrule it.

use super::{Fact, facts::words};

/// Words that praise. They hold only when a fact uses them.
const SUPERLATIVES: &[&str] = &[
    "best",
    "leading",
    "fastest",
    "largest",
    "biggest",
    "cheapest",
    "unique",
    "only",
    "guaranteed",
    "guarantee",
    "guarantees",
    "always",
    "never",
    "perfect",
    "unbeatable",
    "revolutionary",
    "proven",
    "certified",
    "patented",
    "awarded",
    "award",
    "winning",
    "foremost",
    "number-one",
];

/// What companies say of themselves. It holds only when a fact says the same.
const ABOUT_US: &[&str] = &[
    "our customers",
    "our clients",
    "customers like",
    "clients like",
    "companies like yours",
    "trusted by",
    "case study",
    "we helped",
    "we have helped",
    "years of experience",
    "partner of",
    "works with",
];

/// Words that begin with a capital letter and name nobody.
const NO_NAMES: &[&str] = &[
    "i",
    "hi",
    "hello",
    "dear",
    "mr",
    "ms",
    "mrs",
    "dr",
    "prof",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "ps",
    "e",
    "ok",
    "regards",
    "best",
    "kind",
    "thanks",
    "sincerely",
];

/// What a sentence claims that no fact says.
#[must_use]
pub fn unsupported(sentence: &str, facts: &[Fact]) -> Vec<String> {
    let known: std::collections::HashSet<String> = facts.iter().flat_map(|fact| words(&fact.value)).collect();
    let mut claims = Vec::new();
    let farewell = sentence.split_whitespace().count() <= 2;
    for (place, word) in tokens(sentence).enumerate() {
        let small = word.to_lowercase();
        let is_number = word.chars().any(|c| c.is_ascii_digit());
        let is_name =
            place > 0 && word.chars().next().is_some_and(char::is_uppercase) && !NO_NAMES.contains(&small.as_str());
        let praises = SUPERLATIVES.contains(&small.as_str()) && !farewell;
        if (is_number || is_name || praises) && !known.contains(&small) {
            claims.push(word.to_owned());
        }
    }
    let small = sentence.to_lowercase();
    let said = |words: &&&str| {
        small.contains(**words) && !facts.iter().any(|fact| fact.value.to_lowercase().contains(**words))
    };
    claims.extend(ABOUT_US.iter().filter(said).map(|words| (*words).to_owned()));
    claims
}

/// The words of a sentence as they are written.
fn tokens(sentence: &str) -> impl Iterator<Item = &str> {
    // An apostrophe belongs to the word before it: “I’ll” names nobody.
    sentence
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .map(|word| word.split(['\'', '’']).next().unwrap_or(word))
        .filter(|word| !word.is_empty())
}

/// What looks like a number of a phone: at least seven digits in a row, with what stands between them.
#[must_use]
pub fn numbers_of_phones(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '/' | '(' | ')')))
        .map(str::trim)
        .filter(|run| run.chars().filter(char::is_ascii_digit).count() >= 7)
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drafts::FactSource;

    #[test]
    fn claims_without_a_fact_are_named() {
        let fact = |value: &str| Fact {
            id: "f".into(),
            source: FactSource::Note,
            label: "Note".into(),
            value: value.into(),
            document: None,
        };
        let facts =
            [fact("Corvus Optics"), fact("Head of Quality"), fact("Cuts the time by 30 %, says our customers.")];
        for (sentence, claims) in [
            ("You are Head of Quality at Corvus Optics, I read.", vec![]),
            ("It cuts the time by 30 %.", vec![]),
            ("It cuts the time by 60 %.", vec!["60"]),
            ("I met Jonas on Friday.", vec!["Jonas"]),
            ("We make the best instruments.", vec!["best"]),
            ("Best regards", vec![]),
            ("I’ll ask Ines’s colleague.", vec!["Ines"]),
            ("We are trusted by many.", vec!["trusted by"]),
            ("Ask our customers about it.", vec![]),
        ] {
            assert_eq!(unsupported(sentence, &facts), claims, "{sentence}");
        }
    }

    #[test]
    fn a_year_is_no_phone() {
        assert_eq!(numbers_of_phones("In 2026, call +49 (30) 1234-567 or 12."), ["+49 (30) 1234-567"]);
    }
}
