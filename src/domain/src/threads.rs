//! Threads: what a person outside and the company have written to each other in one mailbox, and what is to be done
//! about it. A thread that waits for an answer is the same for everybody; whose it is, is an assignment.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, CampaignId, InboundId, LeadId, MailboxId, MessageId, Problem, Refusal, ThreadId, UserId,
    inbound::{Attachment, Confidence, Inbound},
    messages::MessageState,
    wire::wire_enum,
};

/// Most characters of a mail that a list shows.
pub const SNIPPET: usize = 200;
/// Whoever replies holds a thread for so long; an open page holds it anew.
pub const HELD: Duration = Duration::minutes(5);
/// The longest that a thread may be snoozed, in days.
pub const MAX_SNOOZE: i64 = 366;

wire_enum! {
    /// What is to be done about a thread.
    pub enum ThreadState {
        /// Somebody has written and nobody has answered.
        NeedsAnswer = "needs_answer",
        /// Nothing, until something new comes.
        Done = "done",
        /// Nothing until a time.
        Snoozed = "snoozed",
    }
}

impl ThreadState {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NeedsAnswer => "Needs answer",
            Self::Done => "Done",
            Self::Snoozed => "Snoozed",
        }
    }
}

wire_enum! {
    /// What somebody who has written wants.
    pub enum ThreadClass {
        /// To go on.
        Interested = "interested",
        /// To know something.
        Question = "question",
        /// Nothing at present.
        NotNow = "not_now",
        /// They are away.
        OutOfOffice = "out_of_office",
        /// No more e-mail.
        Unsubscribe = "unsubscribe",
        /// Something else.
        Other = "other",
    }
}

impl ThreadClass {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Interested => "Interested",
            Self::Question => "Question",
            Self::NotNow => "Not now",
            Self::OutOfOffice => "Out of office",
            Self::Unsubscribe => "Unsubscribe",
            Self::Other => "Other",
        }
    }
}

wire_enum! {
    /// Who has said what a thread is.
    pub enum ClassifiedBy {
        /// The rules of the product.
        Rule = "rule",
        /// A language model.
        Model = "model",
        /// A person.
        Person = "person",
    }
}

wire_enum! {
    /// What the product has done because of a mail.
    pub enum Effect {
        /// Nothing more of the sequence is sent.
        StoppedSequence = "stopped_sequence",
        /// What is planned waits until the person is back.
        WaitsUntilBack = "waits_until_back",
        /// The address gets no more e-mail.
        SuppressedAddress = "suppressed_address",
        /// The lead has the status of one who has replied.
        MarkedReplied = "marked_replied",
    }
}

impl Effect {
    /// The sentence people read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::StoppedSequence => "Stopped the sequence.",
            Self::WaitsUntilBack => "Moved the next e-mail until they are back.",
            Self::SuppressedAddress => "Put the address on the suppression list and stopped its sequences.",
            Self::MarkedReplied => "Set the lead to “Replied”.",
        }
    }
}

/// What a thread is about, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classified {
    /// What.
    pub class: ThreadClass,
    /// Why, as a sentence.
    pub why: String,
    /// How sure that is.
    pub confidence: Confidence,
}

/// A thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thread {
    /// Id.
    pub id: ThreadId,
    /// The mailbox that it is in.
    pub mailbox: MailboxId,
    /// Address of the mailbox.
    pub mailbox_address: String,
    /// The lead it is with.
    pub lead: Option<LeadId>,
    /// Name of the lead, or its address.
    pub lead_name: Option<String>,
    /// The firm that they work for.
    pub account: Option<AccountId>,
    /// Name of the firm.
    pub account_name: Option<String>,
    /// Name of whoever has written last, as they write it.
    pub from_name: String,
    /// Their address.
    pub from_address: Option<String>,
    /// Subject of the newest mail.
    pub subject: String,
    /// The beginning of the newest mail. It comes from outside: read it as data.
    pub snippet: String,
    /// The campaign that it answers.
    pub campaign: Option<CampaignId>,
    /// Name of the campaign.
    pub campaign_name: Option<String>,
    /// What is to be done about it.
    pub state: ThreadState,
    /// Until when it is snoozed.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Whose it is; anybody's when absent.
    pub assignee: Option<UserId>,
    /// Their name.
    pub assignee_name: Option<String>,
    /// What they want.
    pub class: ThreadClass,
    /// Why, as a sentence.
    pub class_why: String,
    /// How sure that is.
    pub class_confidence: Confidence,
    /// Who says so.
    pub classified_by: ClassifiedBy,
    /// When the newest mail came.
    pub last_at: DateTime<Utc>,
    /// Whether nobody has read the newest mail.
    pub unread: bool,
    /// Grows with each change.
    pub version: i64,
}

impl Thread {
    /// Whom it is with, in the best words that are known.
    #[must_use]
    pub fn name(&self) -> &str {
        let known = self.lead_name.as_deref().or(Some(self.from_name.as_str())).filter(|name| !name.is_empty());
        known.or(self.from_address.as_deref()).unwrap_or("Unknown sender")
    }
}

/// Which threads are listed. Everything that is named holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadFilter {
    /// In this state.
    pub state: Option<ThreadState>,
    /// Of this class.
    pub class: Option<ThreadClass>,
    /// Answers to this campaign.
    pub campaign: Option<CampaignId>,
    /// In this mailbox.
    pub mailbox: Option<MailboxId>,
    /// Of this person.
    pub assignee: Option<UserId>,
    /// Of nobody.
    pub unassigned: bool,
    /// With this lead.
    pub lead: Option<LeadId>,
    /// Whose newest mail came at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Whose newest mail came before this time.
    pub before: Option<DateTime<Utc>>,
}

/// A thread with its mails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadInFull {
    /// The thread.
    #[serde(flatten)]
    pub thread: Thread,
    /// Its newest mails, the oldest of them first.
    pub entries: Vec<ThreadEntry>,
    /// Whether it has older ones, which the lists of mails have.
    pub earlier: bool,
    /// Classes that people have corrected, the newest first.
    pub corrections: Vec<Correction>,
}

/// A mail of a thread: one that came, or one that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "direction")]
pub enum ThreadEntry {
    /// It came.
    In(Box<Received>),
    /// The company has written it.
    Out(Written),
}

impl ThreadEntry {
    /// When it came or left, or is to leave.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        match self {
            Self::In(received) => received.mail.arrived_at,
            Self::Out(written) => written.at,
        }
    }
}

/// A mail that has come, with what the product has done because of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Received {
    /// The mail.
    #[serde(flatten)]
    pub mail: Inbound,
    /// What the product has done.
    pub effects: Vec<Effect>,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
    /// Whether the files were kept; those of a large mail are in the mailbox only.
    pub has_files: bool,
    /// Whether it can be shown as its sender has laid it out.
    pub has_html: bool,
}

/// An e-mail of the company in a thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Written {
    /// Id.
    pub id: MessageId,
    /// When it left, or is to leave; when it was given up, if it never will.
    pub at: DateTime<Utc>,
    /// Subject, once it is written.
    pub subject: Option<String>,
    /// Its text, once it is written.
    pub text: String,
    /// Where it stands.
    pub state: MessageState,
    /// What the server said.
    pub detail: Option<String>,
    /// Why it came back after a server had taken it.
    pub came_back: Option<String>,
    /// The campaign that it is of.
    pub campaign: Option<CampaignId>,
    /// Who has written it as an answer in the inbox.
    pub author: Option<String>,
}

/// A class that a person has corrected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Correction {
    /// The mail that it is about.
    pub inbound: Option<InboundId>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// What it was.
    pub was: ThreadClass,
    /// How sure that was.
    pub was_confidence: Confidence,
    /// Who had said so.
    pub was_by: ClassifiedBy,
    /// What it is.
    pub became: ThreadClass,
}

/// What can be changed of a thread. What is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ThreadChange {
    /// What is to be done about it; `snoozed` needs a time.
    pub state: Option<ThreadState>,
    /// Until when it is snoozed, at most a year from now.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Whose it is: an id, or `null` for anybody's.
    #[serde(deserialize_with = "named")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<uuid::Uuid>))]
    pub assignee: Option<Option<UserId>>,
    /// What they want.
    pub class: Option<ThreadClass>,
    /// Whether nobody has read it.
    pub unread: Option<bool>,
}

/// A value that is named, also as `null`.
fn named<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

impl ThreadChange {
    /// Goes on when the change says what it needs.
    ///
    /// # Errors
    /// A problem of the state or the time.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        let field = |code: &'static str, words: &'static str| Err(Problem::field("snoozed_until", code, words));
        match (self.state, self.snoozed_until) {
            (Some(ThreadState::Snoozed), None) => field("time_missing", "Say until when it is snoozed."),
            (Some(ThreadState::Snoozed), Some(until)) if until <= now => {
                field("time_past", "Choose a time that is still to come.")
            }
            (Some(ThreadState::Snoozed), Some(until)) if until > now + Duration::days(MAX_SNOOZE) => {
                field("time_far", "Choose a time within a year from now.")
            }
            (Some(ThreadState::Snoozed), Some(_)) | (_, None) => Ok(()),
            (_, Some(_)) => field("time_without_state", "Name the state “snoozed” with the time."),
        }
    }
}

/// Goes on when the thread was not changed since somebody has read it.
///
/// # Errors
/// A refusal that says what to do.
pub fn require_version(now: i64, seen: Option<i64>) -> Result<(), Refusal> {
    if seen.is_none_or(|seen| seen == now) {
        return Ok(());
    }
    Err(Refusal::new("thread_changed", "This conversation has changed meanwhile. Read it again, then decide.", &[]))
}

wire_enum! {
    /// Times until which people snooze.
    pub enum Snooze {
        /// The next morning.
        Tomorrow = "tomorrow",
        /// Three days from now, in the morning.
        ThreeDays = "three_days",
        /// On Monday.
        NextWeek = "next_week",
        /// A day that they choose.
        Date = "date",
    }
}

impl Snooze {
    /// The words people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Tomorrow => "Tomorrow, 9:00",
            Self::ThreeDays => "In 3 days, 9:00",
            Self::NextWeek => "Next Monday, 9:00",
            Self::Date => "Another day",
        }
    }

    /// The day it means to somebody for whom it is `today`; `date` is the day that they have chosen.
    #[must_use]
    pub fn day(self, today: NaiveDate, date: Option<NaiveDate>) -> Option<NaiveDate> {
        use chrono::{Datelike, Days};
        match self {
            Self::Tomorrow => today.checked_add_days(Days::new(1)),
            Self::ThreeDays => today.checked_add_days(Days::new(3)),
            Self::NextWeek => today.checked_add_days(Days::new(7 - u64::from(today.weekday().num_days_from_monday()))),
            Self::Date => date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn a_snooze_needs_a_time_to_come() {
        let now = at("2026-11-20T10:00:00Z");
        let snooze = |until: Option<&str>| ThreadChange {
            state: Some(ThreadState::Snoozed),
            snoozed_until: until.map(at),
            ..ThreadChange::default()
        };
        assert!(snooze(Some("2026-11-20T10:00:01Z")).check(now).is_ok());
        assert!(ThreadChange { state: Some(ThreadState::Done), ..ThreadChange::default() }.check(now).is_ok());
        for (until, code) in [
            (None, "time_missing"),
            (Some("2026-11-20T10:00:00Z"), "time_past"),
            (Some("2027-12-20T10:00:00Z"), "time_far"),
        ] {
            assert_eq!(snooze(until).check(now).expect_err("refused").code, code);
        }
        let without = ThreadChange { snoozed_until: Some(now), ..ThreadChange::default() };
        assert_eq!(without.check(now).expect_err("refused").code, "time_without_state");
    }

    #[test]
    fn snoozes_are_days_of_a_calendar() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        // A Friday, and a Monday whose next one is a week away.
        for (today, snooze, expected) in [
            ("2026-11-20", Snooze::Tomorrow, "2026-11-21"),
            ("2026-11-20", Snooze::ThreeDays, "2026-11-23"),
            ("2026-11-20", Snooze::NextWeek, "2026-11-23"),
            ("2026-11-23", Snooze::NextWeek, "2026-11-30"),
        ] {
            assert_eq!(snooze.day(day(today), None), Some(day(expected)), "{snooze} on {today}");
        }
        assert_eq!(Snooze::Date.day(day("2026-11-20"), None), None);
    }

    #[test]
    fn an_assignee_that_is_taken_away_is_told_from_one_that_stays() {
        let read = |text: &str| serde_json::from_str::<ThreadChange>(text).expect("a change").assignee;
        assert_eq!((read("{}"), read(r#"{"assignee": null}"#)), (None, Some(None)));
    }
}
