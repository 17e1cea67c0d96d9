//! Where leads rest: rows of enrolments, and the e-mails that are planned for them.

use chrono::{DateTime, Utc};
use domain::{
    MailboxId,
    enrolments::EnrolmentState,
    steps::{Sequence, Step},
    window::Slot,
};
use uuid::Uuid;

use super::{Campaigns, Rows, Walker, Way};
use crate::{Result, campaigns::clock::FAR};

/// Where a lead rests.
pub(super) struct Rest {
    pub enrolment: Uuid,
    pub lead: Option<Uuid>,
    pub mailbox: Option<MailboxId>,
    pub state: EnrolmentState,
    pub step: Option<Uuid>,
    pub position: i32,
    pub begun: bool,
    pub due_at: Option<DateTime<Utc>>,
    pub wait_until: Option<DateTime<Utc>>,
    pub done: i32,
    pub plan: Option<Plan>,
}

/// The e-mail that is planned.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub slot: Slot,
    pub variant: i16,
    pub needs_draft: bool,
}

impl Rest {
    fn at(walker: Walker, step: &Step, state: EnrolmentState) -> Self {
        Self {
            enrolment: walker.enrolment.0,
            lead: walker.lead.map(|lead| lead.0),
            mailbox: walker.mailbox,
            state,
            step: Some(step.id.0),
            position: step.position,
            begun: false,
            due_at: None,
            wait_until: None,
            done: step.position - 1,
            plan: None,
        }
    }

    /// Before an e-mail.
    pub fn mailing(walker: Walker, step: &Step, plan: Plan, state: EnrolmentState) -> Self {
        Self { plan: Some(plan), ..Self::at(walker, step, state) }
    }

    /// Before a step whose delay is not over.
    pub fn delayed(walker: Walker, step: &Step, due_at: DateTime<Utc>) -> Self {
        Self { due_at: Some(due_at.min(FAR)), ..Self::at(walker, step, EnrolmentState::WaitingDelay) }
    }

    /// In a step that takes time, at most `until`.
    pub fn waiting(walker: Walker, step: &Step, state: EnrolmentState, until: Option<DateTime<Utc>>) -> Self {
        let until = until.map(|at| at.min(FAR));
        Self { begun: true, due_at: until, wait_until: until, ..Self::at(walker, step, state) }
    }

    /// Behind the last step.
    pub fn finished(walker: Walker, sequence: &Sequence) -> Self {
        let done = sequence.steps().last().map_or(0, |step| step.position);
        Self {
            enrolment: walker.enrolment.0,
            lead: walker.lead.map(|lead| lead.0),
            mailbox: walker.mailbox,
            state: EnrolmentState::Finished,
            step: None,
            position: done,
            begun: false,
            due_at: None,
            wait_until: None,
            done,
            plan: None,
        }
    }
}

impl Campaigns<'_> {
    /// Writes where leads rest. Gives when the first of their e-mails is due.
    pub(super) async fn save_rests(
        &mut self,
        way: &Way<'_>,
        version: i32,
        rests: &[Rest],
        rows: Rows,
    ) -> Result<Option<DateTime<Utc>>> {
        match rows {
            Rows::New => self.insert_enrolments(way, version, rests).await?,
            Rows::Old => self.update_enrolments(way, version, rests).await?,
        }
        let mailing: Vec<_> = rests.iter().filter_map(|rest| Some((rest, rest.plan?))).collect();
        if mailing.is_empty() {
            return Ok(None);
        }
        sqlx::query!(
            "INSERT INTO messages (id, campaign_id, enrolment_id, lead_id, step_id, position, variant, mailbox_id, due_at,
                                   window_ends_at, plan_shift, created_at, updated_at, needs_draft, waits_for_draft)
             SELECT gen_random_uuid(), $1, r.enrolment_id, r.lead_id, r.step_id, r.position, r.variant, r.mailbox_id,
                    r.due_at, r.ends_at, c.plan_shift, $2, $2, r.needs_draft, r.needs_draft
             FROM campaigns c,
                  unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::smallint[], $8::uuid[], $9::timestamptz[],
                         $10::timestamptz[], $11::bool[])
                  AS r (enrolment_id, lead_id, step_id, position, variant, mailbox_id, due_at, ends_at, needs_draft)
             WHERE c.id = $1",
            way.campaign.id.0,
            way.now,
            &mailing.iter().map(|(r, _)| r.enrolment).collect::<Vec<_>>(),
            &mailing.iter().map(|(r, _)| r.lead).collect::<Vec<_>>() as &[Option<Uuid>],
            &mailing.iter().map(|(r, _)| r.step).collect::<Vec<_>>() as &[Option<Uuid>],
            &mailing.iter().map(|(r, _)| r.position).collect::<Vec<_>>(),
            &mailing.iter().map(|(_, p)| p.variant).collect::<Vec<_>>(),
            &mailing.iter().map(|(r, _)| r.mailbox.map(|m| m.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &mailing.iter().map(|(_, p)| p.slot.due_at).collect::<Vec<_>>(),
            &mailing.iter().map(|(_, p)| p.slot.ends_at.min(FAR)).collect::<Vec<_>>(),
            &mailing.iter().map(|(_, p)| p.needs_draft).collect::<Vec<_>>(),
        )
        .execute(self.t.conn())
        .await?;
        let drafted: Vec<_> = mailing.iter().filter(|(_, p)| p.needs_draft).map(|(r, _)| r.enrolment).collect();
        if !drafted.is_empty() {
            self.t.drafts().order(&drafted).await?;
        }
        Ok(mailing.iter().map(|(_, p)| p.slot.due_at).min())
    }

    async fn insert_enrolments(&mut self, way: &Way<'_>, version: i32, rests: &[Rest]) -> Result<()> {
        let columns = Columns::of(rests);
        sqlx::query!(
            "INSERT INTO enrolments (id, campaign_id, lead_id, mailbox_id, version_number, state, step_id, step_begun, due_at,
                                     wait_until, steps_done, plan_shift, created_at, updated_at)
             SELECT r.id, c.id, r.lead_id, r.mailbox_id, $3, r.state, r.step_id, r.begun, r.due_at, r.wait_until, r.done,
                    c.plan_shift, $2, $2
             FROM campaigns c,
                  unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::bool[], $10::timestamptz[],
                         $11::timestamptz[], $12::int[])
                  AS r (id, lead_id, mailbox_id, state, step_id, begun, due_at, wait_until, done)
             WHERE c.id = $1",
            way.campaign.id.0,
            way.now,
            version,
            &columns.ids,
            &rests.iter().map(|r| r.lead).collect::<Vec<_>>() as &[Option<Uuid>],
            &rests.iter().map(|r| r.mailbox.map(|m| m.0)).collect::<Vec<_>>() as &[Option<Uuid>],
            &columns.states,
            &columns.steps as &[Option<Uuid>],
            &columns.begun,
            &columns.due as &[Option<DateTime<Utc>>],
            &columns.until as &[Option<DateTime<Utc>>],
            &columns.done,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    async fn update_enrolments(&mut self, way: &Way<'_>, version: i32, rests: &[Rest]) -> Result<()> {
        let columns = Columns::of(rests);
        sqlx::query!(
            "UPDATE enrolments e
             SET state = r.state, step_id = r.step_id, step_begun = r.begun, due_at = r.due_at, wait_until = r.wait_until,
                 steps_done = r.done, plan_shift = c.plan_shift, version_number = $3, waits_on = NULL, updated_at = $2
             FROM campaigns c,
                  by_key($4) k
                  JOIN unnest($4::uuid[], $5::text[], $6::uuid[], $7::bool[], $8::timestamptz[], $9::timestamptz[], $10::int[])
                       AS r (id, state, step_id, begun, due_at, wait_until, done) USING (id)
             WHERE c.id = $1 AND e.id = r.id AND e.is_open",
            way.campaign.id.0,
            way.now,
            version,
            &columns.ids,
            &columns.states,
            &columns.steps as &[Option<Uuid>],
            &columns.begun,
            &columns.due as &[Option<DateTime<Utc>>],
            &columns.until as &[Option<DateTime<Utc>>],
            &columns.done,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }
}

/// Rests as columns of a statement.
struct Columns {
    ids: Vec<Uuid>,
    states: Vec<String>,
    steps: Vec<Option<Uuid>>,
    begun: Vec<bool>,
    due: Vec<Option<DateTime<Utc>>>,
    until: Vec<Option<DateTime<Utc>>>,
    done: Vec<i32>,
}

impl Columns {
    fn of(rests: &[Rest]) -> Self {
        Self {
            ids: rests.iter().map(|r| r.enrolment).collect(),
            states: rests.iter().map(|r| r.state.to_string()).collect(),
            steps: rests.iter().map(|r| r.step).collect(),
            begun: rests.iter().map(|r| r.begun).collect(),
            due: rests.iter().map(|r| r.due_at).collect(),
            until: rests.iter().map(|r| r.wait_until).collect(),
            done: rests.iter().map(|r| r.done).collect(),
        }
    }
}
