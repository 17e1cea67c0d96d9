//! Campaigns as they really run.

mod course;
mod faults;
mod support;
