//! The score of a lead and the other values that follow from its fields: worked out whenever one
//! of them is written, and again when its firm changes.

use domain::{
    AccountId, EmailAddress,
    leads::{CheckedLead, LeadStatus},
    score::{Facts, Score, evaluate},
};
use uuid::Uuid;

use super::{
    Leads,
    store::{self, Of},
};
use crate::{Result, accounts::Firm};

/// Leads that are written by one statement.
pub(crate) const CHUNK: usize = 5_000;

/// The score of a lead that works for `account`.
pub(super) fn of(lead: &CheckedLead, account: Option<&Firm>) -> Score {
    evaluate(&Facts {
        email: lead.email.as_ref().map(EmailAddress::as_str),
        title: lead.title.as_deref(),
        has_phone: lead.phone.is_some(),
        has_country: lead.country.is_some(),
        has_account: account.is_some(),
        employees: account.and_then(|firm| firm.employees),
        replied: lead.status == Some(LeadStatus::Replied),
    })
}

impl Leads<'_> {
    /// Works out anew what follows from the fields of some leads.
    pub(crate) async fn renew(&mut self, ids: &[Uuid]) -> Result<()> {
        for chunk in ids.chunks(CHUNK) {
            let leads = store::existing(self.t, Of::Ids(chunk), true).await?;
            store::derive(self.t, leads).await?;
        }
        Ok(())
    }

    /// The leads that work for an account.
    pub(crate) async fn of_account(&mut self, account: AccountId) -> Result<Vec<Uuid>> {
        Ok(sqlx::query_scalar!("SELECT id FROM leads WHERE account_id = $1 ORDER BY id", account.0)
            .fetch_all(self.t.conn())
            .await?)
    }
}
