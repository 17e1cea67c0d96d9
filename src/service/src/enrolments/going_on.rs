//! Paused leads go on: each e-mail that was held leaves in its next window, and a step that had begun is waited for
//! again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, MailboxId, StepId, campaigns::Campaign, enrolments::EnrolmentState, steps::Sequence, window::Slot,
};
use uuid::Uuid;

use super::Enrolments;
use crate::{
    Result,
    campaigns::{
        clock::{Clock, FAR, waiting_state},
        replanning::state_of_begun,
    },
};

/// A paused lead, and the e-mail that is held for it.
struct Held {
    id: Uuid,
    version: i32,
    step: Option<StepId>,
    step_begun: bool,
    away_until: Option<DateTime<Utc>>,
    zone: Option<String>,
    country: Option<String>,
    mail: Option<Uuid>,
    mail_step: Option<StepId>,
    due_at: Option<DateTime<Utc>>,
    mailbox: Option<MailboxId>,
    /// An e-mail is in the hands of a mail server; its outcome says how the lead goes on.
    is_sending: bool,
}

/// E-mails that are planned anew, as columns of a statement.
#[derive(Default)]
struct Mails {
    ids: Vec<Uuid>,
    due: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
    mailboxes: Vec<MailboxId>,
}

impl Enrolments<'_> {
    /// Lets paused leads of a campaign go on that the caller has locked.
    pub(super) async fn let_go_on(&mut self, campaign: &Campaign, ids: &[Uuid]) -> Result<()> {
        let now = self.t.now();
        let held = self.held(ids).await?;
        let sequences = self.sequences(campaign.id, held.iter().map(|one| one.version).collect()).await?;
        let zone = self.t.actor().company_time_zone().to_owned();
        let country = self.t.campaigns().company_country().await?;
        let clock = Clock::of(campaign, &zone, country.as_deref());
        let (mut mails, mut states, mut anew) = (Mails::default(), Vec::new(), Vec::new());
        for one in &held {
            let sequence = &sequences[&one.version];
            let slot = one.slot(&clock, sequence, now);
            if let (Some(slot), Some(mail), Some(mailbox)) = (slot, one.mail, one.mailbox) {
                mails.ids.push(mail);
                mails.due.push(slot.due_at);
                mails.ends.push(slot.ends_at.min(FAR));
                mails.mailboxes.push(mailbox);
            }
            states.push(one.state(slot, sequence, now).to_string());
            anew.push(slot.is_none() && !one.is_sending && !one.step_begun);
        }
        self.plan_held(campaign.id, &mails).await?;
        // A step that is no e-mail is looked at when it is due; one whose e-mail is gone begins anew at once.
        sqlx::query!(
            "UPDATE enrolments e SET state = p.state, pause_reason = NULL, plan_shift = c.plan_shift, updated_at = $2,
                 due_at = CASE WHEN p.anew THEN coalesce(e.due_at, $2) ELSE e.due_at END
             FROM campaigns c,
                  by_key($3) k JOIN unnest($3::uuid[], $4::text[], $5::bool[]) AS p (id, state, anew) USING (id)
             WHERE c.id = $1 AND e.id = p.id AND e.state = 'paused'",
            campaign.id.0,
            now,
            &held.iter().map(|one| one.id).collect::<Vec<_>>(),
            &states,
            &anew,
        )
        .execute(self.t.conn())
        .await?;
        let Some(earliest) = mails.due.iter().min() else { return Ok(()) };
        self.t.mailboxes().wake(&mails.mailboxes, *earliest).await
    }

    async fn held(&mut self, ids: &[Uuid]) -> Result<Vec<Held>> {
        Ok(sqlx::query_as!(
            Held,
            r#"SELECT e.id AS "id!", e.version_number AS "version!", e.step_id AS "step: StepId",
                      e.step_begun AS "step_begun!", e.away_until, l.time_zone AS "zone?", l.country AS "country?",
                      m.id AS "mail?", m.step_id AS "mail_step?: StepId", m.due_at AS "due_at?",
                      m.mailbox_id AS "mailbox?: MailboxId",
                      EXISTS (SELECT FROM messages g WHERE g.enrolment_id = e.id AND g.state = 'sending') AS "is_sending!"
               FROM by_key($1) k JOIN enrolments e ON e.id = k.id
               LEFT JOIN leads l ON l.id = e.lead_id
               LEFT JOIN LATERAL (
                   SELECT h.id, h.step_id, h.due_at, h.mailbox_id FROM messages h
                   WHERE h.enrolment_id = e.id AND h.state = 'held'
                   ORDER BY h.created_at DESC LIMIT 1
               ) m ON true
               ORDER BY e.id"#,
            ids
        )
        .fetch_all(self.t.conn())
        .await?)
    }

    async fn plan_held(&mut self, campaign: CampaignId, mails: &Mails) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE messages m SET state = CASE WHEN m.attempts > 0 THEN 'deferred' ELSE 'scheduled' END,
                 due_at = p.due_at, window_ends_at = p.ends_at, plan_shift = c.plan_shift, updated_at = $2
             FROM campaigns c,
                  by_key($3) k
                  JOIN unnest($3::uuid[], $4::timestamptz[], $5::timestamptz[]) AS p (id, due_at, ends_at) USING (id)
             WHERE c.id = $1 AND m.id = p.id AND m.state = 'held'",
            campaign.0,
            now,
            &mails.ids,
            &mails.due,
            &mails.ends,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// The steps of these versions of a campaign.
    pub(super) async fn sequences(
        &mut self,
        campaign: CampaignId,
        versions: BTreeSet<i32>,
    ) -> Result<BTreeMap<i32, Sequence>> {
        let mut found = BTreeMap::new();
        for version in versions {
            found.insert(version, self.t.campaigns().sequence(campaign, version).await?);
        }
        Ok(found)
    }
}

impl Held {
    /// When the e-mail that is held may leave, if there is one.
    fn slot(&self, clock: &Clock<'_>, sequence: &Sequence, now: DateTime<Utc>) -> Option<Slot> {
        let (step, due_at) = (self.mail_step?, self.due_at?);
        let window = sequence.own_window(step).unwrap_or(clock.window);
        let calendar = clock.calendar_of(window, self.zone.as_deref(), self.country.as_deref());
        let at = self.away_until.map_or(due_at, |until| until.max(due_at)).max(now);
        Some(window.next_open(at, calendar))
    }

    /// Where the lead stands once it goes on.
    fn state(&self, slot: Option<Slot>, sequence: &Sequence, now: DateTime<Utc>) -> EnrolmentState {
        match (slot, self.step.filter(|_| self.step_begun)) {
            (Some(slot), _) => waiting_state(slot, now),
            (None, _) if self.is_sending => EnrolmentState::Active,
            (None, Some(step)) => {
                sequence.get(step).map_or(EnrolmentState::WaitingEvent, |step| state_of_begun(step.kind()))
            }
            (None, None) => EnrolmentState::WaitingDelay,
        }
    }
}
