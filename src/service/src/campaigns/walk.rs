//! The walk of leads through the steps of a campaign: from the end of one step to the next thing that takes time.
//! Many leads walk at once, and what they come to is written by a few statements.
//!
//! A step that is an e-mail rests in its message; every other one rests in the enrolment, which is due at a time
//! (`due_at`), or when somebody says so.

mod doing;
mod rests;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, EnrolmentId, LeadId, MailboxId, StepId,
    campaigns::{Campaign, CampaignState},
    enrolments::EnrolmentState,
    steps::{Action, Answer, Delay, Sequence, Step, StepKind, Test},
    window::{Calendar, Slot},
};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    Campaigns,
    clock::{Clock, waiting_state},
};
use crate::{Result, leads::query::push_filter};

use doing::Doing;
use rests::{Plan, Rest};

/// Enrolments that one transaction moves.
const BATCH: i64 = 500;

/// A lead on its way.
#[derive(Clone, Debug)]
pub(crate) struct Walker {
    pub enrolment: EnrolmentId,
    pub lead: Option<LeadId>,
    pub mailbox: Option<MailboxId>,
    pub zone: Option<String>,
    pub country: Option<String>,
    pub away_until: Option<DateTime<Utc>>,
    /// Since when it waits for something to happen, until when.
    pub wait_until: Option<DateTime<Utc>>,
}

/// Where a lead is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// Before the first step.
    Start,
    /// Behind the last one.
    End,
    /// This step is done.
    Done(StepId),
    /// Comes to this step; its delay begins now.
    Before(StepId),
    /// The same; what is no e-mail is left to the worker, who does it while the campaign runs.
    Later(StepId),
    /// The same, and stays paused there.
    Held(StepId),
    /// The delay before this step is over.
    Due(StepId),
    /// Waits for what this step waits for, and it is time to look.
    Waiting(StepId),
}

/// Whether the rows of the enrolments exist already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rows {
    New,
    Old,
}

/// What leads of one version walk along.
struct Way<'w> {
    campaign: &'w Campaign,
    sequence: &'w Sequence,
    clock: Clock<'w>,
    winners: HashMap<StepId, i16>,
    now: DateTime<Utc>,
    /// E-mails that exist already, so that nobody who was moved to another version gets one twice.
    sent: HashSet<(Uuid, Uuid)>,
}

/// What came of a walk.
#[derive(Default)]
struct Outcome {
    rests: Vec<Rest>,
    doings: Vec<Doing>,
}

impl Campaigns<'_> {
    /// Lets leads walk until they come to something that takes time, and writes where they rest.
    pub(crate) async fn walk(
        &mut self,
        campaign: &Campaign,
        version: i32,
        walkers: Vec<(Walker, At)>,
        rows: Rows,
    ) -> Result<()> {
        if walkers.is_empty() {
            return Ok(());
        }
        let sequence = self.sequence(campaign.id, version).await?;
        let company_zone = self.t.actor().company_time_zone().to_owned();
        let country = self.company_country().await?;
        let way = Way {
            campaign,
            sequence: &sequence,
            clock: Clock::of(campaign, &company_zone, country.as_deref()),
            winners: self.winners(campaign.id, &sequence).await?,
            now: self.t.now(),
            sent: if rows == Rows::Old && version > 1 { self.mails_of(&walkers).await? } else { HashSet::new() },
        };
        let mut outcome = Outcome::default();
        let mut front = walkers;
        while !front.is_empty() {
            let mut asked: BTreeMap<i32, (StepId, Vec<(Walker, bool)>)> = BTreeMap::new();
            let mut next = Vec::new();
            for (walker, at) in front {
                match way.step(walker, at, &mut outcome) {
                    Met::Rests => {}
                    Met::GoesOn(walker, at) => next.push((walker, at)),
                    Met::Asks(walker, step, is_waiting) => {
                        asked.entry(step.position).or_insert((step.id, Vec::new())).1.push((walker, is_waiting));
                    }
                }
            }
            for (step, walkers) in asked.into_values() {
                next.extend(self.answer(&way, step, walkers, &mut outcome).await?);
            }
            front = next;
        }
        let earliest = self.save_rests(&way, version, &outcome.rests, rows).await?;
        self.do_doings(&way, &outcome.doings).await?;
        if let Some(earliest) = earliest {
            let mailboxes: Vec<_> =
                outcome.rests.iter().filter(|r| r.plan.is_some()).filter_map(|r| r.mailbox).collect();
            self.t.mailboxes().wake(&mailboxes, earliest).await?;
        }
        Ok(())
    }

    /// Asks what a condition asks, of all who stand before it.
    async fn answer(
        &mut self,
        way: &Way<'_>,
        step: StepId,
        walkers: Vec<(Walker, bool)>,
        outcome: &mut Outcome,
    ) -> Result<Vec<(Walker, At)>> {
        let Some(step) = way.sequence.get(step) else { return Ok(Vec::new()) };
        let Some(test) = step.action.test() else { return Ok(Vec::new()) };
        let holds = self.holds(way.campaign.id, test, walkers.iter().map(|(walker, _)| walker)).await?;
        let mut next = Vec::new();
        for (mut walker, is_waiting) in walkers {
            let answer = match (&step.action, holds.contains(&walker.enrolment)) {
                (_, true) => Answer::Yes,
                (Action::WaitFor { timeout, .. }, false) => {
                    let until = match walker.wait_until.filter(|_| is_waiting) {
                        Some(until) => until,
                        None => way.wait(*timeout, &walker),
                    };
                    if until > way.now {
                        walker.wait_until = Some(until);
                        outcome.rests.push(Rest::waiting(walker, step, EnrolmentState::WaitingEvent, Some(until)));
                        continue;
                    }
                    Answer::No
                }
                (_, false) => Answer::No,
            };
            walker.wait_until = None;
            match way.sequence.on(step.id, answer) {
                Some(to) => next.push((walker, At::Before(to.id))),
                None => outcome.rests.push(Rest::finished(walker, way.sequence)),
            }
        }
        Ok(next)
    }

    /// Of whom what a condition asks is true.
    pub(super) async fn holds(
        &mut self,
        campaign: CampaignId,
        test: &Test,
        walkers: impl Iterator<Item = &Walker>,
    ) -> Result<HashSet<EnrolmentId>> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT e.id FROM unnest(");
        let (enrolments, leads): (Vec<_>, Vec<_>) =
            walkers.map(|walker| (walker.enrolment.0, walker.lead.map(|lead| lead.0))).unzip();
        query.push_bind(enrolments).push("::uuid[], ").push_bind(leads).push("::uuid[]) AS e (id, lead_id) WHERE ");
        match test {
            Test::Opened { step } | Test::Clicked { step } => {
                let column = if matches!(test, Test::Opened { .. }) { "opened_at" } else { "clicked_at" };
                query.push("EXISTS (SELECT FROM messages m WHERE m.enrolment_id = e.id AND m.").push(column);
                query.push(" IS NOT NULL AND (").push_bind(step.map(|id| id.0)).push("::uuid IS NULL OR m.step_id = ");
                query.push_bind(step.map(|id| id.0)).push("))");
            }
            Test::Replied => {
                query.push("EXISTS (SELECT FROM inbound_messages i WHERE i.lead_id = e.lead_id AND i.kind = 'reply'");
                query.push(" AND i.campaign_id = ").push_bind(campaign.0).push(")");
            }
            Test::Lead { filter } => {
                query.push("EXISTS (SELECT FROM leads l WHERE l.id = e.lead_id");
                push_filter(&mut query, filter);
                query.push(")");
            }
        }
        let rows: Vec<Uuid> = query.build_query_scalar().fetch_all(self.t.conn()).await?;
        Ok(rows.into_iter().map(EnrolmentId).collect())
    }

    /// Goes on with the steps that are due and are no e-mails. Whether there may be more.
    pub(super) async fn walk_due(&mut self, campaign: &Campaign) -> Result<bool> {
        if self.share(campaign.id).await? != Some(CampaignState::Running) {
            return Ok(false);
        }
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead: LeadId", e.mailbox_id AS "mailbox: MailboxId",
                   e.step_id AS "step!: StepId", e.step_begun, e.version_number, e.away_until, e.wait_until,
                   l.time_zone AS "zone?", l.country AS "country?"
            FROM campaigns c
            JOIN enrolments e ON e.campaign_id = c.id AND e.is_open AND e.due_at <= $2 AND e.plan_shift = c.plan_shift
                 AND e.state <> 'paused' AND e.step_id IS NOT NULL
            LEFT JOIN leads l ON l.id = e.lead_id
            WHERE c.id = $1
            ORDER BY e.due_at LIMIT $3
            FOR UPDATE OF e SKIP LOCKED
            "#,
            campaign.id.0,
            now,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        let more = i64::try_from(rows.len()).unwrap_or(BATCH) == BATCH;
        let mut versions: BTreeMap<i32, Vec<(Walker, At)>> = BTreeMap::new();
        for row in rows {
            let at = if row.step_begun { At::Waiting(row.step) } else { At::Due(row.step) };
            let walker = Walker {
                enrolment: row.id,
                lead: row.lead,
                mailbox: row.mailbox,
                zone: row.zone,
                country: row.country,
                away_until: row.away_until,
                wait_until: row.wait_until,
            };
            versions.entry(row.version_number).or_default().push((walker, at));
        }
        let any = !versions.is_empty();
        for (version, walkers) in versions {
            self.walk(campaign, version, walkers, Rows::Old).await?;
        }
        if any {
            self.t.tell("campaigns", campaign.id.0).await?;
        }
        Ok(more)
    }

    /// Something has happened to leads: those who wait for something look again. The caller's transaction is that
    /// of what has happened.
    pub(crate) async fn look_again(&mut self, leads: &[Uuid]) -> Result<()> {
        let now = self.t.now();
        let campaigns = sqlx::query_scalar!(
            r#"UPDATE enrolments SET due_at = $2
               WHERE lead_id = ANY($1) AND state = 'waiting_event' AND waits_on IS NULL AND due_at > $2
               RETURNING campaign_id AS "campaign: CampaignId""#,
            leads,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        self.advance_soon(campaigns).await
    }

    /// Something has happened to an e-mail of this enrolment: if it waits for something, it looks again at `at`; the
    /// next look of the worker after that time is soon enough. The caller holds the enrolment.
    pub(crate) async fn look_again_at(&mut self, enrolment: EnrolmentId, at: DateTime<Utc>) -> Result<()> {
        let now = self.t.now();
        let campaign = sqlx::query_scalar!(
            r#"UPDATE enrolments SET due_at = $2
               WHERE id = $1 AND state = 'waiting_event' AND waits_on IS NULL AND due_at > $2
               RETURNING campaign_id AS "campaign: CampaignId""#,
            enrolment.0,
            at
        )
        .fetch_optional(self.t.conn())
        .await?;
        self.advance_soon(campaign.filter(|_| at <= now).into_iter().collect()).await
    }

    /// Tasks are done, or runs have ended: enrolments that waited for them go on.
    pub(crate) async fn go_on(&mut self, done: &[Uuid]) -> Result<()> {
        let now = self.t.now();
        let campaigns = sqlx::query_scalar!(
            r#"UPDATE enrolments SET due_at = $2
               WHERE waits_on = ANY($1) AND is_open
               RETURNING campaign_id AS "campaign: CampaignId""#,
            done,
            now
        )
        .fetch_all(self.t.conn())
        .await?;
        self.advance_soon(campaigns).await
    }

    /// Lets leads of one version walk on who stand behind a step, or begin anew at one.
    pub(crate) async fn walk_on(
        &mut self,
        campaign: CampaignId,
        version: i32,
        from: &[(EnrolmentId, At)],
    ) -> Result<()> {
        let ids: Vec<_> = from.iter().map(|(enrolment, _)| enrolment.0).collect();
        let rows = sqlx::query!(
            r#"SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead: LeadId", e.mailbox_id AS "mailbox: MailboxId",
                      e.away_until, l.time_zone AS "zone?", l.country AS "country?"
               FROM by_key($1) k JOIN enrolments e ON e.id = k.id LEFT JOIN leads l ON l.id = e.lead_id ORDER BY e.id"#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        let walkers = rows.into_iter().filter_map(|row| {
            let (_, at) = from.iter().find(|(enrolment, _)| *enrolment == row.id)?;
            let walker = Walker {
                enrolment: row.id,
                lead: row.lead,
                mailbox: row.mailbox,
                zone: row.zone,
                country: row.country,
                away_until: row.away_until,
                wait_until: None,
            };
            Some((walker, *at))
        });
        let walkers = walkers.collect();
        let campaign = self.load(campaign, false).await?;
        self.walk(&campaign, version, walkers, Rows::Old).await
    }

    async fn advance_soon(&mut self, mut campaigns: Vec<CampaignId>) -> Result<()> {
        campaigns.sort_unstable();
        campaigns.dedup();
        let company = self.t.actor().company();
        for campaign in campaigns {
            self.t.enqueue(&crate::jobs::AdvanceCampaign { company, campaign }).await?;
        }
        Ok(())
    }

    async fn mails_of(&mut self, walkers: &[(Walker, At)]) -> Result<HashSet<(Uuid, Uuid)>> {
        let ids: Vec<_> = walkers.iter().map(|(walker, _)| walker.enrolment.0).collect();
        let rows = sqlx::query!(
            r#"SELECT enrolment_id AS "enrolment_id!", step_id AS "step_id!" FROM messages WHERE enrolment_id = ANY($1)"#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|row| (row.enrolment_id, row.step_id)).collect())
    }

    pub(crate) async fn company_country(&mut self) -> Result<Option<String>> {
        Ok(sqlx::query_scalar!("SELECT country FROM companies").fetch_one(self.t.conn()).await?)
    }
}

/// What a lead has come to.
enum Met<'w> {
    /// Something that takes time.
    Rests,
    /// Nothing; it goes on.
    GoesOn(Walker, At),
    /// A question; whether it has waited for the answer already.
    Asks(Walker, &'w Step, bool),
}

impl<'w> Way<'w> {
    /// Takes a lead one step further.
    fn step(&self, walker: Walker, at: At, outcome: &mut Outcome) -> Met<'w> {
        let (step, is_due) = match at {
            At::Start => (self.sequence.first(), false),
            At::End => (None, false),
            At::Done(id) => (self.sequence.after(id), false),
            At::Before(id) | At::Later(id) | At::Held(id) => (self.sequence.get(id), false),
            At::Due(id) => (self.sequence.get(id), true),
            At::Waiting(id) => match self.sequence.get(id) {
                Some(step) if step.kind() == StepKind::WaitFor => return Met::Asks(walker, step, true),
                _ => return Met::GoesOn(walker, At::Done(id)),
            },
        };
        let Some(step) = step else {
            outcome.rests.push(Rest::finished(walker, self.sequence));
            return Met::Rests;
        };
        if matches!(at, At::Held(_)) {
            let due = self.wait(step.delay, &walker);
            outcome.rests.push(Rest { state: EnrolmentState::Paused, ..Rest::delayed(walker, step, due) });
            return Met::Rests;
        }
        if let Action::Email(email) = &step.action {
            if self.sent.contains(&(walker.enrolment.0, step.id.0)) {
                let on = match (at, self.sequence.after(step.id)) {
                    (At::Later(_), Some(next)) => At::Later(next.id),
                    _ => At::Done(step.id),
                };
                return Met::GoesOn(walker, on);
            }
            let delay = if is_due { Delay::NONE } else { step.delay };
            let slot = self.slot(step, delay, &walker);
            let variant = self
                .winners
                .get(&step.id)
                .copied()
                .unwrap_or_else(|| email.variant_for(spread(walker.enrolment.0, step.id.0)));
            let plan = Plan { slot, variant, needs_draft: email.writing.needs_draft() };
            outcome.rests.push(Rest::mailing(walker, step, plan, waiting_state(slot, self.now)));
            return Met::Rests;
        }
        if !is_due && (matches!(at, At::Later(_)) || !step.delay.is_none()) {
            let due = self.wait(step.delay, &walker);
            outcome.rests.push(Rest::delayed(walker, step, due));
            return Met::Rests;
        }
        match &step.action {
            Action::Condition { .. } | Action::WaitFor { .. } => Met::Asks(walker, step, false),
            Action::Wait => Met::GoesOn(walker, At::Done(step.id)),
            Action::Task { wait, .. } | Action::Agent { wait, .. } => {
                outcome.doings.push(Doing { walker: walker.clone(), step: step.clone() });
                if !*wait {
                    return Met::GoesOn(walker, At::Done(step.id));
                }
                let state = match step.kind() {
                    StepKind::Task => EnrolmentState::WaitingTask,
                    _ => EnrolmentState::WaitingEvent,
                };
                outcome.rests.push(Rest::waiting(walker, step, state, None));
                Met::Rests
            }
            Action::Webhook { .. } => {
                outcome.doings.push(Doing { walker: walker.clone(), step: step.clone() });
                Met::GoesOn(walker, At::Done(step.id))
            }
            Action::End | Action::Email(_) => {
                outcome.rests.push(Rest::finished(walker, self.sequence));
                Met::Rests
            }
        }
    }

    fn calendar<'c>(&'c self, walker: &'c Walker) -> Calendar<'c> {
        self.clock.calendar(walker.zone.as_deref(), walker.country.as_deref())
    }

    /// When a wait that begins now is over.
    fn wait(&self, delay: Delay, walker: &Walker) -> DateTime<Utc> {
        self.clock.window.wait_after(self.now, delay, self.calendar(walker))
    }

    /// When the e-mail of a step may go.
    fn slot(&self, step: &Step, delay: Delay, walker: &Walker) -> Slot {
        let window = step.email().and_then(|e| e.window.as_ref()).unwrap_or(self.clock.window);
        let calendar = self.clock.calendar_of(window, walker.zone.as_deref(), walker.country.as_deref());
        let slot = window.due_after(self.now, delay, calendar);
        match walker.away_until.filter(|until| *until > slot.due_at) {
            Some(until) => window.next_open(until, calendar),
            None => slot,
        }
    }
}

/// A number that is spread evenly over leads and is the same each time for one of them.
pub(super) fn spread(of: Uuid, within: Uuid) -> u64 {
    let bytes = Uuid::new_v5(&within, of.as_bytes()).into_bytes();
    u64::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[10], bytes[11]])
}

/// A break that is longer than this is caught up with as a pause is.
pub(super) const OUTAGE: Duration = Duration::minutes(30);
