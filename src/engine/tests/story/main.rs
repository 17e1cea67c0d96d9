//! Campaigns as they really run.

mod course;
mod drafting;
mod faults;
mod support;
