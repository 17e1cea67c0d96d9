//! Words and tags of a filter. What is rare comes by index from the one function that may use it,
//! as ids; what is common is tested row by row along the order of the list, and found at once.

use domain::leads::LeadFilter;
use uuid::Uuid;

use super::{
    Leads,
    query::{Query, has_words, patterns_of, push_words, tags_of},
    words::needles,
};
use crate::Result;

/// What is known about the words and tags of a filter.
#[derive(Debug)]
pub(super) enum Hits {
    /// The filter has none.
    Unasked,
    /// These leads and no others have them.
    Few(Vec<Uuid>),
    /// More leads than were asked for have them.
    Many,
}

impl Hits {
    /// Appends the condition on words and tags.
    pub(super) fn push(self, query: &mut Query, filter: &LeadFilter) {
        match self {
            Self::Unasked => {}
            Self::Few(ids) => {
                query.push(" AND l.id = ANY(").push_bind(ids).push(")");
            }
            Self::Many => push_words(query, filter),
        }
    }
}

/// Leads that have some words, as a condition of a query that is about something else.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Their ids, where they are few.
    pub few: Option<Vec<Uuid>>,
    /// What has to be part of the words of each, where they are many.
    pub many: Option<Vec<String>>,
}

impl Leads<'_> {
    /// Looks for leads by their words; collects them unless more than `most` have them. Without words it is about all.
    pub(crate) async fn named(&mut self, words: &str, most: i64) -> Result<Named> {
        let filter = LeadFilter { q: Some(words.to_owned()), ..LeadFilter::default() };
        Ok(match self.hits(&filter, most).await? {
            Hits::Unasked => Named::default(),
            Hits::Few(ids) => Named { few: Some(ids), many: None },
            Hits::Many => Named { few: None, many: Some(needles(words)) },
        })
    }

    /// Looks for the words and tags of a filter; gives up when more than `most` leads have them.
    pub(super) async fn hits(&mut self, filter: &LeadFilter, most: i64) -> Result<Hits> {
        if !has_words(filter) {
            return Ok(Hits::Unasked);
        }
        let ids = sqlx::query_scalar!(
            r#"SELECT id AS "id!" FROM search_leads($1, $2, $3) AS id"#,
            &patterns_of(filter),
            &tags_of(filter),
            i32::try_from(most + 1).unwrap_or(i32::MAX),
        )
        .fetch_all(self.t.conn())
        .await?;
        Ok(if i64::try_from(ids.len()).is_ok_and(|n| n <= most) { Hits::Few(ids) } else { Hits::Many })
    }
}
