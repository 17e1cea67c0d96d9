//! When somebody who is away comes back, read from the text of an automatic reply. A date that could mean two
//! days counts for neither: writing too early is worse than waiting for the plan as it was.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// A date without a year lies at most so many days ahead; older texts are left switched on for years.
const AHEAD: i64 = 200;
/// One with a year.
const FAR_AHEAD: i64 = 366;

/// Months as they are written in English, German, French, Spanish and Polish.
const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "jänner", "janvier", "enero", "stycznia"],
    &["february", "feb", "februar", "février", "fevrier", "febrero", "lutego"],
    &["march", "mar", "märz", "mars", "marzo", "marca"],
    &["april", "apr", "avril", "abril", "kwietnia"],
    &["may", "mai", "mayo", "maja"],
    &["june", "jun", "juni", "juin", "junio", "czerwca"],
    &["july", "jul", "juli", "juillet", "julio", "lipca"],
    &["august", "aug", "août", "aout", "agosto", "sierpnia"],
    &["september", "sep", "sept", "septembre", "septiembre", "września"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre", "października"],
    &["november", "nov", "novembre", "noviembre", "listopada"],
    &["december", "dec", "dezember", "dez", "décembre", "diciembre", "grudnia"],
];

/// Words before the day of the return.
const BACK: [&str; 24] = [
    "back",
    "return",
    "returning",
    "returns",
    "zurück",
    "wieder",
    "erreichbar",
    "retour",
    "reviens",
    "reviendrai",
    "serai",
    "rentre",
    "rentrerai",
    "regreso",
    "regresaré",
    "vuelvo",
    "volveré",
    "vuelta",
    "wracam",
    "wrócę",
    "powrót",
    "powrotem",
    "dostępny",
    "dostępna",
];
/// Words before the last day away.
const UNTIL: [&str; 14] = [
    "until",
    "till",
    "til",
    "through",
    "to",
    "bis",
    "einschließlich",
    "jusqu'au",
    "jusqu’au",
    "au",
    "hasta",
    "al",
    "do",
    "–",
];
/// So many words may stand between one of these and the date.
const NEAR: usize = 6;

/// The day of the return that a text names.
#[must_use]
pub fn back_on(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    let text = text.to_lowercase();
    let words: Vec<&str> =
        text.split_whitespace().map(|word| word.trim_matches(['(', ')', ',', ';', ':', '!', '"', '*'])).collect();
    // The month first, as Americans write it: only English texts do.
    let english = words.iter().any(|word| ["the", "i", "am", "will", "be"].contains(word));
    let named = (0..words.len()).filter_map(|at| {
        let date = date_at(&words, at, today, english)?;
        let before =
            |near: usize, list: &[&str]| words[at.saturating_sub(near)..at].iter().any(|word| list.contains(word));
        // German says it the other way round: “ab 30.11. wieder erreichbar”.
        let after = words[at + 1..].iter().take(3).any(|word| ["wieder", "zurück"].contains(word));
        let rank = if after || before(NEAR, &BACK) { 2 } else { u8::from(before(3, &UNTIL)) };
        Some((rank, date))
    });
    named.max().map(|(_, date)| date)
}

/// The day on which a person who comes back on `back` may be written to again: the next working day.
#[must_use]
pub fn resume_on(back: NaiveDate) -> NaiveDate {
    let next = |day: NaiveDate| day.checked_add_days(Days::new(1)).unwrap_or(day);
    let mut day = next(back);
    while matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
        day = next(day);
    }
    day
}

/// The date that begins at a word.
fn date_at(words: &[&str], at: usize, today: NaiveDate, english: bool) -> Option<NaiveDate> {
    if let Some(date) = digits(words[at], today, english) {
        return Some(date);
    }
    let year = |at: usize| words.get(at).and_then(|word| number(word)).filter(|year| (2000..2200).contains(year));
    let word = |at: usize| words.get(at).copied().unwrap_or_default();
    // “12 August 2026”, “12. August”, “12th of August”, “12 de agosto de 2026”.
    if let Some(day) = day_of_month(words[at]) {
        let at = if ["of", "de"].contains(&word(at + 1)) { at + 2 } else { at + 1 };
        let month = month(word(at))?;
        let at = if word(at + 1) == "de" { at + 2 } else { at + 1 };
        return ahead(year(at), month, day, today);
    }
    // “August 12, 2026”.
    let month = month(words[at])?;
    if at > 0 && (day_of_month(words[at - 1]).is_some() || ["of", "de"].contains(&words[at - 1])) {
        return None;
    }
    let day = day_of_month(word(at + 1))?;
    ahead(year(at + 2), month, day, today)
}

/// `2026-08-12`, `12.08.2026`, `12.8.`, `12/08/2026`.
fn digits(word: &str, today: NaiveDate, english: bool) -> Option<NaiveDate> {
    if let Ok(date) = NaiveDate::parse_from_str(word.trim_end_matches('.'), "%Y-%m-%d") {
        return ahead(Some(date.year()), date.month(), date.day(), today);
    }
    let bare = word.trim_end_matches('.');
    let mark = ['.', '/', '-'].into_iter().find(|mark| bare.contains(*mark))?;
    let parts: Vec<i32> = bare.split(mark).map(number).collect::<Option<_>>()?;
    let (first, second) = (u32::try_from(parts[0]).ok()?, u32::try_from(parts[1]).ok()?);
    let year = match parts.get(2) {
        // `4.2` is a version, `4.2.` a day.
        None if mark == '-' || (mark == '.' && !word.ends_with('.')) => return None,
        None => None,
        Some(year) if *year < 100 => Some(year + 2000),
        Some(year) => Some(*year),
    };
    let ambiguous = mark == '/' && english && first <= 12 && second <= 12 && first != second;
    if parts.len() > 3 || ambiguous {
        return None;
    }
    let (day, month) = if mark == '/' && second > 12 { (second, first) } else { (first, second) };
    ahead(year, month, day, today)
}

/// The date, or the next one of that name, if it is not too far away.
fn ahead(year: Option<i32>, month: u32, day: u32, today: NaiveDate) -> Option<NaiveDate> {
    let (date, most) = match year {
        Some(year) => (NaiveDate::from_ymd_opt(year, month, day)?, FAR_AHEAD),
        None => {
            let this = NaiveDate::from_ymd_opt(today.year(), month, day)?;
            let next = NaiveDate::from_ymd_opt(today.year() + 1, month, day)?;
            (if this < today { next } else { this }, AHEAD)
        }
    };
    (0..=most).contains(&(date - today).num_days()).then_some(date)
}

fn number(word: &str) -> Option<i32> {
    let word = word.trim_end_matches('.');
    (word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit())).then(|| word.parse().ok()).flatten()
}

/// `12`, `12.`, `12th`, `1er`.
fn day_of_month(word: &str) -> Option<u32> {
    let word = word.trim_end_matches('.');
    let digits = ["st", "nd", "rd", "th", "er"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
    u32::try_from(number(digits)?).ok().filter(|day| (1..=31).contains(day))
}

fn month(word: &str) -> Option<u32> {
    let word = word.trim_end_matches('.');
    let at = MONTHS.iter().position(|names| names.contains(&word))?;
    u32::try_from(at + 1).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_day_of_the_return_is_read() {
        let today = day("2026-11-20");
        for (text, back) in [
            ("I am out of the office until 4 December and will answer after my return.", "2026-12-04"),
            ("Thank you for your mail. I am away from November 23 to December 2, 2026.", "2026-12-02"),
            ("I'm on annual leave and will be back on Monday, 7th of December.", "2026-12-07"),
            (
                "I am on leave from 1 December. I return on 15 December. In urgent cases call before 20 December.",
                "2026-12-15",
            ),
            ("Out of office until 2026-12-01. Please contact sales@corvus.example.", "2026-12-01"),
            ("Ich bin bis einschließlich 04.12.2026 nicht im Büro.", "2026-12-04"),
            ("Vielen Dank für Ihre Nachricht. Ich bin ab dem 7. Dezember wieder für Sie da.", "2026-12-07"),
            ("Ich bin vom 23.11. bis 27.11. im Urlaub und ab 30.11. wieder erreichbar.", "2026-11-30"),
            ("Je suis absente du bureau jusqu'au 4 décembre 2026 inclus.", "2026-12-04"),
            ("Je suis en congé. De retour le 01/12/2026.", "2026-12-01"),
            ("Estoy fuera de la oficina hasta el 4 de diciembre de 2026.", "2026-12-04"),
            ("Jestem na urlopie do 4 grudnia. Wracam 7 grudnia 2026.", "2026-12-07"),
            ("Przebywam na urlopie do 05.12.2026.", "2026-12-05"),
            ("I am on vacation and will return January 4th.", "2027-01-04"),
        ] {
            assert_eq!(back_on(text, today), Some(day(back)), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_or_could_be_two_is_left_alone() {
        let today = day("2026-11-20");
        for text in [
            "I am out of the office. Call +49 30 5550 117.",
            "I will be back on 12/01/2026.",
            "I am away until 12 November.",
            "Out of office until 31 February 2027.",
            "We may be slow these days. Version 4.2 is out.",
            "Back in 2029",
            "I will be back on 3 May 2031.",
            "",
        ] {
            assert_eq!(back_on(text, today), None, "{text}");
        }
    }

    #[test]
    fn whoever_comes_back_has_a_working_day_to_catch_up() {
        for (back, resume) in [("2026-12-03", "2026-12-04"), ("2026-12-04", "2026-12-07"), ("2026-12-06", "2026-12-07")]
        {
            assert_eq!(resume_on(day(back)), day(resume));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC*") {
            prop_assert!(back_on(&text, day("2026-11-20")).is_none_or(|back| back >= day("2026-11-20")));
        }

        #[test]
        fn odd_dates_are_survived(text in "(back |bis |)[0-9./-]{0,12}( de | )(may|märz|12|2026)?") {
            prop_assert!(back_on(&text, day("2026-11-20")).is_none_or(|back| back >= day("2026-11-20")));
        }
    }
}
