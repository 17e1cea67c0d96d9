//! The product: rules and SQL, one noun one module, and the only crate that knows `sqlx`.
//!
//! Every use case is a method behind [`Tenant`], which [`Db::tenant`] opens for an
//! [`Actor`]: `t.leads().list(..)`, `t.campaigns().start(..)`. Both doors, server
//! functions and the JSON API, call the same methods and commit.

pub mod accounts;
pub mod agents;
pub mod analytics;
pub mod audit;
pub mod campaigns;
pub mod clock;
pub mod cluster;
pub mod connectors;
pub mod content;
pub mod conversations;
pub mod db;
pub mod deliveries;
pub mod documents;
pub mod domains;
pub mod drafts;
pub mod enrolments;
pub mod error;
pub mod imports;
pub mod inbound;
pub mod inboxes;
pub mod jobs;
pub mod leads;
pub mod live;
pub mod mailboxes;
pub mod memories;
pub mod messages;
pub mod models;
pub mod named_jobs;
pub mod people;
pub mod runs;
pub mod sandbox;
pub mod secrets;
pub mod suppressions;
pub mod tasks;
pub mod threads;
pub mod tracking;
pub mod triggers;
pub mod unsubscribe;
pub mod webhook;
pub mod workflows;

mod actor;
mod cursor;
mod events;

pub use actor::{Actor, InRun, InWorkflow, Origin};
pub use db::{Db, Platform, PoolSize, Settings, Tenant};
pub use error::{Error, Result};
