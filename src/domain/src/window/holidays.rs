//! Public holidays by country: days on which nobody is written to. The days are data in `holidays.txt`.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use chrono::{Datelike, NaiveDate};

/// Days of a country as year, month and day.
type Days = HashSet<(i32, u32, u32)>;

static HOLIDAYS: LazyLock<HashMap<&'static str, Days>> = LazyLock::new(|| {
    let mut countries: HashMap<&str, Days> = HashMap::new();
    for line in include_str!("holidays.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let (Some(country), Some(year)) = (words.next(), words.next().and_then(|y| y.parse::<i32>().ok())) else {
            continue;
        };
        let days = words.filter_map(|day| Some((year, day.get(..2)?.parse().ok()?, day.get(2..)?.parse().ok()?)));
        countries.entry(country).or_default().extend(days);
    }
    countries
});

/// Whether a day is a public holiday in the whole of a country (ISO 3166-1 alpha-2). False for a country or a year
/// that is not known.
#[must_use]
pub fn is_holiday(country: &str, day: NaiveDate) -> bool {
    HOLIDAYS.get(country).is_some_and(|days| days.contains(&(day.year(), day.month(), day.day())))
}

/// Whether holidays of this country are known.
#[must_use]
pub fn knows_holidays(country: &str) -> bool {
    HOLIDAYS.contains_key(country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_country_has_its_own_days() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        for (country, date, is_one) in [
            ("DE", "2026-10-03", true),
            ("FR", "2026-10-03", false),
            ("US", "2026-11-26", true),
            ("US", "2027-11-25", true),
            ("DE", "2027-03-29", true),
            ("DE", "2027-03-30", false),
            ("XX", "2027-01-01", false),
        ] {
            assert_eq!(is_holiday(country, day(date)), is_one, "{country} {date}");
        }
        assert!(knows_holidays("CH") && !knows_holidays("XX"));
    }

    #[test]
    fn every_line_is_understood() {
        let lines = include_str!("holidays.txt").lines().filter(|line| !line.starts_with('#'));
        let words: usize = lines.map(|line| line.split(' ').count() - 2).sum();
        assert_eq!(HOLIDAYS.values().map(HashSet::len).sum::<usize>(), words);
    }
}
