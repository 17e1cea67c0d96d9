//! What a mailbox may send when: its cap over any 24 hours, the gap between two e-mails, and what is due.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::{Mailbox, calendars::Calendars};

/// What a new mailbox may send in 24 hours, and by how much that grows each day.
const RAMP: (i64, i64) = (20, 2);

/// An e-mail that waits: when it is due, in which order it came, and whose it is; nothing for another campaign's.
type Waiting = Reverse<(DateTime<Utc>, u64, Option<usize>)>;

/// A mailbox on its way through time.
#[derive(Debug)]
pub(super) struct Sender<'a> {
    mailbox: &'a Mailbox,
    /// What waits, by the place of its openings.
    queues: BTreeMap<usize, BinaryHeap<Waiting>>,
    /// Of other campaigns, which look after their own windows.
    others: BinaryHeap<Waiting>,
    sent: VecDeque<DateTime<Utc>>,
    not_before: DateTime<Utc>,
    pub(super) days: BTreeMap<NaiveDate, i64>,
    /// Days on which it was full.
    pub(super) full: std::collections::BTreeSet<NaiveDate>,
}

/// What a mailbox does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Sends the e-mail of this lead, due at this time; or one of another campaign.
    Sends(Option<usize>),
    /// Looks again then.
    Waits(DateTime<Utc>),
    /// Has nothing to do.
    Rests,
}

impl<'a> Sender<'a> {
    pub(super) fn of(mailbox: &'a Mailbox, begins_at: DateTime<Utc>) -> Self {
        Self {
            mailbox,
            queues: BTreeMap::new(),
            others: BinaryHeap::new(),
            sent: mailbox.sent.iter().copied().collect(),
            not_before: begins_at,
            days: BTreeMap::new(),
            full: std::collections::BTreeSet::new(),
        }
    }

    pub(super) fn put(&mut self, openings: usize, due_at: DateTime<Utc>, order: u64, lead: usize) {
        self.queues.entry(openings).or_default().push(Reverse((due_at, order, Some(lead))));
    }

    pub(super) fn put_other(&mut self, due_at: DateTime<Utc>, order: u64) {
        self.others.push(Reverse((due_at, order, None)));
    }

    /// What it does at `now`.
    pub(super) fn turn(&mut self, calendars: &Calendars<'_>, now: DateTime<Utc>, today: NaiveDate) -> Turn {
        if now < self.not_before {
            return Turn::Waits(self.not_before);
        }
        let day = Duration::hours(24);
        while self.sent.front().is_some_and(|at| *at <= now - day) {
            self.sent.pop_front();
        }
        let Some((due_at, place)) = self.head() else { return Turn::Rests };
        if due_at > now {
            return Turn::Waits(due_at);
        }
        let cap = usize::try_from(self.cap(now)).unwrap_or_default();
        if self.sent.len() >= cap {
            self.full.insert(today);
            return Turn::Waits(self.sent.front().map_or(now + Duration::hours(1), |oldest| *oldest + day));
        }
        if let Some(place) = place
            && !calendars.openings(place).is_open(now)
        {
            self.put_off_closed(calendars, now);
            return self.turn(calendars, now, today);
        }
        let queue = place.map_or(Some(&mut self.others), |place| self.queues.get_mut(&place));
        queue.and_then(BinaryHeap::pop).map_or(Turn::Rests, |Reverse((.., lead))| Turn::Sends(lead))
    }

    /// What is due first, and the place of its openings.
    fn head(&self) -> Option<(DateTime<Utc>, Option<usize>)> {
        let queues = self.queues.iter().map(|(place, queue)| (Some(*place), queue));
        let heads = queues.chain([(None, &self.others)]).filter_map(|(place, queue)| Some((place, queue.peek()?)));
        let first = heads.map(|(place, Reverse((due_at, order, _)))| (*due_at, *order, place)).min();
        first.map(|(due_at, _, place)| (due_at, place))
    }

    /// What is due and may not leave now waits until its window opens; one that never opens again is dropped.
    fn put_off_closed(&mut self, calendars: &Calendars<'_>, now: DateTime<Utc>) {
        for (place, queue) in &mut self.queues {
            let Some(opens) = calendars.openings(*place).next(now) else {
                queue.clear();
                continue;
            };
            while let Some(mut head) = queue.peek_mut().filter(|head| opens > now && head.0.0 <= now) {
                head.0.0 = opens;
            }
        }
    }

    /// One has left.
    pub(super) fn has_sent(&mut self, now: DateTime<Utc>) {
        self.sent.push_back(now);
        self.not_before = now + Duration::seconds(self.mailbox.gap_seconds);
    }

    /// The database function `mailbox_cap` says the same.
    fn cap(&self, now: DateTime<Utc>) -> i64 {
        let cap = i64::from(self.mailbox.daily_cap);
        match self.mailbox.ramp_from {
            Some(from) => cap.min(RAMP.0 + RAMP.1 * (now - from).num_days().max(0)),
            None => cap,
        }
    }
}
