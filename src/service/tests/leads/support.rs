//! Words that the tests of leads, accounts and imports share.

use domain::leads::LeadInput;
use service::Error;

/// A lead that is nothing but an address.
#[must_use]
pub fn lead(email: &str) -> LeadInput {
    LeadInput { email: Some(email.to_owned()), ..LeadInput::default() }
}

/// The code of the conflict that a call must end in.
pub fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Conflict(problem)) => problem.code.into_owned(),
        other => panic!("no conflict: {other:?}"),
    }
}

/// The commands that a refused call says would be allowed.
pub fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Refused(refusal)) => refusal.allowed.iter().map(ToString::to_string).collect(),
        other => panic!("not refused: {other:?}"),
    }
}
