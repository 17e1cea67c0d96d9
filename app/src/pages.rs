//! The pages, one noun one module. Shared words live in [`frame`].

pub mod accounts;
pub mod agents;
pub mod analytics;
pub mod approvals;
pub mod campaigns;
#[cfg(feature = "ssr")]
pub mod conditions;
pub mod content;
pub mod conversations;
#[cfg(feature = "ssr")]
pub mod filters;
pub mod frame;
pub mod home;
pub mod imports;
pub mod inbox;
pub mod leads;
pub mod runs;
pub mod sandbox;
pub mod settings;
pub mod tasks;
pub mod workflows;
pub mod written;
