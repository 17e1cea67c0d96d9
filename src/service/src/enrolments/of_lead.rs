//! The campaigns of one lead.

use domain::{CampaignId, EnrolmentId, LeadId, Permission, enrolments::EnrolmentState, why_not::WhyNot};

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
    /// Why its next e-mail has not gone yet.
    pub why_not_yet: Option<WhyNot>,
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
                      e.state AS "state: EnrolmentState"
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
                why_not_yet: why_not.remove(&row.id),
            })
            .collect())
    }
}
