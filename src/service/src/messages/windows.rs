//! Due messages whose window has closed before their turn came.

use std::collections::{HashMap, hash_map::Entry};

use chrono::{DateTime, Utc};
use domain::{CampaignId, MailboxId, StepId, campaigns::Campaign, steps::Sequence, window::Slot};
use uuid::Uuid;

use super::Messages;
use crate::{
    Result,
    campaigns::clock::{Clock, FAR},
};

/// Messages of each campaign that are looked at together.
const BATCH: i64 = 500;

/// A message that has its window.
pub(super) struct Planned {
    pub id: Uuid,
    pub campaign: CampaignId,
    pub step: StepId,
    pub version: i32,
    pub away_until: Option<DateTime<Utc>>,
    pub zone: Option<String>,
    pub country: Option<String>,
}

impl Messages<'_> {
    /// Of those that are due first: whose window is closed is put off until it opens, and whose window has opened again
    /// keeps its place, since it has waited for longest.
    pub(super) async fn put_off_closed(&mut self, mailbox: MailboxId, now: DateTime<Utc>) -> Result<()> {
        let rows = sqlx::query_as!(
            Planned,
            r#"
            SELECT d.id AS "id!", d.campaign_id AS "campaign!: CampaignId", d.step_id AS "step!: StepId",
                   d.version_number AS "version!", d.away_until AS "away_until?", l.time_zone AS "zone?", l.country AS "country?"
            FROM (SELECT id, plan_shift FROM campaigns WHERE state = 'running') c
            CROSS JOIN LATERAL (
                SELECT m.id, m.campaign_id, m.step_id, m.lead_id, m.window_ends_at, e.version_number, e.away_until
                FROM messages m
                JOIN enrolments e ON e.id = m.enrolment_id AND e.state IN ('active', 'waiting_delay', 'waiting_window')
                WHERE m.campaign_id = c.id AND m.mailbox_id = $1 AND m.state IN ('scheduled', 'deferred')
                  AND NOT m.waits_for_draft AND m.plan_shift = c.plan_shift AND m.due_at <= $2
                ORDER BY m.due_at
                LIMIT $3
                FOR UPDATE OF m, e SKIP LOCKED
            ) d
            LEFT JOIN leads l ON l.id = d.lead_id
            WHERE d.window_ends_at <= $2
            "#,
            mailbox.0,
            now,
            BATCH
        )
        .fetch_all(self.t.conn())
        .await?;
        let slots = self.next_slots(&rows, now).await?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let (opens, ends): (Vec<_>, Vec<_>) = slots.iter().map(|slot| (slot.due_at, slot.ends_at.min(FAR))).unzip();
        sqlx::query!(
            "WITH moved AS (
                 UPDATE messages m
                 SET due_at = CASE WHEN s.opens > $4 THEN s.opens ELSE m.due_at END, window_ends_at = s.ends,
                     room_at = CASE WHEN s.opens > $4 THEN NULL ELSE m.room_at END, waits_for = NULL, waits_until = NULL,
                     updated_at = $4
                 FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) AS s (id, opens, ends)
                 WHERE m.id = s.id
                 RETURNING m.enrolment_id, s.opens > $4 AS waits
             )
             UPDATE enrolments e SET state = 'waiting_window', updated_at = $4
             FROM moved WHERE e.id = moved.enrolment_id AND moved.waits AND e.state <> 'waiting_window'",
            &ids,
            &opens,
            &ends,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// When each may leave from `now` on, in their order.
    pub(super) async fn next_slots(&mut self, rows: &[Planned], now: DateTime<Utc>) -> Result<Vec<Slot>> {
        let zone = self.t.actor().company_time_zone().to_owned();
        let country = self.t.campaigns().company_country().await?;
        let mut campaigns: HashMap<CampaignId, Campaign> = HashMap::new();
        let mut sequences: HashMap<(CampaignId, i32), Sequence> = HashMap::new();
        for row in rows {
            if let Entry::Vacant(unread) = campaigns.entry(row.campaign) {
                unread.insert(self.t.campaigns().load(row.campaign, false).await?);
            }
            if let Entry::Vacant(unread) = sequences.entry((row.campaign, row.version)) {
                unread.insert(self.t.campaigns().sequence(row.campaign, row.version).await?);
            }
        }
        let slot = |row: &Planned| {
            let clock = Clock::of(&campaigns[&row.campaign], &zone, country.as_deref());
            let window = sequences[&(row.campaign, row.version)].own_window(row.step).unwrap_or(clock.window);
            let calendar = clock.calendar_of(window, row.zone.as_deref(), row.country.as_deref());
            window.next_open(row.away_until.map_or(now, |until| until.max(now)), calendar)
        };
        Ok(rows.iter().map(slot).collect())
    }
}
