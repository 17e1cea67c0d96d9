//! What every request passes: protection, sessions, live hints, and a database that goes away.

mod agents;
mod api;
mod campaigns;
mod connectors;
mod doors;
mod enrolments;
mod hooks;
mod isolation;
mod live;
mod mcp;
mod plain;
mod protection;
mod sequence;
mod sessions;
mod socket;
mod support;
mod tracking;
mod workflows;
