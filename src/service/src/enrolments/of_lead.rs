//! The campaigns of one lead.

use domain::{
    CampaignId, EnrolmentId, LeadId, Permission,
    enrolments::{EndReason, EnrolmentState},
    why_not::WhyNot,
};

use super::Enrolments;
use crate::Result;

/// Most campaigns of a lead that are named.
const MOST: i64 = 20;

/// A campaign that a lead is or was in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCampaign {
    /// Which.
    pub campaign: CampaignId,
    /// Its name.
    pub name: String,
    /// Where the lead stands in it.
    pub state: EnrolmentState,
    /// Why it ended as it did.
    pub reason: Option<EndReason>,
    /// Why its next e-mail has not gone yet.
    pub why_not_yet: Option<WhyNot>,
}

impl InCampaign {
    /// Where the lead stands, and why it ended as it did, in the words people read.
    #[must_use]
    pub fn standing(&self) -> String {
        match self.reason {
            Some(reason) => format!("{}: {}", self.state.label(), reason.label()),
            None => self.state.label().to_owned(),
        }
    }
}

impl Enrolments<'_> {
    /// The campaigns of a lead, the last changed first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn of_lead(&mut self, lead: LeadId) -> Result<Vec<InCampaign>> {
        self.t.require(Permission::Read).await?;
        let rows = sqlx::query!(
            r#"SELECT e.id AS "id: EnrolmentId", e.campaign_id AS "campaign: CampaignId", c.name,
                      e.state AS "state: EnrolmentState", e.end_reason AS "reason: EndReason"
               FROM enrolments e JOIN campaigns c ON c.id = e.campaign_id
               WHERE e.lead_id = $1 ORDER BY e.updated_at DESC, e.id LIMIT $2"#,
            lead.0,
            MOST
        )
        .fetch_all(self.t.conn())
        .await?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let mut why_not = self.t.messages().why_not(&ids).await?;
        Ok(rows
            .into_iter()
            .map(|row| InCampaign {
                campaign: row.campaign,
                name: row.name,
                state: row.state,
                reason: row.reason,
                why_not_yet: why_not.remove(&row.id),
            })
            .collect())
    }
}
