//! The words and rules of Saleswright: pure, clock-free and safe for wasm.
//!
//! Everything here compiles alone for the browser; a rule that needs the time
//! or a random number takes it as an argument.

pub mod accounts;
#[cfg(feature = "agents")]
pub mod agents;
#[cfg(feature = "agents")]
pub mod analytics;
pub mod campaigns;
pub mod companies;
#[cfg(feature = "agents")]
pub mod connectors;
pub mod content;
#[cfg(feature = "agents")]
pub mod conversations;
#[cfg(feature = "agents")]
pub mod documents;
pub mod domains;
pub mod drafts;
pub mod email;
pub mod enrolments;
pub mod ids;
pub mod imports;
pub mod inbound;
pub mod inboxes;
pub mod keys;
pub mod leads;
pub mod ledger;
pub mod mailboxes;
#[cfg(feature = "agents")]
pub mod memories;
pub mod messages;
pub mod models;
#[cfg(feature = "agents")]
pub mod named_jobs;
pub mod page;
pub mod problem;
pub mod public_url;
pub mod replies;
pub mod role;
#[cfg(feature = "agents")]
pub mod runs;
pub mod score;
pub mod simulation;
pub mod steps;
pub mod suppressions;
pub mod tasks;
pub mod template;
pub mod threads;
pub mod tracking;
#[cfg(feature = "agents")]
pub mod triggers;
pub mod window;
pub mod words;
#[cfg(feature = "agents")]
pub mod workflows;

pub mod why_not;
mod wire;

pub use email::EmailAddress;
pub use ids::*;
pub use page::{Page, PageRequest};
pub use problem::{Problem, Refusal};
pub use role::{Permission, Role};
