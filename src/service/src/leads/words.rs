//! The words by which leads are sorted and found. Every writer stores what [`search_text`] and
//! [`sort_name`] give and every reader asks with [`patterns`], so both sides fold letters alike.

use domain::{EmailAddress, leads::display_name};

/// Words of a search that count; more only narrow what is narrow already.
const MOST_WORDS: usize = 6;

/// Lower case without accents: “Müller” and “MULLER” are found by “muller”.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => folded.push('a'),
            'ç' | 'ć' | 'č' => folded.push('c'),
            'ď' | 'đ' | 'ð' => folded.push('d'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => folded.push('e'),
            'ğ' => folded.push('g'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' => folded.push('i'),
            'ł' | 'ľ' => folded.push('l'),
            'ñ' | 'ń' | 'ň' => folded.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => folded.push('o'),
            'ř' => folded.push('r'),
            'ś' | 'ş' | 'š' | 'ș' => folded.push('s'),
            'ţ' | 'ť' | 'ț' => folded.push('t'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' | 'ų' => folded.push('u'),
            'ý' | 'ÿ' => folded.push('y'),
            'ź' | 'ż' | 'ž' => folded.push('z'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ß' => folded.push_str("ss"),
            'þ' => folded.push_str("th"),
            // Accents that stand alone, as in decomposed text, and what Postgres does not take.
            '\u{300}'..='\u{36f}' | '\0' => {}
            other => folded.push(other),
        }
    }
    folded
}

/// What a lead is sorted by: its name, else its address; never empty, so no order needs a rule
/// for what is missing.
pub(crate) fn sort_name(first: Option<&str>, last: Option<&str>, email: Option<&EmailAddress>) -> String {
    fold(&display_name(first, last, email.map(EmailAddress::as_str)))
}

/// What a lead is found by: the words of `parts`, each with a space before it.
pub(crate) fn search_text<'a>(parts: impl IntoIterator<Item = Option<&'a str>>) -> String {
    let mut text = String::new();
    for part in parts.into_iter().flatten() {
        for word in fold(part).split_whitespace() {
            text.push(' ');
            text.push_str(word);
        }
    }
    text
}

/// What a search looks for; a lead is found when all of it is part of its words.
///
/// One or two letters are looked for at the beginning of words only: a trigram index knows
/// nothing shorter than three characters, of which the space before a word is one.
pub(crate) fn needles(q: &str) -> Vec<String> {
    fold(q)
        .split_whitespace()
        .take(MOST_WORDS)
        .map(|word| if word.chars().count() < 3 { format!(" {word}") } else { word.to_owned() })
        .collect()
}

/// The same as LIKE patterns, which an index understands.
pub(crate) fn patterns(q: &str) -> Vec<String> {
    let escaped = |needle: String| needle.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    needles(q).into_iter().map(|needle| format!("%{}%", escaped(needle))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_folded() {
        for (text, folded) in [("Müller", "muller"), ("STRAẞE", "strasse"), ("Łódź", "lodz"), ("e\u{301}te", "ete")]
        {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn a_lead_always_has_something_to_sort_by() {
        let email = EmailAddress::parse("ines@corvus.example").expect("valid");
        assert_eq!(sort_name(Some("Ines"), Some("Österreich"), Some(&email)), "ines osterreich");
        assert_eq!(sort_name(None, None, Some(&email)), "ines@corvus.example");
    }

    #[test]
    fn what_is_stored_is_found() {
        assert_eq!(search_text([Some("Ines"), None, Some("Corvus  Optik")]), " ines corvus optik");
        assert_eq!(patterns("Corvus In"), ["%corvus%", "% in%"]);
        assert_eq!(patterns("100%_x"), ["%100\\%\\_x%"]);
        assert!(patterns("  ").is_empty());
    }
}
