//! The suppression list. Putting an address on it stops what is open for that address in the
//! same transaction; an unsubscribe is never taken back by the company.

use domain::{
    CampaignId, InboundId, Page, PageRequest, Permission, Problem, SuppressionId,
    enrolments::EnrolmentState,
    leads::LeadEventKind,
    suppressions::{Suppression, SuppressionReason, SuppressionTarget},
};

use crate::{Error, Result, Tenant, audit::Entry, cursor};

/// The suppression list of the company.
#[derive(Debug)]
pub struct Suppressions<'t> {
    t: &'t mut Tenant,
}

/// Why a target is put on the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Because<'a> {
    /// The reason.
    pub reason: SuppressionReason,
    /// More, in words.
    pub detail: Option<&'a str>,
    /// The campaign that it has to do with.
    pub campaign: Option<CampaignId>,
    /// The mail that has told of it.
    pub inbound: Option<InboundId>,
}

impl Tenant {
    /// The suppression list.
    pub fn suppressions(&mut self) -> Suppressions<'_> {
        Suppressions { t: self }
    }
}

impl Suppressions<'_> {
    /// The list, newest first; `q` is part of an address or domain.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read.
    pub async fn list(&mut self, q: Option<&str>, page: &PageRequest) -> Result<Page<Suppression>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = sqlx::query_as!(
            Suppression,
            r#"
            SELECT id AS "id: SuppressionId", target, reason AS "reason: SuppressionReason", detail, created_at
            FROM suppressions
            WHERE ($1::text IS NULL OR strpos(target, lower($1)) > 0)
              AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
            ORDER BY created_at DESC, id DESC
            LIMIT $4
            "#,
            q,
            after.at,
            after.id,
            limit + 1,
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(Page::from_rows(rows, limit, false, false, |s| cursor::encode(s.created_at, s.id.0)))
    }

    /// Adds addresses and domains by hand. Gives how many were new.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right.
    pub async fn add(&mut self, targets: &[SuppressionTarget], detail: Option<&str>) -> Result<i64> {
        self.t.require(Permission::ManageSuppressions).await?;
        if targets.is_empty() {
            return Err(Problem::field("targets", "targets_missing", "Enter an address or a domain.").into());
        }
        let mut new = 0;
        for target in targets {
            let because = Because { reason: SuppressionReason::Manual, detail, campaign: None, inbound: None };
            new += i64::from(self.suppress(target, because).await?);
        }
        self.t.audit().record(Entry::done("suppressions.added").details(format!("{new} added"))).await?;
        Ok(new)
    }

    /// Takes an entry back, if its reason allows it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for an unsubscribe, a complaint or an erased person.
    pub async fn remove(&mut self, id: SuppressionId) -> Result<()> {
        self.t.require(Permission::ManageSuppressions).await?;
        let row = sqlx::query!(
            r#"SELECT target, reason AS "reason: SuppressionReason" FROM suppressions WHERE id = $1 FOR UPDATE"#,
            id.0
        )
        .fetch_optional(self.t.conn())
        .await?
        .ok_or(Error::NotFound("suppression"))?;
        if !row.reason.removable() {
            return Err(Error::conflict(
                "not_removable",
                "This person asked for no more e-mail, or complained. Only they can take that back.",
            ));
        }
        sqlx::query!("DELETE FROM suppressions WHERE id = $1", id.0).execute(self.t.conn()).await?;
        self.t.audit().record(Entry::done("suppressions.removed").on(row.target)).await?;
        self.t.tell("suppressions", None).await
    }

    /// Puts a target on the list and ends what is open for it. True when it was new.
    /// A stronger reason (the person's own wish) replaces a weaker one.
    pub(crate) async fn suppress(&mut self, target: &SuppressionTarget, because: Because<'_>) -> Result<bool> {
        let id: SuppressionId = self.t.new_id();
        let now = self.t.now();
        let is_new = sqlx::query_scalar!(
            r#"
            INSERT INTO suppressions AS s (id, target, reason, detail, created_at) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (company_id, target) DO UPDATE
                SET reason = CASE WHEN s.reason IN ('manual', 'bounced') THEN excluded.reason ELSE s.reason END,
                    detail = CASE WHEN s.reason IN ('manual', 'bounced') THEN excluded.detail ELSE s.detail END
            RETURNING (xmax = 0) AS "is_new!"
            "#,
            id.0,
            target.as_str(),
            because.reason.as_str(),
            because.detail,
            now,
        )
        .fetch_one(self.t.conn())
        .await?;
        self.end_open(target, because, is_new).await?;
        self.t.tell("suppressions", None).await?;
        Ok(is_new)
    }

    async fn end_open(&mut self, target: &SuppressionTarget, because: Because<'_>, is_new: bool) -> Result<()> {
        let (address, domain) = match target {
            SuppressionTarget::Address(address) => (Some(address.as_str()), None),
            SuppressionTarget::Domain(domain) => (None, Some(domain.as_str())),
        };
        let leads = sqlx::query_scalar!(
            r#"SELECT id AS "id!" FROM leads WHERE email = $1
             UNION ALL SELECT id FROM leads WHERE email IS NOT NULL AND split_part(email, '@', 2) = $2"#,
            address,
            domain,
        )
        .fetch_all(self.t.conn())
        .await?;
        let (state, kind) = match because.reason {
            SuppressionReason::Unsubscribed => (EnrolmentState::Unsubscribed, LeadEventKind::Unsubscribed),
            SuppressionReason::Bounced => (EnrolmentState::Bounced, LeadEventKind::Bounced),
            _ => (EnrolmentState::Suppressed, LeadEventKind::Suppressed),
        };
        let _ended = self.t.enrolments().end_for_leads(&leads, state, None).await?;
        // The timelines tell of it once.
        if !is_new {
            return Ok(());
        }
        let actor = self.t.actor().to_string();
        let now = self.t.now();
        sqlx::query!(
            "INSERT INTO lead_events (event_id, lead_id, at, kind, actor, campaign_id, inbound_id)
             SELECT gen_random_uuid(), lead_id, $2, $3, $4, $5, $6 FROM unnest($1::uuid[]) AS l (lead_id)",
            &leads,
            now,
            kind.as_str(),
            actor,
            because.campaign.map(|c| c.0),
            because.inbound.map(|i| i.0),
        )
        .execute(self.t.conn())
        .await?;
        sqlx::query!(
            "UPDATE leads SET last_activity = $2, last_activity_at = $3 WHERE id = ANY($1)",
            &leads,
            kind.as_str(),
            now
        )
        .execute(self.t.conn())
        .await?;
        self.t.events().suppressed(&leads, because.reason).await
    }
}
