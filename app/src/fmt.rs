//! Numbers, names and times as people read them. Nothing here depends on a
//! locale, a clock or a zone that is not given, so both sides of hydration agree.

pub use domain::words::{grouped, plural};
use serde::{Deserialize, Serialize};

#[cfg(feature = "ssr")]
mod moment;

/// Stands where there is no data; never 0, never "null".
pub const NO_DATA: &str = "–";

/// A time the server has written out for one person's zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Short: "12 min ago", "18 Nov 2026".
    pub text: String,
    /// The whole time with its zone.
    pub title: String,
    /// For machines, in UTC.
    pub iso: String,
}

/// A number, or "–" where there is none.
pub fn grouped_or_none(value: Option<i64>) -> String {
    value.map_or_else(|| NO_DATA.to_owned(), grouped)
}

/// A share with one decimal, "13.4%"; "–" of nothing.
pub fn percent(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return NO_DATA.to_owned();
    }
    // Integers round half up the same way in every build; floats would not need to.
    let tenths = (i128::from(part) * 2000 + i128::from(whole)).div_euclid(i128::from(whole) * 2);
    let sign = if tenths < 0 { "−" } else { "" };
    let tenths = tenths.unsigned_abs();
    format!("{sign}{}.{}%", tenths / 10, tenths % 10)
}

/// A number of bytes: "212 kB", "1.4 MB".
pub fn bytes(value: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if value < 1000 {
        return format!("{value} B");
    }
    let mut amount = value as f64 / 1000.0;
    let mut unit = 0;
    while amount >= 999.5 && unit + 1 < UNITS.len() {
        amount /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(amount < 9.95);
    format!("{amount:.decimals$} {}", UNITS[unit])
}

/// How long something took: "840 ms", "4.2 s", "3 min 12 s", "3 h 12 min".
pub fn duration(milliseconds: i64) -> String {
    let ms = milliseconds.max(0);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..60_000 => format!("{} s", ms / 1_000),
        60_000..3_600_000 => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
        _ => format!("{} h {} min", grouped(ms / 3_600_000), ms % 3_600_000 / 60_000),
    }
}

/// Millionths of a US dollar: "$0.00", "$0.0031", "$1.25".
pub fn dollars(micros: i64) -> String {
    let micros = micros.max(0);
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if (1..10_000).contains(&micros) {
        // Less than a cent is still something.
        return format!("$0.{:04}", (rest / 100).max(1));
    }
    format!("${}.{:02}", grouped(whole), rest / 10_000)
}

/// A count for badges: "99+" above 99.
pub fn badge(value: i64) -> String {
    if value > 99 { "99+".to_owned() } else { value.max(0).to_string() }
}

/// A count for charts: "12.4k", "3.1M".
pub fn compact(value: i64) -> String {
    let size = value.unsigned_abs();
    let (unit, letter) = match size {
        0..1_000 => return grouped(value),
        1_000..999_950 => (1_000, "k"),
        _ => (1_000_000, "M"),
    };
    let sign = if value < 0 { "−" } else { "" };
    let tenths = (u128::from(size) * 10 + unit / 2) / unit;
    match (tenths / 10, tenths % 10) {
        (whole, tenth) if tenth > 0 && whole < 100 => format!("{sign}{whole}.{tenth}{letter}"),
        _ => format!("{sign}{}{letter}", (u128::from(size) + unit / 2) / unit),
    }
}

/// First letters of the first and the last word, as they stand: "Ines Albrecht" is "IA". Style makes
/// them large, because the tables of all alphabets are large too.
pub fn initials(name: &str) -> String {
    let letter = |word: &str| word.chars().find(|c| !c.is_ascii_punctuation());
    let mut letters = name.split_whitespace().filter_map(letter);
    let first = letters.next();
    let text: String = first.into_iter().chain(letters.next_back()).collect();
    if text.is_empty() { "?".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_has_one_decimal_and_nothing_has_none() {
        assert_eq!(percent(166, 1240), "13.4%");
        assert_eq!(percent(3380, 3418), "98.9%");
        assert_eq!(percent(1, 2000), "0.1%");
        assert_eq!(percent(0, 10), "0.0%");
        assert_eq!(percent(0, 0), "–");
        assert_eq!(percent(i64::MAX, i64::MAX), "100.0%");
    }

    #[test]
    fn bytes_choose_their_unit() {
        assert_eq!(bytes(840), "840 B");
        assert_eq!(bytes(212_000), "212 kB");
        assert_eq!(bytes(1_440_000), "1.4 MB");
        assert_eq!(bytes(999_900), "1.0 MB");
    }

    #[test]
    fn durations_are_as_exact_as_they_are_short() {
        let cases = [
            (0, "0 ms"),
            (840, "840 ms"),
            (4_290, "4.2 s"),
            (12_000, "12 s"),
            (192_000, "3 min 12 s"),
            (11_520_000, "3 h 12 min"),
        ];
        for (value, text) in cases {
            assert_eq!(duration(value), text);
        }
    }

    #[test]
    fn less_than_a_cent_is_not_nothing() {
        let cases =
            [(0, "$0.00"), (20, "$0.0001"), (3_100, "$0.0031"), (10_000, "$0.01"), (1_234_000_000, "$1,234.00")];
        for (value, text) in cases {
            assert_eq!(dollars(value), text);
        }
    }

    #[test]
    fn counts_shrink_in_small_places() {
        assert_eq!([badge(7), badge(100), badge(-1)], ["7", "99+", "0"]);
        assert_eq!([compact(950), compact(12_400), compact(1000)], ["950", "12.4k", "1k"]);
        assert_eq!([compact(999_950), compact(3_140_000)], ["1M", "3.1M"]);
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(plural(1, "lead", "leads"), "1 lead");
        assert_eq!(plural(0, "lead", "leads"), "0 leads");
        assert_eq!(plural(1284, "lead", "leads"), "1,284 leads");
    }

    #[test]
    fn initials_come_from_the_first_and_the_last_word() {
        let cases =
            [("Ines Albrecht", "IA"), ("Peter van den Berg", "PB"), ("Øyvind", "Ø"), ("  (Zoë) 3M ", "Z3"), ("", "?")];
        for (name, text) in cases {
            assert_eq!(initials(name), text);
        }
    }
}
