//! Campaigns as they really run.

mod course;
mod decisions;
mod drafting;
mod faults;
mod support;
