//! Writes a time for a person. Relative up to seven days, then the date; the
//! clock and the zone are arguments, so a page is the same whenever it is tested.

use super::{Moment, plural};
use chrono::{DateTime, Utc};
use domain::Problem;
use jiff::{
    Timestamp, Zoned,
    tz::{AmbiguousOffset, TimeZone},
};

impl Moment {
    /// A time seen from `now` in the zone named `zone`; an unknown zone is UTC.
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>, zone: &str) -> Self {
        let local = in_zone(at, zone);
        let text = relative(at, now).unwrap_or_else(|| date_of(&local, &in_zone(now, zone)));
        Self { text, ..Self::written(at, &local) }
    }

    /// Only the time of day, to the second: for logs.
    pub fn clock(at: DateTime<Utc>, zone: &str) -> Self {
        let local = in_zone(at, zone);
        Self { text: local.strftime("%H:%M:%S").to_string(), ..Self::written(at, &local) }
    }

    /// Date and time of day, whatever the time is now: "18 Nov 2026, 14:32".
    pub fn exact(at: DateTime<Utc>, zone: &str) -> Self {
        let local = in_zone(at, zone);
        Self { text: local.strftime("%-d %b %Y, %H:%M").to_string(), ..Self::written(at, &local) }
    }

    /// The same to the second: "18 Nov 2026, 14:32:05".
    pub fn second(at: DateTime<Utc>, zone: &str) -> Self {
        let local = in_zone(at, zone);
        Self { text: local.strftime("%-d %b %Y, %H:%M:%S").to_string(), ..Self::written(at, &local) }
    }

    /// The day as a heading: "Today", "Yesterday", "18 Nov 2026".
    pub fn day(at: DateTime<Utc>, now: DateTime<Utc>, zone: &str) -> String {
        let (local, today) = (in_zone(at, zone), in_zone(now, zone));
        if local.date() == today.date() {
            "Today".to_owned()
        } else if today.date().yesterday().is_ok_and(|day| day == local.date()) {
            "Yesterday".to_owned()
        } else {
            local.strftime("%-d %b %Y").to_string()
        }
    }

    /// When something is to happen, as short as it can be said: "today 14:30", "Tue 09:00", "8 Dec, 09:00".
    pub fn ahead(at: DateTime<Utc>, now: DateTime<Utc>, zone: &str) -> String {
        let (local, today) = (in_zone(at, zone), in_zone(now, zone));
        let days = today.date().until(local.date()).map_or(0, |days| days.get_days());
        let form = match days {
            0 => "today %H:%M",
            1..=6 => "%a %H:%M",
            _ if local.year() == today.year() => "%-d %b, %H:%M",
            _ => "%-d %b %Y, %H:%M",
        };
        local.strftime(form).to_string()
    }

    /// What a `datetime-local` field shows, on a clock in `zone`.
    pub fn field(at: DateTime<Utc>, zone: &str) -> String {
        in_zone(at, zone).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// Reads what a `datetime-local` field sends, "2026-11-18T14:30", on a clock in `zone`. Of a time that comes twice,
    /// when clocks go back, it is the first.
    ///
    /// # Errors
    /// A problem of the field `at`, also of a time that is left out, when clocks go forward.
    pub fn read(text: &str, zone: &str) -> Result<DateTime<Utc>, Problem> {
        let invalid = || Problem::field("at", "time_invalid", "Choose a day and a time.");
        let local: jiff::civil::DateTime = text.parse().map_err(|_| invalid())?;
        let place = TimeZone::get(zone).unwrap_or(TimeZone::UTC).to_ambiguous_zoned(local);
        if matches!(place.offset(), AmbiguousOffset::Gap { .. }) {
            let words = format!(
                "Clocks go forward that day: there is no {} then. Choose another time.",
                local.strftime("%H:%M")
            );
            return Err(Problem::field("at", "time_left_out", words));
        }
        let zoned = place.compatible().map_err(|_| invalid())?;
        DateTime::from_timestamp_micros(zoned.timestamp().as_microsecond()).ok_or_else(invalid)
    }

    fn written(at: DateTime<Utc>, local: &Zoned) -> Self {
        Self {
            text: String::new(),
            title: local.strftime("%A, %-d %B %Y, %H:%M:%S %Z").to_string(),
            iso: at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

fn in_zone(at: DateTime<Utc>, zone: &str) -> Zoned {
    let nanoseconds = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or(0);
    // chrono's range is wider than jiff's; no stored time is outside either.
    let timestamp = Timestamp::new(at.timestamp(), nanoseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    timestamp.to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC))
}

/// How long ago, or how soon, within seven days.
fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> Option<String> {
    let seconds = (now - at).num_seconds();
    let amount = match seconds.unsigned_abs() {
        0..45 => return Some("now".to_owned()),
        45..5_400 => format!("{} min", (seconds.unsigned_abs() + 30) / 60),
        5_400..86_400 => format!("{} h", (seconds.unsigned_abs() + 1_800) / 3_600),
        86_400..604_800 => plural((seconds.abs() + 43_200) / 86_400, "day", "days"),
        _ => return None,
    };
    Some(if seconds > 0 { format!("{amount} ago") } else { format!("in {amount}") })
}

/// The year is said only where it is not this one.
fn date_of(local: &Zoned, now: &Zoned) -> String {
    let form = if local.year() == now.year() { "%-d %b" } else { "%-d %b %Y" };
    local.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Duration, TimeZone as _};

    fn now() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 18, 13, 30, 0).single().expect("a real time")
    }

    fn ago(duration: Duration) -> String {
        Moment::new(now() - duration, now(), "Europe/Berlin").text
    }

    #[test]
    fn a_log_says_when_to_the_second() {
        assert_eq!(Moment::second(now(), "Europe/Berlin").text, "18 Nov 2026, 14:30:00");
    }

    #[test]
    fn times_are_relative_for_seven_days() {
        assert_eq!(ago(Duration::seconds(20)), "now");
        assert_eq!(ago(Duration::minutes(12)), "12 min ago");
        assert_eq!(ago(Duration::minutes(-38)), "in 38 min");
        assert_eq!(ago(Duration::hours(3)), "3 h ago");
        assert_eq!(ago(Duration::hours(25)), "1 day ago");
        assert_eq!(ago(Duration::days(6)), "6 days ago");
        assert_eq!(ago(Duration::days(8)), "10 Nov");
        assert_eq!(ago(Duration::days(400)), "14 Oct 2025");
    }

    #[test]
    fn the_title_is_in_the_zone_and_the_attribute_in_utc() {
        let moment = Moment::new(now(), now(), "Europe/Berlin");
        assert_eq!(moment.title, "Wednesday, 18 November 2026, 14:30:00 CET");
        assert_eq!(moment.iso, "2026-11-18T13:30:00Z");
        assert_eq!(Moment::exact(now(), "Europe/Berlin").text, "18 Nov 2026, 14:30");
        assert_eq!(Moment::clock(now(), "Nowhere/Land").text, "13:30:00");
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_zone() {
        let late = now() - Duration::hours(14);
        assert_eq!(Moment::day(late, now(), "Europe/Berlin"), "Today");
        assert_eq!(Moment::day(late, now(), "UTC"), "Yesterday");
        assert_eq!(Moment::day(now() - Duration::days(3), now(), "UTC"), "15 Nov 2026");
    }

    #[test]
    fn a_time_is_read_on_the_clock_of_the_zone() {
        assert_eq!(Moment::read("2026-11-18T14:30", "Europe/Berlin").ok(), Some(now()));
        assert_eq!(Moment::read("2026-11-18T13:30", "UTC").ok(), Some(now()));
        for wrong in ["", "tomorrow", "2026-13-40T10:00"] {
            assert_eq!(Moment::read(wrong, "UTC").unwrap_err().code, "time_invalid", "{wrong}");
        }
        let left_out = Moment::read("2027-03-28T02:30", "Europe/Berlin").unwrap_err();
        assert_eq!(left_out.code, "time_left_out");
        assert!(left_out.message.contains("02:30"), "{}", left_out.message);
        let twice = Moment::read("2026-10-25T02:30", "Europe/Berlin").expect("the first");
        assert_eq!(Moment::field(twice, "UTC"), "2026-10-25T00:30");
    }

    #[test]
    fn what_is_to_come_is_said_shortly() {
        let ahead = |hours| Moment::ahead(now() + Duration::hours(hours), now(), "Europe/Berlin");
        assert_eq!(ahead(1), "today 15:30");
        assert_eq!(ahead(6 * 24), "Tue 14:30");
        assert_eq!(ahead(7 * 24), "25 Nov, 14:30");
        assert_eq!(ahead(60 * 24), "17 Jan 2027, 14:30");
    }
}
