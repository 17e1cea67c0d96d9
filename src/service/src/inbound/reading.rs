//! The mails that have come, for people and programs.

use chrono::{DateTime, NaiveDate, Utc};
use domain::{
    AccountId, CampaignId, EnrolmentId, InboundId, LeadId, MailboxId, MessageId, Page, PageRequest, Permission,
    inbound::{BounceKind, Confidence, InboundKind, MatchedBy},
};

use super::{Inbound, InboundMail};
use crate::{Error, Result, cursor};

impl InboundMail<'_> {
    /// The mails, the newest first; of one kind if it is given.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read; a cursor that is none of this list.
    pub async fn list(&mut self, kind: Option<InboundKind>, page: &PageRequest) -> Result<Page<Inbound>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = self.select(None, None, kind, after, limit + 1).await?;
        Ok(Page::from_rows(rows, limit, false, false, |mail| cursor::encode(mail.arrived_at, mail.id.0)))
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&mut self, id: InboundId) -> Result<Inbound> {
        self.t.require(Permission::Read).await?;
        let mut rows = self.select(Some(id), None, None, cursor::After::default(), 1).await?;
        rows.pop().ok_or(Error::NotFound("mail"))
    }

    /// The mails of a mailbox that could not be read, the newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the right to read; a cursor that is none of this list.
    pub async fn unreadable(&mut self, mailbox: MailboxId, page: &PageRequest) -> Result<Page<Inbound>> {
        self.t.require(Permission::Read).await?;
        let (limit, after) = (page.limit(), cursor::after(page)?);
        let rows = self.select(None, Some(mailbox), Some(InboundKind::Unreadable), after, limit + 1).await?;
        Ok(Page::from_rows(rows, limit, false, false, |mail| cursor::encode(mail.arrived_at, mail.id.0)))
    }

    async fn select(
        &mut self,
        id: Option<InboundId>,
        mailbox: Option<MailboxId>,
        kind: Option<InboundKind>,
        after: cursor::After,
        limit: i64,
    ) -> Result<Vec<Inbound>> {
        Ok(sqlx::query_as!(
            Inbound,
            r#"
            SELECT i.id AS "id: InboundId", i.mailbox_id AS "mailbox: MailboxId",
                   i.arrived_at AS "arrived_at: DateTime<Utc>", i.from_name, i.from_address, i.subject, i.text, i.quoted,
                   i.kind AS "kind: InboundKind", i.why, i.confidence AS "confidence: Confidence",
                   i.bounce AS "bounce: BounceKind", i.status, i.back_on AS "back_on: NaiveDate",
                   i.matched_by AS "matched_by: MatchedBy", i.lead_id AS "lead: LeadId",
                   coalesce(nullif(concat_ws(' ', l.first_name, l.last_name), ''), l.email) AS lead_name,
                   i.account_id AS "account: AccountId", i.campaign_id AS "campaign: CampaignId",
                   i.enrolment_id AS "enrolment: EnrolmentId", i.outgoing_id AS "message: MessageId"
            FROM inbound_messages i LEFT JOIN leads l ON l.id = i.lead_id
            WHERE ($1::uuid IS NULL OR i.id = $1)
              AND ($2::text IS NULL OR i.kind = $2)
              AND ($6::uuid IS NULL OR i.mailbox_id = $6)
              AND ($3::timestamptz IS NULL OR (i.arrived_at, i.id) < ($3, $4::uuid))
            ORDER BY i.arrived_at DESC, i.id DESC
            LIMIT $5
            "#,
            id.map(|id| id.0),
            kind.map(InboundKind::as_str),
            after.at,
            after.id,
            limit,
            mailbox.map(|id| id.0),
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
