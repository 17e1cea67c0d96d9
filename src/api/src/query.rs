//! What stands in the address of a call: ids, filters and pages. What is not understood is said, never
//! passed over: a filter with a typing error would answer with rows that nobody asked for.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use domain::{PageRequest, Problem, page::MAX_PER_PAGE};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::problem::{Failure, Result};

/// The parts of the path in braces. One that is no id names nothing: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let axum::extract::Path(value) = axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| service::Error::NotFound("thing"))?;
        Ok(Self(value))
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let axum::extract::Query(value) = axum::extract::Query::try_from_uri(&parts.uri).map_err(|rejection| {
            let words = rejection.body_text();
            let words = words.strip_prefix("Failed to deserialize query string: ").unwrap_or(&words);
            Problem::new("query_invalid", format!("The query can’t be read: {words}."))
        })?;
        Ok(Self(value))
    }
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// `next` of the page before.
    after: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    per: Option<i64>,
}

impl Paging {
    /// The page.
    ///
    /// # Errors
    /// A problem for a number of rows outside of the bounds.
    pub fn page(self) -> Result<PageRequest> {
        page(self.after, self.per)
    }
}

/// A page from its parameters.
///
/// # Errors
/// A problem for a number of rows outside of the bounds.
pub fn page(after: Option<String>, per: Option<i64>) -> Result<PageRequest> {
    if per.is_some_and(|n| !(1..=MAX_PER_PAGE).contains(&n)) {
        return Err(Problem::field("per", "number_invalid", format!("Use 1 to {MAX_PER_PAGE} rows.")).into());
    }
    Ok(PageRequest { after, before: None, per })
}

/// Several values with commas between them.
///
/// # Errors
/// A problem of `field` for the first that is not known.
pub fn several<T: FromStr<Err = Problem>>(field: &'static str, text: Option<&str>) -> Result<Vec<T>> {
    let words = text.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(|word| word.parse().map_err(|p: Problem| p.on(field).into())).collect()
}

/// The query string as pairs of a name and a value.
#[derive(Debug)]
pub struct Pairs(pub Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Pairs {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

/// The one value of a name, read.
///
/// # Errors
/// A problem of `name` when it cannot be read.
pub fn one<T: FromStr<Err: Display>>(pairs: &[(String, String)], name: &'static str) -> Result<Option<T>> {
    let value = pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value);
    value
        .map(|text| {
            text.parse().map_err(|error: T::Err| Problem::field(name, "value_invalid", error.to_string()).into())
        })
        .transpose()
}
