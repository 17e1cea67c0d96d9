//! The one query that is built at run time: a lead list's filter, order and place. Values travel
//! as binds only, and the order never meets a NULL: all four sort columns are NOT NULL.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use domain::{
    PageRequest,
    leads::{LeadFilter, LeadSort, SortField},
};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::words::{needles, patterns};
use crate::{Result, cursor};

/// A query under construction.
pub(crate) type Query = QueryBuilder<Postgres>;

/// Appends the conditions of `filter`, each with AND in front, on `FROM leads l`.
pub(crate) fn push_filter(query: &mut Query, filter: &LeadFilter) {
    push_columns(query, filter);
    if has_words(filter) {
        query.push(" AND l.id IN (SELECT search_leads(").push_bind(patterns_of(filter));
        query.push(", ").push_bind(tags_of(filter)).push(", NULL))");
    }
}

/// Appends the same as plain tests of each row, for a few leads that are known already: nothing is looked up.
pub(crate) fn push_test(query: &mut Query, filter: &LeadFilter) {
    push_columns(query, filter);
    push_words(query, filter);
}

/// Whether the filter asks for words or tags, which only [`super::search`] can find by an index.
pub(super) fn has_words(filter: &LeadFilter) -> bool {
    !patterns_of(filter).is_empty() || !filter.tag.is_empty()
}

/// The patterns of the filter's text.
pub(super) fn patterns_of(filter: &LeadFilter) -> Vec<String> {
    patterns(filter.q.as_deref().unwrap_or_default())
}

/// The tags of the filter, as they are stored.
pub(super) fn tags_of(filter: &LeadFilter) -> Vec<String> {
    filter.tag.iter().map(|tag| tag.trim().to_lowercase().replace('\0', "")).collect()
}

/// The conditions on words and tags as plain tests of each row, for what is too common to collect.
/// strpos and not LIKE: Postgres takes most LIKE patterns for rare, and would sort every hit instead
/// of walking along the order until a page is full.
pub(super) fn push_words(query: &mut Query, filter: &LeadFilter) {
    for needle in needles(filter.q.as_deref().unwrap_or_default()) {
        query.push(" AND strpos(l.search_text, ").push_bind(needle).push(") > 0");
    }
    if !filter.tag.is_empty() {
        query.push(" AND l.tags && ").push_bind(tags_of(filter));
    }
}

/// The conditions on columns: everything but words and tags.
pub(super) fn push_columns(query: &mut Query, filter: &LeadFilter) {
    push_any(query, "l.status", filter.status.iter().map(|s| s.as_str().to_owned()).collect());
    push_any(query, "l.country", filter.country.iter().map(|c| c.to_uppercase().replace('\0', "")).collect());
    push_any(query, "l.source", filter.source.iter().map(|s| s.as_str().to_owned()).collect());
    let owners: Vec<Uuid> = filter.owner.iter().map(|id| id.0).collect();
    match (owners.is_empty(), filter.unowned) {
        (true, false) => {}
        (true, true) => {
            query.push(" AND l.owner_id IS NULL");
        }
        (false, false) => push_any(query, "l.owner_id", owners),
        (false, true) => {
            query.push(" AND (l.owner_id IS NULL OR l.owner_id = ANY(").push_bind(owners).push("))");
        }
    }
    if let Some(least) = filter.score_min {
        query.push(" AND l.score >= ").push_bind(least);
    }
    if let Some(most) = filter.score_max {
        query.push(" AND l.score <= ").push_bind(most);
    }
    if let Some(account) = filter.account {
        query.push(" AND l.account_id = ").push_bind(account.0);
    }
    if let Some(day) = filter.created_from {
        query.push(" AND l.created_at >= ").push_bind(midnight(day));
    }
    if let Some(day) = filter.created_before {
        query.push(" AND l.created_at < ").push_bind(midnight(day));
    }
    if let Some(campaign) = filter.campaign {
        query.push(" AND l.id IN (SELECT e.lead_id FROM enrolments e WHERE e.campaign_id = ");
        query.push_bind(campaign.0).push(")");
    }
    if filter.never_enrolled {
        query.push(" AND NOT l.ever_enrolled");
    }
}

/// One value is compared with `=`, so that an index keeps its order; several with ANY.
fn push_any<T>(query: &mut Query, column: &'static str, mut values: Vec<T>)
where
    T: for<'q> sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres> + sqlx::postgres::PgHasArrayType,
{
    match values.len() {
        0 => {}
        1 => {
            query.push(" AND ").push(column).push(" = ").push_bind(values.remove(0));
        }
        _ => {
            query.push(" AND ").push(column).push(" = ANY(").push_bind(values).push(")");
        }
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// The column of a sort.
const fn column(field: SortField) -> &'static str {
    match field {
        SortField::Score => "score",
        SortField::Name => "sort_name",
        SortField::Created => "created_at",
        SortField::Activity => "last_activity_at",
    }
}

/// Appends the order; `backwards` turns it round. The id decides between equals.
pub(super) fn push_order(query: &mut Query, alias: &'static str, sort: LeadSort, backwards: bool) {
    let column = column(sort.field);
    let direction = if sort.descending == backwards { "ASC" } else { "DESC" };
    query.push(format_args!(" ORDER BY {alias}.{column} {direction}, {alias}.id {direction}"));
}

/// The row that a page follows or precedes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    value: SortValue,
    id: Uuid,
}

/// What a row is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SortValue {
    Number(i32),
    Text(String),
    Time(DateTime<Utc>),
}

impl Place {
    pub(super) const fn new(value: SortValue, id: Uuid) -> Self {
        Self { value, id }
    }

    /// The place a request names, and whether the list is read backwards from it.
    ///
    /// # Errors
    /// When the cursor is not one of ours, or one of another order.
    pub(super) fn of(page: &PageRequest, sort: LeadSort) -> Result<(Option<Self>, bool)> {
        match page.cursor() {
            None => Ok((None, false)),
            Some((text, backwards)) => Ok((Some(Self::decode(text, sort).ok_or_else(cursor::invalid)?), backwards)),
        }
    }

    /// As a cursor: the order, the id and the value, so that a cursor of another order is told.
    pub(super) fn encode(&self, sort: LeadSort) -> String {
        let value = match &self.value {
            SortValue::Number(number) => number.to_string(),
            SortValue::Text(text) => text.clone(),
            SortValue::Time(at) => at.timestamp_micros().to_string(),
        };
        URL_SAFE_NO_PAD.encode(format!("{sort}\n{}\n{value}", self.id))
    }

    fn decode(text: &str, sort: LeadSort) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let mut parts = text.splitn(3, '\n');
        if parts.next()? != sort.to_string() {
            return None;
        }
        let id = parts.next()?.parse().ok()?;
        let value = parts.next()?;
        let value = match sort.field {
            SortField::Score => SortValue::Number(value.parse().ok()?),
            SortField::Name => SortValue::Text(Some(value.to_owned()).filter(|v| !v.contains('\0'))?),
            SortField::Created | SortField::Activity => SortValue::Time(cursor::time(value.parse().ok()?)?),
        };
        Some(Self { value, id })
    }

    /// Appends the condition that a row lies beyond this place.
    pub(super) fn push(self, query: &mut Query, sort: LeadSort, backwards: bool) {
        let beyond = if sort.descending == backwards { ">" } else { "<" };
        query.push(format_args!(" AND (l.{}, l.id) {beyond} (", column(sort.field)));
        match self.value {
            SortValue::Number(number) => query.push_bind(number),
            SortValue::Text(text) => query.push_bind(text),
            SortValue::Time(at) => query.push_bind(at),
        };
        query.push(", ").push_bind(self.id).push(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(text: &str) -> LeadSort {
        LeadSort::parse(text).expect(text)
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let at = DateTime::from_timestamp_micros(1_800_000_000_123_456).expect("a time");
        for (by, value) in [
            ("-score", SortValue::Number(84)),
            ("name", SortValue::Text("ines\nalbrecht".into())),
            ("-created", SortValue::Time(at)),
            ("activity", SortValue::Time(at)),
        ] {
            let place = Place::new(value, Uuid::from_u128(9));
            assert_eq!(Place::decode(&place.encode(sort(by)), sort(by)), Some(place), "{by}");
        }
    }

    #[test]
    fn a_cursor_of_another_order_is_refused() {
        let cursor = Place::new(SortValue::Number(84), Uuid::from_u128(9)).encode(sort("-score"));
        for other in ["score", "name", "-created"] {
            assert_eq!(Place::decode(&cursor, sort(other)), None);
        }
        assert_eq!(Place::decode("nonsense", sort("-score")), None);
    }

    #[test]
    fn a_filter_has_binds_for_every_value() {
        let mut query = Query::new("SELECT FROM leads l WHERE true");
        let filter = LeadFilter::from_pairs([
            ("q", "o'neil"),
            ("f.status.is", "new,working"),
            ("f.country.is", "DE"),
            ("f.tag.has", "a'b"),
            ("f.score.gte", "70"),
            ("f.campaign.empty", "true"),
        ])
        .expect("a filter");
        push_filter(&mut query, &filter);
        let sql = query.into_string();
        assert!(sql.contains("l.status = ANY($1) AND l.country = $2 AND l.score >= $3"), "{sql}");
        assert!(!sql.contains("neil") && !sql.contains('\''), "{sql}");
    }
}
