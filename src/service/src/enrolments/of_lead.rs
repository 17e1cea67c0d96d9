//! The campaigns of one lead.

use domain::{CampaignId, LeadId, Permission, enrolments::EnrolmentState};

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
}

impl Enrolments<'_> {
    /// The campaigns of a lead, the last changed first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn of_lead(&mut self, lead: LeadId) -> Result<Vec<InCampaign>> {
        self.t.require(Permission::Read).await?;
        Ok(sqlx::query_as!(
            InCampaign,
            r#"SELECT e.campaign_id AS "campaign: CampaignId", c.name, e.state AS "state: EnrolmentState"
               FROM enrolments e JOIN campaigns c ON c.id = e.campaign_id
               WHERE e.lead_id = $1 ORDER BY e.updated_at DESC, e.id LIMIT $2"#,
            lead.0,
            MOST
        )
        .fetch_all(self.t.conn())
        .await?)
    }
}
