//! Cursors of lists that are ordered by a time and an id. Opaque outside, checked on the way in.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use domain::{PageRequest, Problem};
use uuid::Uuid;

use crate::{Error, Result};

/// The row that a page follows; empty for the first page.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct After {
    pub at: Option<DateTime<Utc>>,
    pub id: Option<Uuid>,
}

/// The cursor of a request. These lists are read forwards only.
///
/// # Errors
/// When it is not one of ours.
pub(crate) fn after(page: &PageRequest) -> Result<After> {
    let Some(text) = &page.after else { return Ok(After::default()) };
    let (at, id) = decode(text).ok_or_else(invalid)?;
    Ok(After { at: Some(at), id: Some(id) })
}

/// A cursor for the row with this time and id.
pub(crate) fn encode(at: DateTime<Utc>, id: Uuid) -> String {
    let mut bytes = at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &str) -> Option<(DateTime<Utc>, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (at, id) = bytes.split_at_checked(8)?;
    Some((time(i64::from_be_bytes(at.try_into().ok()?))?, Uuid::from_slice(id).ok()?))
}

/// A time of a cursor. Rows of ours are younger than 1970, and what is older than 4713 BC Postgres
/// does not know.
pub(crate) fn time(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).filter(|_| micros >= 0)
}

/// The answer to a cursor that is not one of ours.
pub(crate) fn invalid() -> Error {
    Error::invalid(Problem::field("after", "cursor_invalid", "This page no longer exists. Start from the first page."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let at = DateTime::from_timestamp_micros(1_800_000_000_123_456).expect("a time");
        let id = Uuid::from_u128(9);
        assert_eq!(decode(&encode(at, id)), Some((at, id)));
        assert_eq!(decode("nonsense"), None);
        let bronze_age = DateTime::from_timestamp_micros(-250_000_000_000_000_000).expect("a time");
        assert_eq!(decode(&encode(bronze_age, id)), None);
    }
}
