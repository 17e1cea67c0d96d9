//! Sending windows: the days and hours in which a campaign may send.
//!
//! A window is a wish about local clocks; [`SendingWindow::next_open`] turns it
//! into instants and knows about days with 23 and 25 hours.

use serde::{Deserialize, Serialize};

use crate::{Problem, wire::wire_enum};

wire_enum! {
    /// Whose clock a window means.
    pub enum WindowZone {
        /// The lead's; the company's for leads without one.
        Lead = "lead",
        /// The company's.
        Company = "company",
    }
}

/// Days and hours in which a campaign may send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SendingWindow {
    /// Days, 1 (Monday) to 7 (Sunday).
    pub days: Vec<i16>,
    /// First minute of the day, 0 to 1439.
    pub from_minute: i32,
    /// First minute after the window, 1 to 1440.
    pub to_minute: i32,
    /// Whose clock.
    pub zone: WindowZone,
}

impl Default for SendingWindow {
    fn default() -> Self {
        Self { days: vec![1, 2, 3, 4, 5], from_minute: 9 * 60, to_minute: 17 * 60, zone: WindowZone::Lead }
    }
}

impl SendingWindow {
    /// Open at every minute of every day.
    #[must_use]
    pub fn always() -> Self {
        Self { days: (1..=7).collect(), from_minute: 0, to_minute: 1440, zone: WindowZone::Company }
    }

    /// Whether it ever opens.
    ///
    /// # Errors
    /// A problem that says what to change.
    pub fn check(&self) -> Result<(), Problem> {
        if self.days.is_empty() || self.days.iter().any(|d| !(1..=7).contains(d)) {
            return Err(Problem::new("window_days", "Choose at least one day of the week."));
        }
        if !(0..1440).contains(&self.from_minute) || !(1..=1440).contains(&self.to_minute) {
            return Err(Problem::new("window_hours", "Use hours from 00:00 to 24:00."));
        }
        if self.from_minute >= self.to_minute {
            return Err(Problem::new("window_hours", "The window must end after it opens."));
        }
        Ok(())
    }
}

impl std::fmt::Display for SendingWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let mut days: Vec<usize> =
            self.days.iter().filter_map(|d| usize::try_from(*d - 1).ok()).filter(|d| *d < 7).collect();
        days.sort_unstable();
        days.dedup();
        let in_a_row = days.len() > 2 && days.windows(2).all(|w| w[1] == w[0] + 1);
        match (days.first(), days.last()) {
            (Some(first), Some(last)) if in_a_row => write!(f, "{}–{}", NAMES[*first], NAMES[*last])?,
            _ => f.write_str(&days.iter().map(|d| NAMES[*d]).collect::<Vec<_>>().join(", "))?,
        }
        let whose = match self.zone {
            WindowZone::Lead => "lead’s time zone",
            WindowZone::Company => "company’s time zone",
        };
        write!(f, ", {}–{}, {whose}", clock(self.from_minute), clock(self.to_minute))
    }
}

fn clock(minute: i32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(feature = "time-zones")]
mod holidays;
#[cfg(feature = "time-zones")]
pub use holidays::{is_holiday, knows_holidays};
#[cfg(feature = "time-zones")]
pub use opening::{Calendar, Slot, day_begins, day_in, is_time_zone};

#[cfg(feature = "time-zones")]
mod opening {
    use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
    use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};

    use super::{SendingWindow, is_holiday};
    use crate::steps::Delay;

    /// Whose clock and whose holidays count.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Calendar<'a> {
        /// An IANA name; UTC when unknown.
        pub zone: &'a str,
        /// The country on whose holidays nothing is sent (ISO 3166-1 alpha-2); absent when they do not count.
        pub country: Option<&'a str>,
    }

    impl<'a> From<&'a str> for Calendar<'a> {
        fn from(zone: &'a str) -> Self {
            Self { zone, country: None }
        }
    }

    /// A window opens again within so many days, whatever holidays there are.
    const DAYS: usize = 60;

    /// When an e-mail may go.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Slot {
        /// Not before.
        pub due_at: DateTime<Utc>,
        /// Not at or after; the next window must be found then.
        pub ends_at: DateTime<Utc>,
        /// Whether the window pushed it back.
        pub moved: bool,
    }

    /// Whether this is the name of a time zone.
    #[must_use]
    pub fn is_time_zone(name: &str) -> bool {
        TimeZone::get(name).is_ok()
    }

    /// The day that it is at `at` on a calendar in `zone` (an IANA name; UTC when unknown).
    #[must_use]
    pub fn day_in(zone: &str, at: DateTime<Utc>) -> NaiveDate {
        naive(stamp(at).to_zoned(TimeZone::get(zone).unwrap_or(TimeZone::UTC)).date())
    }

    fn naive(day: civil::Date) -> NaiveDate {
        let (year, month, day) =
            (i32::from(day.year()), u32::from(day.month().unsigned_abs()), u32::from(day.day().unsigned_abs()));
        NaiveDate::from_ymd_opt(year, month, day).unwrap_or(NaiveDate::MAX)
    }

    /// The moment at which a day begins on a clock in `zone` (an IANA name; UTC when unknown).
    #[must_use]
    pub fn day_begins(day: NaiveDate, zone: &str) -> DateTime<Utc> {
        let tz = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let at_utc = day.and_time(NaiveTime::MIN).and_utc();
        chrono(instant(stamp(at_utc).to_zoned(TimeZone::UTC).date(), 0, &tz, false))
    }

    impl SendingWindow {
        /// The first moment at or after `at` at which the window is open by this calendar, and when it closes.
        ///
        /// A wall-clock time that does not exist on a day (clocks go forward) opens at the
        /// first instant after the gap; one that exists twice (clocks go back) opens at the
        /// first and closes at the second, so the window is never shorter than it reads.
        /// A window that never opens, which [`SendingWindow::check`] refuses, gives `at` itself.
        #[must_use]
        pub fn next_open<'a>(&self, at: DateTime<Utc>, calendar: impl Into<Calendar<'a>>) -> Slot {
            let calendar = calendar.into();
            let tz = TimeZone::get(calendar.zone).unwrap_or(TimeZone::UTC);
            let now = stamp(at);
            let mut day = now.to_zoned(tz.clone()).date();
            for _ in 0..DAYS {
                if self.opens_on(day, calendar) {
                    let opens = instant(day, self.from_minute, &tz, false);
                    let closes = instant(day, self.to_minute, &tz, true);
                    if now < closes && opens < closes {
                        let due = opens.max(now);
                        return Slot { due_at: chrono(due), ends_at: chrono(closes), moved: due > now };
                    }
                }
                day = day.saturating_add(1.day());
            }
            Slot { due_at: at, ends_at: DateTime::<Utc>::MAX_UTC, moved: false }
        }

        /// When a step is due whose wait begins at `from`: the wait, then the window.
        #[must_use]
        pub fn due_after<'a>(&self, from: DateTime<Utc>, delay: Delay, calendar: impl Into<Calendar<'a>>) -> Slot {
            let calendar = calendar.into();
            self.next_open(self.wait_after(from, delay, calendar), calendar)
        }

        /// When a wait that begins at `from` is over, whether or not the window is open then. Working days are days
        /// on which the window opens.
        #[must_use]
        pub fn wait_after<'a>(
            &self,
            from: DateTime<Utc>,
            delay: Delay,
            calendar: impl Into<Calendar<'a>>,
        ) -> DateTime<Utc> {
            let calendar = calendar.into();
            if let Some(wait) = delay.fixed() {
                return from + wait;
            }
            let tz = TimeZone::get(calendar.zone).unwrap_or(TimeZone::UTC);
            let start = stamp(from).to_zoned(tz.clone());
            let mut day = start.date();
            let mut left = delay.amount;
            while left > 0 && !self.days.is_empty() {
                day = day.saturating_add(1.day());
                if self.opens_on(day, calendar) {
                    left -= 1;
                }
            }
            day.to_datetime(start.time()).to_zoned(tz).map_or(from, |zoned| chrono(zoned.timestamp()))
        }

        fn opens_on(&self, day: civil::Date, calendar: Calendar<'_>) -> bool {
            self.days.contains(&i16::from(day.weekday().to_monday_one_offset()))
                && !calendar.country.is_some_and(|country| is_holiday(country, naive(day)))
        }
    }

    /// The instant of a minute of a day; `late` takes the second of two.
    fn instant(day: civil::Date, minute: i32, tz: &TimeZone, late: bool) -> Timestamp {
        let midnight = day.to_datetime(civil::Time::midnight());
        let wall = midnight.saturating_add(i64::from(minute).minutes());
        let ambiguous = tz.to_ambiguous_timestamp(wall);
        let found = if late { ambiguous.later() } else { ambiguous.compatible() };
        found.unwrap_or(Timestamp::MAX)
    }

    fn stamp(at: DateTime<Utc>) -> Timestamp {
        Timestamp::from_microsecond(at.timestamp_micros()).unwrap_or(Timestamp::MAX)
    }

    fn chrono(at: Timestamp) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(at.as_microsecond()).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::{steps::DelayUnit, window::WindowZone};

        fn utc(text: &str) -> DateTime<Utc> {
            text.parse().expect("a time")
        }

        fn window() -> SendingWindow {
            SendingWindow { zone: WindowZone::Company, ..SendingWindow::default() }
        }

        #[test]
        fn before_inside_after_and_over_the_weekend() {
            // 2026-11-20 is a Friday; Berlin is one hour ahead of UTC.
            for (at, due) in [
                ("2026-11-20T06:00:00Z", "2026-11-20T08:00:00Z"),
                ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
                ("2026-11-20T16:00:00Z", "2026-11-23T08:00:00Z"),
                ("2026-11-21T12:00:00Z", "2026-11-23T08:00:00Z"),
            ] {
                let slot = window().next_open(utc(at), "Europe/Berlin");
                assert_eq!(slot.due_at, utc(due), "{at}");
                assert_eq!(slot.moved, at != due, "{at}");
            }
        }

        #[test]
        fn holidays_are_no_working_days_and_the_window_stays_closed() {
            // 2026-12-24 is a Thursday; Christmas is a holiday in Germany, and so is the 26th, a Saturday.
            let germany = Calendar { zone: "Europe/Berlin", country: Some("DE") };
            let slot = window().next_open(utc("2026-12-24T17:00:00Z"), germany);
            assert_eq!(slot.due_at, utc("2026-12-28T08:00:00Z"));
            let two = Delay { amount: 2, unit: DelayUnit::WorkingDays };
            let wait = |calendar| window().wait_after(utc("2026-12-24T10:00:00Z"), two, calendar);
            assert_eq!(wait(germany), utc("2026-12-29T10:00:00Z"));
            assert_eq!(wait("Europe/Berlin".into()), utc("2026-12-28T10:00:00Z"));
        }

        #[test]
        fn a_gap_in_the_clock_opens_after_it() {
            // On 2026-03-29 Berlin goes from 02:00 to 03:00.
            let w = SendingWindow { days: vec![7], from_minute: 150, to_minute: 300, ..window() };
            let slot = w.next_open(utc("2026-03-29T00:00:00Z"), "Europe/Berlin");
            assert_eq!((slot.due_at, slot.ends_at), (utc("2026-03-29T01:30:00Z"), utc("2026-03-29T03:00:00Z")));
        }

        #[test]
        fn an_hour_that_comes_twice_belongs_to_the_window_both_times() {
            // On 2026-10-25 Berlin goes from 03:00 back to 02:00.
            let w = SendingWindow { days: vec![7], from_minute: 120, to_minute: 150, ..window() };
            let slot = w.next_open(utc("2026-10-25T00:00:00Z"), "Europe/Berlin");
            assert_eq!((slot.due_at, slot.ends_at), (utc("2026-10-25T00:00:00Z"), utc("2026-10-25T01:30:00Z")));
        }

        #[test]
        fn working_days_pass_over_the_weekend() {
            let delay = Delay { amount: 3, unit: DelayUnit::WorkingDays };
            let slot = window().due_after(utc("2026-11-19T10:00:00Z"), delay, "Europe/Berlin");
            assert_eq!(slot.due_at, utc("2026-11-24T10:00:00Z"));
        }

        #[test]
        fn an_always_open_window_moves_nothing() {
            let at = utc("2026-11-21T23:59:00Z");
            let slot = SendingWindow::always().next_open(at, "UTC");
            assert_eq!((slot.due_at, slot.moved), (at, false));
            assert_eq!(slot.ends_at, utc("2026-11-22T00:00:00Z"));
        }

        #[test]
        fn a_day_begins_at_midnight_of_the_zone() {
            let late = utc("2026-11-20T23:30:00Z");
            assert_eq!(day_in("Europe/Berlin", late).to_string(), "2026-11-21");
            assert_eq!(day_in("America/New_York", late).to_string(), "2026-11-20");
            let day = "2026-11-20".parse().expect("a date");
            assert_eq!(day_begins(day, "Europe/Berlin"), utc("2026-11-19T23:00:00Z"));
            assert_eq!(day_in("Mars/Olympus", late).to_string(), "2026-11-20");
        }

        #[test]
        fn an_unknown_zone_is_utc() {
            let slot = window().next_open(utc("2026-11-20T06:00:00Z"), "Mars/Olympus");
            assert_eq!(slot.due_at, utc("2026-11-20T09:00:00Z"));
            assert!(!is_time_zone("Mars/Olympus") && is_time_zone("Europe/Berlin"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_read_well() {
        assert_eq!(SendingWindow::default().to_string(), "Mon–Fri, 09:00–17:00, lead’s time zone");
        let odd = SendingWindow { days: vec![6, 1], ..SendingWindow::default() };
        assert_eq!(odd.to_string(), "Mon, Sat, 09:00–17:00, lead’s time zone");
    }

    #[test]
    fn windows_that_never_open_are_refused() {
        for window in [
            SendingWindow { days: vec![], ..SendingWindow::default() },
            SendingWindow { from_minute: 600, to_minute: 600, ..SendingWindow::default() },
            SendingWindow { to_minute: 1441, ..SendingWindow::default() },
        ] {
            assert!(window.check().is_err());
        }
    }
}
