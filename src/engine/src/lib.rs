//! What happens later, and what talks to the outside: the sender, the worker, mail and the sandbox.
//!
//! No transaction is open across a network call: the service is asked, the network is used, the
//! service is told.

pub mod agents;
pub mod classifying;
pub mod dns;
pub mod domains;
pub mod drafting;
pub mod inbox;
pub mod letters;
pub mod mail;
pub mod mcp;
pub mod sandbox;
pub mod sender;
mod step_webhooks;
pub mod tracking;
pub mod worker;

mod http;
mod models;
mod post;
mod schedules;
