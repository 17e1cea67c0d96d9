//! The filter and the order of a lead list, and their form in a URL:
//! `q=…`, `f.{field}.{op}={value}`, `sort=field` or `sort=-field`.

mod check;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{LeadSource, LeadStatus};
use crate::{AccountId, CampaignId, Problem, UserId, wire::wire_enum};

/// Which leads a list shows; an empty filter shows all.
///
/// Conditions on different fields must all hold; several values of one field
/// mean any of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct LeadFilter {
    /// Part of name, address, account or title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Status is any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<LeadStatus>,
    /// Owner is any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owner: Vec<UserId>,
    /// Nobody looks after it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unowned: bool,
    /// Score at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_min: Option<i32>,
    /// Score at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_max: Option<i32>,
    /// Country is any of these codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub country: Vec<String>,
    /// Has any of these tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tag: Vec<String>,
    /// Came from any of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<LeadSource>,
    /// Works for this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Is or was in this campaign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// Was never in a campaign.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub never_enrolled: bool,
    /// Created on or after this day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "date"))]
    pub created_from: Option<NaiveDate>,
    /// Created before this day (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "date"))]
    pub created_before: Option<NaiveDate>,
}

wire_enum! {
    /// What a lead list can be sorted by.
    pub enum SortField {
        /// Score.
        Score = "score",
        /// Display name.
        Name = "name",
        /// When it was created.
        Created = "created",
        /// When something last happened.
        Activity = "activity",
    }
}

/// The order of a lead list; the highest score first unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadSort {
    /// By what.
    pub field: SortField,
    /// Largest first.
    pub descending: bool,
}

impl Default for LeadSort {
    fn default() -> Self {
        Self { field: SortField::Score, descending: true }
    }
}

impl LeadSort {
    /// Reads `field` or `-field`.
    ///
    /// # Errors
    /// A problem that lists the fields.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        name.parse().map(|field| Self { field, descending }).map_err(|p: Problem| p.on("sort"))
    }
}

impl std::fmt::Display for LeadSort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.field)
    }
}

impl LeadFilter {
    /// Reads the conditions of a query string; pairs that are not conditions are passed over. Whether any lead can meet
    /// them is asked by [`Self::check`].
    ///
    /// # Errors
    /// A problem for the first condition that is not understood.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Problem> {
        let mut filter = Self::default();
        for (key, value) in pairs {
            if value.is_empty() {
                continue;
            }
            if key == "q" {
                filter.q = Some(value.trim().to_owned()).filter(|q| !q.is_empty());
            } else if let Some(condition) = key.strip_prefix("f.") {
                filter.add(condition, value).map_err(|p| p.on(key.to_owned()))?;
            }
        }
        Ok(filter)
    }

    /// The conditions as pairs of a query string; the inverse of [`Self::from_pairs`].
    #[must_use]
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut put = |key, value: Option<String>| pairs.extend(value.map(|v| (key, v)));
        put("q", self.q.clone());
        put("f.status.is", joined(&self.status));
        put("f.owner.is", joined(&self.owner));
        put("f.owner.empty", self.unowned.then(|| "true".to_owned()));
        put("f.score.gte", self.score_min.map(|n| n.to_string()));
        put("f.score.lte", self.score_max.map(|n| n.to_string()));
        put("f.country.is", joined(&self.country));
        put("f.tag.has", joined(&self.tag));
        put("f.source.is", joined(&self.source));
        put("f.account.is", self.account.map(|id| id.to_string()));
        put("f.campaign.is", self.campaign.map(|id| id.to_string()));
        put("f.campaign.empty", self.never_enrolled.then(|| "true".to_owned()));
        put("f.created.after", self.created_from.map(|d| d.to_string()));
        put("f.created.before", self.created_before.map(|d| d.to_string()));
        pairs
    }

    /// The conditions as a sentence, for whoever reads a sequence.
    #[must_use]
    pub fn words(&self) -> String {
        let either = |words: Vec<String>| words.join(" or ");
        let mut said = Vec::new();
        let mut say = |word: Option<String>| said.extend(word);
        say(self.q.as_ref().map(|q| format!("“{q}” in its fields")));
        let statuses: Vec<_> = self.status.iter().map(|s| s.as_str().replace('_', " ")).collect();
        say((!statuses.is_empty()).then(|| format!("status is {}", either(statuses))));
        say(self.score_min.map(|n| format!("score at least {n}")));
        say(self.score_max.map(|n| format!("score at most {n}")));
        say((!self.country.is_empty()).then(|| format!("country is {}", either(self.country.clone()))));
        say((!self.tag.is_empty()).then(|| format!("has the tag {}", either(self.tag.clone()))));
        let sources: Vec<_> = self.source.iter().map(ToString::to_string).collect();
        say((!sources.is_empty()).then(|| format!("came from {}", either(sources))));
        say((!self.owner.is_empty()).then(|| "belongs to somebody chosen".to_owned()));
        say(self.unowned.then(|| "has no owner".to_owned()));
        say(self.account.map(|_| "works for an account chosen".to_owned()));
        say(self.campaign.map(|_| "was in a campaign chosen".to_owned()));
        say(self.never_enrolled.then(|| "was never in a campaign".to_owned()));
        say(self.created_from.map(|day| format!("created from {day}")));
        say(self.created_before.map(|day| format!("created before {day}")));
        if said.is_empty() { "any lead".to_owned() } else { said.join(" and ") }
    }

    /// Whether nothing is filtered out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn add(&mut self, condition: &str, value: &str) -> Result<(), Problem> {
        match condition {
            "status.is" => self.status = list(value)?,
            "owner.is" => self.owner = value.split(',').map(id).collect::<Result<_, _>>()?,
            "owner.empty" => self.unowned = true,
            "score.gte" => self.score_min = Some(number(value)?),
            "score.lte" => self.score_max = Some(number(value)?),
            "country.is" => self.country = words(value).map(str::to_uppercase).collect(),
            "tag.has" => self.tag = words(value).map(str::to_lowercase).collect(),
            "source.is" => self.source = list(value)?,
            "account.is" => self.account = Some(id(value)?),
            "campaign.is" => self.campaign = Some(id(value)?),
            "campaign.empty" => self.never_enrolled = true,
            "created.after" => self.created_from = Some(day(value)?),
            "created.before" => self.created_before = Some(day(value)?),
            other => {
                return Err(Problem::new("filter_unknown", format!("There is no filter “{other}”.")));
            }
        }
        Ok(())
    }
}

fn joined<T: ToString>(values: &[T]) -> Option<String> {
    (!values.is_empty()).then(|| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

/// What stands between commas; nothing between two of them.
fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn list<T: std::str::FromStr<Err = Problem>>(value: &str) -> Result<Vec<T>, Problem> {
    value.split(',').map(|v| v.trim().parse()).collect()
}

fn id<T: From<uuid::Uuid>>(value: &str) -> Result<T, Problem> {
    value.trim().parse::<uuid::Uuid>().map(T::from).map_err(|_| Problem::new("id_invalid", "This is not an id."))
}

fn number(value: &str) -> Result<i32, Problem> {
    value.trim().parse().map_err(|_| Problem::new("number_invalid", "Use a whole number."))
}

fn day(value: &str) -> Result<NaiveDate, Problem> {
    value.trim().parse().map_err(|_| Problem::new("date_invalid", "Use a date as in 2026-11-21."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_the_way_through_a_url() {
        let filter = LeadFilter {
            q: Some("corvus".into()),
            status: vec![LeadStatus::New, LeadStatus::Working],
            owner: vec![UserId(uuid::Uuid::from_u128(7))],
            score_min: Some(70),
            country: vec!["DE".into(), "CH".into()],
            tag: vec!["optics".into()],
            never_enrolled: true,
            created_from: NaiveDate::from_ymd_opt(2026, 11, 1),
            ..LeadFilter::default()
        };
        let pairs = filter.to_pairs();
        let again = LeadFilter::from_pairs(pairs.iter().map(|(k, v)| (*k, v.as_str())));
        assert_eq!(again, Ok(filter));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (key, value, code) in [
            ("f.height.gte", "180", "filter_unknown"),
            ("f.score.gte", "high", "number_invalid"),
            ("f.status.is", "asleep", "unknown_value"),
            ("f.owner.is", "nora", "id_invalid"),
            ("f.created.after", "yesterday", "date_invalid"),
        ] {
            let problem = LeadFilter::from_pairs([(key, value)]).expect_err(key);
            assert_eq!((problem.code.as_ref(), problem.field.as_deref()), (code, Some(key)));
        }
    }

    #[test]
    fn other_pairs_are_passed_over() {
        let filter = LeadFilter::from_pairs([("sort", "-score"), ("after", "x"), ("f.score.gte", "")]);
        assert_eq!(filter, Ok(LeadFilter::default()));
        let commas = LeadFilter::from_pairs([("f.country.is", "de, ,ch,"), ("f.tag.has", ",")]);
        assert_eq!(commas, Ok(LeadFilter { country: vec!["DE".into(), "CH".into()], ..LeadFilter::default() }));
    }

    #[test]
    fn an_address_may_ask_for_what_no_lead_is() {
        for (key, value) in [("f.country.is", "Germany"), ("f.score.gte", "900")] {
            let filter = LeadFilter::from_pairs([(key, value)]).expect("it is read");
            let problems = filter.check().expect_err("and is no audience");
            assert_eq!(problems[0].field.as_deref(), Some(key));
        }
    }

    #[test]
    fn sorts_are_read_and_written() {
        for text in ["score", "-score", "name", "-activity"] {
            assert_eq!(LeadSort::parse(text).map(|s| s.to_string()), Ok(text.to_owned()));
        }
        assert!(LeadSort::parse("-shoe_size").is_err());
    }
}
