//! Tasks: what somebody of the company is to do, mostly about a lead.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{LeadId, Problem, RunId, TaskId, UserId, accounts::clean, companies::check_name, problem::Problems};

/// The most characters of a title.
pub const MAX_TITLE: usize = 200;
/// The most characters of the details.
pub const MAX_DETAILS: usize = 5_000;
/// The most days until a task is due: ten years.
pub const MAX_DAYS: i64 = 3_650;

/// A task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Task {
    /// Id.
    pub id: TaskId,
    /// What is to be done.
    pub title: String,
    /// More about it, as plain text.
    pub details: Option<String>,
    /// The lead it is about.
    pub lead: Option<LeadId>,
    /// Name of the lead, or its address.
    pub lead_name: Option<String>,
    /// Who is to do it; anybody when absent.
    pub assignee: Option<UserId>,
    /// Their name.
    pub assignee_name: Option<String>,
    /// The day by which it is to be done.
    pub due_on: Option<NaiveDate>,
    /// Who made it.
    pub created_by: String,
    /// The run in which it was made.
    pub run: Option<RunId>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was done.
    pub done_at: Option<DateTime<Utc>>,
    /// Who did it.
    pub done_by: Option<String>,
}

/// What can be entered about a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TaskInput {
    /// What is to be done, 1 to 200 characters.
    pub title: String,
    /// More about it, as plain text of at most 5,000 characters.
    pub details: Option<String>,
    /// The lead it is about.
    pub lead: Option<LeadId>,
    /// Who is to do it; anybody when absent.
    pub assignee: Option<UserId>,
    /// The day by which it is to be done.
    pub due_on: Option<NaiveDate>,
    /// The same as a number of days from today, 0 to 3,650.
    pub due_in_days: Option<i64>,
}

impl TaskInput {
    /// The same, trimmed and checked, with the day as a date.
    ///
    /// # Errors
    /// Every problem found.
    pub fn check(self, today: NaiveDate) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::new();
        let title = check_name(&self.title, MAX_TITLE)
            .map_err(|_| Problem::new("title_invalid", "Say in 1 to 200 characters, on one line, what is to be done."));
        let title = problems.check("title", title).unwrap_or_default();
        let details = clean(self.details).map(|text| text.replace("\r\n", "\n"));
        if details.as_ref().is_some_and(|text| text.chars().count() > MAX_DETAILS) {
            problems.push(Problem::field("details", "details_long", "Use at most 5,000 characters for the details."));
        }
        let due_on = match (self.due_on, self.due_in_days) {
            (Some(_), Some(_)) => {
                let message = "Name a day or a number of days, not both.";
                problems.push(Problem::field("due_in_days", "due_twice", message));
                None
            }
            (day, None) => {
                if day.is_some_and(|day| !(2000..=2999).contains(&day.year())) {
                    problems.push(Problem::field("due_on", "date_invalid", "Use a date as in 2026-11-21."));
                }
                day
            }
            (None, Some(days)) => {
                if !(0..=MAX_DAYS).contains(&days) {
                    problems.push(Problem::field(
                        "due_in_days",
                        "number_invalid",
                        "Use a number of days from 0 to 3,650.",
                    ));
                }
                u64::try_from(days).ok().and_then(|days| today.checked_add_days(Days::new(days)))
            }
        };
        problems.finish()?;
        Ok(Self { title, details, due_on, due_in_days: None, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, 30).expect("a day")
    }

    fn task(due_on: Option<&str>, due_in_days: Option<i64>) -> TaskInput {
        let due_on = due_on.map(|day| day.parse().expect("a day"));
        TaskInput { title: "Call".to_owned(), due_on, due_in_days, ..TaskInput::default() }
    }

    #[test]
    fn a_number_of_days_counts_from_today() {
        for (input, due) in [
            (task(None, None), None),
            (task(None, Some(0)), Some("2026-12-30")),
            (task(None, Some(3)), Some("2027-01-02")),
            (task(Some("2026-12-31"), None), Some("2026-12-31")),
        ] {
            assert_eq!(input.check(today()).expect("fine").due_on.map(|day| day.to_string()).as_deref(), due);
        }
    }

    #[test]
    fn a_day_is_said_once_and_within_reason() {
        for wrong in [
            task(Some("2026-12-31"), Some(1)),
            task(Some("1999-12-31"), None),
            task(Some("3000-01-01"), None),
            task(None, Some(-1)),
            task(None, Some(i64::MAX)),
        ] {
            assert_eq!(wrong.check(today()).expect_err("it is wrong").len(), 1);
        }
    }

    #[test]
    fn a_task_has_a_title_and_details_that_can_be_read() {
        let wrong = TaskInput { details: Some("a".repeat(MAX_DETAILS + 1)), ..TaskInput::default() };
        let fields: Vec<_> =
            wrong.check(today()).expect_err("both are wrong").into_iter().filter_map(|p| p.field).collect();
        assert_eq!(fields, ["title", "details"]);
    }
}
