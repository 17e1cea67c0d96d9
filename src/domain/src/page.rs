//! Pages of a list, by cursor: the place after (or before) a row, never an offset.

use serde::{Deserialize, Serialize};

/// Rows of one page when the request names no number.
pub const DEFAULT_PER_PAGE: i64 = 50;
/// The most rows one page may have.
pub const MAX_PER_PAGE: i64 = 100;
/// Lists count their rows exactly up to this number and say “10,000+” above.
pub const COUNT_CAP: i64 = 10_000;

/// Which page of a list is wanted.
///
/// `after` and `before` are cursors that an earlier page gave; they are opaque
/// to the caller. Naming both is the same as naming `after` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Rows that follow this cursor.
    pub after: Option<String>,
    /// Rows that come before this cursor.
    pub before: Option<String>,
    /// Rows per page, 1 to 100; 50 when absent.
    pub per: Option<i64>,
}

impl PageRequest {
    /// Rows per page within the allowed bounds.
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.per.unwrap_or(DEFAULT_PER_PAGE).clamp(1, MAX_PER_PAGE)
    }

    /// The cursor to start from and whether the list is read backwards.
    #[must_use]
    pub fn cursor(&self) -> Option<(&str, bool)> {
        match (&self.after, &self.before) {
            (Some(after), _) => Some((after, false)),
            (None, Some(before)) => Some((before, true)),
            (None, None) => None,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Cursor of the following page, if there is one.
    pub next: Option<String>,
    /// Cursor of the page before, if there is one.
    pub previous: Option<String>,
}

impl<T> Page<T> {
    /// A page from `limit + 1` fetched rows: the extra row only tells that there is more.
    ///
    /// `backwards` says that rows were read against the order of the list and have
    /// to be turned round; `from_cursor` that the request named a cursor.
    pub fn from_rows(
        mut rows: Vec<T>,
        limit: i64,
        backwards: bool,
        from_cursor: bool,
        cursor_of: impl Fn(&T) -> String,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if backwards {
            rows.reverse();
        }
        let (has_previous, has_next) = if backwards { (more, true) } else { (from_cursor, more) };
        let next = rows.last().filter(|_| has_next).map(&cursor_of);
        let previous = rows.first().filter(|_| has_previous).map(&cursor_of);
        Self { items: rows, next, previous }
    }

    /// The same page with every row turned into something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(change).collect(), next: self.next, previous: self.previous }
    }
}

/// The number of rows in a list, exact up to [`COUNT_CAP`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Count {
    /// Rows counted, at most the cap.
    pub value: i64,
    /// Whether there are more than were counted.
    pub more: bool,
}

impl Count {
    /// From a query that stops at one row past the cap.
    #[must_use]
    pub fn capped(counted: i64) -> Self {
        Self { value: counted.min(COUNT_CAP), more: counted > COUNT_CAP }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: &[i32], limit: i64, backwards: bool, from_cursor: bool) -> Page<i32> {
        Page::from_rows(rows.to_vec(), limit, backwards, from_cursor, i32::to_string)
    }

    #[test]
    fn a_first_page_has_no_previous_and_a_next_when_a_row_is_left_over() {
        let p = page(&[1, 2, 3], 2, false, false);
        assert_eq!((p.items, p.next.as_deref(), p.previous), (vec![1, 2], Some("2"), None));
    }

    #[test]
    fn a_last_page_has_a_previous_and_no_next() {
        let p = page(&[3, 4], 2, false, true);
        assert_eq!((p.items, p.next, p.previous.as_deref()), (vec![3, 4], None, Some("3")));
    }

    #[test]
    fn reading_backwards_keeps_the_order_of_the_list() {
        let p = page(&[4, 3, 2], 2, true, true);
        assert_eq!((p.items, p.next.as_deref(), p.previous.as_deref()), (vec![3, 4], Some("4"), Some("3")));
    }

    #[test]
    fn a_request_is_kept_within_bounds() {
        let request = |per| PageRequest { per, ..PageRequest::default() }.limit();
        assert_eq!([request(None), request(Some(0)), request(Some(1000))], [50, 1, 100]);
    }
}
