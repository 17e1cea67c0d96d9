//! Campaigns: the list, writing one, launching it, and watching it send.

mod commands;
mod enrolments;
mod launch;
mod list;
#[cfg(feature = "ssr")]
mod load;
mod looks;
mod overview;
mod sequence;
mod settings;
mod step;

pub use enrolments::CampaignEnrolmentsPage;
pub use launch::{CampaignLaunchPage, CampaignStopPage};
pub use list::{CampaignsPage, NewCampaignPage};
pub use overview::CampaignPage;
pub use sequence::CampaignSequencePage;
pub use settings::CampaignSettingsPage;
pub use step::CampaignStepPage;
