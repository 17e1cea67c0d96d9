//! What a sentence claims: numbers, names, superlatives, what a company says of itself, and what writer and reader
//! are said to share. A claim holds when its words stand in a fact, a shared past when the sentence rests on any; the
//! judgement is strict, because a person can overrule it.

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

/// Numbers that are written as words. In a question they ask for something.
const NUMBERS: &[&str] = &[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fifteen", "twenty",
    "thirty", "forty", "fifty", "hundred", "thousand", "million", "billion", "dozen",
];

/// What only somebody can write who was there, or has looked.
const SHARED_PAST: &[&str] = &[
    "meeting you",
    "met you",
    "meet you at",
    "we met",
    "we spoke",
    "we talked",
    "our call",
    "our conversation",
    "our chat",
    "you told",
    "you mentioned",
    "you asked",
    "you said",
    "you wrote",
    "as discussed",
    "as promised",
    "as agreed",
    "i saw",
    "i read",
    "i noticed",
    "i heard",
    "i remember",
    "congratulations",
    "congrats",
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

/// What a sentence claims that no fact says; `rests` says whether its writer has named facts for it.
#[must_use]
pub fn unsupported(sentence: &str, facts: &[Fact], rests: bool) -> Vec<String> {
    let known: std::collections::HashSet<String> = facts.iter().flat_map(|fact| words(&fact.value)).collect();
    let mut claims = Vec::new();
    let asks = sentence.trim_end().ends_with('?');
    let farewell = sentence.split_whitespace().count() <= 2;
    for (place, word) in tokens(sentence).enumerate() {
        let small = word.to_lowercase();
        let single = small.strip_suffix('s').unwrap_or(&small);
        let listed = |list: &[&str]| list.contains(&small.as_str()) || list.contains(&single);
        let is_number = word.chars().any(|c| c.is_ascii_digit()) || (!asks && listed(NUMBERS));
        let is_name =
            place > 0 && word.chars().next().is_some_and(char::is_uppercase) && !NO_NAMES.contains(&small.as_str());
        let praises = listed(SUPERLATIVES) && !farewell;
        if (is_number || is_name || praises) && !known.contains(&small) {
            claims.push(word.to_owned());
        }
    }
    let small = sentence.to_lowercase();
    let said = |words: &&&str| {
        small.contains(**words) && !facts.iter().any(|fact| fact.value.to_lowercase().contains(**words))
    };
    claims.extend(ABOUT_US.iter().filter(said).map(|words| (*words).to_owned()));
    if !rests {
        claims.extend(SHARED_PAST.iter().filter(said).map(|words| (*words).to_owned()));
    }
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
            assert_eq!(unsupported(sentence, &facts, true), claims, "{sentence}");
        }
        for (sentence, claims) in [
            ("I loved meeting you at the fair!!!", vec!["meeting you"]),
            ("As discussed, I send the list.", vec!["as discussed"]),
            ("We have won three awards.", vec!["three", "awards"]),
            ("Hundreds of them run today.", vec!["Hundreds"]),
            ("Do you have two minutes?", vec![]),
            ("Shall I send it to you?", vec![]),
        ] {
            assert_eq!(unsupported(sentence, &facts, false), claims, "{sentence}");
        }
        assert!(unsupported("It was good to meet you at the fair.", &facts, true).is_empty(), "it rests on a fact");
    }

    #[test]
    fn a_year_is_no_phone() {
        assert_eq!(numbers_of_phones("In 2026, call +49 (30) 1234-567 or 12."), ["+49 (30) 1234-567"]);
    }
}
