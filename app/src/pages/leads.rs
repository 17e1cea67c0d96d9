//! Leads: the list, one lead, and the forms to write one. The whole state of the list is its address.

mod detail;
mod drafts;
mod form;
mod list;
#[cfg(feature = "ssr")]
mod load;
pub(super) mod looks;

pub use detail::LeadPage;
pub use form::{EditLeadPage, NewLeadPage};
pub use list::LeadsPage;
pub use looks::{STATUSES, lead_status, score_tone};
