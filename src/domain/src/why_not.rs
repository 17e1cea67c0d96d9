//! Why an e-mail has not left yet, and when it is looked at next. The questions are those of the claim, in its order; a
//! test lets the claim take what is due and holds the two against each other. What the claim asks of whom it has in its
//! hands only (room at the recipient's domain, missing variables, whether an old draft is still true) is told after it has
//! asked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    campaigns::{CampaignState, HoldReason},
    domains::{RecordKind, failing_words},
    enrolments::EnrolmentState,
    mailboxes::MailboxState,
    messages::MessageState,
    wire::wire_enum,
    words::{quoted_start, sentence},
};

wire_enum! {
    /// What an e-mail waits for.
    pub enum WaitReason {
        /// Nothing: its server has it in its hands.
        InFlight = "in_flight",
        /// The campaign does not run.
        Campaign = "campaign",
        /// The lead is paused in the campaign.
        Paused = "paused",
        /// A task of a person, or a run of an agent.
        Task = "task",
        /// Something that the sequence waits for.
        Event = "event",
        /// A mailbox that a person or the system has paused.
        MailboxPaused = "mailbox_paused",
        /// A mailbox that is not connected.
        MailboxDisconnected = "mailbox_disconnected",
        /// A mailbox whose domain fails its check.
        DomainFails = "domain_fails",
        /// Its draft is being written.
        Draft = "draft",
        /// Somebody has to approve its draft.
        Approval = "approval",
        /// Its time is planned anew after a pause.
        Replanning = "replanning",
        /// The lead is out of office.
        OutOfOffice = "out_of_office",
        /// A colleague has answered, and the campaign waits for a while.
        Colleague = "colleague",
        /// The recipient's domain has had what it may get.
        RecipientLimit = "recipient_limit",
        /// The server has said “later”.
        Deferred = "deferred",
        /// The sending window is closed.
        Window = "window",
        /// The delay before its step.
        Delay = "delay",
        /// It may not be sent: its sequence ends at its turn.
        Unsendable = "unsendable",
        /// The mailbox has sent what it may in 24 hours.
        Cap = "cap",
        /// The server of the mailbox could not be reached.
        Server = "server",
        /// The gap between two e-mails of the mailbox.
        Gap = "gap",
        /// Nothing but its place in the line of its mailbox.
        Turn = "turn",
    }
}

/// Why an e-mail has not left yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyNot {
    /// What it waits for.
    pub reason: WaitReason,
    /// In words.
    pub words: String,
    /// When that ends or is looked at again, where it is known.
    pub next_at: Option<DateTime<Utc>>,
}

/// An e-mail that was planned and has not left.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Where it stands.
    pub state: MessageState,
    /// When it is due.
    pub due_at: DateTime<Utc>,
    /// When its sending window opens again; nothing while it is open.
    pub opens_at: Option<DateTime<Utc>>,
    /// Its time is that of the last plan of its campaign.
    pub is_current: bool,
    /// It is written for its lead and not approved yet.
    pub draft: Option<DraftWait>,
    /// What the server said last.
    pub detail: Option<String>,
    /// What it was moved for, while that is why it is due later.
    pub waits_for: Option<String>,
}

/// What an e-mail that is written for one lead waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftWait {
    /// Somebody writes it.
    Writer,
    /// Somebody has to approve it.
    Approval,
}

/// The mailbox of an e-mail.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Its address.
    pub address: String,
    /// Where it stands.
    pub state: MailboxState,
    /// The records of its domain that fail; receivers would refuse what it sends.
    pub failing: Vec<RecordKind>,
    /// E-mails that it may still send.
    pub room: i64,
    /// When the oldest e-mail of the last 24 hours is a day old.
    pub free_at: Option<DateTime<Utc>>,
    /// Its next turn is not before this.
    pub not_before: Option<DateTime<Utc>>,
    /// Why its server could not be reached, while it could not.
    pub fault: Option<String>,
}

/// What decides.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Where the campaign stands.
    pub campaign: CampaignState,
    /// Where the lead stands in it.
    pub state: EnrolmentState,
    /// Why the lead is paused.
    pub paused: Option<&'a str>,
    /// Until when it waits because it is out of office or a colleague has answered.
    pub away_until: Option<DateTime<Utc>>,
    /// It has said that it is out of office.
    pub is_away: bool,
    /// When the step that it stands at is looked at, if no e-mail is planned.
    pub step_due_at: Option<DateTime<Utc>>,
    /// What is planned.
    pub planned: Option<&'a Planned>,
    /// Why the address gets nothing any more.
    pub unsendable: Option<&'a str>,
    /// Who sends it.
    pub sender: Option<&'a Sender>,
}

impl Sender {
    /// When it may send again, where that is known and not now.
    #[must_use]
    pub fn free_from(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let free_at = self.free_at.filter(|_| self.room <= 0);
        self.not_before.max(free_at).filter(|at| *at > now)
    }
}

impl WhyNot {
    /// Why a running campaign sends nothing, and when that ends.
    #[must_use]
    pub fn of_campaign(hold: HoldReason, next_at: Option<DateTime<Utc>>) -> Self {
        let reason = match hold {
            HoldReason::OutsideWindow => WaitReason::Window,
            HoldReason::DailyCap => WaitReason::Cap,
            HoldReason::NoHealthyMailbox => WaitReason::MailboxDisconnected,
            HoldReason::DomainAuthFailed => WaitReason::DomainFails,
            HoldReason::ApprovalBacklog => WaitReason::Approval,
            HoldReason::RecipientLimit => WaitReason::RecipientLimit,
        };
        because(reason, hold.label(), next_at)
    }
}

impl Facts<'_> {
    /// Why it has not left at `now`. For a lead that has not left its campaign.
    #[must_use]
    pub fn why_not(&self, now: DateTime<Utc>) -> WhyNot {
        use WaitReason as W;
        let mail = self.planned;
        if mail.is_some_and(|m| matches!(m.state, MessageState::Claimed | MessageState::Sending)) {
            return because(W::InFlight, "It is being sent right now.", None);
        }
        if self.campaign != CampaignState::Running {
            return because(W::Campaign, format!("The campaign is {}.", self.campaign.label().to_lowercase()), None);
        }
        let at_step = self.step_due_at.filter(|_| mail.is_none());
        match self.state {
            EnrolmentState::Paused => {
                return because(
                    W::Paused,
                    format!("It is paused: {}.", self.paused.unwrap_or("nobody said why")),
                    None,
                );
            }
            EnrolmentState::WaitingTask => return because(W::Task, "Waits until its task is done.", at_step),
            EnrolmentState::WaitingEvent if at_step.is_some_and(|at| at <= now) => {
                return because(W::Event, "What it waited for is looked at within a minute.", None);
            }
            EnrolmentState::WaitingEvent => {
                let words = match at_step {
                    Some(_) => "Waits for something to happen, at most until then.",
                    None => "Waits for something to happen.",
                };
                return because(W::Event, words, at_step);
            }
            _ => {}
        }
        let Some(mail) = mail else {
            return match at_step.filter(|at| *at > now) {
                Some(at) => because(W::Delay, "The delay before its step is not over.", Some(at)),
                None => because(W::Turn, "Its step is done within a minute.", None),
            };
        };
        let sender = self.sender.map_or("its mailbox", |sender| sender.address.as_str());
        match self.sender.map(|sender| sender.state) {
            Some(MailboxState::Paused) => {
                return because(W::MailboxPaused, format!("The mailbox {sender} is paused."), None);
            }
            Some(MailboxState::Reconnect) => {
                return because(W::MailboxDisconnected, format!("The mailbox {sender} is not connected."), None);
            }
            _ => {}
        }
        if let Some(box_) = self.sender.filter(|sender| !sender.failing.is_empty()) {
            let domain = box_.address.rsplit_once('@').map_or(sender, |(_, domain)| domain);
            return because(W::DomainFails, format!("{}.", failing_words(domain, &box_.failing)), None);
        }
        if !mail.is_current {
            return because(W::Replanning, "Its time is planned anew within a minute.", None);
        }
        let is_due = mail.due_at <= now;
        match mail.draft {
            Some(DraftWait::Approval) => return because(W::Approval, "Waits for approval of its draft.", None),
            Some(DraftWait::Writer) if is_due => return because(W::Draft, "Its draft is being written.", None),
            _ => {}
        }
        if !is_due {
            return self.before_its_time(mail, now);
        }
        self.at_its_turn(mail, sender, now)
    }

    fn before_its_time(&self, mail: &Planned, now: DateTime<Utc>) -> WhyNot {
        use WaitReason as W;
        let next = Some(mail.due_at);
        if self.away_until.is_some_and(|at| at > now) {
            return match self.is_away {
                true => because(W::OutOfOffice, "The lead is out of office.", next),
                false => because(W::Colleague, "A colleague of the lead has answered.", next),
            };
        }
        if let Some(words) = &mail.waits_for {
            return because(W::RecipientLimit, words.clone(), next);
        }
        match (mail.state, self.state) {
            (MessageState::Deferred, _) => {
                let said = quoted_start(mail.detail.as_deref().unwrap_or("no words"));
                because(W::Deferred, format!("It is tried again: {said}."), next)
            }
            (_, EnrolmentState::WaitingWindow) => because(W::Window, "The sending window is closed.", next),
            _ => because(W::Delay, "The delay before its step is not over.", next),
        }
    }

    /// It is due: what its mailbox asks, then what is asked of the e-mail.
    fn at_its_turn(&self, mail: &Planned, sender: &str, now: DateTime<Utc>) -> WhyNot {
        use WaitReason as W;
        if let Some(box_) = self.sender {
            let later = box_.not_before.filter(|at| *at > now);
            if let Some((fault, at)) = box_.fault.as_deref().zip(later) {
                let words = format!("The server of {sender} could not be reached: {}.", quoted_start(fault));
                return because(W::Server, words, Some(at));
            }
            if box_.room <= 0 {
                return because(W::Cap, format!("Waits for the cap of {sender}."), box_.free_from(now));
            }
            if later.is_some() {
                return because(W::Gap, format!("Waits for the gap of {sender}."), later);
            }
        }
        if let Some(opens_at) = mail.opens_at.filter(|at| *at > now) {
            return because(W::Window, "The sending window is closed.", Some(opens_at));
        }
        if let Some(why) = self.unsendable {
            return because(W::Unsendable, format!("{}, so its sequence ends at its turn.", sentence(why)), None);
        }
        because(W::Turn, format!("It is due, and stands in line at {sender}."), None)
    }
}

fn because(reason: WaitReason, words: impl Into<String>, next_at: Option<DateTime<Utc>>) -> WhyNot {
    WhyNot { reason, words: words.into(), next_at }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::{WaitReason as W, *};

    fn now() -> DateTime<Utc> {
        "2026-11-20T10:00:00Z".parse().expect("a time")
    }

    fn later(minutes: i64) -> DateTime<Utc> {
        now() + Duration::minutes(minutes)
    }

    fn planned() -> Planned {
        Planned {
            state: MessageState::Scheduled,
            due_at: later(-1),
            opens_at: None,
            is_current: true,
            draft: None,
            detail: None,
            waits_for: None,
        }
    }

    fn sender() -> Sender {
        Sender {
            address: "nora@halden.example".to_owned(),
            state: MailboxState::Connected,
            failing: Vec::new(),
            room: 5,
            free_at: None,
            not_before: None,
            fault: None,
        }
    }

    fn facts<'a>(planned: Option<&'a Planned>, sender: &'a Sender) -> Facts<'a> {
        Facts {
            campaign: CampaignState::Running,
            state: EnrolmentState::Active,
            paused: None,
            away_until: None,
            is_away: false,
            step_due_at: None,
            planned,
            unsendable: None,
            sender: Some(sender),
        }
    }

    fn told(facts: &Facts<'_>) -> (W, String, Option<DateTime<Utc>>) {
        let why = facts.why_not(now());
        (why.reason, why.words, why.next_at)
    }

    #[test]
    fn what_is_planned_waits_for_its_reasons() {
        let at = later(30);
        let ahead = Planned { due_at: at, ..planned() };
        let writer = Planned { draft: Some(DraftWait::Writer), ..planned() };
        let approval = Planned { draft: Some(DraftWait::Approval), ..ahead.clone() };
        let deferred =
            Planned { state: MessageState::Deferred, detail: Some("451 4.3.0 busy".to_owned()), ..ahead.clone() };
        let in_line = Planned { waits_for: Some("Gmail is full; it stands in line.".to_owned()), ..ahead.clone() };
        let closed = Planned { opens_at: Some(later(60)), ..planned() };
        let old = Planned { is_current: false, ..planned() };
        let sending = Planned { state: MessageState::Sending, ..planned() };
        let window = |planned| Facts { state: EnrolmentState::WaitingWindow, ..facts(Some(planned), &SENDER) };
        let waits = Facts { away_until: Some(at), ..facts(Some(&ahead), &SENDER) };
        let away = Facts { is_away: true, ..waits.clone() };
        static SENDER: std::sync::LazyLock<Sender> = std::sync::LazyLock::new(sender);
        for (facts, reason, words, next) in [
            (facts(Some(&sending), &SENDER), W::InFlight, "It is being sent right now.", None),
            (facts(Some(&old), &SENDER), W::Replanning, "Its time is planned anew within a minute.", None),
            (facts(Some(&writer), &SENDER), W::Draft, "Its draft is being written.", None),
            (facts(Some(&approval), &SENDER), W::Approval, "Waits for approval of its draft.", None),
            (away, W::OutOfOffice, "The lead is out of office.", Some(at)),
            (waits, W::Colleague, "A colleague of the lead has answered.", Some(at)),
            (window(&in_line), W::RecipientLimit, "Gmail is full; it stands in line.", Some(at)),
            (facts(Some(&deferred), &SENDER), W::Deferred, "It is tried again: “451 4.3.0 busy”.", Some(at)),
            (window(&ahead), W::Window, "The sending window is closed.", Some(at)),
            (facts(Some(&ahead), &SENDER), W::Delay, "The delay before its step is not over.", Some(at)),
            (window(&closed), W::Window, "The sending window is closed.", Some(later(60))),
        ] {
            assert_eq!(told(&facts), (reason, words.to_owned(), next));
        }
        let suppressed = Facts { unsendable: Some("the address is suppressed"), ..facts(Some(&closed), &SENDER) };
        assert_eq!(told(&suppressed).0, W::Window, "the claim looks at the window first");
    }

    #[test]
    fn what_is_due_waits_for_its_mailbox() {
        let mail = planned();
        let (soon, at) = (later(5), later(90));
        for (sender, reason, words, next) in [
            (sender(), W::Turn, "It is due, and stands in line at nora@halden.example.", None),
            (
                Sender { state: MailboxState::Paused, ..sender() },
                W::MailboxPaused,
                "The mailbox nora@halden.example is paused.",
                None,
            ),
            (
                Sender { failing: vec![RecordKind::Dkim, RecordKind::Dmarc], room: 0, free_at: Some(at), ..sender() },
                W::DomainFails,
                "halden.example fails DKIM, DMARC, so receivers would refuse its e-mails. Publish the records that \
                 Settings, Domains shows.",
                None,
            ),
            (
                Sender { room: 0, free_at: Some(at), not_before: Some(soon), ..sender() },
                W::Cap,
                "Waits for the cap of nora@halden.example.",
                Some(at),
            ),
            (
                Sender { not_before: Some(soon), ..sender() },
                W::Gap,
                "Waits for the gap of nora@halden.example.",
                Some(soon),
            ),
            (
                Sender { not_before: Some(soon), fault: Some("connection refused".to_owned()), ..sender() },
                W::Server,
                "The server of nora@halden.example could not be reached: “connection refused”.",
                Some(soon),
            ),
        ] {
            assert_eq!(told(&facts(Some(&mail), &sender)), (reason, words.to_owned(), next));
        }
        let sender = sender();
        let unsendable = Facts { unsendable: Some("the address is suppressed"), ..facts(Some(&mail), &sender) };
        let words = "The address is suppressed, so its sequence ends at its turn.";
        assert_eq!(told(&unsendable), (W::Unsendable, words.to_owned(), None));
    }

    #[test]
    fn a_lead_without_an_e_mail_waits_for_its_step() {
        let (sender, at) = (sender(), later(30));
        let none = |state| Facts { state, ..facts(None, &sender) };
        let due = |state| Facts { step_due_at: Some(at), ..none(state) };
        use EnrolmentState as S;
        let paused = Facts { paused: Some("by Nora"), ..none(S::Paused) };
        for (facts, reason, words, next) in [
            (paused, W::Paused, "It is paused: by Nora.", None),
            (none(S::WaitingTask), W::Task, "Waits until its task is done.", None),
            (none(S::WaitingEvent), W::Event, "Waits for something to happen.", None),
            (due(S::WaitingEvent), W::Event, "Waits for something to happen, at most until then.", Some(at)),
            (due(S::WaitingDelay), W::Delay, "The delay before its step is not over.", Some(at)),
            (none(S::Active), W::Turn, "Its step is done within a minute.", None),
            (
                Facts { campaign: CampaignState::Paused, ..none(S::WaitingTask) },
                W::Campaign,
                "The campaign is paused.",
                None,
            ),
        ] {
            assert_eq!(told(&facts), (reason, words.to_owned(), next));
        }
    }
}
