//! Times of a schedule: a cron expression on a clock of some place. A time that does not exist on a day comes
//! right after the gap, one that exists twice comes once; what repeats all day follows the clock as it goes.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::Misfire;
use crate::Problem;

/// Times that are made up for at most.
const MADE_UP: usize = 10;
/// Times that are counted at most; a plan of each minute has as many in a week.
const COUNTED: usize = 10_000;
/// How late a run may start and still be on time: a restart of the workers takes no longer.
const ON_TIME: Duration = Duration::minutes(5);

/// When a schedule is due.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
}

/// The times of a schedule that have come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The first one.
    pub first: Option<DateTime<Utc>>,
    /// The newest ones, the oldest of them first.
    pub newest: Vec<DateTime<Utc>>,
    /// How many there are.
    pub count: usize,
}

/// What is done about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For each of these a run starts.
    pub start: Vec<DateTime<Utc>>,
    /// How many others there were.
    pub missed: usize,
}

impl Schedule {
    /// Reads five fields of cron on a clock in `zone` (an IANA name).
    ///
    /// # Errors
    /// A problem of the field `cron` or `time_zone`.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, Problem> {
        let zone = TimeZone::get(zone)
            .map_err(|_| Problem::field("time_zone", "time_zone_unknown", "Use a time zone as in Europe/Berlin."))?;
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(cron).map_err(|_| {
            let words =
                "This is no plan. Enter five fields: minute, hour, day, month and weekday, as in 0 9 * * MON-FRI.";
            Problem::field("cron", "cron_invalid", words)
        })?;
        let plan = Self { cron, zone };
        // The dates of the calendar repeat, so a plan that does not come from here never comes.
        if plan.next(DateTime::UNIX_EPOCH).is_none() {
            return Err(Problem::field("cron", "cron_never", "No such day ever comes. Choose another day or month."));
        }
        Ok(plan)
    }

    /// The plan in words, as in “At 09:00, Monday.”
    #[must_use]
    pub fn words(&self) -> String {
        self.cron.describe().replacen("At every", "Every", 1)
    }

    /// The first time after `at`; nothing for a day that never comes.
    #[must_use]
    pub fn next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.cron.find_next_occurrence(&self.clock(at)?, false).ok()?;
        DateTime::from_timestamp(next.timestamp().as_second(), 0)
    }

    /// The next times after `at`, at most `most`.
    #[must_use]
    pub fn upcoming(&self, at: DateTime<Utc>, most: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next(at), |time| self.next(*time)).take(most).collect()
    }

    /// The times from `first`, which is one, up to `now`.
    #[must_use]
    pub fn due(&self, first: DateTime<Utc>, now: DateTime<Utc>) -> Due {
        let mut due = Due::default();
        let mut newest = VecDeque::with_capacity(MADE_UP);
        let times = std::iter::successors(Some(first), |time| self.next(*time));
        for time in times.take_while(|time| *time <= now).take(COUNTED) {
            due.count += 1;
            if newest.len() == MADE_UP {
                newest.pop_front();
            }
            newest.push_back(time);
        }
        due.first = (due.count > 0).then_some(first);
        due.newest = newest.into();
        due
    }

    fn clock(&self, at: DateTime<Utc>) -> Option<Zoned> {
        Some(Timestamp::from_second(at.timestamp()).ok()?.to_zoned(self.zone.clone()))
    }
}

impl Due {
    /// Which of them a run starts for. The newest may be on time; what is older was missed.
    #[must_use]
    pub fn plan(self, misfire: Misfire, now: DateTime<Utc>) -> Plan {
        let on_time = self.newest.last().is_some_and(|newest| now - *newest <= ON_TIME);
        let most = match misfire {
            Misfire::Skip => usize::from(on_time),
            Misfire::Once => 1,
            Misfire::All => MADE_UP,
        };
        let mut start = self.newest;
        start.drain(..start.len().saturating_sub(most));
        Plan { missed: self.count - start.len(), start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn berlin(cron: &str) -> Schedule {
        Schedule::parse(cron, "Europe/Berlin").expect("a plan")
    }

    fn times(cron: &str, from: &str, most: usize) -> Vec<String> {
        let times = berlin(cron).upcoming(utc(from), most);
        times.into_iter().map(|time| time.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_plan_follows_the_clock_of_its_place() {
        // 2026-11-20 is a Friday; Berlin is one hour ahead of UTC.
        assert_eq!(times("0 9 * * MON-FRI", "2026-11-20T08:00:00Z", 2), ["23 08:00", "24 08:00"]);
        assert_eq!(berlin("0 9 * * MON").words(), "At 09:00, on Monday.");
    }

    #[test]
    fn a_time_that_a_day_does_not_have_comes_after_the_gap() {
        // On 2027-03-28 clocks in Berlin go from 02:00 to 03:00.
        assert_eq!(times("30 2 * * *", "2027-03-27T02:00:00Z", 2), ["28 01:00", "29 00:30"]);
        assert_eq!(times("30 * * * *", "2027-03-28T00:00:00Z", 3), ["28 00:30", "28 01:30", "28 02:30"]);
    }

    #[test]
    fn a_time_that_a_day_has_twice_comes_once() {
        // On 2026-10-25 clocks in Berlin go from 03:00 back to 02:00.
        assert_eq!(times("30 2 * * *", "2026-10-24T12:00:00Z", 2), ["25 00:30", "26 01:30"]);
        // What repeats all day goes on in each of the two hours.
        assert_eq!(times("30 * * * *", "2026-10-25T00:00:00Z", 3), ["25 00:30", "25 01:30", "25 02:30"]);
    }

    #[test]
    fn what_is_no_plan_is_refused_with_its_field() {
        for (cron, zone, field) in [
            ("every day", "Europe/Berlin", "cron"),
            ("* * * *", "Europe/Berlin", "cron"),
            ("0 0 9 * * MON", "Europe/Berlin", "cron"),
            ("61 9 * * *", "Europe/Berlin", "cron"),
            ("0 9 30 2 *", "Europe/Berlin", "cron"),
            ("0 9 * * *", "Europe/Atlantis", "time_zone"),
        ] {
            let problem = Schedule::parse(cron, zone).expect_err("no plan");
            assert_eq!(problem.field.as_deref(), Some(field), "{cron} {zone}");
        }
        assert_eq!(berlin("0 9 29 2 *").next(utc("2026-11-20T08:00:00Z")), Some(utc("2028-02-29T08:00:00Z")));
        assert_eq!(berlin("*/5 * * * *").words(), "Every 5 minutes.");
    }

    #[test]
    fn times_that_were_missed_are_left_out_or_made_up_for() {
        let (first, now) = (utc("2026-11-20T08:00:00Z"), utc("2026-11-20T20:30:00Z"));
        let due = berlin("0 * * * *").due(first, now);
        assert_eq!((due.count, due.newest.len()), (13, 10));
        let plan = |misfire| due.clone().plan(misfire, now);
        assert_eq!(plan(Misfire::Skip), Plan { start: vec![], missed: 13 });
        assert_eq!(plan(Misfire::Once), Plan { start: vec![utc("2026-11-20T20:00:00Z")], missed: 12 });
        let all = plan(Misfire::All);
        assert_eq!((all.start.len(), all.start[0], all.missed), (10, utc("2026-11-20T11:00:00Z"), 3));
    }

    #[test]
    fn a_run_that_starts_a_little_late_is_on_time() {
        let (first, now) = (utc("2026-11-20T08:00:00Z"), utc("2026-11-20T09:04:59Z"));
        let plan = berlin("0 * * * *").due(first, now).plan(Misfire::Skip, now);
        assert_eq!(plan, Plan { start: vec![utc("2026-11-20T09:00:00Z")], missed: 1 });
    }
}
