//! Leads, accounts and imports as the doors use them, on a database where row-level security holds.

mod accounts;
mod imports;
mod list;
mod search;
mod support;
mod writing;
