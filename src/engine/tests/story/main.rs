//! Campaigns as they really run.

mod answers;
mod course;
mod decisions;
mod documents;
mod drafting;
mod faults;
mod figures;
mod guards;
mod holdout;
mod launch;
mod limits;
mod meetings;
mod pace;
mod replies;
mod rotation;
mod samples;
mod sequences;
mod simulation;
mod support;
mod test_mails;
mod threads;
mod tracking;
mod unknown;
mod unsubscribing;
mod why_not;
