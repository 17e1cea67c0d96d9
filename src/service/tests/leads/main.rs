//! Leads, accounts and imports as the doors use them, on a database where row-level security holds.

#![expect(clippy::unwrap_used, reason = "what the helpers need and do not get fails the test")]

mod accounts;
mod campaigns;
mod customers;
mod imports;
mod list;
mod search;
mod support;
mod writing;
