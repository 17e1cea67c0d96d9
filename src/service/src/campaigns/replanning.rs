//! Plans that do not hold any more: after a break they move as the campaign's policy says, and leads who are moved to
//! another version of the steps go on there, by its delays and windows.

use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, Duration, Utc};
use domain::{
    CampaignId, EnrolmentId, LeadId, MailboxId, StepId,
    campaigns::{Campaign, CampaignState, CatchUp},
    enrolments::EnrolmentState,
    steps::{Delay, Sequence, Step, Test},
    window::{Calendar, SendingWindow, Slot},
};

use sqlx::{Postgres, QueryBuilder};

use super::{
    Campaigns,
    clock::{Clock, FAR, waiting_state},
    walk::{At, OUTAGE, Rows, Walker},
};
use crate::{Db, Result, leads::query::push_filter};

/// Enrolments or messages that one transaction moves.
const BATCH: i64 = 1000;
/// A campaign is looked after no oftener than this.
const TICK: Duration = Duration::seconds(50);

/// After a break of the whole system: campaigns whose plans were missed catch up before anything is sent.
///
/// # Errors
/// When the database is away.
pub async fn catch_up(db: &Db) -> Result<()> {
    for (company, campaign) in db.platform().waiting_campaigns(db.clock().now()).await? {
        let actor = db.platform().system_actor(company, "system").await?;
        let mut t = db.tenant(&actor).await?;
        t.campaigns().tick(campaign).await?;
        t.commit().await?;
    }
    Ok(())
}

impl Campaigns<'_> {
    /// Remembers that somebody looks after a running campaign. Nobody has done so for a while: then that was a
    /// break, and its plans are caught up with.
    pub(super) async fn tick(&mut self, id: CampaignId) -> Result<()> {
        let now = self.t.now();
        let row = sqlx::query!(
            r#"
            WITH before AS (
                SELECT id, advanced_at FROM campaigns
                WHERE id = $1 AND state = 'running' AND (advanced_at IS NULL OR advanced_at <= $2)
                FOR UPDATE
            )
            UPDATE campaigns c SET advanced_at = $3 FROM before b WHERE c.id = b.id RETURNING b.advanced_at AS "before?"
            "#,
            id.0,
            now - TICK,
            now,
        )
        .fetch_optional(self.t.conn())
        .await?;
        let Some(row) = row else { return Ok(()) };
        if let Some(before) = row.before.filter(|before| now - *before > OUTAGE) {
            self.shift_plans(id, now - before).await?;
            let text = format!("Nothing was sent for {} minutes.", (now - before).num_minutes());
            self.log(id, "caught_up", Some(&text)).await?;
        }
        self.look_at_waits(id).await?;
        self.decide_winners(id).await
    }

    /// Those who wait for their lead to be like something go on when it is. Other events say so themselves.
    async fn look_at_waits(&mut self, id: CampaignId) -> Result<()> {
        let now = self.t.now();
        let rows = sqlx::query!(
            r#"SELECT DISTINCT version_number, step_id AS "step!: StepId" FROM enrolments
               WHERE campaign_id = $1 AND state = 'waiting_event' AND waits_on IS NULL AND step_id IS NOT NULL"#,
            id.0
        )
        .fetch_all(self.t.conn())
        .await?;
        for row in rows {
            let sequence = self.sequence(id, row.version_number).await?;
            let Some(Test::Lead { filter }) = sequence.get(row.step).and_then(|step| step.action.test()) else {
                continue;
            };
            let mut query = QueryBuilder::<Postgres>::new("UPDATE enrolments e SET due_at = ");
            query.push_bind(now).push(" FROM leads l WHERE e.campaign_id = ").push_bind(id.0);
            query.push(" AND e.state = 'waiting_event' AND e.due_at > ").push_bind(now);
            query.push(" AND e.step_id = ").push_bind(row.step.0);
            query.push(" AND e.version_number = ").push_bind(row.version_number).push(" AND l.id = e.lead_id");
            push_filter(&mut query, filter);
            query.build().execute(self.t.conn()).await?;
        }
        Ok(())
    }

    /// Plans of a campaign are older than a break of this length: nobody claims them before they were moved.
    pub(super) async fn shift_plans(&mut self, id: CampaignId, by: Duration) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE campaigns SET plan_shift = plan_shift + $2, advanced_at = $3 WHERE id = $1",
            id.0,
            by.num_seconds().max(1),
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Moves plans that were made before the last break.
    pub(super) async fn replan_batch(&mut self, campaign: &Campaign) -> Result<bool> {
        Ok(self.replan_messages(campaign).await? || self.replan_enrolments(campaign).await?)
    }

    async fn replan_messages(&mut self, campaign: &Campaign) -> Result<bool> {
        let rows = sqlx::query!(
            r#"
            SELECT m.id, m.due_at, m.step_id AS "step!: StepId", c.plan_shift - m.plan_shift AS "shift!",
                   e.version_number, l.time_zone AS "zone?", l.country AS "country?"
            FROM campaigns c
            JOIN messages m ON m.campaign_id = c.id AND m.plan_shift < c.plan_shift
                 AND m.state IN ('scheduled', 'deferred')
            JOIN enrolments e ON e.id = m.enrolment_id
            LEFT JOIN leads l ON l.id = m.lead_id
            WHERE c.id = $1
            LIMIT $2
            FOR UPDATE OF m SKIP LOCKED
            "#,
            campaign.id.0,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        if rows.is_empty() {
            return Ok(false);
        }
        let mut sequences = HashMap::new();
        for row in &rows {
            if let Entry::Vacant(unread) = sequences.entry(row.version_number) {
                unread.insert(self.sequence(campaign.id, row.version_number).await?);
            }
        }
        let (zone, country) = (self.t.actor().company_time_zone().to_owned(), self.company_country().await?);
        let clock = Clock::of(campaign, &zone, country.as_deref());
        let now = self.t.now();
        let slots: Vec<Slot> = rows
            .iter()
            .map(|r| {
                let own = sequences.get(&r.version_number).and_then(|s: &Sequence| s.own_window(r.step));
                let window = own.unwrap_or(clock.window);
                let calendar = clock.calendar_of(window, r.zone.as_deref(), r.country.as_deref());
                caught_up(campaign.rules.catch_up, window, calendar, r.due_at, Duration::seconds(r.shift), now)
            })
            .collect();
        let ids: Vec<_> = rows.iter().map(|r| r.id).collect();
        let (due, ends): (Vec<_>, Vec<_>) = slots.iter().map(|s| (s.due_at, s.ends_at.min(FAR))).unzip();
        sqlx::query!(
            "UPDATE messages m SET due_at = p.due_at, window_ends_at = p.ends_at, plan_shift = c.plan_shift
             FROM campaigns c, unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS p (id, due_at, ends_at)
             WHERE c.id = $1 AND m.id = p.id",
            campaign.id.0,
            &ids,
            &due,
            &ends,
        )
        .execute(self.t.conn())
        .await?;
        let earliest = due.iter().min().copied().unwrap_or(now);
        self.t.mailboxes().wake_campaign(campaign.id, earliest).await?;
        Ok(true)
    }

    /// Steps that are no e-mails: only the policy that moves everything moves them; the others do at once what has
    /// become due.
    async fn replan_enrolments(&mut self, campaign: &Campaign) -> Result<bool> {
        let moves = campaign.rules.catch_up == CatchUp::Spread;
        let moved = sqlx::query!(
            "UPDATE enrolments e
             SET due_at = CASE WHEN $2 THEN e.due_at + make_interval(secs => c.plan_shift - e.plan_shift) ELSE e.due_at END,
                 wait_until = CASE WHEN $2 THEN e.wait_until + make_interval(secs => c.plan_shift - e.plan_shift)
                                   ELSE e.wait_until END,
                 plan_shift = c.plan_shift
             FROM campaigns c
             WHERE c.id = $1 AND e.id IN (
                 SELECT o.id FROM enrolments o
                 WHERE o.campaign_id = $1 AND o.is_open AND o.due_at IS NOT NULL
                   AND o.plan_shift < (SELECT plan_shift FROM campaigns WHERE id = $1)
                 LIMIT $3 FOR UPDATE SKIP LOCKED)",
            campaign.id.0,
            moves,
            BATCH,
        )
        .execute(self.t.conn())
        .await?;
        Ok(moved.rows_affected() > 0)
    }

    /// Moves leads who are in another version to the one that was published for them. Whoever's e-mail is in the
    /// hands of a worker is moved a little later.
    pub(super) async fn move_batch(&mut self, campaign: &Campaign) -> Result<bool> {
        let id = campaign.id;
        if self.share(id).await? != Some(CampaignState::Running) {
            return Ok(false);
        }
        let to = sqlx::query_scalar!("SELECT move_to_version FROM campaigns WHERE id = $1", id.0)
            .fetch_one(self.t.conn())
            .await?;
        let Some(to) = to else { return Ok(false) };
        let rows = sqlx::query!(
            r#"
            SELECT e.id AS "id: EnrolmentId", e.lead_id AS "lead: LeadId", e.mailbox_id AS "mailbox: MailboxId",
                   e.version_number, e.step_id AS "step: StepId", e.away_until, e.state = 'paused' AS "is_paused!",
                   l.time_zone AS "zone?", l.country AS "country?"
            FROM enrolments e LEFT JOIN leads l ON l.id = e.lead_id
            WHERE e.campaign_id = $1 AND e.is_open AND e.version_number <> $2
              AND NOT EXISTS (SELECT FROM messages m WHERE m.enrolment_id = e.id AND m.state IN ('claimed', 'sending'))
            LIMIT $3 FOR UPDATE OF e SKIP LOCKED
            "#,
            id.0,
            to,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        if rows.is_empty() {
            sqlx::query!(
                "UPDATE campaigns SET move_to_version = NULL WHERE id = $1 AND NOT EXISTS (
                     SELECT FROM enrolments WHERE campaign_id = $1 AND is_open AND version_number <> $2)",
                id.0,
                to
            )
            .execute(self.t.conn())
            .await?;
            return Ok(false);
        }
        let new = self.sequence(id, to).await?;
        let mut olds: HashMap<i32, Sequence> = HashMap::new();
        let (mut stay, mut walk, mut wait) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            if let Entry::Vacant(unread) = olds.entry(row.version_number) {
                unread.insert(self.sequence(id, row.version_number).await?);
            }
            let landing = olds.get(&row.version_number).zip(row.step).and_then(|(old, at)| new.landing(old, at));
            match landing {
                Some(step) if Some(step.id) == row.step => stay.push(Stayer {
                    enrolment: row.id.0,
                    version: row.version_number,
                    step: step.id,
                    zone: row.zone,
                    country: row.country,
                    away_until: row.away_until,
                }),
                _ if row.is_paused => wait.push((row.id.0, landing.map(|step| step.id.0))),
                _ => {
                    let at = landing.map_or(At::End, |step| At::Before(step.id));
                    let walker = Walker {
                        enrolment: row.id,
                        lead: row.lead,
                        mailbox: row.mailbox,
                        zone: row.zone,
                        country: row.country,
                        away_until: row.away_until,
                        wait_until: None,
                    };
                    walk.push((walker, at));
                }
            }
        }
        self.plan_anew(campaign, &stay, &olds, &new).await?;
        let stay: Vec<_> = stay.iter().map(|one| one.enrolment).collect();
        self.stay_in_step(&stay, to, &new).await?;
        let elsewhere: Vec<_> = walk.iter().map(|(w, _)| w.enrolment.0).chain(wait.iter().map(|(id, _)| *id)).collect();
        self.cancel_unsent(&elsewhere, "its step is not in the new version").await?;
        self.walk(campaign, to, walk, Rows::Old).await?;
        let (ids, steps): (Vec<_>, Vec<_>) = wait.into_iter().unzip();
        sqlx::query!(
            "UPDATE enrolments e SET version_number = $1, step_id = w.step_id, step_begun = false, due_at = NULL, wait_until = NULL
             FROM unnest($2::uuid[], $3::uuid[]) AS w (id, step_id) WHERE e.id = w.id",
            to,
            &ids,
            &steps as &[Option<uuid::Uuid>],
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("campaigns", id.0).await?;
        Ok(true)
    }

    /// E-mails of leads who stay before them, where the new version has another delay or window for them. What was
    /// tried already, or is in the hands of a worker, keeps its time.
    async fn plan_anew(
        &mut self,
        campaign: &Campaign,
        stay: &[Stayer],
        olds: &HashMap<i32, Sequence>,
        new: &Sequence,
    ) -> Result<()> {
        let mut retimed: HashMap<uuid::Uuid, (&Stayer, &Step, &Step)> = HashMap::new();
        for one in stay {
            let was = olds.get(&one.version).and_then(|old| old.get(one.step));
            if let Some((was, is)) = was.zip(new.get(one.step)).filter(|(was, is)| is_retimed(was, is)) {
                retimed.insert(one.enrolment, (one, was, is));
            }
        }
        if retimed.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = retimed.keys().copied().collect();
        let rows = sqlx::query!(
            r#"SELECT m.id, m.enrolment_id AS "enrolment!", m.step_id AS "step!: StepId", m.created_at, m.due_at,
                      m.mailbox_id AS "mailbox: MailboxId"
               FROM by_key($1) k JOIN messages m ON m.enrolment_id = k.id
               WHERE m.state IN ('scheduled', 'held') AND m.attempts = 0 AND m.resent_at IS NULL
               FOR UPDATE OF m SKIP LOCKED"#,
            &ids
        )
        .fetch_all(self.t.conn())
        .await?;
        let (zone, country) = (self.t.actor().company_time_zone().to_owned(), self.company_country().await?);
        let clock = Clock::of(campaign, &zone, country.as_deref());
        let now = self.t.now();
        let (mut ids, mut due, mut ends, mut states) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut mailboxes = Vec::new();
        for row in rows {
            let Some((one, was, is)) = retimed.get(&row.enrolment).copied().filter(|(one, ..)| one.step == row.step)
            else {
                continue;
            };
            let mail = Planned { begun_at: row.created_at, due_at: row.due_at, away_until: one.away_until };
            let (zone, country) = (one.zone.as_deref(), one.country.as_deref());
            let was = Timing::of(was, &clock, zone, country);
            let slot = planned_anew(mail, was, Timing::of(is, &clock, zone, country), now);
            ids.push(row.id);
            due.push(slot.due_at);
            ends.push(slot.ends_at.min(FAR));
            states.push(waiting_state(slot, now).to_string());
            mailboxes.push(row.mailbox);
        }
        sqlx::query!(
            "WITH p AS (
                 SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[])
                     AS p (id, due_at, ends_at, state)
             ), ordered AS (
                 UPDATE draft_orders o SET write_at = o.write_at + (p.due_at - m.due_at)
                 FROM p JOIN messages m ON m.id = p.id WHERE o.message_id = p.id
             ), planned AS (
                 UPDATE messages m SET due_at = p.due_at, window_ends_at = p.ends_at, room_at = NULL, waits_for = NULL,
                     waits_until = NULL, updated_at = $5
                 FROM p WHERE m.id = p.id RETURNING m.enrolment_id, p.state
             )
             UPDATE enrolments e SET state = planned.state
             FROM planned WHERE e.id = planned.enrolment_id AND e.state IN ('active', 'waiting_delay', 'waiting_window')",
            &ids,
            &due,
            &ends,
            &states,
            now,
        )
        .execute(self.t.conn())
        .await?;
        let earliest = due.iter().min().copied().unwrap_or(now);
        self.t.mailboxes().wake(&mailboxes, earliest).await
    }

    /// Leads whose next step is the same in the new version. Their e-mail has the new words, unless another kind of
    /// writing asks for a draft, or for none any more.
    async fn stay_in_step(&mut self, ids: &[uuid::Uuid], to: i32, new: &Sequence) -> Result<()> {
        let drafted: Vec<_> = super::placing::emails(new)
            .filter(|(_, email)| email.writing.needs_draft())
            .map(|(step, _)| step.id.0)
            .collect();
        sqlx::query!("UPDATE enrolments SET version_number = $2 WHERE id = ANY($1)", ids, to)
            .execute(self.t.conn())
            .await?;
        let changed = sqlx::query!(
            r#"UPDATE messages m SET needs_draft = m.step_id = ANY($2), waits_for_draft = m.step_id = ANY($2), draft_id = NULL
               WHERE m.enrolment_id = ANY($1) AND m.state IN ('scheduled', 'held') AND m.attempts = 0
                 AND m.needs_draft <> (m.step_id = ANY($2))
               RETURNING m.enrolment_id AS "enrolment_id!", m.needs_draft, m.mailbox_id AS "mailbox: MailboxId", m.due_at"#,
            ids,
            &drafted
        )
        .fetch_all(self.t.conn())
        .await?;
        let (with, without): (Vec<_>, Vec<_>) = changed.into_iter().partition(|row| row.needs_draft);
        if !with.is_empty() {
            let ids: Vec<_> = with.iter().map(|row| row.enrolment_id).collect();
            self.t.drafts().order(&ids).await?;
        }
        if !without.is_empty() {
            let ids: Vec<_> = without.iter().map(|row| row.enrolment_id).collect();
            self.t.drafts().withdraw(&ids).await?;
            let mailboxes: Vec<_> = without.iter().map(|row| row.mailbox).collect();
            let earliest = without.iter().map(|row| row.due_at).min().unwrap_or_else(|| self.t.now());
            self.t.mailboxes().wake(&mailboxes, earliest).await?;
        }
        Ok(())
    }

    /// Cancels what is planned for enrolments that the caller has locked, and is in nobody's hands.
    pub(crate) async fn cancel_unsent(&mut self, enrolments: &[uuid::Uuid], why: &str) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE messages SET state = CASE WHEN resent_at IS NULL THEN 'cancelled' ELSE 'unknown' END,
                 lease_token = CASE WHEN resent_at IS NOT NULL THEN gen_random_uuid() END,
                 detail = $2, updated_at = $3
             WHERE enrolment_id = ANY($1) AND state IN ('scheduled', 'deferred', 'held')",
            enrolments,
            why,
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.drafts().withdraw(enrolments).await
    }
}

/// When an e-mail goes that was due at `due` before a break of length `shift` that is over now.
fn caught_up(
    policy: CatchUp,
    window: &SendingWindow,
    calendar: Calendar<'_>,
    due: DateTime<Utc>,
    shift: Duration,
    now: DateTime<Utc>,
) -> Slot {
    match policy {
        CatchUp::Spread => window.next_open(due + shift, calendar),
        CatchUp::NextWindow if due <= now => {
            let open = window.next_open(now, calendar);
            if open.moved { open } else { window.next_open(open.ends_at, calendar) }
        }
        CatchUp::Now if due <= now => window.next_open(now, calendar),
        CatchUp::NextWindow | CatchUp::Now => window.next_open(due, calendar),
    }
}

/// A lead whose next step is the same in the new version.
struct Stayer {
    enrolment: uuid::Uuid,
    version: i32,
    step: StepId,
    zone: Option<String>,
    country: Option<String>,
    away_until: Option<DateTime<Utc>>,
}

/// An e-mail that is planned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    /// When its lead came to its step.
    pub begun_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// The lead is away until then.
    pub away_until: Option<DateTime<Utc>>,
}

/// When the e-mail of a step may leave, as one version has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing<'t> {
    delay: Delay,
    window: &'t SendingWindow,
    calendar: Calendar<'t>,
}

impl<'t> Timing<'t> {
    pub(super) fn of(
        step: &'t Step,
        clock: &'t Clock<'_>,
        lead_zone: Option<&'t str>,
        lead_country: Option<&'t str>,
    ) -> Self {
        let window = step.email().and_then(|email| email.window.as_ref()).unwrap_or(clock.window);
        Self { delay: step.delay, window, calendar: clock.calendar_of(window, lead_zone, lead_country) }
    }
}

/// Whether the e-mail of a step leaves at another time in another version.
pub(super) fn is_retimed(was: &Step, is: &Step) -> bool {
    let window = |step: &Step| step.email().and_then(|email| email.window.clone());
    was.email().is_some() && (was.delay != is.delay || window(was) != window(is))
}

/// When an e-mail goes that one version has planned and another one takes over: as if its lead had come to the step
/// there, put off by the same breaks, and never before `now`.
pub(super) fn planned_anew(mail: Planned, was: Timing<'_>, is: Timing<'_>, now: DateTime<Utc>) -> Slot {
    let waits_until = |timing: Timing<'_>| {
        let over = timing.window.wait_after(mail.begun_at, timing.delay, timing.calendar);
        mail.away_until.map_or(over, |until| until.max(over))
    };
    let put_off = mail.due_at - was.window.next_open(waits_until(was), was.calendar).due_at;
    is.window.next_open((waits_until(is) + put_off.max(Duration::zero())).max(now), is.calendar)
}

/// The state of an enrolment that goes on after a pause with a step that has begun.
pub(crate) const fn state_of_begun(kind: domain::steps::StepKind) -> EnrolmentState {
    match kind {
        domain::steps::StepKind::Task => EnrolmentState::WaitingTask,
        _ => EnrolmentState::WaitingEvent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn each_policy_catches_up_in_its_own_way() {
        // Monday to Friday, 9 to 17 in Berlin (UTC+1); paused on Monday from 10:00 to 12:00 UTC.
        let (window, now, shift) = (SendingWindow::default(), utc("2026-11-23T12:00:00Z"), Duration::hours(2));
        let (missed, ahead) = (utc("2026-11-23T11:00:00Z"), utc("2026-11-23T14:30:00Z"));
        for (policy, missed_goes, ahead_goes) in [
            (CatchUp::Spread, "2026-11-23T13:00:00Z", "2026-11-24T08:00:00Z"),
            (CatchUp::NextWindow, "2026-11-24T08:00:00Z", "2026-11-23T14:30:00Z"),
            (CatchUp::Now, "2026-11-23T12:00:00Z", "2026-11-23T14:30:00Z"),
        ] {
            let at = |due| caught_up(policy, &window, "Europe/Berlin".into(), due, shift, now).due_at;
            assert_eq!((at(missed), at(ahead)), (utc(missed_goes), utc(ahead_goes)), "{policy}");
        }
    }

    #[test]
    fn what_is_planned_is_planned_anew_by_another_version() {
        let (weekdays, mondays) =
            (SendingWindow::default(), SendingWindow { days: vec![1], ..SendingWindow::default() });
        let timing = |days, window| Timing {
            delay: Delay { amount: days, unit: domain::steps::DelayUnit::Days },
            window,
            calendar: "Europe/Berlin".into(),
        };
        // A Monday in Berlin (UTC+1), and the day after it.
        let (begun_at, now) = (utc("2026-11-23T10:00:00Z"), utc("2026-11-24T09:00:00Z"));
        let mail = |due_at, away_until| Planned { begun_at, due_at: utc(due_at), away_until };
        let on_time = mail("2026-11-26T10:00:00Z", None);
        for (mail, days, window, goes) in [
            (on_time, 4, &weekdays, "2026-11-27T10:00:00Z"),
            (on_time, 2, &weekdays, "2026-11-25T10:00:00Z"),
            // Its time would have been the day before.
            (on_time, 0, &weekdays, "2026-11-24T09:00:00Z"),
            (on_time, 3, &mondays, "2026-11-30T08:00:00Z"),
            // A break of a day has moved it, and it stays moved.
            (mail("2026-11-27T10:00:00Z", None), 2, &weekdays, "2026-11-26T10:00:00Z"),
            (mail("2026-12-01T08:00:00Z", Some(utc("2026-12-01T08:00:00Z"))), 2, &weekdays, "2026-12-01T08:00:00Z"),
        ] {
            let slot = planned_anew(mail, timing(3, &weekdays), timing(days, window), now);
            assert_eq!(slot.due_at, utc(goes), "{mail:?} after {days} days");
        }
    }

    #[test]
    fn another_wording_has_no_other_time() {
        let step = Step::example();
        let reworded = step.clone().with_email(|email| email.subject = "Other".into());
        let later = Step { delay: Delay { amount: 1, ..Delay::NONE }, ..step.clone() };
        let elsewhere = step.clone().with_email(|email| email.window = Some(SendingWindow::always()));
        assert_eq!([&reworded, &later, &elsewhere].map(|is| is_retimed(&step, is)), [false, true, true]);
    }

    #[test]
    fn after_hours_the_next_window_is_the_next_one() {
        let now = utc("2026-11-23T20:00:00Z");
        let slot = caught_up(
            CatchUp::NextWindow,
            &SendingWindow::default(),
            "Europe/Berlin".into(),
            utc("2026-11-23T11:00:00Z"),
            Duration::hours(9),
            now,
        );
        assert_eq!(slot.due_at, utc("2026-11-24T08:00:00Z"));
    }
}
