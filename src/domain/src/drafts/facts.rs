//! Facts, and the sentences that rest on them. A text is the same whether it is kept whole or in sentences,
//! and a sentence names only facts that are known.

use serde::{Deserialize, Serialize};

use crate::{DocumentId, wire::wire_enum};

wire_enum! {
    /// Where a fact comes from.
    pub enum FactSource {
        /// A field of the lead.
        Lead = "lead",
        /// A field of the firm that the lead works for.
        Account = "account",
        /// A note about the lead.
        Note = "note",
        /// A field of the company itself, or of whoever sends.
        Company = "company",
        /// What the step of the campaign says.
        Step = "step",
        /// A document of the company that the step names.
        Document = "document",
    }
}

impl FactSource {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Lead => "Lead",
            Self::Account => "Account",
            Self::Note => "Note",
            Self::Company => "Company",
            Self::Step => "Step",
            Self::Document => "Document",
        }
    }
}

/// Something that is known when a draft is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fact {
    /// By which sentences name it, such as `lead.title`.
    pub id: String,
    /// Where it comes from.
    pub source: FactSource,
    /// What it is called.
    pub label: String,
    /// What it says.
    pub value: String,
    /// The document that it is quoted from.
    #[serde(default)]
    pub document: Option<Quoted>,
}

/// A version of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Quoted {
    /// The document.
    pub id: DocumentId,
    /// Its version.
    pub version: i32,
}

/// A sentence of a draft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sentence {
    /// Its words.
    pub text: String,
    /// Ids of the facts that it rests on.
    pub facts: Vec<String>,
    /// Line breaks before it: none within a paragraph, one before a line of its own, two before a paragraph.
    pub breaks: i32,
    /// What it claims that is in no fact.
    pub unsupported: Vec<String>,
}

/// Takes a text apart, with the line breaks before each sentence. Each line ends a sentence.
#[must_use]
pub fn split(text: &str) -> Vec<(i32, &str)> {
    let (mut sentences, mut breaks) = (Vec::new(), 0);
    for line in text.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (sentence, after) = rest.split_at(end_of_sentence(rest));
            let before = if sentences.is_empty() { 0 } else { breaks };
            sentences.push((before, sentence.trim()));
            (breaks, rest) = (0, after.trim_start());
        }
        breaks = (breaks + 1).min(2);
    }
    sentences
}

/// A full stop counts when a capital letter or a digit follows after a space.
fn end_of_sentence(text: &str) -> usize {
    for (at, c) in text.char_indices() {
        if !matches!(c, '.' | '!' | '?') {
            continue;
        }
        let mut after = text[at + c.len_utf8()..].chars();
        let (space, begins) = (after.next(), after.next());
        let ends = space.is_some_and(char::is_whitespace) && begins.is_none_or(|c| !c.is_lowercase());
        if ends && !is_abbreviation(&text[..at]) {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn is_abbreviation(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.chars().count() == 1 || matches!(word, "Dr" | "Mr" | "Ms" | "Mrs" | "Prof" | "e.g" | "i.e" | "etc")
}

/// The text that sentences make.
#[must_use]
pub fn join(sentences: &[Sentence]) -> String {
    let mut text = String::new();
    for sentence in sentences {
        if !text.is_empty() {
            text.push_str(match sentence.breaks {
                0 => " ",
                1 => "\n",
                _ => "\n\n",
            });
        }
        text.push_str(sentence.text.trim());
    }
    text
}

/// Finds for each sentence of a text the facts whose value stands in it. A sentence that `known` has with the
/// same words keeps what it rests on there; one that rests on nothing rests on `otherwise`.
#[must_use]
pub fn ground(text: &str, facts: &[Fact], known: &[Sentence], otherwise: Option<&str>) -> Vec<Sentence> {
    split(text)
        .into_iter()
        .map(|(breaks, text)| {
            let before = known.iter().find(|sentence| sentence.text == text);
            let mut found: Vec<String> = match before {
                Some(sentence) => sentence.facts.clone(),
                None => facts.iter().filter(|fact| stands_in(&fact.value, text)).map(|fact| fact.id.clone()).collect(),
            };
            if let (true, Some(otherwise)) = (found.is_empty(), otherwise) {
                found.push(otherwise.to_owned());
            }
            Sentence { text: text.to_owned(), facts: found, breaks, unsupported: Vec::new() }
        })
        .collect()
}

/// Whether the words of a short fact stand in a text, one after the other.
fn stands_in(value: &str, text: &str) -> bool {
    let (wanted, there): (Vec<_>, Vec<_>) = (words(value).collect(), words(text).collect());
    !wanted.is_empty() && wanted.len() <= 8 && there.windows(wanted.len()).any(|window| window == wanted)
}

/// The words of a text in small letters.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(id: &str, source: FactSource, value: &str) -> Fact {
        Fact { id: id.into(), source, label: id.into(), value: value.into(), document: None }
    }

    #[test]
    fn a_text_is_taken_apart_and_put_together_again() {
        let text = "Hi Ines,\n\nI saw that Dr. Weber left. Is version 1.2 out? Yes.\n\nNora\nHalden";
        let sentences = ground(text, &[], &[], None);
        let texts: Vec<_> = sentences.iter().map(|s| (s.breaks, s.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                (0, "Hi Ines,"),
                (2, "I saw that Dr. Weber left."),
                (0, "Is version 1.2 out?"),
                (0, "Yes."),
                (2, "Nora"),
                (1, "Halden"),
            ]
        );
        assert_eq!(join(&sentences), text);
    }

    #[test]
    fn a_sentence_rests_on_what_stands_in_it() {
        let facts = [
            fact("lead.title", FactSource::Lead, "Head of Quality"),
            fact("account.name", FactSource::Account, "Corvus"),
        ];
        let found = ground("You are head of quality at Corvus. Corvusian things.", &facts, &[], Some("step.text"));
        assert_eq!(found[0].facts, ["lead.title", "account.name"]);
        assert_eq!(found[1].facts, ["step.text"]);
        let known = [Sentence { facts: vec!["note.1".into()], ..found[1].clone() }];
        assert_eq!(ground("Corvusian things.", &facts, &known, None)[0].facts, ["note.1"]);
    }
}
