//! Words for playbooks: the filters that templates have besides those of the template engine. All of them
//! are deterministic.

use minijinja::Environment;

/// Makes the filters known.
pub(super) fn add_filters(engine: &mut Environment<'static>) {
    engine.add_filter("sentences", |text: String, most: usize| sentences(&text, most));
    engine.add_filter("words", |text: String, most: usize| words(&text, most));
    engine.add_filter("classify_reply", |text: String| classify_reply(&text));
}

/// The first sentences of a text.
fn sentences(text: &str, most: usize) -> String {
    let mut ends =
        text.char_indices().zip(text.chars().skip(1).map(Some).chain([None])).filter_map(|((at, c), next)| {
            (matches!(c, '.' | '!' | '?') && next.is_none_or(char::is_whitespace)).then_some(at + c.len_utf8())
        });
    match most.checked_sub(1).map(|skip| ends.nth(skip)) {
        None => String::new(),
        Some(Some(end)) => text[..end].trim().to_owned(),
        Some(None) => text.trim().to_owned(),
    }
}

/// The first words of a text.
fn words(text: &str, most: usize) -> String {
    text.split_whitespace().take(most).collect::<Vec<_>>().join(" ")
}

/// What a reply is, by the words in it; the first rule that fits decides, the most binding first.
fn classify_reply(text: &str) -> &'static str {
    const RULES: [(&str, &[&str]); 8] = [
        (
            "unsubscribe",
            &[
                "unsubscribe",
                "remove me",
                "take me off",
                "stop writing",
                "stop emailing",
                "do not contact",
                "don't contact",
                "no more mail",
                "no more e-mail",
                "keine mails",
                "abmelden",
                "austragen",
            ],
        ),
        (
            "out_of_office",
            &[
                "out of office",
                "out of the office",
                "on vacation",
                "on holiday",
                "annual leave",
                "parental leave",
                "automatic reply",
                "auto-reply",
                "abwesenheit",
                "nicht im büro",
                "im urlaub",
            ],
        ),
        (
            "wrong_person",
            &[
                "wrong person",
                "not the right person",
                "not responsible",
                "no longer work",
                "left the company",
                "not my area",
                "nicht zuständig",
                "falsche ansprechpartner",
            ],
        ),
        (
            "not_interested",
            &[
                "not interested",
                "no interest",
                "no thanks",
                "no thank you",
                "not for us",
                "we are happy with",
                "kein interesse",
                "kein bedarf",
            ],
        ),
        (
            "not_now",
            &[
                "not now",
                "not right now",
                "next quarter",
                "next year",
                "later this year",
                "get back to me in",
                "in a few months",
                "no budget",
                "bad timing",
                "nächstes jahr",
                "nächstes quartal",
                "später",
            ],
        ),
        (
            "interested",
            &[
                "interested",
                "sounds good",
                "sounds great",
                "let's talk",
                "let us talk",
                "happy to talk",
                "set up a call",
                "schedule a call",
                "book a",
                "send me more",
                "tell me more",
                "send more information",
                "yes please",
                "would like to",
                "klingt gut",
                "interessiert",
                "gerne",
            ],
        ),
        ("question", &["?", "how much", "what does it cost", "price", "wie viel", "was kostet"]),
        ("unclear", &[""]),
    ];
    let text = text.to_lowercase();
    RULES.iter().find(|(_, signs)| signs.iter().any(|sign| text.contains(sign))).map_or("unclear", |(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentences_and_words() {
        let text = "Version 1.2 is out. It is fast! Try it";
        assert_eq!(sentences(text, 1), "Version 1.2 is out.");
        assert_eq!(sentences(text, 2), "Version 1.2 is out. It is fast!");
        assert_eq!(sentences(text, 9), text);
        assert_eq!(sentences(text, 0), "");
        assert_eq!(words("  a  b c ", 2), "a b");
    }

    #[test]
    fn what_binds_most_decides_about_a_reply() {
        for (reply, class) in [
            ("Sounds good, but please unsubscribe me.", "unsubscribe"),
            ("I am out of the office until Monday.", "out_of_office"),
            ("I am not the right person for this.", "wrong_person"),
            ("We are not interested.", "not_interested"),
            ("Get back to me in March.", "not_now"),
            ("Yes, I am interested. Can we talk?", "interested"),
            ("What does it cost?", "question"),
            ("Ok.", "unclear"),
        ] {
            assert_eq!(classify_reply(reply), class, "{reply}");
        }
    }
}
