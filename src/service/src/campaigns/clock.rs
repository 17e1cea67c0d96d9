//! Whose clock and whose holidays a campaign's window means, for each lead.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, EnrolmentId, StepId,
    campaigns::{Campaign, Holidays},
    enrolments::EnrolmentState,
    window::{Calendar, SendingWindow, Slot, WindowZone},
};

use super::Campaigns;
use crate::Result;

/// PostgreSQL ends at the year 294276; chrono's last moment is close to it.
pub(crate) const FAR: DateTime<Utc> =
    DateTime::from_timestamp(253_402_300_799, 0).expect("the last second of the year 9999");

/// Whose clock a campaign's window means, for each lead.
pub(crate) struct Clock<'c> {
    pub window: &'c SendingWindow,
    holidays: Holidays,
    company_zone: &'c str,
    company_country: Option<&'c str>,
}

impl<'c> Clock<'c> {
    pub fn of(campaign: &'c Campaign, company_zone: &'c str, company_country: Option<&'c str>) -> Self {
        Self { window: &campaign.window, holidays: campaign.rules.holidays, company_zone, company_country }
    }

    /// The calendar of the campaign's window for a lead.
    pub fn calendar<'z>(&'z self, lead_zone: Option<&'z str>, lead_country: Option<&'z str>) -> Calendar<'z> {
        self.calendar_of(self.window, lead_zone, lead_country)
    }

    /// The calendar of another window for a lead.
    pub fn calendar_of<'z>(
        &'z self,
        window: &SendingWindow,
        lead_zone: Option<&'z str>,
        lead_country: Option<&'z str>,
    ) -> Calendar<'z> {
        let zone = match window.zone {
            WindowZone::Lead => lead_zone.unwrap_or(self.company_zone),
            WindowZone::Company => self.company_zone,
        };
        let country = match self.holidays {
            Holidays::Ignored => None,
            Holidays::Lead => lead_country.or(self.company_country),
            Holidays::Company => self.company_country,
        };
        Calendar { zone, country }
    }
}

/// The state of an enrolment whose next e-mail has this slot.
pub(crate) fn waiting_state(slot: Slot, now: DateTime<Utc>) -> EnrolmentState {
    match slot {
        Slot { moved: true, .. } => EnrolmentState::WaitingWindow,
        Slot { due_at, .. } if due_at > now => EnrolmentState::WaitingDelay,
        _ => EnrolmentState::Active,
    }
}

impl Campaigns<'_> {
    /// The next slot of the e-mail of a step at or after `at`, and not while its lead is away.
    pub(crate) async fn next_slot(
        &mut self,
        id: CampaignId,
        enrolment: EnrolmentId,
        step: StepId,
        at: DateTime<Utc>,
    ) -> Result<Slot> {
        let campaign = self.load(id, false).await?;
        let row = sqlx::query!(
            r#"SELECT l.time_zone AS "zone?", l.country AS "country?", e.away_until, e.version_number
               FROM enrolments e LEFT JOIN leads l ON l.id = e.lead_id WHERE e.id = $1"#,
            enrolment.0
        )
        .fetch_one(self.t.conn())
        .await?;
        let sequence = self.sequence(id, row.version_number).await?;
        let (company_zone, country) = (self.t.actor().company_time_zone().to_owned(), self.company_country().await?);
        let clock = Clock::of(&campaign, &company_zone, country.as_deref());
        let window = sequence.own_window(step).unwrap_or(clock.window);
        let at = row.away_until.map_or(at, |until| until.max(at));
        Ok(window.next_open(at, clock.calendar_of(window, row.zone.as_deref(), row.country.as_deref())))
    }
}
