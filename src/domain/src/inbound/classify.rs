//! What somebody who has written wants, by their own words. Only words that leave little doubt count; whatever else
//! is said is left to a model or a person. A class moves a thread in the inbox and ends nothing by itself.

mod words;

use super::{Confidence, InboundKind, Judgement, split};
use crate::threads::{Classified, ThreadClass};
use words::{ASKS, INTERESTED, NOT_NOW};

/// Most characters of a question that a reason repeats.
const REPEATED: usize = 100;

/// Says what the sender of a mail wants whose kind is known already. What the mail quotes says nothing.
#[must_use]
pub fn classify(judgement: &Judgement, text: &str) -> Classified {
    let as_judged = |class| Classified { class, why: judgement.why.clone(), confidence: judgement.confidence };
    match judgement.kind {
        InboundKind::OutOfOffice => as_judged(ThreadClass::OutOfOffice),
        InboundKind::Unsubscribe => as_judged(ThreadClass::Unsubscribe),
        InboundKind::Reply | InboundKind::Other => by_words(&split(text).own),
        InboundKind::AutoReply | InboundKind::Bounce | InboundKind::Complaint | InboundKind::Unreadable => {
            as_judged(ThreadClass::Other)
        }
    }
}

fn by_words(own: &str) -> Classified {
    let likely = |class, why| Classified { class, why, confidence: Confidence::Likely };
    let plain = plain(own);
    let no = NOT_NOW.iter().find(|words| said(&plain, words));
    // “Not interested” holds the word that it denies.
    let without = NOT_NOW.iter().fold(plain.clone(), |text, words| text.replace(words, " "));
    let yes = INTERESTED.iter().find(|words| said(&without, words));
    match (no, yes) {
        (Some(no), Some(yes)) => Classified {
            class: ThreadClass::Other,
            why: format!("It says both “{no}” and “{yes}”."),
            confidence: Confidence::Unsure,
        },
        (Some(no), None) => likely(ThreadClass::NotNow, format!("Says “{no}”.")),
        (None, Some(yes)) => likely(ThreadClass::Interested, format!("Says “{yes}”.")),
        (None, None) => match question(own) {
            Some(question) => likely(ThreadClass::Question, format!("Asks “{question}”.")),
            None => Classified {
                class: ThreadClass::Other,
                why: "Its words do not say clearly what they want.".to_owned(),
                confidence: Confidence::Unsure,
            },
        },
    }
}

/// Small letters, one space between words, none around them but at both ends.
fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace('’', "'");
    let words = text.split(|c: char| !c.is_alphanumeric() && !"'-".contains(c)).filter(|word| !word.is_empty());
    let mut plain = " ".to_owned();
    for word in words {
        plain.push_str(word);
        plain.push(' ');
    }
    plain
}

/// Whether whole words of a text are these.
fn said(plain: &str, words: &str) -> bool {
    plain.match_indices(words).any(|(at, _)| {
        let ends = |c: Option<char>| c.is_none_or(|c| c == ' ');
        ends(plain[..at].chars().next_back()) && ends(plain[at + words.len()..].chars().next())
    })
}

/// The first sentence that asks something.
fn question(own: &str) -> Option<String> {
    let sentences = own.split_inclusive(['.', '!', '?', '\n', ';']).map(str::trim).filter(|text| !text.is_empty());
    let asks = |sentence: &&str| sentence.ends_with('?') || ASKS.iter().any(|words| said(&plain(sentence), words));
    let sentence = sentences.into_iter().find(asks)?;
    let words = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_end_matches(['.', ';']);
    Some(match words.char_indices().nth(REPEATED) {
        Some((end, _)) => format!("{}…", words[..end].trim_end()),
        None => words.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(text: &str) -> Classified {
        let judgement = Judgement {
            kind: InboundKind::Reply,
            why: "A person has written it.".to_owned(),
            confidence: Confidence::Likely,
            back_on: None,
            bounce: None,
            about: None,
            recipient: None,
        };
        classify(&judgement, text)
    }

    #[test]
    fn clear_words_are_heard_in_five_languages() {
        use ThreadClass::{Interested, NotNow, Question};
        for (text, class) in [
            ("Sounds good, call me on Monday.", Interested),
            ("We’re interested. Could you send a quote?", Interested),
            ("Klingt gut, rufen Sie mich gerne an.", Interested),
            ("Wir haben Interesse an einem Gespräch.", Interested),
            ("Oui, cela m’intéresse.", Interested),
            ("Me interesa, hablemos la semana que viene.", Interested),
            ("Brzmi dobrze, proszę o kontakt.", Interested),
            ("Thanks, but not interested.", NotNow),
            ("We have no budget this year. Maybe next year.", NotNow),
            ("Leider kein Interesse.", NotNow),
            ("Zurzeit nicht, bitte melden Sie sich im Frühjahr.", NotNow),
            ("Nous ne sommes pas intéressés.", NotNow),
            ("No nos interesa, gracias.", NotNow),
            ("Nie jestem zainteresowany.", NotNow),
            ("Which wavelengths do you cover?", Question),
            ("Please send me your price list.", Question),
            ("Was kostet das?", Question),
            ("Quel est le délai de livraison ?", Question),
            ("¿Cuánto cuesta?", Question),
            ("Ile to kosztuje?", Question),
        ] {
            let said = reply(text);
            assert_eq!((said.class, said.confidence), (class, Confidence::Likely), "{text}: {}", said.why);
        }
    }

    #[test]
    fn what_is_not_clear_is_left_to_others() {
        for text in [
            "Thank you for your mail.",
            "I forward this to my colleague.",
            "",
            "Not now, but in general this sounds good.",
            "The disinterested reader.",
            "Ok.\n\nOn Friday Nora Berg wrote:\n> Are you interested? We are interested.",
        ] {
            let said = reply(text);
            assert_eq!((said.class, said.confidence), (ThreadClass::Other, Confidence::Unsure), "{text}: {}", said.why);
        }
    }

    #[test]
    fn a_reason_repeats_the_question() {
        assert_eq!(reply("Hello Nora.\nDo you ship to\nNorway? Best, Ines").why, "Asks “Norway?”.");
        assert_eq!(reply("Thanks. Please send us a price list.").why, "Asks “Please send us a price list”.");
        let long = format!("{} or so?", "a longer question ".repeat(20));
        assert!(reply(&long).why.chars().count() < 120, "{}", reply(&long).why);
    }

    #[test]
    fn what_programs_say_is_taken_from_them() {
        let judged = |kind| Judgement { kind, confidence: Confidence::Sure, ..judgement() };
        for (kind, class) in [
            (InboundKind::OutOfOffice, ThreadClass::OutOfOffice),
            (InboundKind::Unsubscribe, ThreadClass::Unsubscribe),
            (InboundKind::AutoReply, ThreadClass::Other),
        ] {
            let said = classify(&judged(kind), "We are very interested.");
            assert_eq!((said.class, said.confidence), (class, Confidence::Sure), "{kind}");
        }
    }

    fn judgement() -> Judgement {
        super::super::leaves()
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC*") {
            prop_assert!(!reply(&text).why.is_empty());
        }
    }
}
