//! Simulation: the whole campaign ahead of time, over its real leads, windows, caps and mailboxes. Nothing is random, so
//! the same facts give the same answer.
//!
//! What nobody can know is assumed, and said: nobody opens, clicks, answers or unsubscribes, every server takes every
//! e-mail, drafts are approved at once, and what a sequence waits for by a person or an agent takes a working day. So it
//! shows the most e-mails that a campaign can come to.

mod basis;
#[cfg(feature = "time-zones")]
mod calendars;
#[cfg(feature = "time-zones")]
mod mailboxes;
mod otherwise;
#[cfg(feature = "time-zones")]
mod run;

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

pub use basis::{Basis, SendingMailbox, SimulationPart};
pub use otherwise::{OtherWay, Otherwise, SimulatedFigures};
#[cfg(feature = "time-zones")]
pub use run::run;

#[cfg(feature = "time-zones")]
use crate::steps::{Delay, DelayUnit};
use crate::{
    MailboxId, StepId, campaigns::Holidays, enrolments::EndReason, mailboxes::RecipientLimits, steps::Sequence,
    window::SendingWindow,
};

/// Days that are looked ahead.
pub const HORIZON_DAYS: i64 = 400;

/// How long a task or a run takes for which a sequence waits.
#[cfg(feature = "time-zones")]
const TAKES: Delay = Delay { amount: 1, unit: DelayUnit::WorkingDays };

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The steps; each lead has its own sequence by its place in this list.
    pub sequences: &'a [Sequence],
    /// When the campaign may send.
    pub window: &'a SendingWindow,
    /// Whose holidays count.
    pub holidays: Holidays,
    /// The clock of the company.
    pub company_zone: &'a str,
    /// Its country.
    pub company_country: Option<&'a str>,
    /// The most e-mails to one domain.
    pub limits: RecipientLimits,
    /// Who sends.
    pub mailboxes: &'a [Mailbox],
    /// E-mails of other campaigns that the same mailboxes have planned already.
    pub others: &'a [Other],
    /// When it begins.
    pub begins_at: DateTime<Utc>,
}

/// A mailbox and what it has sent lately.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Which.
    pub id: MailboxId,
    /// The most e-mails in 24 hours.
    pub daily_cap: i32,
    /// Since when its cap grows, while it does.
    pub ramp_from: Option<DateTime<Utc>>,
    /// Seconds between two e-mails, on average.
    pub gap_seconds: i64,
    /// What it has sent in the last 24 hours, the oldest first.
    pub sent: Vec<DateTime<Utc>>,
}

/// An e-mail of another campaign.
#[derive(Clone, Copy, Debug)]
pub struct Other {
    /// Place of its mailbox in the plan.
    pub mailbox: usize,
    /// When it is due.
    pub due_at: DateTime<Utc>,
}

/// A lead that is to be mailed.
#[derive(Clone, Debug)]
pub struct Lead {
    /// Place of its sequence in the plan.
    pub sequence: usize,
    /// Place of its mailbox in the plan.
    pub mailbox: usize,
    /// Its clock, where it is known.
    pub zone: Option<Arc<str>>,
    /// Its country.
    pub country: Option<Arc<str>>,
    /// What its address counts with (`mailboxes::recipient_group`).
    pub group: Arc<str>,
    /// Steps whose question is answered yes.
    pub holds: Vec<StepId>,
    /// E-mails that it has got already, and does not get again where another version has them in another order.
    pub behind: Vec<StepId>,
    /// Where it stands.
    pub stands: Stands,
}

/// Where a lead stands when the simulation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// Before the first step.
    Start,
    /// Its e-mail of this step is planned for a time.
    Mail(StepId, DateTime<Utc>),
    /// The delay before this step is over at a time.
    Before(StepId, DateTime<Utc>),
    /// It rests in this step until a time, and then goes on.
    In(StepId, DateTime<Utc>),
    /// It comes to this step now, and the delay before it begins.
    Anew(StepId),
    /// Behind the last step.
    End,
}

/// What comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Simulation {
    /// Leads that are mailed, or would be.
    pub leads: i64,
    /// E-mails in all.
    pub mails: i64,
    /// E-mails of each day on the company's calendar; days without any are left out.
    pub days: Vec<SimulatedDay>,
    /// What each mailbox carries.
    pub mailboxes: Vec<SimulatedMailbox>,
    /// When the last e-mail leaves; absent when there is none.
    pub last_mail_at: Option<DateTime<Utc>>,
    /// When the last lead reaches the end of its sequence; absent when that is more than 400 days ahead.
    pub ends_at: Option<DateTime<Utc>>,
    /// Leads that do not reach the end of their sequence in 400 days.
    pub unfinished: i64,
    /// Leads that somebody holds: nothing is simulated for them.
    pub held: i64,
    /// Leads that get nothing, by reason.
    pub never: Vec<NeverReached>,
    /// What comes of it in other ways, from the same moment; nothing where nothing was edited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<Otherwise>,
}

/// A simulation that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskedSimulation {
    /// Which, from 1.
    pub number: i32,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// The edit after which it was made; absent when somebody asked for it.
    pub cause: Option<String>,
    /// When it was made; absent while it is being made.
    pub made_at: Option<DateTime<Utc>>,
    /// What it says.
    pub result: Option<Simulation>,
    /// Why it could not be made.
    pub error: Option<String>,
    /// What has changed since it was made; it is out of date when that is something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<SimulationPart>,
}

/// The e-mails of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedDay {
    /// Day on the company's calendar.
    pub day: NaiveDate,
    /// How many leave.
    pub mails: i64,
}

/// What a mailbox carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SimulatedMailbox {
    /// Which.
    pub mailbox: MailboxId,
    /// E-mails of this campaign in all.
    pub mails: i64,
    /// The most on one day of the company's calendar.
    pub busiest_day: i64,
    /// Days on which it reaches its cap.
    pub full_days: i64,
}

/// Leads that get nothing for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NeverReached {
    /// Why.
    pub reason: EndReason,
    /// How many.
    pub leads: i64,
}
