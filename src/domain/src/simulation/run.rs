//! The run of a simulation: from moment to moment, each mailbox having its turns and each lead its steps.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque},
};

use chrono::{DateTime, Duration, Utc};

use super::{
    HORIZON_DAYS, Lead, NeverReached, Plan, SimulatedDay, SimulatedMailbox, Simulation, Stands, TAKES,
    calendars::Calendars,
    mailboxes::{Sender, Turn},
};
use crate::{
    StepId,
    mailboxes::RecipientLimits,
    steps::{Action, Answer, Delay, StepKind},
    window::day_in,
};

/// Simulates a campaign. `never` are the leads that get nothing.
#[must_use]
pub fn run(plan: &Plan<'_>, leads: &[Lead], never: Vec<NeverReached>) -> Simulation {
    let mut run = Run::of(plan, leads);
    run.begin();
    run.go();
    run.result(never)
}

/// Where a lead goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Start,
    Done(StepId),
    Before(StepId),
    Due(StepId),
    Unanswered(StepId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Turn(usize),
    Goes(usize, At),
}

struct Run<'a> {
    plan: &'a Plan<'a>,
    leads: &'a [Lead],
    calendars: Calendars<'a>,
    senders: Vec<Sender<'a>>,
    /// When each mailbox looks next.
    turns: Vec<Option<DateTime<Utc>>>,
    /// The e-mail that each lead waits for.
    mails: Vec<Option<StepId>>,
    room: Room<'a>,
    events: BinaryHeap<Reverse<(DateTime<Utc>, u64, Event)>>,
    order: u64,
    finished: i64,
    ends_at: Option<DateTime<Utc>>,
    last_mail_at: Option<DateTime<Utc>>,
}

impl<'a> Run<'a> {
    fn of(plan: &'a Plan<'a>, leads: &'a [Lead]) -> Self {
        Self {
            plan,
            leads,
            calendars: Calendars::of(plan),
            senders: plan.mailboxes.iter().map(|mailbox| Sender::of(mailbox, plan.begins_at)).collect(),
            turns: vec![None; plan.mailboxes.len()],
            mails: vec![None; leads.len()],
            room: Room { limits: plan.limits, groups: HashMap::new() },
            events: BinaryHeap::new(),
            order: 0,
            finished: 0,
            ends_at: None,
            last_mail_at: None,
        }
    }

    fn begin(&mut self) {
        let now = self.plan.begins_at;
        for other in self.plan.others {
            let order = self.next_order();
            self.senders[other.mailbox].put_other(other.due_at, order);
            self.wake(other.mailbox, other.due_at.max(now));
        }
        for (number, lead) in self.leads.iter().enumerate() {
            match lead.stands {
                Stands::Start => self.walk(number, At::Start, now),
                Stands::Mail(step, due_at) => self.plan_mail(number, step, due_at),
                Stands::Before(step, at) => self.push(at.max(now), Event::Goes(number, At::Due(step))),
                Stands::In(step, at) => {
                    let sequence = &self.plan.sequences[lead.sequence];
                    let waits = sequence.get(step).is_some_and(|step| step.kind() == StepKind::WaitFor);
                    let then = if waits { At::Unanswered(step) } else { At::Done(step) };
                    self.push(at.max(now), Event::Goes(number, then));
                }
                Stands::Anew(step) => self.walk(number, At::Before(step), now),
                Stands::End => self.finish(now),
            }
        }
    }

    fn go(&mut self) {
        let end = self.plan.begins_at + Duration::days(HORIZON_DAYS);
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            if now > end {
                return;
            }
            match event {
                Event::Goes(lead, at) => self.walk(lead, at, now),
                Event::Turn(mailbox) if self.turns[mailbox] == Some(now) => {
                    self.turns[mailbox] = None;
                    self.turn(mailbox, now);
                }
                Event::Turn(_) => {}
            }
        }
    }

    fn turn(&mut self, mailbox: usize, now: DateTime<Utc>) {
        let today = day_in(self.plan.company_zone, now);
        loop {
            match self.senders[mailbox].turn(&self.calendars, now, today) {
                Turn::Waits(at) => return self.wake(mailbox, at),
                Turn::Rests => return,
                Turn::Sends(None) => self.senders[mailbox].has_sent(now),
                Turn::Sends(Some(lead)) => {
                    let Some(step) = self.mails[lead] else { continue };
                    if let Some(at) = self.room.take(lead, &self.leads[lead].group, now) {
                        self.plan_mail(lead, step, at);
                        continue;
                    }
                    self.mails[lead] = None;
                    let sender = &mut self.senders[mailbox];
                    sender.has_sent(now);
                    *sender.days.entry(today).or_default() += 1;
                    self.last_mail_at = Some(now);
                    self.walk(lead, At::Done(step), now);
                }
            }
        }
    }

    /// Takes a lead on until it comes to something that takes time.
    fn walk(&mut self, number: usize, mut at: At, now: DateTime<Utc>) {
        let lead = &self.leads[number];
        let sequence = &self.plan.sequences[lead.sequence];
        loop {
            let (step, is_due) = match at {
                At::Start => (sequence.first(), false),
                At::Done(id) => (sequence.after(id), false),
                At::Before(id) => (sequence.get(id), false),
                At::Due(id) => (sequence.get(id), true),
                At::Unanswered(id) => (sequence.on(id, Answer::No), false),
            };
            let Some(step) = step else { return self.finish(now) };
            let later = |delay: Delay| {
                let window = self.plan.window;
                window.wait_after(now, delay, self.calendars.calendar(window, lead))
            };
            if let Action::Email(email) = &step.action {
                if lead.behind.contains(&step.id) {
                    at = At::Done(step.id);
                    continue;
                }
                let window = email.window.as_ref().unwrap_or(self.plan.window);
                let delay = if is_due { Delay::NONE } else { step.delay };
                let due_at = window.wait_after(now, delay, self.calendars.calendar(window, lead));
                return self.plan_mail(number, step.id, due_at);
            }
            if !is_due && !step.delay.is_none() {
                let due_at = later(step.delay);
                return self.push(due_at, Event::Goes(number, At::Due(step.id)));
            }
            let holds = lead.holds.contains(&step.id);
            let answered = |answer| sequence.on(step.id, answer).map(|to| At::Before(to.id));
            let next = match &step.action {
                Action::Condition { .. } => answered(if holds { Answer::Yes } else { Answer::No }),
                Action::WaitFor { .. } if holds => answered(Answer::Yes),
                Action::WaitFor { timeout, .. } => {
                    let until = later(*timeout);
                    return self.push(until, Event::Goes(number, At::Unanswered(step.id)));
                }
                Action::Task { wait: true, .. } | Action::Agent { wait: true, .. } => {
                    let until = later(TAKES);
                    return self.push(until, Event::Goes(number, At::Done(step.id)));
                }
                Action::End => None,
                _ => Some(At::Done(step.id)),
            };
            match next {
                Some(next) => at = next,
                None => return self.finish(now),
            }
        }
    }

    fn plan_mail(&mut self, number: usize, step: StepId, due_at: DateTime<Utc>) {
        let lead = &self.leads[number];
        let email = self.plan.sequences[lead.sequence].get(step).and_then(|step| step.email());
        let window = email.and_then(|email| email.window.as_ref()).unwrap_or(self.plan.window);
        let openings = self.calendars.place(window, lead);
        let order = self.next_order();
        self.senders[lead.mailbox].put(openings, due_at, order, number);
        self.mails[number] = Some(step);
        self.wake(lead.mailbox, due_at.max(self.plan.begins_at));
    }

    fn finish(&mut self, now: DateTime<Utc>) {
        self.finished += 1;
        self.ends_at = Some(now);
    }

    fn wake(&mut self, mailbox: usize, at: DateTime<Utc>) {
        if self.turns[mailbox].is_none_or(|next| at < next) {
            self.turns[mailbox] = Some(at);
            self.push(at, Event::Turn(mailbox));
        }
    }

    fn push(&mut self, at: DateTime<Utc>, event: Event) {
        let order = self.next_order();
        self.events.push(Reverse((at, order, event)));
    }

    fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    fn result(self, never: Vec<NeverReached>) -> Simulation {
        let mut days = BTreeMap::new();
        for (day, mails) in self.senders.iter().flat_map(|sender| &sender.days) {
            *days.entry(*day).or_default() += mails;
        }
        let leads = i64::try_from(self.leads.len()).unwrap_or(i64::MAX);
        let unfinished = leads - self.finished;
        Simulation {
            leads,
            mails: days.values().sum(),
            days: days.into_iter().map(|(day, mails)| SimulatedDay { day, mails }).collect(),
            mailboxes: self
                .senders
                .iter()
                .zip(self.plan.mailboxes)
                .map(|(sender, mailbox)| SimulatedMailbox {
                    mailbox: mailbox.id,
                    mails: sender.days.values().sum(),
                    busiest_day: sender.days.values().copied().max().unwrap_or_default(),
                    full_days: i64::try_from(sender.full.len()).unwrap_or_default(),
                })
                .collect(),
            last_mail_at: self.last_mail_at,
            ends_at: self.ends_at.filter(|_| unfinished == 0),
            unfinished,
            held: 0,
            never,
            otherwise: Vec::new(),
        }
    }
}

/// Room at the recipients' domains. `service` has the same line, in `messages/room.rs`.
struct Room<'a> {
    limits: RecipientLimits,
    groups: HashMap<&'a str, Group>,
}

#[derive(Default)]
struct Group {
    sent: VecDeque<DateTime<Utc>>,
    line_ends_at: Option<DateTime<Utc>>,
    stood: std::collections::HashSet<usize>,
}

impl<'a> Room<'a> {
    /// Takes a place for the e-mail of a lead, or says when to come again.
    fn take(&mut self, lead: usize, name: &'a str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.limits.is_none() {
            return None;
        }
        let (limits, pace) = (self.limits, self.limits.pace());
        let group = self.groups.entry(name).or_default();
        while group.sent.front().is_some_and(|at| *at <= now - Duration::hours(24)) {
            group.sent.pop_front();
        }
        let full_until = |most: Option<i32>, window: Duration| {
            let most = usize::try_from(most?).unwrap_or(usize::MAX);
            let begins = group.sent.partition_point(|at| *at <= now - window);
            let used = group.sent.len() - begins;
            (used >= most).then(|| group.sent[group.sent.len() - most] + window)
        };
        let hour = full_until(limits.per_hour, Duration::hours(1));
        let free_at = hour.max(full_until(limits.per_day, Duration::hours(24)));
        let stood = group.stood.contains(&lead);
        let line = group.line_ends_at.filter(|end| *end > now && !stood);
        match (free_at, line) {
            (None, None) => {
                group.sent.push_back(now);
                group.stood.remove(&lead);
                None
            }
            (free_at, line) => {
                let behind = line.map(|end| end + pace);
                let at = free_at.max(behind).unwrap_or(now + pace);
                group.line_ends_at = group.line_ends_at.max(Some(at));
                group.stood.insert(lead);
                Some(at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use uuid::Uuid;

    use super::*;
    use crate::{
        MailboxId,
        campaigns::Holidays,
        simulation::{Mailbox, Other},
        steps::{DelayUnit, Email, Place, Sequence, Step},
        window::{SendingWindow, WindowZone},
    };

    /// A Friday.
    fn begins_at() -> DateTime<Utc> {
        "2026-11-20T08:00:00Z".parse().expect("a time")
    }

    fn id(n: u128) -> StepId {
        StepId(Uuid::from_u128(n))
    }

    /// E-mails, so many days apart.
    fn sequence(days: &[i32]) -> Sequence {
        let step = |(n, amount): (u128, &i32)| Step {
            id: id(n),
            delay: Delay { amount: *amount, unit: DelayUnit::Days },
            action: Action::Email(Email::default()),
            ..Step::example()
        };
        Sequence::of((1..).zip(days).map(step).collect())
    }

    fn mailbox(daily_cap: i32, gap_seconds: i64) -> Mailbox {
        Mailbox { id: MailboxId(Uuid::from_u128(9)), daily_cap, ramp_from: None, gap_seconds, sent: Vec::new() }
    }

    fn leads(count: usize) -> Vec<Lead> {
        let lead = Lead {
            sequence: 0,
            mailbox: 0,
            zone: None,
            country: None,
            group: "corvus.example".into(),
            holds: Vec::new(),
            behind: Vec::new(),
            stands: Stands::Start,
        };
        vec![lead; count]
    }

    /// Weekdays from nine to five in London, whose clock is UTC in winter.
    fn office() -> SendingWindow {
        SendingWindow { zone: WindowZone::Lead, ..SendingWindow::default() }
    }

    fn simulate(sequence: &Sequence, mailboxes: &[Mailbox], window: &SendingWindow, leads: &[Lead]) -> Simulation {
        run(&plan(std::slice::from_ref(sequence), mailboxes, window), leads, Vec::new())
    }

    fn plan<'a>(sequences: &'a [Sequence], mailboxes: &'a [Mailbox], window: &'a SendingWindow) -> Plan<'a> {
        Plan {
            sequences,
            window,
            holidays: Holidays::Ignored,
            company_zone: "Europe/London",
            company_country: None,
            limits: RecipientLimits::default(),
            mailboxes,
            others: &[],
            begins_at: begins_at(),
        }
    }

    fn days(simulation: &Simulation) -> Vec<(String, i64)> {
        simulation.days.iter().map(|day| (day.day.to_string(), day.mails)).collect()
    }

    fn day(day: &str, mails: i64) -> (String, i64) {
        (day.to_owned(), mails)
    }

    #[test]
    fn a_cap_spreads_the_audience_over_days_and_weekends_are_left_out() {
        let simulation = simulate(&sequence(&[0]), &[mailbox(40, 0)], &office(), &leads(100));
        assert_eq!(days(&simulation), [day("2026-11-20", 40), day("2026-11-23", 40), day("2026-11-24", 20)]);
        assert_eq!((simulation.mails, simulation.unfinished), (100, 0));
        assert_eq!(simulation.last_mail_at, Some("2026-11-24T09:00:00Z".parse().expect("a time")));
        assert_eq!(simulation.mailboxes[0].full_days, 2);
    }

    #[test]
    fn steps_wait_for_their_delay_and_share_the_cap() {
        let simulation = simulate(&sequence(&[0, 3]), &[mailbox(40, 0)], &office(), &leads(40));
        assert_eq!(days(&simulation), [day("2026-11-20", 40), day("2026-11-23", 40)]);
        assert_eq!(simulation.ends_at, simulation.last_mail_at);
    }

    #[test]
    fn a_gap_lets_a_day_carry_only_so_many() {
        // Eight hours with an e-mail every half hour; the one at five o'clock is too late.
        let simulation = simulate(&sequence(&[0]), &[mailbox(500, 1800)], &office(), &leads(20));
        assert_eq!(days(&simulation), [day("2026-11-20", 16), day("2026-11-23", 4)]);
    }

    #[test]
    fn a_new_mailbox_carries_more_each_day() {
        let always = SendingWindow::always();
        let young = Mailbox { ramp_from: Some(begins_at()), ..mailbox(50, 0) };
        let simulation = simulate(&sequence(&[0]), &[young], &always, &leads(66));
        assert_eq!(days(&simulation), [day("2026-11-20", 20), day("2026-11-21", 22), day("2026-11-22", 24)]);
    }

    #[test]
    fn what_was_sent_before_and_what_others_have_planned_takes_its_place() {
        let always = SendingWindow::always();
        let used = Mailbox { sent: vec![begins_at() - Duration::hours(2); 3], ..mailbox(10, 0) };
        let sequences = [sequence(&[0])];
        let others = [Other { mailbox: 0, due_at: begins_at() - Duration::hours(1) }; 4];
        let mailboxes = [used];
        let with_others = Plan { others: &others, ..plan(&sequences, &mailboxes, &always) };
        let simulation = run(&with_others, &leads(5), Vec::new());
        assert_eq!(days(&simulation), [day("2026-11-20", 3), day("2026-11-21", 2)]);
        assert_eq!(simulation.mails, 5, "those of others are not counted");
    }

    #[test]
    fn limits_of_a_recipient_s_domain_make_a_line() {
        let always = SendingWindow::always();
        let (sequences, mailboxes) = ([sequence(&[0])], [mailbox(500, 0)]);
        let limits = RecipientLimits { per_hour: None, per_day: Some(4) };
        let limited = Plan { limits, ..plan(&sequences, &mailboxes, &always) };
        let mut some = leads(10);
        some.push(Lead { group: "lark.example".into(), ..leads(1).remove(0) });
        let simulation = run(&limited, &some, Vec::new());
        assert_eq!(simulation.mails, 11);
        assert_eq!(days(&simulation)[0], day("2026-11-20", 5));
        assert!(simulation.days.iter().skip(1).all(|day| day.mails <= 5), "{simulation:?}");
    }

    #[test]
    fn questions_about_the_lead_are_answered_and_others_are_not() {
        let step = |n: u128, kind| Step { id: id(n), action: Action::empty(kind), ..Step::example() };
        let mut sequence = Sequence::default();
        let yes = Some(crate::steps::Branch { of: id(1), when: Answer::Yes });
        for (n, kind, branch) in
            [(1, StepKind::Condition, None), (3, StepKind::WaitFor, None), (2, StepKind::Email, yes)]
        {
            let mut step = step(n, kind);
            step.delay = Delay::NONE;
            sequence.add(step, Place { position: None, branch }).expect("it fits");
        }
        let mut some = leads(3);
        some[0].holds = vec![id(1)];
        let simulation = simulate(&sequence, &[mailbox(10, 0)], &SendingWindow::always(), &some);
        assert_eq!((simulation.mails, simulation.unfinished), (1, 0));
        let waited: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().expect("a time");
        assert_eq!(simulation.ends_at, Some(waited), "three working days without an answer");
    }

    #[test]
    fn leads_go_on_from_where_they_stand() {
        let mut some = leads(3);
        let due_at = begins_at() + Duration::days(2);
        some[0].stands = Stands::Mail(id(2), due_at);
        some[1].stands = Stands::In(id(1), due_at);
        let simulation = simulate(&sequence(&[0, 1]), &[mailbox(10, 0)], &SendingWindow::always(), &some);
        let expected = [day("2026-11-20", 1), day("2026-11-21", 1), day("2026-11-22", 1), day("2026-11-23", 1)];
        assert_eq!(days(&simulation), expected);
    }

    #[test]
    fn leads_who_are_moved_begin_anew_and_get_nothing_twice() {
        let mut some = leads(3);
        some[0].stands = Stands::Anew(id(2));
        // Its second e-mail was sent when it was the first one.
        (some[1].stands, some[1].behind) = (Stands::Anew(id(1)), vec![id(2)]);
        some[2].stands = Stands::End;
        let simulation = simulate(&sequence(&[0, 3, 1]), &[mailbox(10, 0)], &SendingWindow::always(), &some);
        let expected = [("2026-11-20", 1), ("2026-11-21", 1), ("2026-11-23", 1), ("2026-11-24", 1)];
        assert_eq!(days(&simulation), expected.map(|(on, mails)| day(on, mails)));
        assert_eq!((simulation.leads, simulation.unfinished), (3, 0));
    }

    #[test]
    fn what_never_ends_is_told() {
        let simulation = simulate(&sequence(&[0]), &[mailbox(1, 0)], &office(), &leads(1000));
        assert!(simulation.unfinished > 600, "{}", simulation.unfinished);
        assert_eq!((simulation.ends_at, simulation.mails), (None, 1000 - simulation.unfinished));
        let none = simulate(&sequence(&[0]), &[mailbox(0, 0)], &office(), &leads(3));
        assert_eq!((none.mails, none.unfinished, none.last_mail_at), (0, 3, None));
        let last: NaiveDate = "2027-12-24".parse().expect("a date");
        assert!(simulation.days.last().is_some_and(|day| day.day <= last));
    }
}
