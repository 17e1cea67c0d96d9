//! A customer: whoever has bought leaves every sequence that is open. What has ended before, by an answer or by a meeting,
//! stays as it is.

use std::collections::HashSet;

use domain::{
    enrolments::EnrolmentState,
    leads::{LeadEventKind, LeadStatus},
};
use uuid::Uuid;

use super::Enrolments;
use crate::Result;

impl Enrolments<'_> {
    /// Holds what is open for leads that are about to get this status, if it ends that. Called before the leads are
    /// locked: the enrolment comes first.
    pub(crate) async fn hold_for_status(&mut self, leads: &[Uuid], status: LeadStatus) -> Result<()> {
        match status {
            LeadStatus::Customer => self.hold_open(leads).await,
            _ => Ok(()),
        }
    }

    /// Ends everything that is open for leads that have just become customers. The caller has locked them.
    pub(crate) async fn convert(&mut self, leads: &[Uuid]) -> Result<()> {
        if leads.is_empty() {
            return Ok(());
        }
        let ended = self.end_for_leads(leads, EnrolmentState::Converted, None).await?;
        if ended.is_empty() {
            return Ok(());
        }
        self.t.campaigns().log_ended(LeadEventKind::Converted.as_str(), &ended).await?;
        // A timeline tells of it once, however many campaigns the lead was in.
        let mut told = HashSet::new();
        let first: Vec<_> = ended.into_iter().filter(|one| told.insert(one.lead)).collect();
        self.t.leads().record_ended(LeadEventKind::Converted, &first).await
    }
}
