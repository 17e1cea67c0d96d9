//! Which runs a list shows, and the form of that in a URL: `view=…`, `agent=…`, `f.{field}.{op}={value}`. A value that
//! is not understood is told, never passed over.

use chrono::{Datelike, NaiveDate};

use super::{RunOrigin, RunState};
use crate::{AgentId, Problem, UserId, wire::wire_enum};

/// The highest cost that a filter names, in US dollars.
const MOST_DOLLARS: f64 = 1_000_000.0;

/// Which runs a list shows; an empty filter shows all. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Those in this view.
    pub view: Option<RunView>,
    /// Those of this agent.
    pub agent: Option<AgentId>,
    /// Those in this state.
    pub state: Option<RunState>,
    /// Those that this person started by hand.
    pub person: Option<UserId>,
    /// Those that were started by this.
    pub origin: Option<RunOrigin>,
    /// Started on or after this day, in the time zone of the company.
    pub created_from: Option<NaiveDate>,
    /// Started before this day.
    pub created_before: Option<NaiveDate>,
    /// Those that cost more than so many millionths of a US dollar.
    pub cost_over: Option<i64>,
    /// Only runs of the case that says whether an agent still does its job.
    pub evaluations: bool,
}

wire_enum! {
    /// A view of the list of runs.
    pub enum RunView {
        /// A person has to do something.
        NeedsYou = "needs_you",
        /// Not ended.
        Open = "open",
        /// Failed or timed out.
        Failed = "failed",
    }
}

impl RunView {
    /// The states it shows.
    #[must_use]
    pub fn states(self) -> Vec<RunState> {
        let shown = |state: &RunState| match self {
            Self::NeedsYou => state.needs_person(),
            Self::Open => !state.has_ended(),
            Self::Failed => matches!(state, RunState::Failed | RunState::TimedOut),
        };
        RunState::ALL.iter().copied().filter(shown).collect()
    }
}

impl RunFilter {
    /// Reads the conditions of a query string; pairs that are not conditions are passed over.
    ///
    /// # Errors
    /// A problem for the first condition that is not understood.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let mut filter = Self::default();
        for (key, value) in pairs {
            let value = value.trim();
            if !value.is_empty() && (key.starts_with("f.") || ["view", "agent"].contains(&key)) {
                filter.add(key, value).map_err(|problem| problem.on(key.to_owned()))?;
            }
        }
        Ok(filter)
    }

    /// The conditions as pairs of a query string; the inverse of [`Self::from_pairs`].
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let by = self.person.map(|id| id.to_string()).or(self.origin.map(|origin| origin.to_string()));
        [
            ("view", self.view.map(|view| view.to_string())),
            ("agent", self.agent.map(|id| id.to_string())),
            ("f.state.is", self.state.map(|state| state.to_string())),
            ("f.by.is", by),
            ("f.created.after", self.created_from.map(|day| day.to_string())),
            ("f.created.before", self.created_before.map(|day| day.to_string())),
            ("f.cost.over", self.cost_over.map(dollars)),
            ("f.evaluation.is", self.evaluations.then(|| "true".to_owned())),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
    }

    fn add(&mut self, key: &str, value: &str) -> Result<(), Problem> {
        match key {
            "view" => self.view = Some(value.parse()?),
            "agent" => self.agent = Some(value.parse().map_err(|_| Problem::new("id_invalid", "This is not an id."))?),
            "f.state.is" => self.state = Some(value.parse()?),
            "f.by.is" => match value.parse() {
                Ok(person) => self.person = Some(person),
                Err(_) => self.origin = Some(value.parse()?),
            },
            "f.created.after" => self.created_from = Some(day(value)?),
            "f.created.before" => self.created_before = Some(day(value)?),
            "f.cost.over" => {
                let cost = value.trim_start_matches('$').parse().map_err(|_| no_cost())?;
                self.cost_over = Some(micros(cost)?);
            }
            "f.evaluation.is" => {
                let no_answer = |_| Problem::new("unknown_value", "Use true or false.");
                self.evaluations = value.parse().map_err(no_answer)?;
            }
            other => return Err(Problem::new("filter_unknown", format!("There is no filter “{other}”."))),
        }
        Ok(())
    }
}

/// A cost in US dollars as millionths of one.
///
/// # Errors
/// When it is no cost.
pub fn micros(dollars: f64) -> Result<i64, Problem> {
    if !(0.0..=MOST_DOLLARS).contains(&dollars) {
        return Err(no_cost());
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most a million times a million")]
    Ok((dollars * 1_000_000.0).round() as i64)
}

fn no_cost() -> Problem {
    Problem::new("cost_invalid", "Enter a cost in US dollars, such as 0.05.")
}

/// Millionths of a US dollar as they are entered.
fn dollars(micros: i64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A day as it is entered.
///
/// # Errors
/// When it is none, or lies where no run can be.
pub fn day(value: &str) -> Result<NaiveDate, Problem> {
    let known = |day: &NaiveDate| (1970..=9999).contains(&day.year());
    let wrong = || Problem::new("date_invalid", "Enter a day as 2026-11-20.");
    value.parse().ok().filter(known).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_comes_back_as_it_went() {
        let id = "019aa5e0-7c00-7000-8000-000000000001";
        for by in [id, "schedule"] {
            let pairs = [
                ("view", "failed"),
                ("agent", id),
                ("f.state.is", "timed_out"),
                ("f.by.is", by),
                ("f.created.after", "2026-11-01"),
                ("f.created.before", "2026-11-21"),
                ("f.cost.over", "0.05"),
                ("f.evaluation.is", "true"),
            ];
            let filter = RunFilter::from_pairs(pairs).expect("it is understood");
            assert_eq!((filter.cost_over, filter.person.is_some()), (Some(50_000), by == id));
            let again: Vec<_> = filter.to_pairs();
            let again: Vec<_> = again.iter().map(|(key, value)| (*key, value.as_str())).collect();
            assert_eq!(again, pairs);
        }
        let empty = RunFilter::from_pairs([("after", "x"), ("f.cost.over", ""), ("done", "run-started")]);
        assert_eq!(empty.expect("nothing is asked for"), RunFilter::default());
    }

    #[test]
    fn a_wrong_value_is_told_with_its_name() {
        for (key, value, code) in [
            ("view", "mine", "unknown_value"),
            ("agent", "copywriter", "id_invalid"),
            ("f.state.is", "asleep", "unknown_value"),
            ("f.by.is", "nora", "unknown_value"),
            ("f.created.after", "yesterday", "date_invalid"),
            ("f.created.before", "+12026-01-01", "date_invalid"),
            ("f.cost.over", "much", "cost_invalid"),
            ("f.cost.over", "-1", "cost_invalid"),
            ("f.cost.over", "NaN", "cost_invalid"),
            ("f.evaluation.is", "1", "unknown_value"),
            ("f.height.over", "1", "filter_unknown"),
        ] {
            let problem = RunFilter::from_pairs([(key, value)]).expect_err(value);
            assert_eq!((problem.code.as_ref(), problem.field.as_deref()), (code, Some(key)), "{value}");
        }
        assert_eq!(RunFilter::from_pairs([("f.cost.over", "$1.5")]).expect("a cost").cost_over, Some(1_500_000));
    }
}
