//! The product: rules and SQL, one noun one module, and the only crate that knows `sqlx`.
//!
//! Every use case is a method behind [`Tenant`], which [`Db::tenant`] opens for an
//! [`Actor`]: `t.leads().list(..)`, `t.campaigns().start(..)`. Both doors, server
//! functions and the JSON API, call the same methods and commit.

pub mod audit;
pub mod cluster;
pub mod clock;
pub mod db;
pub mod error;
pub mod jobs;
pub mod live;
pub mod secrets;

mod actor;
mod cursor;

pub use actor::{Actor, Origin};
pub use db::{Db, Platform, PoolSize, Settings, Tenant};
pub use error::{Error, Result};
