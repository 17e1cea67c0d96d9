//! Campaigns: the list, writing one, launching it, and watching it send.

mod commands;
#[cfg(feature = "ssr")]
mod conditions;
mod enrolments;
mod fields;
mod launch;
mod list;
#[cfg(feature = "ssr")]
mod load;
mod log;
mod looks;
mod mails;
mod overview;
mod proofs;
mod samples;
mod sequence;
mod settings;
mod simulation;
mod step;
mod versions;

pub use enrolments::CampaignEnrolmentsPage;
pub use launch::{CampaignLaunchPage, CampaignStopPage};
pub use list::{CampaignRow, CampaignsPage, NewCampaignPage, campaign_table};
#[cfg(feature = "ssr")]
pub use load::{log::filter_of as log_filter, row as campaign_row};
pub use log::CampaignLogPage;
pub use mails::CampaignMailsPage;
#[cfg(feature = "ssr")]
pub use mails::MailRow;
pub use overview::CampaignPage;
pub use proofs::CampaignProofsPage;
pub use sequence::CampaignSequencePage;
pub use settings::CampaignSettingsPage;
pub use simulation::CampaignSimulationPage;
pub use step::CampaignStepPage;
pub use versions::CampaignVersionsPage;
