//! The queue: drafts of campaigns that wait for a person, in the order in which they were written.

use chrono::{DateTime, Utc};
use domain::{
    CampaignId, DraftId, Page, PageRequest, Permission,
    drafts::{Holder, QueueCount, QueueFilter, QueuedDraft, STALE_AFTER, Writer},
    leads::display_name,
    steps::Writing,
};

use super::Drafts;
use crate::{Error, Result, cursor};

/// Where a draft stands in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// From 1; 0 when it does not wait.
    pub position: i64,
    /// How many wait.
    pub of: i64,
    /// The one after it.
    pub next: Option<DraftId>,
}

impl Drafts<'_> {
    /// Drafts that wait for a person, the oldest first.
    ///
    /// # Errors
    /// A cursor that is none of this list.
    pub async fn queue(&mut self, filter: &QueueFilter, page: &PageRequest) -> Result<Page<QueuedDraft>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let fresh = self.t.now() - STALE_AFTER;
        let ids = sqlx::query_scalar!(
            "SELECT d.id FROM drafts d JOIN messages m ON m.id = d.message_id
             WHERE d.state = 'open' AND d.message_id IS NOT NULL
               AND ($1::uuid IS NULL OR m.campaign_id = $1)
               AND ($2::boolean IS NULL OR d.passes = $2)
               AND ($6::text IS NULL OR d.writer = $6)
               AND (NOT $7 OR d.checked_at <= $8)
               AND ($3::timestamptz IS NULL OR (d.created_at, d.id) > ($3, $4::uuid))
             ORDER BY d.created_at, d.id
             LIMIT $5",
            filter.campaign.map(|id| id.0),
            filter.passes,
            after.at,
            after.id,
            limit + 1,
            filter.writer.map(Writer::as_str),
            filter.stale,
            fresh,
        )
        .fetch_all(self.t.conn())
        .await?;
        let rows = self.queued(&ids).await?;
        Ok(Page::from_rows(rows, limit, false, false, |q| cursor::encode(q.draft.created_at, q.draft.id.0)))
    }

    /// One draft of a campaign with what it is about, also when it was decided about.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn in_queue(&mut self, id: DraftId) -> Result<QueuedDraft> {
        self.t.require(Permission::Read).await?;
        self.queued(&[id.0]).await?.pop().ok_or(Error::NotFound("draft"))
    }

    /// How many wait.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn count(&mut self, filter: &QueueFilter) -> Result<QueueCount> {
        self.t.require(Permission::Read).await?;
        let fresh = self.t.now() - STALE_AFTER;
        Ok(sqlx::query_as!(
            QueueCount,
            r#"SELECT count(*) AS "waiting!", count(*) FILTER (WHERE d.passes AND d.checked_at > $3) AS "passing!",
                      min(d.created_at) AS oldest_at
               FROM drafts d JOIN messages m ON m.id = d.message_id
               WHERE d.state = 'open' AND d.message_id IS NOT NULL
                 AND ($1::uuid IS NULL OR m.campaign_id = $1) AND ($2::boolean IS NULL OR d.passes = $2)
                 AND ($4::text IS NULL OR d.writer = $4) AND (NOT $5 OR d.checked_at <= $3)"#,
            filter.campaign.map(|id| id.0),
            filter.passes,
            fresh,
            filter.writer.map(Writer::as_str),
            filter.stale,
        )
        .fetch_one(self.t.conn())
        .await?)
    }

    /// The campaigns whose drafts wait, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn campaigns(&mut self) -> Result<Vec<(CampaignId, String)>> {
        self.t.require(Permission::Read).await?;
        let rows = sqlx::query!(
            r#"SELECT c.id AS "id: CampaignId", c.name FROM campaigns c
               WHERE EXISTS (SELECT FROM drafts d JOIN messages m ON m.id = d.message_id
                             WHERE d.state = 'open' AND m.campaign_id = c.id)
               ORDER BY c.name, c.id LIMIT 100"#
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
    }

    /// Where a draft stands among those of a filter, and which one follows.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn place(&mut self, id: DraftId, filter: &QueueFilter) -> Result<Place> {
        self.t.require(Permission::Read).await?;
        let fresh = self.t.now() - STALE_AFTER;
        let row = sqlx::query!(
            r#"
            WITH queue AS (
                SELECT d.id, d.created_at FROM drafts d JOIN messages m ON m.id = d.message_id
                WHERE d.state = 'open' AND d.message_id IS NOT NULL
                  AND ($2::uuid IS NULL OR m.campaign_id = $2) AND ($3::boolean IS NULL OR d.passes = $3)
                  AND ($4::text IS NULL OR d.writer = $4) AND (NOT $5 OR d.checked_at <= $6)
            )
            SELECT CASE WHEN EXISTS (SELECT FROM queue WHERE id = d.id)
                   THEN (SELECT count(*) FROM queue q WHERE (q.created_at, q.id) <= (d.created_at, d.id)) ELSE 0 END AS "position!",
                   (SELECT count(*) FROM queue) AS "of!",
                   coalesce((SELECT q.id FROM queue q WHERE (q.created_at, q.id) > (d.created_at, d.id)
                             ORDER BY q.created_at, q.id LIMIT 1),
                            (SELECT q.id FROM queue q WHERE q.id <> d.id ORDER BY q.created_at, q.id LIMIT 1)) AS "next: DraftId"
            FROM drafts d WHERE d.id = $1
            "#,
            id.0,
            filter.campaign.map(|id| id.0),
            filter.passes,
            filter.writer.map(Writer::as_str),
            filter.stale,
            fresh,
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("draft"))?;
        Ok(Place { position: row.position, of: row.of, next: row.next })
    }

    /// Some of those that [`Self::approve_passing`] would approve, by chance.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn sample(&mut self, filter: &QueueFilter, before: DateTime<Utc>) -> Result<Vec<QueuedDraft>> {
        self.t.require(Permission::ApproveDrafts).await?;
        let fresh = self.t.now() - STALE_AFTER;
        let ids = sqlx::query_scalar!(
            "SELECT d.id FROM drafts d JOIN messages m ON m.id = d.message_id
             WHERE d.state = 'open' AND d.passes AND d.checked_at > $3 AND d.created_at <= $2
               AND ($1::uuid IS NULL OR m.campaign_id = $1) AND ($4::text IS NULL OR d.writer = $4)
             ORDER BY random() LIMIT 5",
            filter.campaign.map(|id| id.0),
            before,
            fresh,
            filter.writer.map(Writer::as_str),
        )
        .fetch_all(self.t.conn())
        .await?;
        self.queued(&ids).await
    }

    /// The drafts with these ids as the queue shows them, the oldest first.
    async fn queued(&mut self, ids: &[uuid::Uuid]) -> Result<Vec<QueuedDraft>> {
        let (now, me) = (self.t.now(), self.t.actor().user_id().map(|id| id.0));
        let rows = sqlx::query!(
            r#"
            SELECT d.id AS "id: DraftId", coalesce(d.checked_at <= $2, false) AS "stale!", l.first_name, l.last_name,
                   l.email AS "email: domain::EmailAddress", a.name AS "account?", l.score,
                   m.campaign_id AS "campaign!: CampaignId", c.name AS campaign_name, m.position AS "position!",
                   (SELECT s.step ->> 'writing' FROM campaign_versions v
                        CROSS JOIN LATERAL jsonb_array_elements(v.steps) AS s (step)
                    WHERE v.campaign_id = m.campaign_id AND v.number = e.version_number
                      AND s.step ->> 'id' = m.step_id::text) AS "writing: Writing", b.address AS mailbox, m.due_at,
                   CASE WHEN d.held_until > $3 AND d.held_by IS DISTINCT FROM $4 THEN d.held_name END AS holder,
                   d.held_until
            FROM drafts d
            JOIN messages m ON m.id = d.message_id
            JOIN campaigns c ON c.id = m.campaign_id
            JOIN enrolments e ON e.id = m.enrolment_id
            JOIN mailboxes b ON b.id = m.mailbox_id
            JOIN leads l ON l.id = d.lead_id
            LEFT JOIN accounts a ON a.id = l.account_id
            WHERE d.id = ANY($1)
            ORDER BY d.created_at, d.id
            "#,
            ids,
            now - STALE_AFTER,
            now,
            me,
        )
        .fetch_all(self.t.conn())
        .await?;
        let mut drafts = self.load(ids).await?;
        Ok(rows
            .into_iter()
            .filter_map(|r| {
                let at = drafts.iter().position(|draft| draft.id == r.id)?;
                let email = r.email.map(|email| email.to_string());
                Some(QueuedDraft {
                    draft: drafts.swap_remove(at),
                    lead_name: display_name(r.first_name.as_deref(), r.last_name.as_deref(), email.as_deref()),
                    email,
                    account: r.account,
                    score: r.score,
                    campaign: r.campaign,
                    campaign_name: r.campaign_name,
                    step: r.position,
                    writing: r.writing.unwrap_or(Writing::Approve),
                    mailbox: r.mailbox,
                    due_at: r.due_at,
                    stale: r.stale,
                    holder: r.holder.zip(r.held_until).map(|(name, until)| Holder { name, until }),
                })
            })
            .collect())
    }
}
