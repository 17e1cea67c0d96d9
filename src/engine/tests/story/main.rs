//! Campaigns as they really run.

mod answers;
mod course;
mod decisions;
mod documents;
mod drafting;
mod faults;
mod guards;
mod limits;
mod pace;
mod replies;
mod rotation;
mod samples;
mod sequences;
mod simulation;
mod support;
mod threads;
mod tracking;
mod unknown;
mod unsubscribing;
mod why_not;
