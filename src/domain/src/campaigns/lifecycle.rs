//! The state machine of a campaign. Transitions consume the old value and say no by themselves.
//!
//! | from | command | to |
//! |--|--|--|
//! | draft | schedule | scheduled |
//! | draft, scheduled | start | running |
//! | scheduled | unschedule | draft |
//! | scheduled, running | pause | paused, or pausing while e-mails are in flight |
//! | pausing, paused | resume | running |
//! | scheduled, running, pausing, paused | stop | stopping |
//! | pausing | drained | paused |
//! | stopping | drained | stopped |
//! | running | complete | completed |
//! | completed | reopen, when leads are added | running |
//! | any that is not terminal | fail | failed |

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use super::CampaignState as S;
use crate::{Problem, Refusal, wire::wire_enum};

/// A scheduled campaign that is later than this does not start by itself any more
/// (the machine was off, say): it pauses and asks.
pub const MAX_LATENESS: Duration = Duration::hours(1);

wire_enum! {
    /// Who paused a campaign.
    pub enum PausedBy {
        /// A person or a program.
        Person = "person",
        /// The system, to protect the company. Resuming asks for an acknowledgement.
        System = "system",
    }
}

/// Where a campaign stands, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lifecycle {
    /// State.
    pub state: S,
    /// When a scheduled campaign starts.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it first started.
    pub started_at: Option<DateTime<Utc>>,
    /// Since when it is paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: Option<PausedBy>,
    /// Why, in words, when the system did.
    pub pause_reason: Option<String>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it failed and what to do.
    pub failure: Option<String>,
}

/// What a transition did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<T> {
    /// Something changed; this is the new value.
    Done(T),
    /// The aim was reached already; nothing happened.
    Already(T),
}

impl<T> Change<T> {
    /// The value, changed or not.
    pub fn into_value(self) -> T {
        match self {
            Self::Done(value) | Self::Already(value) => value,
        }
    }

    /// Whether something changed.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

type Result = std::result::Result<Change<Lifecycle>, Refusal>;

impl Default for Lifecycle {
    fn default() -> Self {
        Self {
            state: S::Draft,
            starts_at: None,
            started_at: None,
            paused_at: None,
            paused_by: None,
            pause_reason: None,
            ended_at: None,
            failure: None,
        }
    }
}

impl Lifecycle {
    /// Whether its audience is frozen: since its start, or since it was stopped before that.
    #[must_use]
    pub const fn is_frozen(&self) -> bool {
        self.started_at.is_some() || matches!(self.state, S::Stopping | S::Stopped)
    }

    /// A draft starts by itself at `at`; a scheduled one may be moved.
    ///
    /// # Errors
    /// Refused from every other state.
    pub fn schedule(self, at: DateTime<Utc>) -> Result {
        match self.state {
            S::Scheduled if self.starts_at == Some(at) => Ok(Change::Already(self)),
            S::Draft | S::Scheduled => done(Self { state: S::Scheduled, starts_at: Some(at), ..self }),
            _ => self.refuse("schedule"),
        }
    }

    /// Back to the desk.
    ///
    /// # Errors
    /// Refused unless scheduled.
    pub fn unschedule(self) -> Result {
        match self.state {
            S::Draft => Ok(Change::Already(self)),
            S::Scheduled => done(Self { state: S::Draft, starts_at: None, ..self }),
            _ => self.refuse("unschedule"),
        }
    }

    /// Sends from now on.
    ///
    /// # Errors
    /// Refused unless draft or scheduled.
    pub fn start(self, now: DateTime<Utc>) -> Result {
        match self.state {
            S::Running => Ok(Change::Already(self)),
            S::Draft | S::Scheduled => done(Self { state: S::Running, started_at: Some(now), ..self }),
            _ => self.refuse("start"),
        }
    }

    /// The scheduled time has come: starts, or pauses when it is too late to start unasked.
    ///
    /// # Errors
    /// Refused unless scheduled.
    pub fn start_on_time(self, now: DateTime<Utc>) -> Result {
        match (self.state, self.starts_at) {
            (S::Scheduled, Some(at)) if now - at > MAX_LATENESS => {
                self.hold(0, now, "It should have started while the system was not running. Check it, then resume.")
            }
            (S::Scheduled, _) => self.start(now),
            _ => self.refuse("start"),
        }
    }

    /// Nothing new is sent from now on; `in_flight` e-mails are in the hands of a server.
    ///
    /// # Errors
    /// Refused unless scheduled or running.
    pub fn pause(self, in_flight: i64, now: DateTime<Utc>) -> Result {
        match self.state {
            S::Pausing | S::Paused => Ok(Change::Already(self)),
            S::Scheduled | S::Running => done(Self {
                state: if in_flight > 0 { S::Pausing } else { S::Paused },
                paused_at: Some(now),
                paused_by: Some(PausedBy::Person),
                ..self
            }),
            _ => self.refuse("pause"),
        }
    }

    /// The system pauses, with a reason in words; `in_flight` e-mails are in the hands of a server.
    ///
    /// # Errors
    /// Refused unless scheduled or running.
    pub fn hold(self, in_flight: i64, now: DateTime<Utc>, reason: impl Into<String>) -> Result {
        let reason = reason.into();
        self.pause(in_flight, now).map(|change| match change {
            Change::Done(paused) => {
                Change::Done(Self { paused_by: Some(PausedBy::System), pause_reason: Some(reason), ..paused })
            }
            already => already,
        })
    }

    /// Goes on. A pause by the system needs `acknowledged`.
    ///
    /// # Errors
    /// Refused unless paused; refused without the acknowledgement that is needed.
    pub fn resume(self, acknowledged: bool, now: DateTime<Utc>) -> Result {
        match self.state {
            S::Running => Ok(Change::Already(self)),
            S::Pausing | S::Paused if self.paused_by == Some(PausedBy::System) && !acknowledged => Err(Refusal::new(
                "acknowledgement_needed",
                format!(
                    "This campaign paused by itself: {} Confirm that you have read this to resume.",
                    self.pause_reason.unwrap_or_default()
                ),
                &["resume", "stop"],
            )),
            S::Pausing | S::Paused => done(Self {
                state: S::Running,
                started_at: self.started_at.or(Some(now)),
                paused_at: None,
                paused_by: None,
                pause_reason: None,
                ..self
            }),
            _ => self.refuse("resume"),
        }
    }

    /// Ends for good; what is unsent will be cancelled.
    ///
    /// # Errors
    /// Refused for drafts and ended campaigns.
    pub fn stop(self) -> Result {
        match self.state {
            S::Stopping | S::Stopped => Ok(Change::Already(self)),
            S::Scheduled | S::Running | S::Pausing | S::Paused => done(Self { state: S::Stopping, ..self }),
            _ => self.refuse("stop"),
        }
    }

    /// The last e-mail in flight has its outcome: a drain state ends.
    #[must_use]
    pub fn drained(self, now: DateTime<Utc>) -> Change<Self> {
        match self.state {
            S::Pausing => Change::Done(Self { state: S::Paused, ..self }),
            S::Stopping => Change::Done(Self { state: S::Stopped, ended_at: Some(now), ..self }),
            _ => Change::Already(self),
        }
    }

    /// Every lead has reached its end.
    #[must_use]
    pub fn complete(self, now: DateTime<Utc>) -> Change<Self> {
        match self.state {
            S::Running => Change::Done(Self { state: S::Completed, ended_at: Some(now), ..self }),
            _ => Change::Already(self),
        }
    }

    /// Leads were added to a campaign that was completed: it goes on for them.
    ///
    /// # Errors
    /// Refused unless completed.
    pub fn reopen(self) -> Result {
        match self.state {
            S::Completed => done(Self { state: S::Running, ended_at: None, ..self }),
            _ => self.refuse("reopen"),
        }
    }

    /// It cannot go on; `failure` says why and what to do.
    #[must_use]
    pub fn fail(self, now: DateTime<Utc>, failure: impl Into<String>) -> Change<Self> {
        if self.state.is_terminal() {
            return Change::Already(self);
        }
        Change::Done(Self { state: S::Failed, ended_at: Some(now), failure: Some(failure.into()), ..self })
    }

    fn refuse(self, command: &'static str) -> Result {
        let state = self.state;
        let what = state.label().to_lowercase();
        Err(Refusal::new(
            "not_allowed_now",
            format!("A campaign that is {what} cannot {}.", passive(command)),
            state.allowed(),
        ))
    }
}

/// Whether a wanted start lies in the future and within a year.
///
/// # Errors
/// A problem that says so.
pub fn check_start(at: DateTime<Utc>, now: DateTime<Utc>) -> std::result::Result<(), Problem> {
    if at <= now {
        return Err(Problem::field("starts_at", "start_past", "Choose a time in the future, or start now."));
    }
    if at - now > Duration::days(366) {
        return Err(Problem::field("starts_at", "start_far", "Choose a time within a year."));
    }
    Ok(())
}

fn done(lifecycle: Lifecycle) -> Result {
    Ok(Change::Done(lifecycle))
}

fn passive(command: &str) -> String {
    match command {
        "stop" => "be stopped".to_owned(),
        command if command.ends_with('e') => format!("be {command}d"),
        command => format!("be {command}ed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a valid time")
    }

    fn at(state: S) -> Lifecycle {
        Lifecycle { state, starts_at: Some(now()), ..Lifecycle::default() }
    }

    fn word(result: Result) -> String {
        match result {
            Ok(Change::Done(l)) => l.state.to_string(),
            Ok(Change::Already(_)) => "=".to_owned(),
            Err(_) => "-".to_owned(),
        }
    }

    #[test]
    fn every_command_from_every_state() {
        let table: Vec<String> = S::ALL
            .iter()
            .map(|&s| {
                let cells = [
                    word(at(s).schedule(now() + Duration::hours(2))),
                    word(at(s).unschedule()),
                    word(at(s).start(now())),
                    word(at(s).pause(0, now())),
                    word(at(s).pause(3, now())),
                    word(at(s).resume(false, now())),
                    word(at(s).stop()),
                ];
                format!("{s}: {}", cells.join(" "))
            })
            .collect();
        //        schedule unschedule start pause(0) pause(3) resume stop
        assert_eq!(
            table,
            [
                "draft: scheduled = running - - - -",
                "scheduled: scheduled draft running paused pausing - stopping",
                "running: - - = paused pausing = stopping",
                "pausing: - - - = = running stopping",
                "paused: - - - = = running stopping",
                "stopping: - - - - - - =",
                "stopped: - - - - - - =",
                "completed: - - - - - - -",
                "failed: - - - - - - -",
            ]
        );
    }

    #[test]
    fn a_refusal_lists_what_is_allowed() {
        let refusal = at(S::Running).schedule(now()).expect_err("running");
        assert_eq!(refusal.allowed, ["pause", "stop"]);
        assert_eq!(refusal.message, "A campaign that is running cannot be scheduled.");
    }

    #[test]
    fn allowed_lists_and_transitions_agree() {
        for &s in S::ALL {
            let works = |name: &str, result: Result| {
                assert_eq!(matches!(result, Ok(Change::Done(_))), s.allowed().contains(&name), "{name} from {s}");
            };
            if s != S::Scheduled {
                works("schedule", at(s).schedule(now() + Duration::hours(2)));
            }
            works("unschedule", at(s).unschedule());
            works("start", at(s).start(now()));
            works("pause", at(s).pause(0, now()));
            works("resume", at(s).resume(true, now()));
            works("stop", at(s).stop());
        }
    }

    #[test]
    fn a_start_that_is_too_late_waits_for_a_person() {
        let late = at(S::Scheduled).start_on_time(now() + Duration::hours(2)).expect("allowed").into_value();
        assert_eq!((late.state, late.paused_by), (S::Paused, Some(PausedBy::System)));
        assert_eq!(late.clone().resume(false, now()).expect_err("needs a word").code, "acknowledgement_needed");
        assert_eq!(late.resume(true, now()).expect("acknowledged").into_value().state, S::Running);
        let on_time = at(S::Scheduled).start_on_time(now() + Duration::minutes(5)).expect("allowed").into_value();
        assert_eq!(on_time.state, S::Running);
    }

    #[test]
    fn an_audience_is_frozen_by_a_start_and_by_a_stop_before_it() {
        let scheduled = at(S::Scheduled);
        let paused = scheduled.clone().pause(0, now()).expect("allowed").into_value();
        let stopped = scheduled.clone().stop().expect("allowed").into_value();
        let started = scheduled.clone().start(now()).expect("allowed").into_value();
        assert_eq!([&scheduled, &paused, &stopped, &started].map(Lifecycle::is_frozen), [false, false, true, true]);
        assert!(stopped.drained(now()).into_value().is_frozen());
    }

    #[test]
    fn drains_end_where_they_should() {
        assert_eq!(at(S::Pausing).drained(now()).into_value().state, S::Paused);
        let stopped = at(S::Stopping).drained(now()).into_value();
        assert_eq!((stopped.state, stopped.ended_at), (S::Stopped, Some(now())));
        assert!(!at(S::Running).drained(now()).is_done());
    }

    #[test]
    fn terminal_states_stay() {
        for s in S::ALL.iter().copied().filter(|s| s.is_terminal()) {
            assert!(!at(s).fail(now(), "x").is_done());
            assert!(!at(s).complete(now()).is_done());
        }
        assert_eq!(at(S::Running).fail(now(), "x").into_value().state, S::Failed);
    }
}
