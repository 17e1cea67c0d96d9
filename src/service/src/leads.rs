//! Leads: the people a company wants to reach.

pub(crate) mod query;
