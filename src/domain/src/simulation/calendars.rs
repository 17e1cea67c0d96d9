//! When windows are open, looked up once for each window and each clock: a campaign asks a million times.

use std::collections::HashMap;

use chrono::{DateTime, Duration, Utc};

use super::{HORIZON_DAYS, Lead, Plan};
use crate::{
    campaigns::Holidays,
    window::{Calendar, SendingWindow, WindowZone},
};

/// Times at which a window is open, in order.
#[derive(Debug, Default)]
pub(super) struct Openings(Vec<(DateTime<Utc>, DateTime<Utc>)>);

impl Openings {
    fn of(window: &SendingWindow, calendar: Calendar<'_>, from: DateTime<Utc>) -> Self {
        let end = from + Duration::days(HORIZON_DAYS);
        let (mut at, mut all) = (from, Vec::new());
        while at < end {
            let slot = window.next_open(at, calendar);
            if slot.ends_at <= at {
                break;
            }
            all.push((slot.due_at, slot.ends_at));
            at = slot.ends_at;
        }
        Self(all)
    }

    /// The first moment at or after `at` at which it is open; nothing when that is too far ahead.
    pub(super) fn next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let place = self.0.partition_point(|(_, ends)| *ends <= at);
        self.0.get(place).map(|(opens, _)| at.max(*opens))
    }

    /// Whether it is open.
    pub(super) fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.next(at) == Some(at)
    }
}

/// Every window on every clock that the leads of a plan have.
#[derive(Debug)]
pub(super) struct Calendars<'a> {
    plan: &'a Plan<'a>,
    /// Windows: that of the campaign, then those of steps.
    windows: Vec<&'a SendingWindow>,
    openings: Vec<Openings>,
    places: HashMap<(usize, String, Option<String>), usize>,
}

impl<'a> Calendars<'a> {
    pub(super) fn of(plan: &'a Plan<'a>) -> Self {
        let own = plan.sequences.iter().flat_map(|sequence| sequence.steps());
        let own = own.filter_map(|step| step.email()?.window.as_ref());
        let windows = std::iter::once(plan.window).chain(own).collect();
        Self { plan, windows, openings: Vec::new(), places: HashMap::new() }
    }

    /// The calendar of a window for a lead, as `service` has it.
    pub(super) fn calendar<'l>(&self, window: &SendingWindow, lead: &'l Lead) -> Calendar<'l>
    where
        'a: 'l,
    {
        let zone = match window.zone {
            WindowZone::Lead => lead.zone.as_deref().unwrap_or(self.plan.company_zone),
            WindowZone::Company => self.plan.company_zone,
        };
        let country = match self.plan.holidays {
            Holidays::Ignored => None,
            Holidays::Lead => lead.country.as_deref().or(self.plan.company_country),
            Holidays::Company => self.plan.company_country,
        };
        Calendar { zone, country }
    }

    /// The place of the openings of a window for a lead.
    pub(super) fn place(&mut self, window: &SendingWindow, lead: &Lead) -> usize {
        let number = self.windows.iter().position(|one| *one == window).unwrap_or_default();
        let calendar = self.calendar(window, lead);
        let key = (number, calendar.zone.to_owned(), calendar.country.map(str::to_owned));
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        self.openings.push(Openings::of(window, calendar, self.plan.begins_at));
        self.places.insert(key, self.openings.len() - 1);
        self.openings.len() - 1
    }

    pub(super) fn openings(&self, place: usize) -> &Openings {
        &self.openings[place]
    }
}
