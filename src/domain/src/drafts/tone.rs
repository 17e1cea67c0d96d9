//! How a draft sounds, by rules that anybody can read. What a company writes of itself is not shouting: words
//! that stand in a fact in capital letters are names.

use std::collections::HashSet;

use super::{
    Fact,
    checks::{DraftCheck, block, pass, quoted, warn},
};

/// Words that press.
const PRESSURE: &[&str] = &[
    "last chance",
    "final reminder",
    "don't miss",
    "don’t miss",
    "do not miss",
    "only today",
    "before it's too late",
    "before it’s too late",
    "hurry",
    "asap",
    "immediately",
    "you must",
    "you need to act",
    "running out",
    "while stocks last",
];
/// Words that flatter.
const FLATTERY: &[&str] = &[
    "i'm impressed",
    "i’m impressed",
    "so impressed",
    "impressed by",
    "huge fan",
    "big fan",
    "amazing work",
    "incredible work",
    "great work",
    "love what you",
    "inspiring",
    "thought leader",
    "visionary",
    "truly remarkable",
];
/// Words for friends.
const FAMILIAR: &[&str] = &["hey", "buddy", "mate", "dude", "guys", "lol", "btw", "gonna", "wanna", "xoxo", "cheers"];
/// Words of offices.
const STIFF: &[&str] = &[
    "dear sir or madam",
    "dear sirs",
    "to whom it may concern",
    "hereby",
    "herewith",
    "pursuant to",
    "aforementioned",
    "esteemed",
    "kindly revert",
    "at your earliest convenience",
];
/// The longest word in capital letters that is taken for an abbreviation.
const ABBREVIATION: usize = 4;

/// Shouting, pressing, flattering, too familiar, too stiff: one is worth a look, two hold the draft.
pub fn tone(subject: &str, text: &str, facts: &[Fact]) -> DraftCheck {
    let all = format!("{subject} {text}");
    let mut faults = Vec::new();
    let shouted = shouted(&all, facts);
    if !shouted.is_empty() {
        faults.push(format!("Shouts: {}.", quoted(shouted)));
    }
    let marks = all.matches('!').count();
    if marks > 1 {
        faults.push(format!("{marks} exclamation marks."));
    }
    for (words, list) in
        [("Presses", PRESSURE), ("Flatters", FLATTERY), ("Too familiar", FAMILIAR), ("Too stiff", STIFF)]
    {
        let found = said(&all, list);
        if !found.is_empty() {
            faults.push(format!("{words}: {}.", quoted(found)));
        }
    }
    match faults.len() {
        0 => pass("tone", "Plain and friendly."),
        1 if marks < 4 => warn("tone", faults.concat()),
        _ => block("tone", faults.join(" ")),
    }
}

/// Long words in capital letters that no fact writes so.
fn shouted(text: &str, facts: &[Fact]) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    let names: HashSet<String> = facts.iter().flat_map(|fact| words(&fact.value)).collect();
    let loud = |word: &String| {
        word.chars().count() > ABBREVIATION && word.chars().all(char::is_uppercase) && !names.contains(word)
    };
    words(text).into_iter().filter(loud).collect()
}

/// The words of a list that a text says, each as a whole.
fn said(text: &str, list: &[&str]) -> Vec<String> {
    let small = text.to_lowercase();
    let whole = |words: &str| {
        small.match_indices(words).any(|(at, _)| {
            let before = small[..at].chars().next_back();
            let after = small[at + words.len()..].chars().next();
            [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric())
        })
    };
    list.iter().filter(|words| whole(words)).map(|words| (*words).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{campaigns::checks::Verdict, drafts::FactSource};

    #[test]
    fn the_tone_is_named_and_two_faults_hold_a_draft() {
        let facts = [Fact {
            id: "f".into(),
            source: FactSource::Account,
            label: "Account".into(),
            value: "FESTOOL AG".into(),
            document: None,
        }];
        for (text, verdict, words) in [
            ("Hi Ines, may I ask how FESTOOL looks after its ISO audits? Thanks!", Verdict::Pass, "Plain"),
            ("Hi Ines, this is WONDERFUL news.", Verdict::Warn, "Shouts: “WONDERFUL”."),
            ("Hi Ines! How are you! It is late.", Verdict::Warn, "2 exclamation marks."),
            ("Hi Ines!!!! How are you?", Verdict::Block, "4 exclamation marks."),
            ("This is your last chance, Ines.", Verdict::Warn, "Presses: “last chance”."),
            ("I am impressed by Corvus.", Verdict::Warn, "Flatters: “impressed by”."),
            ("Hey Ines, they say you know.", Verdict::Warn, "Too familiar: “hey”."),
            ("To whom it may concern: who calibrates?", Verdict::Warn, "Too stiff: “to whom it may concern”."),
            ("Hey Ines, huge fan here.", Verdict::Block, "Flatters: “huge fan”. Too familiar: “hey”."),
        ] {
            let check = tone("A question", text, &facts);
            assert_eq!(check.verdict, verdict, "{text}: {}", check.message);
            assert!(check.message.starts_with(words), "{text}: {}", check.message);
        }
    }
}
