//! When a mailbox has its next turn. `not_before` is what its gap, its cap and the faults of its
//! server ask for; `next_send_at` is never earlier, so kicking a mailbox cannot break its gap.

use chrono::{DateTime, Duration, Utc};
use domain::{CampaignId, MailboxId};

use super::Mailboxes;
use crate::Result;

/// A mailbox whose domain fails has its next turn after this.
const LOOK: Duration = Duration::minutes(10);

/// What a mailbox may do now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// E-mails it may still send.
    pub room: i64,
    /// What counts towards its cap, or more than that.
    pub used: i64,
    /// The time until the next one, drawn anew each time: a machine that sends by the clock is easily told.
    pub gap: Duration,
}

/// What of a mailbox may be due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wants {
    /// Answers of people.
    pub replies: bool,
    /// E-mails of campaigns.
    pub campaigns: bool,
    /// Receivers believe its domain, or nobody has looked yet.
    pub believed: bool,
}

impl Mailboxes<'_> {
    /// What the mailbox may do at `now`. The caller holds its row, so nobody else counts at the same time. What it has
    /// sent is counted anew when a claim of `most` might not fit: until then it cannot be more than what was counted,
    /// and what was claimed since.
    pub(crate) async fn turn(&mut self, id: MailboxId, now: DateTime<Utc>, most: i64) -> Result<Turn> {
        let row = sqlx::query!(
            r#"SELECT mailbox_cap(daily_cap, ramp_from, $2)::bigint AS "cap!", used_at_most,
                      gap_seconds + floor(random() * (gap_max_seconds - gap_seconds + 1))::int AS "gap!",
                      EXISTS (SELECT FROM messages b WHERE b.mailbox_id = $1 AND b.came_back IS NOT NULL
                                AND b.sending_at > healthy_from) AS "hurt!"
               FROM mailboxes WHERE id = $1"#,
            id.0,
            now
        )
        .fetch_one(self.t.conn())
        .await?;
        let used = match row.used_at_most.filter(|used| row.cap - used >= most) {
            Some(used) => used,
            None => self.count(id, now).await?,
        };
        // Bounces among the first e-mails say something only once there are more; then is now. Of most mailboxes nothing
        // came back, and there is nothing to count.
        let room = if !row.hurt || self.judge(id).await? { row.cap - used } else { 0 };
        Ok(Turn { room, used, gap: Duration::seconds(i64::from(row.gap)) })
    }

    /// What counts towards its cap.
    async fn count(&mut self, id: MailboxId, now: DateTime<Utc>) -> Result<i64> {
        let used = sqlx::query_scalar!(r#"SELECT mailbox_used($1, $2) AS "used!""#, id.0, now);
        Ok(used.fetch_one(self.t.conn()).await?)
    }

    /// It sends something outside of its turns: what it has sent is counted anew before the next.
    pub(crate) async fn count_anew(&mut self, id: MailboxId) -> Result<()> {
        sqlx::query!("UPDATE mailboxes SET used_at_most = NULL WHERE id = $1", id.0).execute(self.t.conn()).await?;
        Ok(())
    }

    /// What may be due. The caller holds its row, which a reply may have woken.
    pub(crate) async fn wants(&mut self, id: MailboxId, now: DateTime<Utc>) -> Result<Wants> {
        Ok(sqlx::query_as!(
            Wants,
            r#"SELECT coalesce(reply_at <= $2, false) AS "replies!", coalesce(next_send_at <= $2, false) AS "campaigns!",
                      mailbox_failing(id) IS NULL AS "believed!"
               FROM mailboxes WHERE id = $1"#,
            id.0,
            now
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// The replies that may leave at `now`: the whole cap is theirs, because nobody asks a new mailbox to be slow with
    /// answers. The caller holds its row.
    pub(crate) async fn room_for_replies(&mut self, id: MailboxId, now: DateTime<Utc>) -> Result<i64> {
        Ok(sqlx::query_scalar!(
            r#"SELECT daily_cap - mailbox_used(id, $2) AS "room!" FROM mailboxes WHERE id = $1"#,
            id.0,
            now
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// Says when the next reply is due; `patiently` not before its server is tried again. A full mailbox waits until
    /// the oldest e-mail of the last 24 hours is a day old.
    pub(crate) async fn plan_replies(&mut self, id: MailboxId, patiently: bool) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE mailboxes b SET reply_at = CASE WHEN n.due_at IS NOT NULL THEN
                 greatest(n.due_at, n.free_at, CASE WHEN $3 AND b.failures > 0 THEN b.not_before END) END
             FROM (SELECT (SELECT min(due_at) FROM messages WHERE mailbox_id = $1 AND campaign_id IS NULL
                             AND state IN ('scheduled', 'deferred')) AS due_at,
                          -- A cap of claims alone says nothing of when there is room.
                          (SELECT coalesce(least((SELECT min(m.sending_at) FROM messages m WHERE m.mailbox_id = $1
                                                    AND m.sending_at > $2::timestamptz - interval '24 hours'),
                                                 (SELECT min(x.sending_at) FROM test_mails x WHERE x.mailbox_id = $1
                                                    AND x.sending_at > $2::timestamptz - interval '24 hours'))
                                               + interval '24 hours',
                                           $2::timestamptz + interval '1 minute')
                           FROM mailboxes f WHERE f.id = $1 AND mailbox_used(f.id, $2) >= f.daily_cap) AS free_at) n
             WHERE b.id = $1 AND (n.due_at IS NOT NULL OR b.reply_at IS NOT NULL)",
            id.0,
            now,
            patiently
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// The cap is reached: nothing until the oldest e-mail of the last 24 hours is a day old.
    pub(crate) async fn wait_for_cap(&mut self, id: MailboxId, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!(
            "UPDATE mailboxes SET not_before = w.at, next_send_at = w.at
             FROM (SELECT coalesce(min(sending_at) + interval '24 hours', $2::timestamptz + interval '1 hour') AS at
                   FROM (SELECT sending_at FROM messages
                         WHERE mailbox_id = $1 AND sending_at > $2::timestamptz - interval '24 hours'
                         UNION ALL
                         SELECT sending_at FROM test_mails
                         WHERE mailbox_id = $1 AND sending_at > $2::timestamptz - interval '24 hours') used) w
             WHERE id = $1",
            id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Its domain fails: nothing until it passes, which is looked at again soon, in case that nobody wakes it then.
    pub(crate) async fn wait_for_domain(&mut self, id: MailboxId, now: DateTime<Utc>) -> Result<()> {
        sqlx::query!("UPDATE mailboxes SET next_send_at = $2 WHERE id = $1", id.0, now + LOOK)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    /// After a turn: the gap begins, and the next turn is when the next message is due. `used` counts towards the cap.
    pub(crate) async fn end_turn(&mut self, id: MailboxId, not_before: DateTime<Utc>, used: i64) -> Result<()> {
        sqlx::query!(
            "UPDATE mailboxes SET not_before = greatest(not_before, $2), used_at_most = $3,
                 next_send_at = CASE WHEN n.due_at IS NOT NULL THEN greatest(not_before, $2, n.due_at) END
             FROM (SELECT min(d.due_at) AS due_at
                   FROM campaigns c
                   CROSS JOIN LATERAL (
                       SELECT m.due_at FROM messages m
                       WHERE m.campaign_id = c.id AND m.mailbox_id = $1 AND m.state IN ('scheduled', 'deferred')
                         AND NOT m.waits_for_draft AND m.plan_shift = c.plan_shift
                       ORDER BY m.due_at LIMIT 1
                   ) d
                   WHERE c.state = 'running') n
             WHERE id = $1",
            id.0,
            not_before,
            used,
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Its server could not be reached: the next turn comes later each time, at most every half hour. A mailbox without
    /// a gap is served by several lanes, and all of them meet the same fault: whoever tells of it while the mailbox waits
    /// already tells nothing new.
    pub(crate) async fn back_off(&mut self, id: MailboxId, now: DateTime<Utc>, reason: &str) -> Result<()> {
        sqlx::query!(
            "UPDATE mailboxes SET failures = failures + 1, last_error = $3,
                 not_before = $2::timestamptz + least(interval '15 seconds' * power(2, least(failures, 10)), interval '30 minutes'),
                 next_send_at = $2::timestamptz + least(interval '15 seconds' * power(2, least(failures, 10)), interval '30 minutes')
             WHERE id = $1 AND (gap_seconds > 0 OR not_before <= $2 OR failures = 0)",
            id.0,
            now,
            reason
        )
        .execute(self.t.conn())
        .await?;
        self.t.tell("mailboxes", id.0).await
    }

    /// Its server answers again.
    pub(crate) async fn recovered(&mut self, id: MailboxId) -> Result<()> {
        sqlx::query!("UPDATE mailboxes SET failures = 0, last_error = NULL WHERE id = $1 AND failures > 0", id.0)
            .execute(self.t.conn())
            .await?;
        Ok(())
    }

    /// Its rules have changed, or its server answers again: only its gap still counts.
    pub(crate) async fn start_over(&mut self, id: MailboxId) -> Result<()> {
        let now = self.t.now();
        sqlx::query!(
            "UPDATE mailboxes m SET not_before = g.ends_at, next_send_at = greatest(g.ends_at, $2), failures = 0
             FROM (SELECT b.id, coalesce(max(s.sending_at) + make_interval(secs => b.gap_seconds), '-infinity') AS ends_at
                   FROM mailboxes b LEFT JOIN messages s ON s.mailbox_id = b.id
                        AND s.sending_at > $2::timestamptz - make_interval(secs => b.gap_seconds)
                   WHERE b.id = $1 GROUP BY b.id) g
             WHERE m.id = g.id",
            id.0,
            now
        )
        .execute(self.t.conn())
        .await?;
        Ok(())
    }

    /// Something may be due at `at`: mailboxes that sleep longer wake up then.
    pub(crate) async fn wake(&mut self, ids: &[MailboxId], at: DateTime<Utc>) -> Result<()> {
        let mut ids: Vec<_> = ids.iter().map(|id| id.0).collect();
        // One order for everybody, so that two wakers never wait for each other.
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            // Waits for the turn that the mailbox may be having: its end must not overwrite this. Others
            // who have just planned messages of it only share its key.
            sqlx::query!("SELECT id FROM mailboxes WHERE id = $1 FOR NO KEY UPDATE", id)
                .fetch_optional(self.t.conn())
                .await?;
            sqlx::query!(
                "UPDATE mailboxes SET next_send_at = greatest(not_before, least(coalesce(next_send_at, $2), $2))
                 WHERE id = $1 AND (next_send_at IS NULL OR next_send_at > $2)",
                id,
                at
            )
            .execute(self.t.conn())
            .await?;
        }
        Ok(())
    }

    /// The same for every mailbox of a campaign.
    pub(crate) async fn wake_campaign(&mut self, campaign: CampaignId, at: DateTime<Utc>) -> Result<()> {
        let ids = sqlx::query_scalar!(
            r#"SELECT mailbox_id AS "id: MailboxId" FROM campaign_mailboxes WHERE campaign_id = $1"#,
            campaign.0
        )
        .fetch_all(self.t.conn())
        .await?;
        self.wake(&ids, at).await
    }
}
